"""Where it is switched on, personal data reaches neither the model nor the disk, whatever way it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.errors import StorageError
from agentcli.workbench.export_run import ExportRequest, export_run
from agentcli.workbench.replay_run import replay_run
from tests.security.test_secrets import call, on_record
from tests.unit.workbench.conftest import AGENT, Project, project

__all__ = ["project"]

MAIL, PHONE, IBAN, CARD = "anna@example.org", "+49 170 1234567", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111"
ALL = (MAIL, PHONE, IBAN, CARD, "8.8.8.8")
LETTER = f"Anna, {MAIL}, {PHONE},\npays from {IBAN} or {CARD}, at 8.8.8.8.\n"
ON = {"AGENTCLI_REDACTION__PERSONAL": '["email", "phone", "iban", "card", "ip"]'}


def everything(project: Project) -> str:
    return on_record(project) + files(project.root / ".agentcli")


def files(folder: Path) -> str:
    """What lies on the disk, as far as it is no packed content."""
    return "\n".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


async def test_it_is_hidden_in_results_inputs_attachments_tasks_and_answers(project: Project) -> None:
    about = AGENT.replace("Be brief.", "'You write to {{ inputs.to }}.'")
    project.agent("inputs: {to: {type: string}}\n", about)
    (project.root / "a.txt").write_text(LETTER)
    project.script(call("read_lines", path="a.txt"), f"I wrote to {MAIL}, and call {PHONE} now.")
    outcome = await project.run(
        f"Write to {MAIL}.", environ=ON, inputs={"to": f"{MAIL} or {PHONE}"}, attachments=[("letter.txt", LETTER)]
    )
    assert outcome.status == "completed"
    assert outcome.output.startswith("I wrote to <personal:email:")
    assert [value for value in ALL if value in everything(project)] == []


async def test_it_is_left_where_nobody_asked_for_it(project: Project) -> None:
    (project.root / "a.txt").write_text(LETTER)
    project.script(call("read_lines", path="a.txt"), f"I wrote to {MAIL}.")
    outcome = await project.run()
    assert outcome.output == f"I wrote to {MAIL}."
    assert [value for value in ALL if value not in on_record(project)] == []


async def test_a_project_can_ask_for_it(project: Project) -> None:
    (project.root / "agentcli.yaml").write_text("version: 1\nredaction: {personal: [email]}\n")
    project.script(f"Write to {MAIL} or {PHONE}.")
    outcome = await project.run()
    assert outcome.output.startswith("Write to <personal:email:")
    assert outcome.output.endswith(f"or {PHONE}.")


def placeholder_in(text: str) -> str:
    begin = text.index("<personal:")
    return text[begin : text.index(">", begin) + 1]


async def first_placeholder(project: Project) -> str:
    """What the model is shown for the address in `a.txt`."""
    (project.root / "a.txt").write_text(LETTER)
    project.script(call("read_lines", path="a.txt"), "done")
    await project.run(environ=ON)
    shown = placeholder_in(project.seen.of("tool.completed")[0].result)
    project.seen.events.clear()
    return shown


async def test_a_tool_that_writes_the_workspace_gets_the_value_and_another_run_the_same_placeholder(
    project: Project,
) -> None:
    shown = await first_placeholder(project)
    project.script(
        call("read_lines", path="a.txt"), call("create_file", path="b.txt", content=f"To: {shown}\n"), "written"
    )
    await project.run(environ=ON, yes=True)
    assert (project.root / "b.txt").read_text() == f"To: {MAIL}\n"
    (written,) = [body for body in project.seen.of("tool.completed") if body.tool == "create_file"]
    assert [touch.masked for touch in written.files] == [True]
    assert MAIL not in everything(project)


async def test_a_tool_that_reads_does_not_get_it(project: Project) -> None:
    shown = await first_placeholder(project)
    project.script(call("read_lines", path="a.txt"), call("read_lines", path=shown), "done")
    await project.run(environ=ON)
    result = project.seen.of("tool.completed")[1]
    assert (result.status, result.result.split(":")[0]) == ("denied", "E-TOOL-SECRET")


async def test_a_placeholder_of_another_process_asks_for_the_value_to_be_read_again(project: Project) -> None:
    shown = await first_placeholder(project)
    project.script(call("create_file", path="b.txt", content=shown), "done")
    await project.run(environ=ON, yes=True)
    (result,) = project.seen.of("tool.completed")
    assert (result.status, result.result.split(":")[0]) == ("error", "E-PERSONAL-GONE")
    assert not (project.root / "b.txt").exists()


@pytest.mark.parametrize("then", [{}, ON])
async def test_a_run_replays_whether_it_is_on_or_off(project: Project, then: dict[str, str]) -> None:
    for environ in ({}, ON):
        (project.root / "a.txt").write_text(LETTER)
        project.script(call("read_lines", path="a.txt"), f"I wrote to {MAIL}.")
        await project.run(environ=environ)
        with project.bench(then) as bench:
            assert (await replay_run(bench, "last")).divergence is None


async def test_what_was_recorded_before_is_not_exported_once_it_is_on(project: Project) -> None:
    project.script(f"I wrote to {MAIL}.")
    await project.run()
    with project.bench() as bench:
        assert export_run(bench, ExportRequest("last", "jsonl")).files
    with project.bench(ON) as bench, pytest.raises(StorageError):
        export_run(bench, ExportRequest("last", "jsonl"))
