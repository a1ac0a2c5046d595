"""What leaves the worker: results as JSON, failures with their place."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agentcli.tools.worker.answers import MAX_RESULT, ResultError, answer, failure


class Colour(enum.Enum):
    RED = "red"


class Model(BaseModel):
    day: date


@dataclass
class Box:
    width: int


@pytest.mark.parametrize(
    ("value", "content", "data"),
    [
        ("text", "text", None),
        ("", "(an empty text)", None),
        (None, "done", None),
        ("half \ud800", "half ?", None),
        (3, "3", 3),
        ([1, "ä"], '[1, "ä"]', [1, "ä"]),
        ({1: {2}}, '{"1": [2]}', {"1": [2]}),
        (Model(day=date(2026, 11, 20)), '{"day": "2026-11-20"}', {"day": "2026-11-20"}),
        (Box(3), '{"width": 3}', {"width": 3}),
        (Colour.RED, '"red"', "red"),
        (b"abc", '"abc"', "abc"),
        (["\ud800"], '["?"]', ["?"]),
    ],
)
def test_a_result_is_text_and_json(value: Any, content: str, data: Any) -> None:
    assert answer(value) == {"content": content, "data": data}


def test_a_long_text_is_cut_and_says_so() -> None:
    content = answer("ä" * 10_000_000)["content"]
    assert content.endswith("ä\n[cut: 10,000,000 characters in all]")
    assert len(content.encode()) < MAX_RESULT + 100


def endless() -> Iterator[int]:
    while True:
        yield 1


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (endless(), "generator"),
        (circle(), "no JSON"),
        (object(), "a object that is no JSON"),
        (float("nan"), "no JSON"),
        (["x" * MAX_RESULT], "at most 200,000"),
        (b"\xff", "no JSON"),
        ([10**5000], "no JSON"),
    ],
)
def test_what_is_no_json_is_refused_in_words(value: Any, why: str) -> None:
    with pytest.raises(ResultError, match=why):
        answer(value)


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_failure_says_where_it_came_from() -> None:
    told = failure(raised(ValueError("no\ud800")), [str(Path(__file__).parent)])
    assert (told["type"], told["message"]) == ("ValueError", "no?")
    assert told["file"] == __file__
    assert Path(__file__).read_text().splitlines()[told["line"] - 1].strip() == "raise error"
    assert "ValueError" in told["traceback"]
    assert failure(raised(ValueError()), ["/elsewhere"])["file"] is None


def test_a_failure_that_cannot_be_put_in_words_is_one_all_the_same() -> None:
    told = failure(raised(MuteError()), [])
    assert (told["type"], told["message"]) == ("MuteError", "(it cannot be put in words)")


def test_a_syntax_error_is_placed_where_it_is(tmp_path: Path) -> None:
    file = str(tmp_path / "a.py")
    with pytest.raises(SyntaxError) as caught:
        compile("x = 1\nx = = 2\n", file, "exec")
    told = failure(caught.value, [str(tmp_path)])
    assert (told["file"], told["line"], told["column"]) == (file, 2, 5)
