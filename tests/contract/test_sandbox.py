"""What every way to confine programs must do alike."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.processes import MIB, Job, ProcessLimits
from agentcli.errors import DeniedError
from agentcli.sandbox.processes.launching import Backend, interpreter, python_readable
from agentcli.sandbox.processes.running import run_confined
from agentcli.sandbox.processes.selftest import flaws
from tests.fakes.sandboxes import backend

__all__ = ["backend"]

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = (tmp_path / "workspace").resolve()
    (place / "folder").mkdir(parents=True)
    os.mkfifo(place / "ready")
    return place


def python(code: str, workspace: Path | None = None, **more: Any) -> Job:
    words = (interpreter(), "-I", "-S", "-c", code)
    return Job(words, workspace=workspace, readable=python_readable(), **more)


def shell(code: str, workspace: Path | None = None, **more: Any) -> Job:
    return Job(("/bin/sh", "-c", code), workspace=workspace, **more)


async def test_it_is_proven_on_this_machine(backend: Backend) -> None:
    assert await flaws(backend) == []


async def test_a_program_gets_its_input_and_gives_its_output_and_exit_code(backend: Backend) -> None:
    finished = await run_confined(backend, shell("cat; echo told >&2; exit 3", stdin=b"some words"))
    assert (finished.exit_code, finished.stdout, finished.stderr) == (3, b"some words", b"told\n")
    assert (finished.stopped, finished.dropped) == ("", 0)
    assert 0 < finished.seconds < 30


async def test_a_program_without_input_reads_its_end(backend: Backend) -> None:
    assert (await run_confined(backend, shell("wc -c"))).stdout.strip() == b"0"


async def test_input_that_nobody_reads_is_no_fault(backend: Backend) -> None:
    assert (await run_confined(backend, shell("exit 0", stdin=b"x" * MIB))).exit_code == 0


async def test_a_signal_is_a_negative_exit_code(backend: Backend) -> None:
    assert (await run_confined(backend, shell("kill -SEGV $$"))).exit_code == -11


async def test_a_program_that_is_not_there_is_exit_127(backend: Backend) -> None:
    finished = await run_confined(backend, Job(("/nowhere/program",)))
    assert finished.exit_code == 127
    assert b"/nowhere/program: No such file or directory" in finished.stderr


async def test_the_environment_is_what_the_job_says_and_four_names(backend: Backend) -> None:
    program = "import os; print(sorted(os.environ.items()))"
    job = python(program, environ={"GIVEN": "a=b", "LANG": "C", "LD_PRELOAD": ""})
    found = dict(eval((await run_confined(backend, job)).stdout))
    assert {"HOME", "TMPDIR", "PATH", "LANG", "GIVEN", "LD_PRELOAD"} <= set(found) <= {*found, "PWD", "LC_CTYPE"}
    assert set(found) - {"PWD", "LC_CTYPE"} == {"HOME", "TMPDIR", "PATH", "LANG", "GIVEN", "LD_PRELOAD"}
    assert (found["GIVEN"], found["LANG"], found["PATH"]) == ("a=b", "C", "/usr/local/bin:/usr/bin:/bin")


async def test_the_workspace_is_the_current_folder_and_is_written(backend: Backend, workspace: Path) -> None:
    (workspace / "folder/old").write_text("old")
    finished = await run_confined(backend, shell("cat folder/old; echo new > made; pwd", workspace))
    assert finished.stdout.decode() == f"old{workspace}\n"
    assert (workspace / "made").read_text() == "new\n"
    assert owner(workspace / "made") == owner(workspace)


def owner(path: Path) -> int:
    return path.stat().st_uid


async def test_without_a_workspace_only_a_folder_for_temporary_files_is_written(backend: Backend) -> None:
    finished = await run_confined(backend, shell('echo kept > "$TMPDIR/file"; cat "$TMPDIR/file"; echo x > /usr/x'))
    assert (finished.stdout, finished.exit_code != 0) == (b"kept\n", True)


async def test_temporary_files_are_gone_for_the_next_program(backend: Backend, workspace: Path) -> None:
    await run_confined(backend, shell('echo x > "$TMPDIR/left"', workspace))
    assert (await run_confined(backend, shell('ls -A "$TMPDIR"'))).stdout in (b"", b"")


async def test_what_is_protected_is_read_and_not_changed(backend: Backend, workspace: Path) -> None:
    (workspace / ".git").mkdir()
    (workspace / ".git/config").write_text("kept")
    (workspace / "agentcli.yaml").write_text("kept")
    paths = (workspace / ".git", workspace / "agentcli.yaml", workspace / "not-there")
    code = "cat .git/config agentcli.yaml; echo x > .git/config; echo x > agentcli.yaml; rm -rf .git; echo y > folder/a"
    finished = await run_confined(backend, shell(code, workspace, protected=paths))
    assert finished.stdout == b"keptkept"
    assert (workspace / ".git/config").read_text() == (workspace / "agentcli.yaml").read_text() == "kept"
    assert (workspace / "folder/a").read_text() == "y\n"


async def test_what_is_hidden_looks_empty_and_is_kept(backend: Backend, workspace: Path) -> None:
    (workspace / "folder/.env").write_text("secret")
    (workspace / "private").mkdir()
    (workspace / "private/key").write_text("secret")
    (workspace / ".env").symlink_to("folder/.env")
    paths = (workspace / "folder/.env", workspace / "private", workspace / ".env")
    finished = await run_confined(backend, shell("cat folder/.env .env private/key; true", workspace, hidden=paths))
    assert finished.stdout == b""
    assert (workspace / "private/key").read_text() == "secret"


async def test_what_is_readable_is_read_at_its_own_path_and_not_changed(
    backend: Backend, workspace: Path, tmp_path: Path
) -> None:
    for name in ("data/file", "alone", "other"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    readable = (tmp_path / "data", tmp_path / "alone")
    code = f"cat {tmp_path}/data/file {tmp_path}/alone {tmp_path}/other; echo x > {tmp_path}/data/file"
    finished = await run_confined(backend, shell(code, workspace, readable=readable))
    assert finished.stdout == b"data/filealone"
    assert (tmp_path / "data/file").read_text() == "data/file"


async def test_output_past_the_cap_is_dropped_and_blocks_nothing(backend: Backend) -> None:
    code = "import sys; sys.stdout.write('o' * 5_000_000); sys.stderr.write('e' * 100); sys.exit(4)"
    finished = await run_confined(backend, python(code, limits=ProcessLimits(output_bytes=1000)))
    assert (len(finished.stdout), len(finished.stderr)) == (1000, 100)
    assert (finished.dropped, finished.exit_code) == (4_999_000, 4)


async def test_the_largest_file_is_as_large_as_the_limit(backend: Backend, workspace: Path) -> None:
    job = shell("dd if=/dev/zero of=folder/big bs=64k count=100", workspace, limits=ProcessLimits(file_bytes=MIB))
    assert (await run_confined(backend, job)).exit_code != 0
    assert (workspace / "folder/big").stat().st_size == MIB


async def test_time_that_is_up_ends_a_program_that_obeys(backend: Backend) -> None:
    job = shell("trap 'echo bye; exit 0' TERM; while :; do sleep 0.02; done", limits=ProcessLimits(seconds=1.2))
    finished = await run_confined(backend, job)
    assert (finished.stopped, finished.stdout) == ("time", b"bye\n")


async def test_time_that_is_up_ends_all_of_them_whether_or_not_they_obey(backend: Backend, workspace: Path) -> None:
    job = python(DAEMON, workspace, limits=ProcessLimits(seconds=1.5))
    finished = await run_confined(backend, job)
    assert (finished.stopped, finished.exit_code) == ("time", -9)
    assert_nobody_holds(workspace / "lock")


DAEMON = """
import fcntl, os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
file = open("lock", "w")
fcntl.flock(file, fcntl.LOCK_EX)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ready = os.open("ready", os.O_RDWR)
        os.write(ready, b"!")
        signal.pause()
    os._exit(0)
