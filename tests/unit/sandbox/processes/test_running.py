"""What happens to a program from outside, on backends that confine nothing; the suite of all shows the rest."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from agentcli.core.processes import Finished, Job, ProcessLimits, Stopped
from agentcli.sandbox.processes import running
from agentcli.sandbox.processes.launching import Handles, Launch
from agentcli.sandbox.processes.reports import StartError
from agentcli.sandbox.processes.running import run_confined
from agentcli.sandbox.processes.watching import Watch


class Plain:
    """Runs a line of shell with the status descriptor, if it wants one."""

    name, fingerprint = "plain", ""

    def __init__(
        self,
        line: str,
        ending: Literal["first", "command", "group"] = "group",
        exits: Literal["report", "shell", "command"] = "command",
        gate: bool = False,
        limits: dict[str, tuple[int, int]] | None = None,
    ) -> None:
        self._line, self._ending, self._exits, self._gate, self._limits = line, ending, exits, gate, limits or {}

    def staying(self) -> None:
        return None

    def missing(self) -> None:
        return None

    def launch(self, job: Job, handles: Handles) -> Launch:
        status, theirs = handles.from_program() if self._exits != "command" else (None, 1)
        waits, gate = handles.gate(keep=True) if self._gate else (0, None)
        line = self._line.replace("STATUS", str(theirs)).replace("GATE", str(waits))
        return Launch(
            ("/bin/bash", "-c", line),
            status=status,
            gate=gate,
            limits=self._limits,
            ending=self._ending,
            exits=self._exits,
        )


def run(backend: Plain, workspace: Path | None = None, watch: Watch | None = None, **limits: Any) -> Finished:
    job = Job(("x",), workspace=workspace, limits=ProcessLimits(**limits))
    return asyncio.run(run_confined(backend, job, watch))


class Exceeding(Watch):
    """Finds a limit exceeded at once."""

    def exceeded(self, first: int, limits: ProcessLimits) -> Stopped:
        return "memory"


def test_a_group_is_asked_to_end_and_then_killed() -> None:
    obeying = run(Plain("trap 'exit 7' TERM; while :; do read -t 0.01 <> <(:); done"), seconds=0.5)
    assert (obeying.stopped, obeying.exit_code) == ("time", 7)
    ignoring = run(Plain("trap '' TERM; while :; do read -t 0.01 <> <(:); done"), seconds=0.5)
    assert (ignoring.stopped, ignoring.exit_code) == ("time", -9)


def test_a_command_that_ends_all_itself_is_sent_term() -> None:
    line = "trap 'echo exit 5 >&STATUS; exit 0' TERM; echo init $$ >&STATUS; while :; do read -t 0.01 <> <(:); done"
    backend = Plain(line, ending="command", exits="report")
    assert run(backend, seconds=0.5).exit_code == 5


def test_the_first_process_is_killed_at_once_when_a_limit_is_exceeded() -> None:
    backend = Plain("sleep 60 & echo init $! >&STATUS; wait $!; echo signal 9 >&STATUS", ending="first", exits="report")
    finished = run(backend, watch=Exceeding(), seconds=30)
    assert (finished.stopped, finished.exit_code) == ("memory", -9)


def test_before_the_first_process_is_known_the_group_is_killed() -> None:
    with pytest.raises(StartError, match="could not be confined"):
        run(Plain("sleep 60", ending="first", exits="report"), seconds=0.1)


def test_a_disk_that_is_almost_full_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([1000, 600, 499])
    monkeypatch.setattr(running, "free_bytes", lambda folder: next(free))
    finished = run(Plain("sleep 60"), tmp_path, seconds=30)
    assert (finished.stopped, finished.exit_code) == ("disk", -9)


def test_the_gate_is_opened_when_the_limits_are_set() -> None:
    line = "echo '{' >&STATUS; echo '    \"child-pid\": '$$ >&STATUS; echo '}' >&STATUS; "
    line += "exec STATUS>&-; read -n 1 -u GATE; ulimit -c"
    backend = Plain(line, exits="shell", gate=True, limits={"RLIMIT_CORE": (0, 0)})
    finished = run(backend)
    assert (finished.exit_code, finished.stdout) == (0, b"0\n")


def test_a_gate_that_nobody_waits_at_is_no_fault() -> None:
    line = "exec GATE<&-; echo '\"child-pid\": 999999999' >&STATUS; exit 137"
    assert run(Plain(line, exits="shell", gate=True, limits={"RLIMIT_CORE": (0, 0)})).exit_code == -9


def test_what_the_sandbox_says_failed_is_raised() -> None:
    with pytest.raises(StartError) as caught:
        run(Plain("echo 'failed tree: it is odd' >&STATUS; exit 1", exits="report"))
    assert (caught.value.step, "it is odd" in caught.value.info.why) == ("tree", True)


def test_who_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that has left the group still holds the output; the kernel would have ended a namespace."""
    monkeypatch.setattr(running, "_GONE_WITHIN", 0.2)
    pid = tmp_path / "pid"
    finished = run(Plain(f"setsid bash -c 'echo $$ > {pid}; exec sleep 60' & wait"), seconds=0.5)
    assert finished.stopped == "time"
    os.kill(int(pid.read_text()), signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="sees in /proc how far a start has come")
def test_what_has_forked_before_its_start_is_over_ends_with_a_cancellation(tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)

    async def cancelled_at_its_start() -> None:
        loops, before = 0, _children()
        task = asyncio.ensure_future(run_confined(Plain(f"sleep 60 9>{held} & exec sleep 60"), Job(("x",))))
        while _children() == before:
            loops += 1
            await asyncio.sleep(0)
        assert loops < 5, "the start is not over yet"
        with held.open("rb") as reads:  # nothing else runs here until the one that was forked is there
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 20)
            assert reads.read() == b""

    asyncio.run(cancelled_at_its_start())


def _children() -> str:
    return "".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
