"""Settings from the environment and from flags."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agentcli.config.environment import typed
from agentcli.core.agents import LimitsSpec
from agentcli.errors import DefinitionError, UsageError
from tests.fakes.configured import Configured


def test_the_environment_is_converted_to_each_settings_type(setup: Configured) -> None:
    environ = {
        "AGENTCLI_MODEL": "openai:a",
        "AGENTCLI_LIMITS__TURNS": "7",
        "AGENTCLI_LIMITS__COST_USD": "0.5",
        "AGENTCLI_SETTINGS__STREAM": "off",
        "AGENTCLI_SETTINGS__STOP": '["x", "y"]',
        "AGENTCLI_PROVIDERS__LAB__BASE_URL": "http://lab/v1/",
        "AGENTCLI_PROVIDERS__LAB__HEADERS": '{"a": "b"}',
        "AGENTCLI_HOME": "/ignored",
    }
    loaded = setup.load(environ)
    settings = loaded.settings
    assert settings.model == ("openai:a",)
    assert (settings.limits.turns, settings.limits.cost_usd) == (7, 0.5)
    assert (settings.settings.stream, settings.settings.stop) == (False, ("x", "y"))
    assert settings.providers["lab"].base_url == "http://lab/v1"
    assert str(loaded.source("providers.lab.headers.a")) == "AGENTCLI_PROVIDERS__LAB__HEADERS"
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("AGENTCLI_LIMITS__TURNS", "many", "a whole number"),
        ("AGENTCLI_LIMITS__TURNS", "0", "at least 1"),
        ("AGENTCLI_SETTINGS__STREAM", "maybe", "true or false"),
        ("AGENTCLI_LIMITS", "text", "a mapping"),
        ("AGENTCLI_MODEL", "gpt", "provider:model"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(setup: Configured, name: str, value: str, why: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        setup.load({name: value})
    assert caught.value.info.what.startswith(f"{name}: ")
    assert why in caught.value.info.why


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("AGENTCLI_LIMIT__TURNS", "`AGENTCLI_LIMITS__TURNS`"),
        ("AGENTCLI_MODELS", "`AGENTCLI_MODEL`"),
        ("AGENTCLI_QQQQQQQQQQQQ", "Unset it"),
        ("AGENTCLI_LIMITS__", ""),
        ("AGENTCLI_MODEL__X", ""),
    ],
)
def test_an_unknown_variable_is_a_warning_with_the_nearest_name(setup: Configured, name: str, fix: str) -> None:
    (warning,) = setup.load({name: "x"}).warnings
    assert warning.code == "E-CONFIG-ENVIRONMENT"
    assert fix in warning.fix


def test_a_group_and_its_part_may_both_be_in_the_environment(setup: Configured) -> None:
    environ = {"AGENTCLI_LIMITS": '{"turns": 3, "tokens": 9}', "AGENTCLI_LIMITS__TURNS": "4"}
    limits = setup.load(environ).settings.limits
    assert (limits.turns, limits.tokens) == (4, 9)
    assert setup.load({"AGENTCLI_LIMITS": "text", "AGENTCLI_LIMITS__TURNS": "4"}).settings.limits.turns == 4


def test_flags_may_be_dotted_or_nested_and_are_checked(setup: Configured) -> None:
    assert setup.load(flags={"settings": {"stream": False}}).settings.settings.stream is False
    assert setup.load(flags={"settings.stream": "no"}).settings.settings.stream is False
    for flags in ({"settings.temperature": 9}, {"setings.stream": True}, {"limits.turns": "x"}):
        with pytest.raises(UsageError) as caught:
            setup.load(flags=flags)
        unknown = "setings.stream" in flags
        assert caught.value.code == ("E-CONFIG-SETTING-UNKNOWN" if unknown else "E-CONFIG-FLAG")


@given(st.text(max_size=20), st.sampled_from([bool, int, float, str, tuple[str, ...], dict[str, str], LimitsSpec]))
def test_any_text_of_the_environment_has_some_value(text: str, kind: Any) -> None:
    typed(text, kind)


@given(text=st.text(max_size=40))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_of_the_environment_loads_or_is_refused(setup: Configured, text: str) -> None:
    try:
        loaded = setup.load({"AGENTCLI_AGENT": text, "AGENTCLI_LIMITS__TURNS": text})
    except DefinitionError as error:
        caught = error
    else:
        assert loaded.settings.agent == text
        return
    assert caught.info.what.startswith("AGENTCLI_")
