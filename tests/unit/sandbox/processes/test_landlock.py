"""What each version of Landlock can refuse, and the rules that are made of a view."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentcli.core.processes import Job
from agentcli.sandbox.processes.identity import Identity, Machine
from agentcli.sandbox.processes.landlock import (
    IOCTL_DEV,
    MAKE_CHAR,
    MAKE_SOCK,
    READ,
    READ_DIR,
    READ_FILE,
    REFER,
    TRUNCATE,
    WRITE_FILE,
    handled,
    rules,
)
from agentcli.sandbox.processes.landlock_only import LandlockOnly, ruleset, tasks_of, workspace_rules
from agentcli.sandbox.processes.launching import Handles
from agentcli.sandbox.processes.steps import unpacked_steps
from agentcli.sandbox.processes.view import view_of


def test_each_version_refuses_what_it_knows() -> None:
    known = {abi: handled(abi) for abi in range(1, 8)}
    assert [bool(known[abi].fs & REFER) for abi in (1, 2)] == [False, True]
    assert [bool(known[abi].fs & TRUNCATE) for abi in (2, 3)] == [False, True]
    assert [known[abi].net for abi in (3, 4)] == [0, 3]
    assert [bool(known[abi].fs & IOCTL_DEV) for abi in (4, 5)] == [False, True]
    assert [known[abi].scoped for abi in (5, 6, 7)] == [0, 3, 3]
    with pytest.raises(ValueError, match="no Landlock"):
        handled(0)


def test_a_file_is_granted_what_files_have() -> None:
    assert handled(7).grant(READ, folder=False) == READ & ~READ_DIR
    assert handled(1).grant(TRUNCATE | READ_FILE) == READ_FILE


def test_writing_makes_no_devices_and_no_sockets() -> None:
    assert handled(7).write & (MAKE_CHAR | MAKE_SOCK) == 0
    assert handled(7).write & WRITE_FILE


def test_a_ruleset_begins_with_what_is_refused_and_ends_in_force() -> None:
    steps = list(rules(7, ("/",), ("/tmp",), ("/dev/null",), (("allow", "1", "/x"),)))
    assert [step[0] for step in steps] == ["rules", "allow", "allow", "allow", "allow", "restrict"]
    assert steps[3] == ("allow", str(READ_FILE | WRITE_FILE), "/dev/null")


def test_a_workspace_with_nothing_covered_is_one_rule(tmp_path: Path) -> None:
    view = view_of(Job(("/bin/true",), workspace=tmp_path))
    assert list(workspace_rules(str(tmp_path), (), view, handled(7))) == [
        ("allow", str(handled(7).write), str(tmp_path))
    ]


def test_a_folder_that_holds_something_covered_is_granted_entry_by_entry(tmp_path: Path) -> None:
    tmp_path = tmp_path / "place"
    for name in (".git/config", "sub/.env", "sub/open", "free/file"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    (tmp_path / "agentcli.yaml").touch()
    (tmp_path / "link").symlink_to("/etc")
    protected = (tmp_path / ".git", tmp_path / "agentcli.yaml")
    view = view_of(Job(("/bin/true",), workspace=tmp_path, protected=protected, hidden=(tmp_path / "sub/.env",)))
    full, kept = handled(7), {}
    for _, access, path in workspace_rules(str(tmp_path), (), view, full):
        kept[str(Path(path).relative_to(tmp_path))] = int(access)
    assert kept == {
        ".": READ_DIR,
        ".git": READ,
        "agentcli.yaml": READ & ~READ_DIR,
        "free": full.write,
        "sub": READ_DIR,
        "sub/open": full.grant(full.write, folder=False),
    }


def test_without_a_workspace_the_folder_for_temporary_files_is_all_that_is_written(tmp_path: Path) -> None:
    steps = list(ruleset(view_of(Job(("/bin/true",), readable=(tmp_path,))), "/somewhere", 7))
    writing = [path for kind, access, path in (s for s in steps if s[0] == "allow") if int(access) == handled(7).write]
    assert writing == ["/somewhere"]
    assert ("allow", str(READ), str(tmp_path)) in steps


@pytest.mark.parametrize(
    ("abi", "filtered", "why"),
    [(7, True, None), (6, True, None), (5, True, "this one has 5"), (0, True, "has none"), (7, False, "x86_64")],
)
def test_alone_it_needs_the_scopes_of_version_6(abi: int, filtered: bool, why: str | None) -> None:
    backend = LandlockOnly(Machine("6.12", abi, b"f" if filtered else None, Identity(1000, 1000)))
    missing = backend.missing()
    assert (missing is None) if why is None else (missing is not None and why in missing[0])
    assert (backend.fingerprint, backend.staying()) == ("", None)


def test_alone_it_is_nothing_for_root() -> None:
    missing = LandlockOnly(Machine("6.12", 7, b"f", Identity(0, 0))).missing()
    assert missing is not None
    assert "root" in missing[0]


def test_what_the_user_runs_already_is_added_to_what_is_allowed(tmp_path: Path) -> None:
    for pid, tasks in ((1, 2), (2, 1)):
        for task in range(tasks):
            (tmp_path / str(pid) / "task" / str(task)).mkdir(parents=True)
    (tmp_path / "self").mkdir()
    (tmp_path / "3").mkdir()
    assert tasks_of(os.getuid(), tmp_path) == 3
    assert tasks_of(os.getuid() + 1, tmp_path) == 0
    assert tasks_of(os.getuid()) >= 1


def test_the_helper_stays_outside_and_the_program_goes_in(tmp_path: Path) -> None:
    machine = Machine("6.12", 7, b"f", Identity(os.getuid(), os.getgid()))
    with Handles() as handles:
        launch = LandlockOnly(machine).launch(Job(("/bin/true",), workspace=tmp_path), handles)
        steps = unpacked_steps(os.pread(int(launch.argv[5]), 1 << 20, 0))
    assert launch.ending == "command"
    kinds = list(dict.fromkeys(step[0] for step in steps))
    assert kinds[:5] == ["status", "parent", "supervise", "limit", "privileges"]
    assert kinds[-2:] == ["filter", "execute"]
    (most,) = (int(step[2]) for step in steps if step[:2] == ("limit", "RLIMIT_NPROC"))
    assert most > 64
