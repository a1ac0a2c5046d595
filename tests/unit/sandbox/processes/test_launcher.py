"""The helper's steps, on a kernel that only remembers: what they really do is shown by the suite of all backends."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from agentcli.sandbox.processes import guardian
from agentcli.sandbox.processes.kernel import NEW_USER, NO_DEV, NO_SUID, READ_ONLY, Kernel
from agentcli.sandbox.processes.launcher import EMPTY_FILE, EMPTY_FOLDER, Launcher, main
from agentcli.sandbox.processes.steps import Step, packed_steps
from tests.fakes.forked import in_child
from tests.fakes.remembering_kernel import EndedError, RememberingKernel


def launched(kernel: RememberingKernel) -> Launcher:
    return Launcher(kernel)  # type: ignore[arg-type]


@pytest.fixture
def kernel() -> RememberingKernel:
    return RememberingKernel()


def reported(launcher: Launcher) -> int:
    ours, theirs = os.pipe()
    launcher.do(("status", str(theirs)))
    assert not os.get_inheritable(theirs)
    return ours


def plan_file(place: Path, steps: list[Step]) -> int:
    (place / "plan").write_bytes(packed_steps(steps))
    return os.open(place / "plan", os.O_RDONLY)


def test_a_plan_is_carried_out_in_order(tmp_path: Path, kernel: RememberingKernel) -> None:
    main(plan_file(tmp_path, [("unshare", "5"), ("hostname", "inside"), ("private",)]), kernel)  # type: ignore[arg-type]
    assert kernel.calls == [("unshare", 5), ("set_hostname", b"inside"), ("make_private",)]


@pytest.mark.parametrize("step", [("allow", "1", "/"), ("no_such_step",)])
def test_a_step_that_fails_is_told_and_ends_it(tmp_path: Path, step: Step) -> None:
    kernel = RememberingKernel()
    ours, theirs = os.pipe()
    with pytest.raises(EndedError):
        main(plan_file(tmp_path, [("status", str(theirs)), ("limit", "RLIMIT_NONE", "1", "1"), step]), kernel)  # type: ignore[arg-type]
    assert os.read(ours, 1000).startswith(b"failed limit: ")
    assert kernel.calls == [("exit", 1)]


def test_without_a_status_descriptor_nothing_is_told(kernel: RememberingKernel) -> None:
    launched(kernel).say("anything")


def test_it_ends_with_who_started_it(kernel: RememberingKernel) -> None:
    launched(kernel).do(("parent", str(os.getppid())))
    launched(kernel).do(("parent", str(os.getppid()), "15"))
    assert kernel.calls == [("die_with_parent", 9), ("die_with_parent", 15)]
    with pytest.raises(EndedError):
        launched(kernel).do(("parent", "1000000"))


def test_a_limit_is_never_above_what_is_in_force(kernel: RememberingKernel) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        launched(kernel).do(("limit", "RLIMIT_CORE", "7", str(before[1] if before[1] >= 0 else 10**6)))
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] in (7, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (before[0], resource.getrlimit(resource.RLIMIT_CORE)[1]))


def test_becoming_another_user_keeps_the_maps_writable(kernel: RememberingKernel) -> None:
    launched(kernel).do(("become", "5", "6", str(os.getppid())))
    assert kernel.calls == [("become", 5, 6), ("set_dumpable", 1), ("die_with_parent", 9)]


def test_who_it_is_cannot_be_written_twice(kernel: RememberingKernel) -> None:
    with pytest.raises(PermissionError):
        launched(kernel).do(("ids", "1000", "0", "1000", "0"))


def test_who_it_is_inside_is_written_once() -> None:
    def enter() -> None:
        launcher = Launcher(Kernel())
        launcher.do(("unshare", str(NEW_USER)))
        launcher.do(("ids", "1000", str(uid), "1000", str(gid)))
        assert (os.getuid(), os.getgid()) == (1000, 1000)

    uid, gid = os.getuid(), os.getgid()
    assert in_child(enter) == 0


def test_idle_programs_leave_the_processor_to_all_others() -> None:
    def idle() -> None:
        launched(RememberingKernel()).do(("idle",))
        assert os.sched_getscheduler(0) == os.SCHED_IDLE

    assert in_child(idle) == 0


def test_the_first_process_goes_on_and_the_one_before_waits() -> None:
    inside = RememberingKernel(children=(0,))
    launched(inside).do(("init",))
    assert inside.named("die_with_parent", "exit") == [("die_with_parent", 9)]
    outside = RememberingKernel(children=(77,))
    launcher = launched(outside)
    ours = reported(launcher)
    with pytest.raises(EndedError):
        launcher.do(("init",))
    assert os.read(ours, 100) == b"init 77\n"
    assert outside.named("wait", "exit") == [("wait", 77, 0), ("exit", 0)]


def test_a_new_root_is_made_below_a_folder(tmp_path: Path, kernel: RememberingKernel) -> None:
    launcher = launched(kernel)
    for step in (
        ("root", str(tmp_path), "size=1"),
        ("folder", "/etc/deep"),
        ("folder", "/etc"),
        ("file", "/etc/hosts", "names"),
        ("link", "/bin", "usr/bin"),
        ("mount", "proc", "/proc", "3", "o"),
        ("mount", "tmpfs", "/dev/shm", "0", ""),
    ):
        launcher.do(step)
    assert (tmp_path / "etc/hosts").read_text() == "names"
    assert (tmp_path / "bin").readlink() == Path("usr/bin")
    assert kernel.calls == [
        ("mount", "tmpfs", str(tmp_path), NO_SUID | NO_DEV, "size=1"),
        ("mount", "proc", f"{tmp_path}/proc", 3, "o"),
        ("mount", "tmpfs", f"{tmp_path}/dev/shm", 0, ""),
    ]


def test_a_tree_is_attached_where_it_is_seen(tmp_path: Path, kernel: RememberingKernel) -> None:
    launcher = launched(kernel)
    launcher.do(("tree", "0", "/usr", "7"))
    launcher.do(("root", str(tmp_path), ""))
    launcher.do(("attach", "0", "/a/b"))
    assert (tmp_path / "a/b").is_dir()
    (set_attributes,) = kernel.named("set_attributes")
    assert set_attributes[2:] == (7, -1)
    assert len(kernel.named("attach")) == 1


def test_a_file_is_attached_over_a_file(tmp_path: Path) -> None:
    class OfFiles(RememberingKernel):
        def open_tree(self, path: str) -> int:
            return os.open("/proc/self/stat", os.O_PATH)

    kernel = OfFiles()
    launcher = launched(kernel)
    for _ in range(2):  # the second time it is there already
        launcher.do(("tree", "0", "/x", "7"))
        launcher._root = str(tmp_path)
        launcher.do(("attach", "0", "/new/file"))
    assert (tmp_path / "new/file").is_file()


def test_owners_share_one_user_namespace() -> None:
    kernel = RememberingKernel(sleeper=os.getpid())
    with pytest.raises(OSError, match=r"Invalid argument|not permitted"):
        launched(kernel).do(("tree", "0", "/usr", "7", "0", "0", "5", "5"))
    launcher = launched(kernel)
    launcher._owners[("0", "0", "5", "5")] = 42
    launcher.do(("tree", "1", "/usr", "7", "0", "0", "5", "5"))
    assert kernel.named("set_attributes")[-1][2:] == (7, 42)


def test_what_is_covered_is_covered_where_it_is(tmp_path: Path, kernel: RememberingKernel) -> None:
    for name in ("work/.git/config", "work/sub/.env", EMPTY_FILE[1:], f"{EMPTY_FOLDER[1:]}/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    launcher = launched(kernel)
    launcher._root = str(tmp_path)
    for step in (("protect", "/work", ".git"), ("hide", "/work", "sub", ".env"), ("hide", "/work", ".git")):
        launcher.do(step)
    launcher.do(("protect", "/work", "gone"))
    launcher.do(("hide", "/work", "gone"))
    assert [call[1] for call in kernel.named("open_tree")] == [f"{tmp_path}{EMPTY_FILE}", f"{tmp_path}{EMPTY_FOLDER}"]
    assert [call[2] for call in kernel.named("set_attributes")] == [READ_ONLY] * 3
    assert len(kernel.named("attach")) == 3


def test_the_new_root_is_read_only(kernel: RememberingKernel) -> None:
    launcher = launched(kernel)
    launcher._root = "/place"
    launcher.do(("pivot",))
    assert kernel.calls[0] == ("change_root", "/place")
    assert kernel.calls[1][2:] == (READ_ONLY, False)
    assert launcher._root == ""


def test_rules_are_granted_to_what_is_there_and_no_link(tmp_path: Path, kernel: RememberingKernel) -> None:
    (tmp_path / "link").symlink_to("/etc")
    launcher = launched(kernel)
    for step in (
        ("rules", "7", "3", "1"),
        ("allow", "5", str(tmp_path)),
        ("allow", "5", f"{tmp_path}/gone"),
        ("allow", "5", f"{tmp_path}/link"),
        ("restrict",),
    ):
        launcher.do(step)
    assert kernel.calls[0] == ("landlock_ruleset", 7, 3, 1)
    assert [call[2] for call in kernel.named("landlock_allow")] == [5]
    assert len(kernel.named("landlock_restrict")) == 1


def test_privileges_and_calls_are_given_up(kernel: RememberingKernel) -> None:
    launched(kernel).do(("privileges",))
    launched(kernel).do(("filter", "0aff"))
    assert kernel.calls == [
        ("no_new_privileges",),
        ("drop_capabilities",),
        ("set_dumpable", 0),
        ("filter_syscalls", b"\x0a\xff"),
    ]


def test_the_program_is_waited_for_and_orphans_too() -> None:
    kernel = RememberingKernel(children=(9,), waits=((8, 0), (9, 3 << 8)))
    launcher = launched(kernel)
    ours = reported(launcher)
    with pytest.raises(EndedError):
        launcher.do(("run", "/", "1", "/bin/true", "A=1=2"))
    assert os.read(ours, 100) == b"exit 3\n"


def test_the_program_is_executed_with_its_arguments_and_its_environment(isolated: Path) -> None:
    kernel = RememberingKernel(children=(0,), waits=((0, 15),))
    launcher = launched(kernel)
    with pytest.raises(EndedError):
        launcher.do(("run", str(isolated), "2", "/bin/echo", "hi", "A=1=2", "B="))
    assert kernel.named("new_session", "default_signal", "execute") == [
        ("new_session",),
        ("default_signal", 13),
        ("default_signal", 25),
        ("execute", "/bin/echo", ("/bin/echo", "hi"), {"A": "1=2", "B": ""}),
    ]


def test_a_program_that_cannot_be_executed_is_exit_127(kernel: RememberingKernel, capfd: Any) -> None:
    with pytest.raises(EndedError):
        launched(kernel).do(("execute", "/not-there", "1", "/bin/true"))
    assert kernel.calls[-1] == ("exit", 127)
    assert capfd.readouterr().err == "/bin/true: No such file or directory\n"


def test_who_supervises_ends_with_what_it_supervises(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = RememberingKernel(children=(0,))
    monkeypatch.setattr(guardian, "Domain", lambda kernel: kernel.no_new_privileges())
    launched(inside).do(("supervise",))
    names = [call[0] for call in inside.calls]
    assert names == ["adopt_orphans", "set_dumpable", "no_new_privileges", "fork", "die_with_parent"]
    monkeypatch.setattr(guardian, "guard", lambda program, domain: 3 << 8)
    outside = RememberingKernel(children=(77,))
    launcher = launched(outside)
    ours = reported(launcher)
    try:
        with pytest.raises(EndedError):
            launcher.do(("supervise",))
    finally:
        guardian.release_signals()
    assert os.read(ours, 100) == f"init {os.getpid()}\nexit 3\n".encode()
