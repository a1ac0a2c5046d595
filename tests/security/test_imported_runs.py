"""A run from elsewhere, whatever its record says, changes nothing here without an approval that was given here."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.catalog.builtin import templates_root
from tests.cli.conftest import Cli, cli
from tests.fakes.forged import Forgery, forged
from tests.security.foreign import (
    Change,
    always_approved,
    everything_allowed,
    handed_on,
    set_of_mine,
    take_in,
    unlimited,
    written,
)

__all__ = ["cli"]

AGENT = """\
version: 1
kind: agent
name: scribe
instructions: Write.
tools: [create_file]
"""
WRITES = """\
replies:
  - tool_calls: [{name: create_file, arguments: {path: a.txt, content: one}}]
  - text: It is written.
"""
WAYS_ON = {
    "resumed": ["resume"],
    "forked at the answer": ["fork", "last", "--at", "4"],
    "forked at the approval": ["fork", "last", "--at", "6"],
    "forked onto the present files": ["fork", "last", "--at", "6", "--files", "current"],
    "replayed with the tool live": ["replay", "--live", "tool:create_file"],
}


@pytest.fixture
def denied(isolated: Path, cli: Cli) -> bytes:
    """The bundle of a run that stopped where nobody could be asked; the record itself is gone from here."""
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: scribe\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "scribe.yaml").write_text(AGENT)
    (isolated / "s.yaml").write_text(WRITES)
    assert cli("run", "Write it").code == 5
    return handed_on(cli)


# -- what a record may say -------------------------------------------------------------------------------------------


def begun_after_approval(bundle: Forgery) -> None:
    always_approved(bundle)
    key = ["tool", "create_file", 0]
    bundle.insert_before("run.completed", bundle.begun_call(key=key, request="3" * 64))


def everything_allowed_beside_a_trusted_template(bundle: Forgery) -> None:
    """The template is word for word one that is here; only the rules beside it are none of its own."""
    everything_allowed(bundle)
    text = (templates_root() / "agents" / "assistant.yaml").read_text()
    bundle.manifest.update(agent="assistant", source=text)


def not_to_be_executed(bundle: Forgery) -> None:
    everything_allowed(bundle)
    bundle.manifest["policy"]["answered"] = {"create_file": "recorded"}


def more_plans_than_eras(bundle: Forgery) -> None:
    """A second beginning, so that the rules of here would be those of an era that never comes."""
    everything_allowed(bundle)
    bundle.insert_before("approval.requested", {**bundle.first("run.started"), "lane": "turn.1"})


NOTHING_GAINED: list[Change] = [
    always_approved,
    begun_after_approval,
    everything_allowed,
    everything_allowed_beside_a_trusted_template,
    not_to_be_executed,
    more_plans_than_eras,
]


@pytest.mark.parametrize("change", NOTHING_GAINED, ids=lambda change: change.__name__)
@pytest.mark.parametrize("way", WAYS_ON)
def test_the_approval_is_asked_for_here_and_where_nobody_can_be_asked_the_run_is_denied(
    cli: Cli, denied: bytes, change: Change, way: str
) -> None:
    take_in(cli, forged(denied, change))
    result = cli(*WAYS_ON[way])
    assert (written(cli), result.code) == ([], 5), result.err
    assert "E-APPROVAL-NOBODY" in result.err


def a_call_complete_without_its_result(bundle: Forgery) -> None:
    """It would go by the rules of the time when it was completed, which are those on record."""
    everything_allowed(bundle)
    bundle.insert_before("run.completed", bundle.completed_call())


def a_call_complete_as_a_mere_note(bundle: Forgery) -> None:
    everything_allowed(bundle)
    bundle.insert_before("run.completed", bundle.completed_call(key=["tool", "create_file", 0]))


def a_call_approved_and_complete_without_its_result(bundle: Forgery) -> None:
    always_approved(bundle)
    bundle.insert_before("run.completed", bundle.completed_call())


HALF_COMPLETE: list[Change] = [
    a_call_complete_without_its_result,
    a_call_complete_as_a_mere_note,
    a_call_approved_and_complete_without_its_result,
]


@pytest.mark.parametrize("change", HALF_COMPLETE, ids=lambda change: change.__name__)
def test_a_call_that_is_called_complete_is_not_executed_by_the_rules_on_record(
    cli: Cli, denied: bytes, change: Change
) -> None:
    take_in(cli, forged(denied, change))
    result = cli("resume")
    assert (written(cli), result.code) == ([], 1), result.err
    assert "E-JOURNAL-DAMAGED" in result.err


# -- where it says that it ran ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["resume", "--yes"], ["fork", "last", "--at", "4", "--yes"]], ids=["resume", "fork"])
def test_a_folder_that_a_record_names_is_not_opened(cli: Cli, denied: bytes, words: list[str]) -> None:
    elsewhere = cli.cwd.parent / "elsewhere"
    elsewhere.mkdir()
    take_in(cli, forged(denied, lambda bundle: bundle.manifest.update(workspace=str(elsewhere))))
    result = cli(*words)
    assert (written(cli), result.code, "E-RUN-WORKSPACE" in result.err) == ([], 2, True)
    assert list(elsewhere.iterdir()) == []


def test_a_limit_on_record_is_no_higher_than_the_users_own(cli: Cli, denied: bytes) -> None:
    set_of_mine(cli, "limits: {turns: 1}\n")
    take_in(cli, forged(denied, unlimited))
    assert cli("resume", "--yes").code == 4
    assert cli("resume", "--yes", "--limit", "turns=2").code == 0
