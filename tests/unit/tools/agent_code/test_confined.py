"""Code on its line: what it says, how it ends, and what becomes of its files. Without confinement, which is tested
elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.agent_code import AgentCode
from agentcli.core.events import CodeAsked, CodeCompleted
from agentcli.errors import AgentcliError, DeniedError, RunError, ToolError
from agentcli.sandbox.copying import Cap
from agentcli.sandbox.paths import Workspace
from agentcli.tools.agent_code import copy
from agentcli.tools.agent_code.confined import ConfinedCode
from agentcli.tools.context import ToolContext
from tests.fakes.plain_processes import PlainProcesses

BEGIN = {"task": "the task", "inputs": {}}
HEAD = "import os, struct, sys, time\ndef run(agent, task):\n"


@dataclass
class Made:
    """Code over a workspace; closed at the end of the test."""

    root: Path
    workspace: Workspace
    all: list[ConfinedCode] = field(default_factory=list)

    def __call__(self, body: str, *, seconds: float = 20.0, line: int = 0, sandbox: Any = None) -> ConfinedCode:
        confined = sandbox or PlainProcesses()
        context = ToolContext(self.workspace, sandbox=lambda: confined)
        self.all.append(ConfinedCode(context, AgentCode(HEAD + body, "a.yaml", line, 2), seconds))
        return self.all[-1]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Made]:
    root = tmp_path / "ws"
    root.mkdir()
    (root / "notes.txt").write_text("old\n")
    (root / ".env").write_text("SECRET=1\n")
    workspace = Workspace(root)
    found = Made(root, workspace)
    yield found
    for code in found.all:
        await code.aclose()
        await code.aclose()
    workspace.close()


async def test_it_asks_is_answered_and_ends(made: Made) -> None:
    code = made("    return [task, agent.ask('which?'), agent.tool('t', a=1)]\n")
    asked = await code.tell(BEGIN)
    assert asked == CodeAsked("ask", {"prompt": "which?", "instructions": None, "schema": None, "tools": None})
    assert await code.tell({"value": "red"}) == CodeAsked("tool", {"name": "t", "arguments": {"a": 1}})
    assert await code.tell({"value": "done"}) == CodeCompleted(["the task", "red", "done"], None)


async def test_what_it_prints_is_told_at_the_end(made: Made) -> None:
    code = made("    print('\\x1b[31mred', file=sys.stderr); print('x' * 100_000); print('end')\n")
    said = await code.tell(BEGIN)
    assert isinstance(said, CodeCompleted)
    assert (len(said.printed), said.printed.endswith("x\nend\nred")) == (8_000, True)


async def test_what_it_raises_names_the_line_of_its_file(made: Made) -> None:
    said = await made("    print('before')\n    return 1 / 0\n", line=10).tell(BEGIN)
    assert isinstance(said, CodeCompleted)
    assert said.error is not None
    assert (said.error.code, said.error.file, said.error.line, said.error.column) == ("E-CODE-RAISED", "a.yaml", 14, 3)
    assert (said.error.what, said.error.why) == ("The agent's code raised ZeroDivisionError.", "Division by zero.")
    assert 'File "a.yaml", line 14, in run' in said.trace
    assert said.printed == "before"


def frame(text: str) -> str:
    return f"    os.write(3, {text})\n    time.sleep(60)\n"


@pytest.mark.parametrize(
    ("body", "code", "why"),
    [
        ("    return object()\n", "E-CODE-OUTPUT", "not JSON serializable"),
        ("    sys.exit('no')\n", "E-CODE-RAISED", "No."),
        ("    os._exit(3)\n", "E-CODE-STOPPED", "ended with exit code 3"),
        ("    os.kill(os.getpid(), 9)\n", "E-CODE-STOPPED", "ended by signal 9"),
        (frame("b'\\xff' * 9"), "E-CODE-REQUEST", "A frame of 4294967295 bytes."),
        (frame("struct.pack('>I', 2 ** 20 + 1)"), "E-CODE-REQUEST", "A frame of 1048577 bytes."),
        (frame("struct.pack('>I', 3) + b'[1]'"), "E-CODE-REQUEST", "No object."),
        (frame("struct.pack('>I', 9) + b'\\xff' * 9"), "E-CODE-REQUEST", "can't decode"),
        (frame("struct.pack('>I', 100_000) + b'[' * 100_000"), "E-CODE-REQUEST", "recursion"),
        (frame("struct.pack('>I', 19) + b'{\"wants\":\"approve\"}'"), "E-CODE-REQUEST", "wants"),
    ],
)
async def test_whatever_it_does_instead_has_words(made: Made, body: str, code: str, why: str) -> None:
    said = await made(body).tell(BEGIN)
    assert isinstance(said, CodeCompleted)
    assert said.error is not None
    assert said.error.code == code
    assert why.lower() in said.error.why.lower()


@pytest.mark.parametrize(
    "body", ["time.sleep(60)", "os.close(3); time.sleep(60)", "os.write(3, b'\\0'); time.sleep(60)"]
)
async def test_code_that_says_nothing_is_stopped_in_time(made: Made, body: str) -> None:
    said = await made(f"    {body}\n", seconds=0.5).tell(BEGIN)
    assert isinstance(said, CodeCompleted)
    assert said.error is not None
    assert (said.error.code, said.error.why) == ("E-CODE-STOPPED", "It worked for 0.5 s without asking for anything.")


async def test_a_limit_of_the_sandbox_is_told(made: Made) -> None:
    class Stopping(PlainProcesses):
        async def run(self, job: Any) -> Any:
            from dataclasses import replace

            return replace(await super().run(job), stopped="memory")

    said = await made("    os._exit(1)\n", sandbox=Stopping()).tell(BEGIN)
    assert isinstance(said, CodeCompleted)
    assert said.error is not None
    assert (said.error.code, said.error.why) == ("E-CODE-STOPPED", "It needed too much memory.")


async def test_without_a_sandbox_it_is_denied(made: Made) -> None:
    code = ConfinedCode(ToolContext(made.workspace), AgentCode(HEAD + "    pass\n", "a.yaml"), 5.0)
    made.all.append(code)
    with pytest.raises(DeniedError) as caught:
        await code.tell(BEGIN)
    assert caught.value.code == "E-SANDBOX-NONE"


async def test_the_job_is_no_more_than_it_needs(made: Made) -> None:
    sandbox = PlainProcesses()
    await made("    return sorted(os.environ)\n", sandbox=sandbox).tell(BEGIN)
    (job,) = sandbox.jobs
    assert (job.stdin, dict(job.environ)) == (b"", {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"})
    assert job.workspace != made.root


# -- files ----------------------------------------------------------------------------------------------------------

WRITES = (
    "    print(open('notes.txt').read(), os.path.exists('.env'))\n"
    "    os.makedirs('out'); open('out/a.txt', 'w').write('new'); open('notes.txt', 'a').write('more\\n')\n"
)


async def test_its_files_become_real_when_they_are_kept(made: Made) -> None:
    code = made(WRITES)
    said = await code.tell(BEGIN)
    assert isinstance(said, CodeCompleted)
    assert (said.changed, said.printed) == (("notes.txt", "out/a.txt"), "old\n False")
    assert (made.root / "notes.txt").read_text() == "old\n"
    preview = await code.preview()
    assert preview is not None
    assert ("+more" in preview.text, "+++ out/a.txt" in preview.text) == (True, True)
    result = await code.keep()
    assert (result.status, result.content) == ("ok", "[created: out/a.txt]\n[changed: notes.txt]")
    assert [change.path for change in result.files] == ["notes.txt", "out/a.txt"]
    assert (made.root / "notes.txt").read_text() == "old\nmore\n"


async def test_a_file_that_was_changed_meanwhile_stays_as_it_is(made: Made) -> None:
    code = made("    open('notes.txt', 'a').write('more\\n')\n")
    await code.tell(BEGIN)
    (made.root / "notes.txt").write_text("mine\n")
    result = await code.keep()
    assert (result.status, result.content) == ("error", "[not taken over: notes.txt (it was changed meanwhile)]")
    assert (made.root / "notes.txt").read_text() == "mine\n"


async def test_code_that_failed_has_no_files_and_a_deleted_one_is_shown(made: Made) -> None:
    said = await made(WRITES + "    return 1 / 0\n").tell(BEGIN)
    assert isinstance(said, CodeCompleted)
    assert said.changed == ()
    code = made("    os.remove('notes.txt')\n")
    await code.tell(BEGIN)
    preview = await code.preview()
    assert preview is not None
    assert "-old" in preview.text
    assert (await code.keep()).content == "[deleted: notes.txt]"
    assert not (made.root / "notes.txt").exists()


async def test_of_many_files_the_first_are_shown(made: Made) -> None:
    code = made("    for n in range(30): open(f'{n:02}', 'w').write('x')\n")
    await code.tell(BEGIN)
    preview = await code.preview()
    assert preview is not None
    assert ("+++ 19" in preview.text, "+++ 20" in preview.text) == (True, False)
    assert preview.text.endswith("[and 10 more files]")


async def test_too_many_files_are_a_failure(made: Made) -> None:
    said = await made("    for n in range(20_100): os.close(os.open(str(n), os.O_CREAT))\n").tell(BEGIN)
    assert isinstance(said, CodeCompleted)
    assert said.error is not None
    assert (said.error.code, said.changed) == ("E-CODE-FILES", ())


async def test_before_it_has_run_there_is_nothing_to_keep(made: Made) -> None:
    with pytest.raises(ToolError) as caught:
        await made("    pass\n").keep()
    assert caught.value.code == "E-CODE-FILES"


@pytest.mark.parametrize(
    ("take", "why"),
    [
        (lambda cap: (None, "It has more than 1 file."), "It has more than 1 file."),
        (lambda cap: 1 / 0, ""),
    ],
)
def test_a_workspace_that_cannot_be_copied(take: Callable[[Cap], Any], why: str) -> None:
    class Mirrors:
        def take(self, cap: Cap) -> Any:
            try:
                return take(cap)
            except ZeroDivisionError:
                raise OSError(28, "No space left on device") from None

    class Large:
        mirrors = Mirrors()

    with pytest.raises(RunError) as caught:
        copy.Copy(Large())  # type: ignore[arg-type]
    error: AgentcliError = caught.value
    assert error.code == "E-CODE-WORKSPACE"
    assert error.info.why == (why or "The copy could not be written: No space left on device.")
