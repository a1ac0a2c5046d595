"""The starts that backends put together: plans, command lines, a profile."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.core.processes import MIB, Job, ProcessLimits
from agentcli.sandbox.processes.bubblewrap import Bubblewrap, find_bwrap
from agentcli.sandbox.processes.builtin import Builtin, plan
from agentcli.sandbox.processes.identity import UNPRIVILEGED, Identity, Machine, current, machine_of, this_machine
from agentcli.sandbox.processes.launching import Handles, interpreter, python_readable
from agentcli.sandbox.processes.seatbelt import Seatbelt, limited, profile
from agentcli.sandbox.processes.steps import unpacked_steps
from agentcli.sandbox.processes.view import view_of

ROOT = Machine("6.18", 7, b"\1\2", Identity(0, 0))
USER = Machine("6.18", 7, b"\1\2", Identity(1234, 1235))


def content(descriptor: str | int) -> bytes:
    size = os.fstat(int(descriptor)).st_size
    return os.pread(int(descriptor), size, 0)


# -- who ------------------------------------------------------------------------------------------------------------


def test_root_steps_down_where_there_is_somebody_to_become(tmp_path: Path) -> None:
    for text, mapped in (("0 0 4294967295\n", True), ("0 1000 1\n1 100000 65536\n", True), ("0 1000 1\n", False)):
        (tmp_path / "map").write_text(text)
        assert current(tmp_path / "map").mapped is mapped
    assert ROOT.identity.steps_down
    assert not ROOT.staying.identity.steps_down
    assert not USER.identity.steps_down


def test_this_machine_is_known() -> None:
    assert this_machine().identity.uid == os.geteuid()
    assert this_machine() is this_machine()


def test_of_other_systems_and_processors_nothing_is_expected() -> None:
    assert (machine_of("darwin", "arm64").landlock, machine_of("darwin", "arm64").seccomp) == (0, None)
    assert machine_of("linux", "riscv64").seccomp is None
    assert machine_of("linux", "x86_64").seccomp != machine_of("linux", "aarch64").seccomp


# -- built-in -------------------------------------------------------------------------------------------------------


def names(job: Job, machine: Machine) -> list[str]:
    return [step[0] for step in plan(job, view_of(job), machine, 5)]


def test_root_takes_hold_of_the_files_before_it_is_another_user(tmp_path: Path) -> None:
    job = Job(("/bin/true",), workspace=tmp_path)
    found = names(job, ROOT)
    assert (
        found.index("tree") < found.index("become") < found.index("unshare") < found.index("ids") < found.index("init")
    )
    workspace = next(
        step for step in plan(job, view_of(job), ROOT, 5) if step[:1] == ("tree",) and str(tmp_path) in step
    )
    status = tmp_path.stat()
    assert workspace[4:] == (str(status.st_uid), str(status.st_gid), str(UNPRIVILEGED), str(UNPRIVILEGED))


def test_an_ordinary_user_takes_hold_of_them_in_its_own_namespace(tmp_path: Path) -> None:
    steps = plan(Job(("/bin/true",), workspace=tmp_path), view_of(Job(("/bin/true",), workspace=tmp_path)), USER, 5)
    found = [step[0] for step in steps]
    assert "become" not in found
    assert found.index("ids") < found.index("tree")
    assert ("ids", "1000", "1234", "1000", "1235") in steps
    assert all(len(step) == 4 for step in steps if step[0] == "tree")


def test_limits_and_rules_are_in_force_before_the_program_runs(tmp_path: Path) -> None:
    job = Job(("/bin/echo", "hi"), workspace=tmp_path, environ={"A": "1"})
    found = names(job, USER)
    assert found[-1] == "run"
    order = [found.index(name) for name in ("pivot", "limit", "privileges", "rules", "restrict", "filter", "run")]
    assert order == sorted(order)
    last = plan(job, view_of(job), USER, 5)[-1]
    assert last[:5] == ("run", str(tmp_path), "2", "/bin/echo", "hi")
    assert "A=1" in last[5:]


def test_root_that_stays_is_idle_because_nothing_counts_its_processes(tmp_path: Path) -> None:
    assert "idle" in names(Job(("/bin/true",)), ROOT.staying)
    assert "idle" not in names(Job(("/bin/true",)), ROOT) + names(Job(("/bin/true",)), USER)


def test_a_kernel_without_landlock_or_a_filter_for_it_needs_no_such_step() -> None:
    bare = replace(USER, landlock=0, seccomp=None)
    assert not {"rules", "restrict", "filter"} & set(names(Job(("/bin/true",)), bare))


def test_what_is_covered_comes_after_what_is_seen(tmp_path: Path) -> None:
    for name in (".git", ".env"):
        (tmp_path / name).touch()
    job = Job(("/bin/true",), workspace=tmp_path, protected=(tmp_path / ".git",), hidden=(tmp_path / ".env",))
    steps = plan(job, view_of(job), USER, 5)
    assert steps.index(("protect", str(tmp_path), ".git")) > max(i for i, s in enumerate(steps) if s[0] == "attach")
    assert ("hide", str(tmp_path), ".env") in steps


def test_the_builtin_backend_hands_the_helper_its_plan() -> None:
    with Handles() as handles:
        launch = Builtin(USER).launch(Job(("/bin/true",)), handles)
        assert launch.argv[:4] == (interpreter(), "-I", "-S", "-c")
        steps = unpacked_steps(content(launch.argv[5]))
        assert steps[0] == ("status", str(handles.passed[0]))
        assert (Path(launch.argv[6]) / "agentcli").is_dir()
        assert launch.environ == {}


def test_the_builtin_backend_says_what_is_missing() -> None:
    assert Builtin(USER).missing() is None
    assert "processor" in (Builtin(replace(USER, seccomp=None)).missing() or ("", ""))[0]
    assert Builtin(USER, platform="darwin").missing() == ("It needs Linux.", "Use Linux.")
    assert Builtin(USER).fingerprint == ""
    assert Builtin(USER).staying() is None
    assert isinstance(Builtin(ROOT).staying(), Builtin)


# -- bubblewrap -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bwrap(tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        pytest.skip("only for root: bwrap must belong to it")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/bwrap"
    program.touch(mode=0o755)
    program.chmod(0o755)
    return program


def test_bwrap_is_the_systems(bwrap: Path, tmp_path: Path) -> None:
    folders = [str(tmp_path / "none"), str(bwrap.parent)]
    assert find_bwrap(folders) == str(bwrap)
    bwrap.chmod(0o777)
    assert find_bwrap(folders) is None
    bwrap.chmod(0o755)
    os.chown(bwrap, 1000, 1000)
    assert find_bwrap(folders) is None
    assert Bubblewrap(USER, folders).missing() is not None
    assert Bubblewrap(USER, folders).fingerprint == ""


def test_bubblewrap_says_what_is_missing(bwrap: Path) -> None:
    folders = [str(bwrap.parent)]
    assert Bubblewrap(USER, folders).missing() is None
    assert "processor" in (Bubblewrap(replace(USER, seccomp=None), folders).missing() or ("", ""))[0]
    assert str(bwrap) in Bubblewrap(USER, folders).fingerprint
    assert Bubblewrap(USER, folders).staying() is None
    assert isinstance(Bubblewrap(ROOT, folders).staying(), Builtin)


def test_bwrap_is_told_everything_by_descriptor(bwrap: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    for name in (".git", "private"):
        (place / name).mkdir(parents=True)
    (place / ".env").write_text("secret")
    job = Job(
        ("/bin/echo", "hi"),
        workspace=place,
        protected=(place / ".git",),
        hidden=(place / ".env", place / "private"),
        environ={"KEY": "value"},
        limits=ProcessLimits(memory_bytes=MIB),
    )
    with Handles() as handles:
        launch = Bubblewrap(USER, [str(bwrap.parent)]).launch(job, handles)
        assert launch.argv[:2] == (str(bwrap), "--args")
        assert launch.argv[3:] == ("--", "/bin/echo", "hi")
        words = content(launch.argv[2]).decode().split("\0")
    assert (launch.environ, launch.exits) == ({}, "shell")
    assert launch.limits["RLIMIT_NPROC"] == (65, 65)
    text = " ".join(words)
    for part in (
        "--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try",
        "--die-with-parent --new-session --cap-drop ALL",
        "--size 1048576 --tmpfs /tmp",
        "--proc /proc --remount-ro /proc",
        f"--bind {place} {place}",
        f"--ro-bind-try {place}/.git {place}/.git",
        f"--tmpfs {place}/private --remount-ro {place}/private",
        "--remount-ro / ",
        "--setenv KEY value",
        f"--chdir {place}",
    ):
        assert part in text
    assert words[words.index(f"{place}/.env") - 2] == "--ro-bind-data"


def test_root_lays_out_the_files_and_then_is_bwrap_as_another_user(bwrap: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    (place / ".git").mkdir(parents=True)
    job = Job(("/bin/true",), workspace=place, protected=(place / ".git",))
    with Handles() as handles:
        launch = Bubblewrap(ROOT, [str(bwrap.parent)]).launch(job, handles)
        steps = unpacked_steps(content(launch.argv[5]))
        listed = steps[-1][steps[-1].index("--args") + 1]
        words = content(listed).decode().split("\0")
    kinds = [step[0] for step in steps]
    assert kinds == ["status", "parent", "tree", "unshare", "private", "root", "attach", "become", "gate", "execute"]
    source = words[words.index(str(place)) - 1]
    assert source.startswith("/tmp/")
    assert words[words.index(f"{place}/.git") - 1] == f"{source}/.git"
    assert launch.gate is None


# -- macOS ----------------------------------------------------------------------------------------------------------


def test_the_profile_refuses_all_but_the_system_and_the_workspace(tmp_path: Path) -> None:
    place = tmp_path / 'a "b"'
    place.mkdir()
    job = Job(
        ("/bin/true",),
        workspace=place,
        readable=(tmp_path,),
        protected=(place / ".git",),
        hidden=(place / ".env",),
    )
    quoted = str(place).replace('"', '\\"')
    lines = profile(job, "/t").splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    assert lines[-1] == "(deny network*)"
    assert f'(deny file-write* (subpath "{quoted}/.git"))' in lines
    assert f'(deny file-read* file-write* (subpath "{quoted}/.env"))' in lines
    writable = next(line for line in lines if line.startswith("(allow file-read* file-write* "))
    assert writable == f'(allow file-read* file-write* (subpath "{quoted}") (subpath "/t"))'
    assert '(subpath "/t")' in profile(Job(("/bin/true",)), "/t")


def test_a_macs_program_is_started_by_a_shell_with_limits(tmp_path: Path) -> None:
    backend = Seatbelt(program="/bin/sh", platform="darwin")
    assert backend.missing() is None
    with Handles() as handles:
        launch = backend.launch(Job(("/bin/echo", "hi"), workspace=tmp_path), handles)
        alone = backend.launch(Job(("/bin/echo", "hi")), handles)
        assert Path(alone.folder).is_dir()
    assert not Path(alone.folder).exists()
    assert (launch.argv[0], launch.argv[4:6], launch.argv[-2:]) == ("/bin/sh", ("/bin/sh", "-p"), ("/bin/echo", "hi"))
    assert (launch.ending, launch.exits, launch.folder) == ("group", "command", str(tmp_path))
    assert limited(Job(("x",), limits=ProcessLimits(cpu_seconds=3))).startswith("ulimit -c 0; ulimit -t 3; ulimit -f ")


@pytest.mark.parametrize(("program", "platform"), [("/not-there", "darwin"), ("/bin/sh", "linux")])
def test_sandbox_exec_is_of_macos_alone(program: str, platform: str) -> None:
    backend = Seatbelt(program, platform)
    assert backend.missing() == ("It is part of macOS alone.", "Use another one.")
    assert (backend.fingerprint, backend.staying()) == ("", None)


# -- descriptors ----------------------------------------------------------------------------------------------------


def test_descriptors_are_closed_when_the_program_has_them() -> None:
    with Handles() as handles:
        data = handles.data(b"some")
        ours, theirs = handles.from_program()
        waits, opens = handles.gate(keep=True)
        assert content(data) == b"some"
        handles.close_passed()
        for closed in (data, theirs, waits):
            with pytest.raises(OSError, match="Bad file"):
                os.fstat(closed)
        os.fstat(opens)
    for closed in (ours, opens):
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(closed)


def test_the_interpreter_can_be_read_where_it_is() -> None:
    assert Path(interpreter()).is_relative_to(python_readable()[0])
