"""The agent template."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from agentcli.core.agents import AgentTemplate, InputSpec, LimitsSpec, SettingsSpec, is_of_type
from agentcli.core.limits import Limits
from agentcli.core.models import ModelSettings
from agentcli.core.workflows import WorkflowTemplate

LEAST = {"name": "a", "instructions": "Do it."}


def test_a_lone_model_is_a_chain_of_one() -> None:
    assert AgentTemplate.model_validate({**LEAST, "model": "openai:gpt"}).model == ("openai:gpt",)
    assert AgentTemplate.model_validate(LEAST).model is None


def test_tools_are_names_or_names_with_options() -> None:
    tools = ["read_lines", {"fetch_url": {"domains": ["a.org"]}}, {"grep_file": None}, {"python": "tools/a.py"}]
    uses = AgentTemplate.model_validate({**LEAST, "tools": tools}).tools
    assert [(use.name, use.options) for use in uses] == [
        ("read_lines", {}),
        ("fetch_url", {"domains": ["a.org"]}),
        ("grep_file", {}),
        ("python", {"path": "tools/a.py"}),
    ]
    assert [use.python_file for use in uses] == [None, None, None, "tools/a.py"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("settings", {"temperature": 2.1}),
        ("settings", {"temperature": -0.1}),
        ("settings", {"timeout": 0}),
        ("settings", {"timeout": 301}),
        ("settings", {"stream": "yes"}),
        ("limits", {"turns": 0}),
        ("limits", {"turns": "3"}),
        ("limits", {"cost_usd": -1}),
        ("limits", {"seconds": 0}),
        ("name", "Not A Name"),
        ("model", "no-provider"),
        ("model", []),
        ("tools", [{"a": {}, "b": {}}]),
        ("tools", [3]),
        ("permissions", {"allow": ["two words"]}),
        ("output", {"schema": "not an expression"}),
        ("output", {"schema": [1]}),
        ("inputs", {"1st": {}}),
        ("inputs", {"a": {"type": "integer", "default": "3"}}),
        ("inputs", {"a": {"enum": ["x"], "default": "y"}}),
        ("inputs", {"a": {"default": "y", "required": True}}),
        ("inputs", {"a": {"enum": []}}),
        ("version", 2),
        ("instructions", ""),
        ("unknown", 1),
    ],
)
def test_what_is_out_of_bounds_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        AgentTemplate.model_validate({**LEAST, field: value})


def test_limits_and_settings_fill_what_is_left_out_from_their_base() -> None:
    base = Limits(turns=5, tokens=100)
    assert LimitsSpec(turns=2).to_limits(base) == Limits(turns=2, tokens=100)
    assert LimitsSpec().to_limits() == Limits()
    settings = SettingsSpec(temperature=0.5, stop=("x",)).to_settings(ModelSettings(seed=1))
    assert (settings.temperature, settings.seed, settings.stop) == (0.5, 1, ("x",))
    assert SettingsSpec().to_settings() == ModelSettings()


@pytest.mark.parametrize(
    ("spec", "must"),
    [
        (InputSpec(), True),
        (InputSpec(default="x"), False),
        (InputSpec(required=False), False),
        (InputSpec(required=True), True),
    ],
)
def test_an_input_must_be_given_unless_it_has_a_default_or_says_otherwise(spec: InputSpec, must: bool) -> None:
    assert spec.must_be_given is must


def test_true_is_no_number() -> None:
    assert not is_of_type(True, "integer")
    assert not is_of_type(True, "number")
    assert is_of_type(1, "number")
    assert not is_of_type(1.0, "integer")


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"prompt": "x", "tool": "y"},
        {"prompt": "x", "with": {"a": 1}},
        {"prompt": "x", "foreach": 3},
        {"prompt": "x", "when": 3},
        {"prompt": "x", "retry": {"attempts": 0}},
        {"prompt": "x", "timeout": 0},
        {"prompt": "x", "id": "Not"},
    ],
)
def test_a_step_is_one_action_within_bounds(step: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WorkflowTemplate.model_validate({"name": "w", "steps": [step]})


def test_unnamed_steps_are_called_by_their_place() -> None:
    steps = [
        "first",
        {"id": "draft", "tool": "fetch_url", "with": {"url": "x"}, "foreach": [1], "when": False},
        "third",
    ]
    assert WorkflowTemplate.model_validate({"name": "w", "steps": steps}).step_ids() == ["step_1", "draft", "step_3"]


def test_importing_the_template_builds_no_validator_and_reads_no_yaml() -> None:
    code = (
        "import sys; from agentcli.core import agents, workflows; "
        "assert 'yaml' not in sys.modules and not agents.AgentTemplate.__pydantic_complete__; "
        "assert not workflows.WorkflowTemplate.__pydantic_complete__"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
