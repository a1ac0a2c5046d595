"""What code and commands of a model try, through the tools that run them, on every backend that there is."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcli.core.tools import ToolResult
from agentcli.sandbox.paths import Workspace
from agentcli.sandbox.processes.launching import Backend
from agentcli.tools.context import ToolContext
from agentcli.tools.pages import converted
from agentcli.tools.registry import ToolRegistry
from tests.fakes.mirrored import seen
from tests.fakes.sandboxes import On, backend

__all__ = ["backend"]


@dataclass(frozen=True)
class Code:
    """A workspace with secrets, and the two tools over it."""

    workspace: Workspace
    backend: Backend

    @property
    def root(self) -> Path:
        return self.workspace.root

    def call(self, tool: str, argument: str, **options: Any) -> ToolResult:
        context = ToolContext(self.workspace, sandbox=lambda: On(self.backend))
        made = ToolRegistry(context).select([SimpleNamespace(name=tool, options=options)]).get(tool)
        assert made is not None
        return asyncio.run(made.call(made.parse({NAME[tool]: argument})))

    def shell(self, command: str, **options: Any) -> ToolResult:
        return self.call("shell", command, **options)

    def python(self, code: str, **options: Any) -> ToolResult:
        return self.call("run_python", code, **options)


NAME = {"shell": "command", "run_python": "code"}


@pytest.fixture
def code(backend: Backend, tmp_path: Path) -> Iterator[Code]:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("OUTSIDE")
    root = tmp_path / "ws"
    for name, text in {
        "notes.txt": "b\na\n",
        "src/app.py": "x = 1\n",
        ".env": "TOKEN=HIDDEN",
        "src/.env.local": "TOKEN=HIDDEN",
        ".agentcli/journal.db": "HIDDEN",
        "agentcli.yaml": "version: 1\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "notes.txt")
    git(root, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-q", "-m", "first")
    workspace = Workspace(root)
    yield Code(workspace, backend)
    workspace.close()


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True)


def everything(code: Code) -> dict[str, str]:
    """Every file and link around the workspace."""
    folder = code.root.parent
    return {
        str(path.relative_to(folder)): f"-> {path.readlink()}" if path.is_symlink() else path.read_bytes().hex()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


READS = [
    "cat .env src/.env.local .agentcli/journal.db",
    "cat ROOT/.env ROOT/src/.env.local ROOT/.agentcli/journal.db OUTSIDE/secret",
    "cat .git/../.env agentcli.yaml/../.env",
    "ln -s ROOT/.env x; ln -s OUTSIDE/secret y; cat x y",
    "ln ROOT/.env x; ln OUTSIDE/secret y; cat x y",
    "find / -name '.env*' -exec cat {} +; grep -r HIDDEN ROOT OUTSIDE .; cat /proc/*/environ /proc/*/root/etc/shadow",
    "cat /etc/shadow; printenv; cat /proc/1/environ /proc/self/environ",
]


@pytest.mark.parametrize("command", READS)
def test_nothing_hidden_outside_or_of_the_host_is_read(
    code: Code, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_HOST", "HIDDEN")
    command = command.replace("ROOT", str(code.root)).replace("OUTSIDE/", f"{code.root.parent}/outside/")
    result = code.shell(command)
    for word in ("=HIDDEN", "OUTSIDE\n", "root:$", "root:*"):
        assert word not in result.content.replace(command, "")
    assert "OF_THE_HOST" not in result.content


WRITES = [
    "echo x > .git/config; echo x > .git/hooks/pre-commit; rm -rf .git/*; git commit -q --allow-empty -m x",
    "echo x > agentcli.yaml; echo x >> ROOT/agentcli.yaml; rm ROOT/agentcli.yaml",
    "rm .git agentcli.yaml; mkdir -p .git/hooks; echo x > .git/hooks/pre-commit; echo x > agentcli.yaml",
    "mv .git g; mv agentcli.yaml a.yaml; mkdir .GIT; echo x > .GIT/config; echo x > AgentCLI.yaml",
    "echo x > .env; echo x > ROOT/.env; mkdir -p .agentcli; echo x > .agentcli/journal.db; echo x > src/.ENV.x",
    "echo x > OUTSIDE/secret; echo x > OUTSIDE/new; ln -s OUTSIDE o; echo x > o/new; echo x > ../new",
    "echo x > ROOT/new; echo x > ROOT/notes.txt; rm -rf ROOT/*",
    "mkdir -p sub/.git/hooks; echo x > sub/.git/hooks/post-checkout; chmod +x sub/.git/hooks/post-checkout",
]


@pytest.mark.parametrize("command", WRITES)
def test_nothing_protected_hidden_or_outside_is_changed(code: Code, command: str) -> None:
    before = everything(code)
    command = command.replace("ROOT", str(code.root)).replace("OUTSIDE", f"{code.root.parent}/outside")
    result = code.shell(command)
    after = everything(code)
    allowed = {"ws/a.yaml", "ws/g"}  # names of its own for what it copied: links, which are not taken over either
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} - allowed == set()
    assert [change for change in result.files if change.path not in ("a.yaml",)] == []


PLANTED = """
import os, socket
os.symlink("OUTSIDE", "link"); os.symlink("OUTSIDE/secret", "file"); os.symlink("loop", "loop")
os.unlink("src/app.py"); os.rmdir("src"); os.symlink("OUTSIDE", "src")
os.unlink("notes.txt"); os.symlink("OUTSIDE/secret", "notes.txt")
os.mkfifo("pipe")
for do in (
    lambda: os.mknod("device", 0o20666, os.makedev(1, 5)),
    lambda: os.link("/etc/passwd", "passwd"),
    lambda: socket.socket(socket.AF_UNIX).bind("socket"),
):
    try:
        do()
    except OSError:
        pass
