"""What a sandbox tells of itself."""

from __future__ import annotations

import pytest

from agentcli.sandbox.processes.reports import Report, StartError, bwrap_code, reported_code, shell_code


def report(*lines: str) -> Report:
    found = Report()
    for line in lines:
        found.take(line)
    return found


def test_the_launchers_lines_are_understood() -> None:
    assert report("init 12").first == 12
    assert report("init 12", "exit 3").code == 3
    assert report("init 12", "signal 9", "noise").code == -9
    failed = report("failed tree: [Errno 22] Invalid argument: 'mount_setattr'").failed
    assert failed is not None
    assert (failed.step, failed.code) == ("tree", "E-SANDBOX-START")
    assert "Invalid argument" in failed.info.why


def test_bwraps_lines_are_understood() -> None:
    assert report("{", '    "child-pid": 42,', '    "net-namespace": 7', "}").first == 42
    assert report('    "child-pid": 42').first == 42


def test_a_shells_code_is_a_signal_from_129_on() -> None:
    assert [shell_code(code) for code in (0, 1, 128, 129, 137, 192, 193, 255)] == [0, 1, 128, -1, -9, -64, 193, 255]


def test_without_a_report_it_was_killed_or_did_not_begin() -> None:
    assert reported_code(report("init 1", "exit 5"), 0) == 5
    assert reported_code(report("init 1"), 0) == -9
    with pytest.raises(StartError, match="could not be confined"):
        reported_code(report(), 1)


def test_bwraps_own_failures_are_told_apart() -> None:
    assert bwrap_code(1, b"bwrap: execvp /x: No such file or directory\n") == 127
    assert bwrap_code(1, b"grep: nothing") == 1
    assert bwrap_code(2, b"bwrap: said by a program") == 2
    with pytest.raises(StartError) as caught:
        bwrap_code(1, bytearray(b"bwrap: setting up uid map: Permission denied\n"))
    assert caught.value.info.why == "Bwrap: setting up uid map: Permission denied."
