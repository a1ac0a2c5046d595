"""What a function may say of itself as a tool."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from agentcli import tool
from agentcli.core.declaring import Declared, declared_of
from agentcli.core.rates import Rate
from agentcli.errors import DefinitionError


def test_a_bare_declaration_expects_the_worst_of_the_function() -> None:
    @tool
    def send() -> None: ...

    assert declared_of(send) == Declared("send")
    assert Declared("send").effects == "irreversible"


def test_everything_that_is_said_is_kept_and_the_function_stays_what_it_is() -> None:
    said: dict[str, Any] = {
        "version": "2",
        "deprecated": "use look",
        "effects": "read-only",
        "timeout": 5,
        "retries": 2,
        "rate_limit": "10/min",
        "cache_ttl": 60,
    }

    @tool(name="find", examples=[{"word": "tea"}], **said)
    def search(word: str) -> str:
        return word

    assert search("tea") == "tea"
    assert declared_of(search) == Declared("find", examples=({"word": "tea"},), **said)
    assert declared_of("tea") is declared_of(len) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"name": "1st"}, "begin with a letter"),
        ({"name": "a b"}, "begin with a letter"),
        ({"version": 2}, "`version`"),
        ({"deprecated": ""}, "what to use instead"),
        ({"examples": ["x"]}, "object of arguments"),
        ({"effects": "none"}, "read-only, idempotent, irreversible"),
        ({"retries": 1}, "cannot be taken back"),
        ({"retries": True, "effects": "read-only"}, "whole number from 0 to 10"),
        ({"retries": 11, "effects": "read-only"}, "whole number from 0 to 10"),
        ({"timeout": 0}, "above 0"),
        ({"timeout": "5"}, "number of seconds"),
        ({"cache_ttl": 60, "effects": "idempotent"}, "change nothing"),
        ({"rate_limit": "often"}, "10/min"),
        ({"rate_limit": 10}, "10/min"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_said(said: dict[str, Any], why: str) -> None:
    def function() -> None: ...

    with pytest.raises(DefinitionError) as caught:
        tool(**said)(function)
    assert caught.value.code == "E-TOOL-DECLARATION"
    assert why in caught.value.info.why


def test_rates_are_read() -> None:
    assert Rate.parse("10/min") == Rate.parse(" 10 / Minute ") == Rate(10, 60)
    assert [Rate.parse(f"3/{unit}").seconds for unit in ("s", "sec", "h", "hour", "day")] == [1, 1, 3600, 3600, 86400]


@pytest.mark.parametrize("text", ["", "0/min", "-1/s", "1.5/s", "10/week", "10", "10/min/s", "99999999/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="10/min"):
        Rate.parse(text)


def test_importing_the_package_loads_nothing_of_this() -> None:
    code = "import sys, agentcli; print(sorted(n for n in sys.modules if n.startswith(('agentcli', 'pydantic'))))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "['agentcli']\n"


def test_the_package_has_nothing_else_to_give() -> None:
    import agentcli

    with pytest.raises(AttributeError, match="no attribute 'tools_of_mine'"):
        _ = agentcli.tools_of_mine