signal.pause()
"""
"""A grandchild in a session of its own, which ignores TERM and holds a lock as long as it lives."""


def assert_nobody_holds(path: Path) -> None:
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_a_program_that_ends_takes_its_daemons_along(backend: Backend, workspace: Path) -> None:
    code = DAEMON.replace("\nsignal.pause()\n", "\nos.wait()\n")
    finished = await run_confined(backend, python(code, workspace))
    assert (finished.exit_code, finished.stopped) == (0, "")
    assert finished.seconds < 20
    assert_nobody_holds(workspace / "lock")


async def started(workspace: Path) -> None:
    """Returns when the daemon has the lock."""

    def first_byte() -> bytes:
        with (workspace / "ready").open("rb") as file:
            return file.read(1)

    assert await asyncio.to_thread(first_byte) == b"!"


async def test_cancelling_ends_all_of_them_first(backend: Backend, workspace: Path) -> None:
    running = asyncio.ensure_future(run_confined(backend, python(DAEMON, workspace)))
    await started(workspace)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert_nobody_holds(workspace / "lock")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_cancelling_while_it_starts_ends_it_too(backend: Backend, workspace: Path) -> None:
    before = descriptors()
    for waited in (0, 1, 3, 10):
        running = asyncio.ensure_future(run_confined(backend, shell("sleep 60", workspace)))
        for _ in range(waited):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert descriptors() <= before + 1  # the event loop may have made one of its own


PARENT = """
import asyncio, sys
from pathlib import Path
from agentcli.core.processes import Job
from agentcli.sandbox.processes.choosing import BACKENDS
from agentcli.sandbox.processes.launching import interpreter, python_readable
from agentcli.sandbox.processes.running import run_confined
job = Job((interpreter(), "-I", "-S", "-c", sys.argv[2]), workspace=Path.cwd(), readable=python_readable())
asyncio.run(run_confined(BACKENDS[sys.argv[1]](), job))
"""


async def test_a_killed_agentcli_takes_the_program_along(backend: Backend, workspace: Path) -> None:
    words = [sys.executable, "-c", PARENT, backend.name, DAEMON]
    parent = await asyncio.create_subprocess_exec(*words, cwd=workspace, env={"PYTHONPATH": str(REPO)})
    await started(workspace)
    parent.kill()
    await parent.wait()
    with (workspace / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # waits until nobody has it: the test ends, or its time does


CONTROLS = {
    "multiprocessing by fork": "import multiprocessing as m\n"
    "c = m.get_context('fork'); a, b = c.Pipe(); p = c.Process(target=b.send, args=(7,)); p.start(); print(a.recv())",
    "multiprocessing by spawn": "import multiprocessing as m, sys\n"
    "c = m.get_context('spawn'); a, b = c.Pipe(); p = c.Process(target=b.send, args=(7,)); p.start(); print(a.recv())",
    "asyncio": "import asyncio, sys\nasync def main():\n"
    "    p = await asyncio.create_subprocess_exec('/bin/echo', '7', stdout=-1)\n"
    "    print((await p.communicate())[0].decode().strip())\nasyncio.run(main())",
    "sqlite": "import sqlite3\nc = sqlite3.connect('folder/d.db'); c.execute('pragma journal_mode=wal')\n"
    "c.execute('create table t (x)'); c.execute('insert into t values (7)'); c.commit()\n"
    "print(c.execute('select x from t').fetchone()[0])",
    "tempfile": "import tempfile\n"
    "with tempfile.TemporaryFile() as f: f.write(b'7'); f.seek(0); print(f.read().decode())",
    "threads": "import concurrent.futures as c\nwith c.ThreadPoolExecutor(8) as e: print(max(e.map(int, '1234567')))",
    "who it is": "import getpass, os, pwd\nprint(7 if pwd.getpwuid(os.getuid()).pw_name else 0)",
}


@pytest.mark.parametrize("name", CONTROLS)
async def test_ordinary_programs_work(name: str, backend: Backend, workspace: Path) -> None:
    finished = await run_confined(backend, python(CONTROLS[name], workspace))
    assert (finished.stdout, finished.stderr, finished.exit_code) == (b"7\n", b"", 0)


async def test_git_commits(backend: Backend, workspace: Path) -> None:
    who = "-c user.name=A -c user.email=a@example.org -c init.defaultBranch=main"
    code = f"git {who} init -q && echo x > f && git add f && git {who} commit -qm first && git log --format=%s"
    finished = await run_confined(backend, shell(code, workspace))
    assert (finished.stdout, finished.stderr) == (b"first\n", b"")


async def test_semaphores_are_shared(backend: Backend, workspace: Path) -> None:
    if backend.name == "landlock":
        pytest.skip("only on Linux with namespaces: /dev/shm is everybody's")
    code = "import multiprocessing as m\nq = m.get_context('fork').Queue(); q.put(7); print(q.get())"
    assert (await run_confined(backend, python(code, workspace))).stdout == b"7\n"


@pytest.mark.parametrize("place", ["/", "/tmp", "/usr/share"])
async def test_a_folder_that_the_sandbox_needs_is_no_workspace(backend: Backend, place: str) -> None:
    with pytest.raises(DeniedError) as caught:
        await run_confined(backend, shell("true", Path(place)))
    assert caught.value.code == "E-SANDBOX-WORKSPACE"


async def test_two_at_once_do_not_see_each_other(backend: Backend, workspace: Path) -> None:
    jobs = [shell(f'echo {n} > "$TMPDIR/own"; cat "$TMPDIR/own"', workspace) for n in range(4)]
    finished = await asyncio.gather(*(run_confined(backend, job) for job in jobs))
    assert [one.stdout for one in finished] == [b"0\n", b"1\n", b"2\n", b"3\n"]
