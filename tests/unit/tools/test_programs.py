"""`run_python` and `shell`: what a model is told of a program, and what becomes of what it did to files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcli.core.policies import Policy
from agentcli.core.processes import MIB, Finished, Job
from agentcli.core.tools import FileChange, ToolResult
from agentcli.errors import DefinitionError, DeniedError, ToolError
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.registry import ToolRegistry
from agentcli.tools.run_python import spec as python_spec
from agentcli.tools.shell import spec as shell_spec
from tests.fakes.plain_processes import PlainProcesses


@dataclass
class Programs:
    """A sandbox in which every program ends as told, after it has done something in its folder."""

    ends: Finished | BaseException = field(default_factory=lambda: Finished(0, b"", b"", 0.1))
    does: Callable[[Path], object] = lambda folder: None
    jobs: list[Job] = field(default_factory=list)
    name: str = "canned"

    async def run(self, job: Job) -> Finished:
        self.jobs.append(job)
        assert job.workspace is not None
        self.does(job.workspace)
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends


@pytest.fixture
def workspace(root: Path) -> Any:
    found = Workspace(root)
    yield found
    found.close()


def call(workspace: Workspace, sandbox: Any, tool: str = "shell", **options: Any) -> ToolResult:
    registry = ToolRegistry(ToolContext(workspace, sandbox=lambda: sandbox))
    made = registry.select([SimpleNamespace(name=tool, options=options)]).get(tool)
    assert made is not None
    argument = {"shell": "command", "run_python": "code"}[tool]
    return asyncio.run(made.call(made.parse({argument: "true"})))


def ended(code: int = 0, out: bytes = b"", err: bytes = b"", **more: Any) -> Programs:
    return Programs(Finished(code, out, err, 0.1, **more))


def test_code_is_run_and_its_output_and_files_are_told(root: Path) -> None:
    (root / "helper.py").write_text("NAME = 'world'\n")
    workspace = Workspace(root)
    registry = ToolRegistry(ToolContext(workspace, sandbox=PlainProcesses))
    tool = registry.select([SimpleNamespace(name="run_python", options={})]).get("run_python")
    assert tool is not None
    code = "import helper, sys\nprint('hello', helper.NAME)\nopen('made', 'w').write('x')\nsys.exit(3)"
    result = asyncio.run(tool.call(tool.parse({"code": code})))
    assert result.content == "exit code 3\nstdout:\nhello world\n[created: made]"
    assert (result.status, result.files) == ("error", (FileChange("made", None, b"x", changed=True),))
    assert result.data == {"exit_code": 3, "created": ["made"], "changed": [], "deleted": []}
    assert (root / "made").read_text() == "x"
    workspace.close()


@pytest.mark.parametrize(
    ("sandbox", "said", "status"),
    [
        (ended(), "exit code 0", "ok"),
        (ended(1, b"a\n", b"b\n"), "exit code 1\nstdout:\na\nstderr:\nb", "error"),
        (ended(-9), "ended by signal 9", "error"),
        (ended(0, b"\x1b[31mred\x07\xff\x00"), "exit code 0\nstdout:\nred\\x07\N{REPLACEMENT CHARACTER}\\x00", "ok"),
        (ended(0, b"x", dropped=5), "exit code 0\nstdout:\nx\n[5 bytes of output were not kept]", "ok"),
    ],
)
def test_how_a_program_ended_is_said(workspace: Workspace, sandbox: Programs, said: str, status: str) -> None:
    result = call(workspace, sandbox)
    assert (result.content, result.status) == (said, status)


def test_long_output_is_cut_in_the_middle_and_errors_keep_their_half(workspace: Workspace) -> None:
    result = call(workspace, ended(1, b"o" * 5000 + b"END", b"e" * 5000), max_bytes=1000)
    assert result.content.count("o") - result.content.count(" of ") < 520
    assert "bytes left out" in result.content
    assert "END\nstderr:\n" in result.content
    assert len(result.content) < 1200
    alone = call(workspace, ended(1, b"", b"e" * 900), max_bytes=1000)
    assert alone.content == "exit code 1\nstderr:\n" + "e" * 900


@pytest.mark.parametrize(
    ("stopped", "status", "why"),
    [
        ("time", "timeout", "its time was up"),
        ("cpu", "timeout", "its CPU time was used up"),
        ("memory", "error", "it needed too much memory"),
        ("processes", "error", "it started too many processes"),
        ("disk", "error", "the disk was almost full"),
    ],
)
def test_nothing_is_taken_over_of_a_program_that_was_stopped(
    workspace: Workspace, root: Path, stopped: str, status: str, why: str
) -> None:
    sandbox = ended(-9, b"out", stopped=stopped)
    sandbox.does = lambda folder: (folder / "half").write_text("x")
    result = call(workspace, sandbox)
    assert result.content == f"stopped: {why}; none of its changes to files were taken over\nstdout:\nout"
    assert (result.status, result.files, result.in_doubt) == (status, (), False)
    assert result.data["stopped"] == stopped
    assert list(root.iterdir()) == []
    sandbox.does = lambda folder: (folder / "whole").write_text("x")
    sandbox.ends = Finished(0, b"", b"", 0.1)
    assert [change.path for change in call(workspace, sandbox).files] == ["whole"]


def test_lists_of_files_are_short(workspace: Workspace) -> None:
    sandbox = ended()
    sandbox.does = lambda folder: [(folder / f"f{number:02}").write_text("") for number in range(30)]
    content = call(workspace, sandbox).content
    assert content.endswith("f18, f19 and 10 more]")


def test_what_is_not_taken_over_is_told_with_its_reason(workspace: Workspace) -> None:
    sandbox = ended()
    sandbox.does = lambda folder: [(folder / ".env").write_text("x"), (folder / "a\nb").write_text("x")]
    result = call(workspace, sandbox)
    assert "[not taken over: " in result.content
    assert ".env (it is hidden from tools)" in result.content
    assert "a\N{REPLACEMENT CHARACTER}b (its name cannot be a path)" in result.content
    assert set(result.data["left"]) == {".env", "a\N{REPLACEMENT CHARACTER}b"}


def test_too_many_changes_are_told_and_not_made(workspace: Workspace, root: Path) -> None:
    sandbox = ended()
    sandbox.does = lambda folder: [(folder / f"f{number}").touch() for number in range(1001)]
    result = call(workspace, sandbox)
    said = "It changed 1,001 files; the most is 1,000."
    assert result.content == f"exit code 0\n[none of its changes to files were taken over: {said}]"
    assert (result.data["cut"], list(root.iterdir())) == (said, [])


@pytest.mark.parametrize("tool", ["shell", "run_python"])
def test_the_template_sets_the_limits(workspace: Workspace, tool: str) -> None:
    sandbox = ended()
    given = {"seconds": 5, "cpu_seconds": 7, "memory_mb": 64, "processes": 3, "file_mb": 2}
    call(workspace, sandbox, tool, **given)
    (job,) = sandbox.jobs
    limits = job.limits
    assert (limits.seconds, limits.cpu_seconds, limits.memory_bytes) == (5, 7, 64 * MIB)
    assert (limits.processes, limits.file_bytes) == (3, 2 * MIB)
    assert job.workspace != workspace.root
    assert (job.hidden, job.protected) == ((), ())


@pytest.mark.parametrize("option", [{"seconds": 0}, {"memory_mb": 10**9}, {"processes": 0}, {"max_bytes": 1}, {"x": 1}])
def test_a_limit_out_of_bounds_is_an_error_of_the_template(workspace: Workspace, option: dict[str, int]) -> None:
    with pytest.raises(DefinitionError) as caught:
        call(workspace, ended(), **option)
    assert caught.value.code == "E-TOOL-OPTION"


def test_without_a_sandbox_nothing_is_run(workspace: Workspace) -> None:
    refused = DeniedError("E-SANDBOX-NONE", "There is none.", why="None.", fix="None.")
    with pytest.raises(DeniedError):
        call(workspace, Programs(refused))
    assert call(workspace, ended()).status == "ok"


def test_cancelling_a_call_takes_nothing_over(workspace: Workspace, root: Path) -> None:
    sandbox = Programs(asyncio.CancelledError(), lambda folder: (folder / "half").write_text("x"))
    with pytest.raises(asyncio.CancelledError):
        call(workspace, sandbox)
    assert call(workspace, ended()).files == ()
    assert list(root.iterdir()) == []


def test_a_workspace_too_large_to_copy_is_an_error_that_says_what_to_do(workspace: Workspace, root: Path) -> None:
    (root / "a").touch()
    (root / "b").touch()
    sandbox = ended()
    with pytest.raises(ToolError) as caught:
        call(workspace, sandbox, copy_files=1)
    assert (caught.value.code, caught.value.tool) == ("E-TOOL-WORKSPACE", "shell")
    assert caught.value.info.why == "It has more than 1 files."
    assert "copy_files" in caught.value.info.fix
    assert sandbox.jobs == []


def test_a_copy_that_cannot_be_written_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(root)
    monkeypatch.setattr(workspace.mirrors, "take", full)
    with pytest.raises(ToolError) as caught:
        call(workspace, ended())
    assert caught.value.info.why == "The copy could not be written: No space left on device."
    workspace.close()


def full(_cap: object) -> object:
    raise OSError(28, "No space left on device")


def test_a_large_workspace_is_worked_in_only_where_the_template_says_so(workspace: Workspace, root: Path) -> None:
    for name in ("a", "b", ".env", "agentcli.yaml"):
        (root / name).touch()
    sandbox = ended()
    sandbox.does = lambda folder: (folder / "made").write_text("x")
    result = call(workspace, sandbox, copy_files=1, in_place=True)
    (job,) = sandbox.jobs
    assert (job.workspace, job.hidden, job.protected) == (root, (root / ".env",), (root / "agentcli.yaml",))
    assert "it worked in the workspace itself" in result.content
    assert (result.unseen, result.in_doubt, result.files, result.status) == (True, False, (), "ok")
    assert (root / "made").exists()
    small = call(workspace, sandbox, in_place=True)
    assert (small.unseen, sandbox.jobs[-1].workspace == root) == (False, False)


def test_nobody_knows_how_far_a_program_came_that_was_stopped_in_place(workspace: Workspace, root: Path) -> None:
    (root / "a").touch()
    (root / "b").touch()
    result = call(workspace, ended(-9, stopped="time"), copy_files=1, in_place=True)
    assert (result.status, result.unseen, result.in_doubt) == ("timeout", True, True)
    assert "taken over" not in result.content


def test_a_workspace_that_cannot_be_covered_whole_is_not_worked_in(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").touch()
    (root / "b").touch()
    monkeypatch.setattr(workspace, "covered", lambda: SimpleNamespace(hidden=(), protected=(), cut="It is too large."))
    sandbox = ended()
    with pytest.raises(ToolError, match="could not be copied"):
        call(workspace, sandbox, copy_files=1, in_place=True)
    assert sandbox.jobs == []


@pytest.mark.parametrize(
    ("command", "decision"),
    [
        ("git log --oneline", "allow"),
        ("git log; rm -rf .", "ask"),
        ("git log && rm -rf .", "ask"),
        ("git log | tee x", "ask"),
        ("git log > x", "ask"),
        ("git log $(rm -rf .)", "ask"),
        ("git log `rm -rf .`", "ask"),
        ("git log\nrm -rf .", "ask"),
        ("git log & rm -rf .", "ask"),
        ("git push", "ask"),
    ],
)
def test_a_compound_command_never_matches_an_allow(command: str, decision: str) -> None:
    permissions = SimpleNamespace(allow=["shell(git log*)"], ask=[], deny=[])
    policy = Policy([SimpleNamespace(name="user", permissions=permissions, trusted=True)])
    assert policy.decide(shell_spec(), {"command": command}).decision == decision


def test_code_can_be_denied_by_what_is_in_it() -> None:
    permissions = SimpleNamespace(allow=["run_python"], ask=[], deny=["run_python(*subprocess*)"])
    policy = Policy([SimpleNamespace(name="user", permissions=permissions, trusted=True)])
    assert policy.decide(python_spec(), {"code": "import\n  subprocess"}).decision == "deny"
    assert policy.decide(python_spec(), {"code": "print(1)"}).decision == "allow"
