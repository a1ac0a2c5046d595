"""A run as an ATIF trajectory: the format's own rules hold, and the story is told once."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from agentcli.core.messages import Message
from agentcli.workbench.exports.atif import render
from agentcli.workbench.exports.formats import ExportOptions
from tests.fakes.told import EDIT, FAULT, LOOK, RUN, Told, eventful, two_turns

AGENT_ONLY = {"model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics"}
"""Fields that only a step of the agent may have (ATIF 1.8, StepObject)."""

FIELDS = {
    "trajectory": {
        *("schema_version", "session_id", "trajectory_id", "agent", "steps", "notes", "final_metrics", "extra"),
        *("continued_trajectory_ref", "subagent_trajectories"),
    },
    "agent": {"name", "version", "model_name", "tool_definitions", "extra"},
    "step": {
        *("step_id", "timestamp", "source", "message", "observation", "extra", "llm_call_count", "is_copied_context"),
        *AGENT_ONLY,
    },
    "tool_call": {"tool_call_id", "function_name", "arguments", "extra"},
    "result": {"source_call_id", "content", "subagent_trajectory_ref", "extra"},
    "metrics": {
        *("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd", "prompt_token_ids"),
        *("completion_token_ids", "logprobs", "extra"),
    },
    "final_metrics": {
        *("total_prompt_tokens", "total_completion_tokens", "total_cached_tokens", "total_cost_usd", "total_steps"),
        "extra",
    },
}
"""Every field that the format knows: it takes no others."""


def exported(told: Told) -> dict[str, Any]:
    (file,) = render(told.record(), ExportOptions())
    assert file.name == f"{RUN}.atif.json"
    value: dict[str, Any] = json.loads(file.data)
    check(value)
    return value


def check(trajectory: dict[str, Any]) -> None:
    """The rules of ATIF 1.8 for a trajectory."""
    assert trajectory["schema_version"] == "ATIF-v1.8"
    assert trajectory.keys() <= FIELDS["trajectory"]
    assert trajectory["agent"].keys() <= FIELDS["agent"]
    assert {"name", "version"} <= trajectory["agent"].keys()
    assert trajectory["final_metrics"].keys() <= FIELDS["final_metrics"]
    assert [step["step_id"] for step in trajectory["steps"]] == list(range(1, len(trajectory["steps"]) + 1))
    for step in trajectory["steps"]:
        check_step(step)


def check_step(step: dict[str, Any]) -> None:
    assert step.keys() <= FIELDS["step"]
    assert step["source"] in ("system", "user", "agent")
    assert isinstance(step["message"], str)
    assert step["source"] == "agent" or not step.keys() & AGENT_ONLY
    assert step.get("metrics", {}).keys() <= FIELDS["metrics"]
    if "timestamp" in step:
        datetime.fromisoformat(step["timestamp"])
    for call in step.get("tool_calls", []):
        assert call.keys() <= FIELDS["tool_call"]
        assert isinstance(call["arguments"], dict)
    ids = {call["tool_call_id"] for call in step.get("tool_calls", [])}
    for result in step.get("observation", {"results": []})["results"]:
        assert result.keys() <= FIELDS["result"]
        assert result["source_call_id"] in ids


def outline(trajectory: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["source"], step["message"]) for step in trajectory["steps"]]


def test_the_story_is_told_once() -> None:
    assert outline(exported(two_turns())) == [
        ("system", "Be brief."),
        ("user", "Which port?"),
        ("agent", "I will look."),
        ("agent", "Port 8080."),
    ]


def test_an_answer_has_its_calls_their_results_and_what_it_took() -> None:
    step = exported(two_turns())["steps"][2]
    assert step["reasoning_content"] == "Ports are in a.py."
    assert step["tool_calls"] == [
        {"tool_call_id": "c1", "function_name": "edit", "arguments": {"path": "a.py", "port": 8080}},
        {"tool_call_id": "c2", "function_name": "look", "arguments": {}},
    ]
    assert [result["content"] for result in step["observation"]["results"]] == [
        "changed a.py",
        "E-FILE-UNKNOWN: There is no such file.",
    ]
    assert step["observation"]["results"][1]["extra"] == {"seq": 8, "status": "error", "duration_s": 0.25}
    assert step["metrics"] == {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "cached_tokens": 50,
        "cost_usd": 0.01,
        "extra": {"reasoning_tokens": 5, "duration_s": 1.25, "attempts": 1},
    }
    assert (step["model_name"], step["llm_call_count"]) == ("openai:gpt-5-mini", 1)


def test_the_whole_says_who_and_how_much() -> None:
    trajectory = exported(two_turns())
    assert (trajectory["session_id"], trajectory["trajectory_id"]) == (RUN, RUN)
    agent = trajectory["agent"]
    assert (agent["name"], agent["version"], agent["extra"]) == ("agentcli", "0.0.9", {"agent": "reader"})
    assert agent["tool_definitions"] == [
        {
            "type": "function",
            "function": {"name": "edit", "description": "Edit a file.", "parameters": {"type": "object"}},
        }
    ]
    assert trajectory["final_metrics"] == {
        "total_prompt_tokens": 200,
        "total_completion_tokens": 40,
        "total_cached_tokens": 100,
        "total_cost_usd": 0.02,
        "total_steps": 4,
    }
    assert trajectory["extra"]["output"] == "Port 8080."


def test_a_price_that_is_not_known_is_not_told() -> None:
    trajectory = exported(eventful())
    assert "total_cost_usd" not in trajectory["final_metrics"]
    assert "cost_usd" not in trajectory["steps"][5]["metrics"]
    assert trajectory["extra"]["error"]["code"] == FAULT.code


def test_a_request_that_is_whole_again_repeats_nothing() -> None:
    """After a resume the first request names the whole conversation."""
    assert outline(exported(eventful()))[4:] == [("user", "Again."), ("agent", ""), ("user", "Once more.")]


def test_arguments_that_were_no_json_are_kept_as_they_came() -> None:
    (call,) = exported(eventful())["steps"][5]["tool_calls"]
    assert (call["arguments"], call["extra"]) == ({}, {"malformed": '{"path": '})


def test_the_conversation_of_before_is_copied_context() -> None:
    told = Told()
    told.begin()
    before = [
        Message("user", "Hello."),
        Message("assistant", "Hi.", (LOOK,)),
        Message("tool", "seen", tool_call_id="c2"),
        Message("tool", "of nobody", tool_call_id="c0"),
    ]
    told.ask(1, Message("system", "Be brief."), *before, Message("user", "Which port?"))
    told.answer(1, Message("assistant", "8080."))
    told.finish()
    steps = exported(told)["steps"]
    assert [(step["message"], step.get("is_copied_context", False)) for step in steps] == [
        ("Be brief.", False),
        ("Hello.", True),
        ("Hi.", True),
        ("Which port?", False),
        ("8080.", False),
    ]
    assert steps[2]["observation"]["results"] == [{"source_call_id": "c2", "content": "seen"}]


def test_what_a_fork_took_over_is_copied_context() -> None:
    told = two_turns()
    told.row = {"parent": "20261120-081532-aaaaaa", "relation": "fork", "cut": 6}
    trajectory = exported(told)
    assert [step.get("is_copied_context", False) for step in trajectory["steps"]] == [True, True, True, False]
    assert (trajectory["extra"]["relation"], trajectory["extra"]["cut"]) == ("fork", 6)


def test_a_result_without_its_call_is_left_out() -> None:
    told = Told()
    told.begin()
    told.call(1, 1, EDIT)
    told.finish()
    assert outline(exported(told)) == [("user", "Which port?")]


def test_a_run_of_which_nothing_is_on_record_has_its_task() -> None:
    assert outline(exported(Told())) == [("user", "Which port?")]


def test_what_is_lost_leaves_gaps_alone() -> None:
    told = two_turns()
    told.row = {"model": None}
    record = told.record()
    told.contents.clear()
    trajectory = json.loads(render(record, ExportOptions())[0].data)
    check(trajectory)
    assert outline(trajectory) == [("agent", "I will look."), ("agent", "Port 8080.")]


def test_how_hard_the_model_was_to_think_is_told() -> None:
    told = Told()
    told.begin(settings={"reasoning_effort": "low"})
    told.ask(1, Message("user", "Which port?"))
    told.answer(1, Message("assistant", "8080."))
    assert exported(told)["steps"][1]["reasoning_effort"] == "low"


def test_settings_that_are_none_do_no_harm() -> None:
    told = two_turns()
    told.manifest = {"settings": 5, "versions": 5, "tools": [5]}
    record = told.record()
    check(json.loads(render(replace(record), ExportOptions())[0].data))


@pytest.mark.parametrize("told", [two_turns(), eventful()], ids=["usual", "eventful"])
def test_the_same_run_is_the_same_trajectory(told: Told) -> None:
    first, second = (render(told.record(), ExportOptions())[0].data for _ in range(2))
    assert first == second
    assert not re.search(rb"[\x00-\x09\x0b-\x1f]", first)