for name in (b"a\\nb", b"\\xff\\xfe", b"esc\\x1b[31m", b"-rf", b" ", "\\u202e.txt".encode()):
    open(name, "w").close()
os.mkdir("deep"); open("deep/x", "w").close(); os.link("deep/x", "hard")
try: os.chmod("hard", 0o6777)  # which a sandbox may refuse by itself
except PermissionError: os.chmod("hard", 0o777)
"""


def test_what_is_planted_for_the_copying_back_leads_nowhere(code: Code) -> None:
    outside = seen(code.root.parent / "outside")
    result = code.python(PLANTED.replace("OUTSIDE", str(code.root.parent / "outside")))
    assert result.status == "ok", result.content
    assert seen(code.root.parent / "outside") == outside
    assert not [path for path in code.root.rglob("*") if path.is_symlink()]
    kinds = {stat.S_IFMT(path.lstat().st_mode) for path in code.root.rglob("*")}
    assert kinds <= {stat.S_IFREG, stat.S_IFDIR}
    assert (code.root / "notes.txt").read_text() == "b\na\n"
    assert [change.path for change in result.files if change.path in ("deep/x", "hard", "-rf")] == [
        "-rf",
        "deep/x",
        "hard",
    ]
    assert (code.root / "hard").stat().st_mode & 0o7000 == 0
    assert (code.root / "hard").stat().st_nlink == 1
    assert "\x1b" not in result.content
    assert "a\N{REPLACEMENT CHARACTER}b (its name cannot be a path)" in result.content
    assert json.dumps(result.data)


FLOODS = {
    "files": ("import os\nfor n in range(100_000): os.close(os.open(f'f{n}', os.O_CREAT))", "more than"),
    "folders": ("import os\nfor n in range(3000): os.mkdir('d'); os.chdir('d')", "folders deeper than 100"),
    "sparse": ("import os\nopen('big', 'w').close(); os.truncate('big', 9 << 30)", "big (it has more than 16 MiB)"),
    "bytes": ("for n in range(20): open(f'f{n}', 'wb').write(bytes(5_000_000))", "more than 64 MiB"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_files_is_not_taken_over_and_not_kept(code: Code, name: str) -> None:
    before = everything(code)
    program, said = FLOODS[name]
    result = code.python(program, seconds=90, cpu_seconds=60, file_mb=10_000)
    assert said in result.content
    assert (result.files, everything(code)) == ((), before)
    assert code.shell("ls | wc -l").content.splitlines()[2] == "3"


def test_a_flood_of_output_is_cut_and_counted(code: Code) -> None:
    result = code.python("import sys\nfor _ in range(300): print('x' * 10_000)\nprint('END', file=sys.stderr)")
    assert (len(result.content) < 17_000, result.status) == (True, "ok")
    assert "bytes of output were not kept]" in result.content
    assert "END" in result.content


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("while :; do :; done", {"seconds": 0.3}),
        ("trap '' TERM; sleep 100 & setsid sleep 100 & wait", {"seconds": 0.3}),
    ],
)
def test_what_does_not_end_by_itself_is_ended_and_changes_nothing(
    code: Code, command: str, options: dict[str, Any]
) -> None:
    before = everything(code)
    result = code.shell(f"echo x > started; {command}", **options)
    assert (result.status, result.files, everything(code)) == ("timeout", (), before)


def test_a_fork_bomb_is_bounded(code: Code) -> None:
    if code.backend.name == "landlock":
        # Without a namespace of processes nothing ends them all at once: for root this would take the machine down.
        pytest.skip("only on Linux with namespaces")
    code.shell(":(){ :|:& };:; wait", processes=20, seconds=2)
    assert code.shell("echo alive").content == "exit code 0\nstdout:\nalive"


def test_memory_past_its_limit_is_not_to_be_had(code: Code) -> None:
    result = code.python("x = bytearray(600 << 20)\nfor n in range(0, len(x), 4096): x[n] = 1", memory_mb=128)
    assert result.status == "error"


def test_there_is_no_network_not_even_this_machine(code: Code) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        port = canary.getsockname()[1]
        result = code.python(f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)")
        assert result.status == "error"
        with pytest.raises(BlockingIOError):
            canary.accept()


def test_a_program_cannot_change_what_the_next_one_sees_but_by_its_files(code: Code) -> None:
    code.shell(
        "echo 'raise SystemExit(9)' > src/app.py; mkdir src/__pycache__; echo x > src/__pycache__/y; ln -s / root"
    )
    result = code.shell("ls -A src; test -e root || echo no root; ls -A /tmp | grep -v agentcli-")
    assert result.content.splitlines()[2:4] == ["app.py", "no root"]


def test_git_can_be_read(code: Code) -> None:
    (code.root / "notes.txt").write_text("changed\n")
    result = code.shell(
        "git log --format=%s && git status --short notes.txt && git diff --stat && git show HEAD:notes.txt"
    )
    assert result.status == "ok", result.content
    assert "first\n M notes.txt\n notes.txt | 3 +--" in result.content
    assert result.content.endswith("b\na")


def test_programs_that_people_use_work(code: Code) -> None:
    (code.root / "test_app.py").write_text(
        "import sys, unittest\nsys.path.insert(0, 'src')\nimport app\n"
        "class T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(app.x, 1)\n"
    )
    pool = "with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1]))"
    if code.backend.name == "landlock":
        pool = "print([1])"  # it has no shared memory for locks between processes
    result = code.python(
        "import sqlite3, subprocess, sys, tempfile, multiprocessing\n"
        "base = sqlite3.connect('data.db'); base.execute('create table t (n)')\n"
        "base.execute('insert into t values (7)'); base.commit()\n"
        "print(base.execute('select n from t').fetchone())\n"
        "tempfile.NamedTemporaryFile().write(b'x')\n"
        f"if __name__ == '__main__':\n    {pool}\n"
        "    sys.exit(subprocess.run([sys.executable, '-m', 'unittest', '-q']).returncode)\n"
    )
    assert result.status == "ok", result.content
    assert "(7,)\n[1]" in result.content
    assert [change.path for change in result.files] == ["data.db"]
    again = code.python("import sqlite3; print(sqlite3.connect('data.db').execute('select n from t').fetchone())")
    assert "(7,)" in again.content


def test_a_page_is_converted_on_the_real_sandbox(backend: Backend) -> None:
    text = asyncio.run(
        converted("<h1>Guide</h1><a href='/x'>x</a>", "markdown", "https://a.org/", "a.org", On(backend))
    )
    assert "# Guide" in text
