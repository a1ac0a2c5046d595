"""The workflows that come with the program do what their descriptions say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcli.catalog.builtin import templates_root
from tests.cli.conftest import Cli

REPLIES: list[dict[str, Any]] = [
    # prompt-list
    {"contains": "List the five most important points", "text": "1. Brew it."},
    {"contains": "Which of these points", "text": "They brew it cold."},
    {"contains": "Write one paragraph", "text": "Brew tea hot."},
    # plan-execute
    {"contains": "Break this task", "text": '["count the files", "name the largest"]'},
    {"contains": "Part: count the files\n", "matches": "^Do this part", "text": "There are three."},
    {"contains": "Part: name the largest\n", "matches": "^Do this part", "error": "server"},
    {"contains": "Result: none: it failed", "text": "Three files; the largest is not known."},
    # router
    {"contains": "What kind of request", "text": '{"kind": "data"}'},
    {"contains": "Ada was born in 1815", "text": '{"born": 1815}'},
    # map-reduce
    {"contains": "Answer in one sentence.\nred", "text": "It is red."},
    {"contains": "Answer in one sentence.\nblue", "text": "It is blue."},
    {"matches": "(?s)- It is red.*- It is blue", "text": "Two colours."},
    # revise
    {"contains": "Your last text was: Too long a text.", "text": "Short."},
    {"contains": "Text: Short.", "text": '{"good": true, "why": "It is short."}'},
    {"contains": "Text: Too long a text.", "text": '{"good": false, "why": "Make it shorter."}'},
    {"contains": "Write about tea", "text": "Too long a text."},
    # supervisor
    {"contains": "Nothing is done yet", "text": '{"next": "read", "order": "Who is in the list?"}'},
    {"contains": "Done so far: Ada", "text": '{"next": "write", "order": "Greet her."}'},
    {"contains": "Done so far: Hello", "text": '{"next": "finish", "order": "Hello Ada."}'},
    {"contains": "What is known: Ada", "text": "Hello Ada."},
    {"contains": "Who is in the list?", "text": "Ada"},
    # fallback
    {"contains": "Somebody else came to nothing", "text": "From the files."},
    {"contains": "Say what the files say", "error": "unauthorised"},
]

Workflow = Callable[..., Any]


@pytest.fixture
def workflow(cli: Cli, isolated: Path) -> Workflow:
    """Runs a workflow with the replies above, and gives what it printed."""
    (isolated / "replies.yaml").write_text(json.dumps({"replies": REPLIES}))

    def run(name: str, *words: str) -> Any:
        return cli("workflow", "run", name, *words, "-m", "scripted:replies.yaml", "-q")

    return run


def steps(cli: Cli) -> dict[str, str]:
    """What became of each step of the last run: the last event of each."""
    found = [json.loads(line) for line in cli("runs", "show", "last", "--json").out.splitlines()]
    return {event["step"]: event["type"] for event in found if event["type"].startswith("step.")}


def test_a_prompt_list_feeds_each_answer_forward(workflow: Workflow) -> None:
    assert workflow("prompt-list", "-i", "topic=tea").out == "Brew tea hot.\n"


def test_a_plan_is_executed_part_by_part_and_checked_also_where_a_part_failed(workflow: Workflow, cli: Cli) -> None:
    done = workflow("plan-execute", "-i", "task=Look at the files.")
    assert done.out == "Three files; the largest is not known.\n"
    assert steps(cli) == {"plan": "step.completed", "work": "step.completed", "check": "step.completed"}


def test_a_router_asks_who_fits(workflow: Workflow, cli: Cli) -> None:
    assert json.loads(workflow("router", "-i", "request=Ada was born in 1815").out) == {"born": 1815}


def test_map_reduce_asks_all_and_makes_one_answer(workflow: Workflow) -> None:
    assert workflow("map-reduce", "-i", 'items:=["red", "blue"]').out == "Two colours.\n"


def test_revise_writes_again_until_it_is_good(workflow: Workflow, cli: Cli) -> None:
    assert workflow("revise", "-i", "task=Write about tea.").out == "Short.\n"
    assert set(steps(cli)) == {"draft", "draft.write", "draft.judge"}


def test_a_supervisor_hands_over_until_the_work_is_done(workflow: Workflow) -> None:
    assert workflow("supervisor", "-i", "task=Greet who is there.").out == "Hello Ada.\n"


def test_a_fallback_answers_where_the_first_agent_cannot(workflow: Workflow, cli: Cli) -> None:
    assert workflow("fallback", "-i", "task=Say what the files say.").out == "From the files.\n"
    assert steps(cli) == {"answer": "step.failed", "instead": "step.completed"}


@pytest.mark.parametrize("path", sorted((templates_root() / "workflows").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_pattern_replays_from_its_record(workflow: Workflow, cli: Cli, path: Path) -> None:
    inputs = {
        "prompt-list": ("topic=tea",),
        "plan-execute": ("task=Look at the files.",),
        "router": ("request=Ada was born in 1815",),
        "map-reduce": ('items:=["red", "blue"]',),
        "revise": ("task=Write about tea.",),
        "revise-round": ("task=Write about tea.", "good=It is short."),
        "supervisor": ("task=Greet who is there.",),
        "supervisor-round": ("task=Greet who is there.",),
        "fallback": ("task=Say what the files say.",),
    }[path.stem]
    workflow(path.stem, *[word for given in inputs for word in ("-i", given)])
    replayed = cli("replay", "last")
    assert (replayed.code, "Nothing was executed." in replayed.err) == (0, True), replayed.err
