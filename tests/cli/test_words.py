"""Tasks, inputs, attachments and limits, as they are typed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.cli.environment import Environment
from agentcli.cli.moments import since
from agentcli.cli.words import MAX_BYTES, Reader, limits
from agentcli.errors import UsageError


def reader(cwd: Path, stdin: bytes = b"") -> Reader:
    text = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    return Reader(Environment(text, io.StringIO(), io.StringIO(), {}, cwd))


def code(error: pytest.ExceptionInfo[UsageError]) -> str:
    return error.value.code


def test_a_task_is_itself(isolated: Path) -> None:
    for word in ("What is this?", "", "@", "@alice please look", "mail me@example.org", "--"):
        assert reader(isolated).task(word) == word


def test_two_ats_are_one(isolated: Path) -> None:
    assert reader(isolated).task("@@alice") == "@alice"


def test_a_task_comes_from_a_file_or_standard_input(isolated: Path) -> None:
    (isolated / "task.txt").write_text("\ufeffLine one\nLine two\n", encoding="utf-8")
    assert reader(isolated).task("@task.txt") == "Line one\nLine two"
    assert reader(isolated, b"piped\n").task("-") == "piped"


def test_a_reader_without_bytes_takes_text(isolated: Path) -> None:
    env = Environment(io.StringIO("piped"), io.StringIO(), io.StringIO(), {}, isolated)
    assert Reader(env).task("-") == "piped"


def test_a_missing_file_is_named(isolated: Path) -> None:
    with pytest.raises(UsageError) as error:
        reader(isolated).task("@nope.txt")
    assert error.value.info.what == "`@nope.txt`: nope.txt cannot be read."
    assert error.value.info.why == "No such file or directory."
    assert error.value.info.fix == "Check the path. A task that begins with @ is written with @@."
    with pytest.raises(UsageError, match="cannot be read"):
        reader(isolated).attachment("a\0b")


def test_a_binary_file_is_no_text(isolated: Path) -> None:
    (isolated / "data.bin").write_bytes(b"\x00\xff\xfe")
    with pytest.raises(UsageError) as error:
        reader(isolated).attachment("data.bin")
    assert code(error) == "E-USAGE-FILE-ENCODING"


def test_a_huge_file_is_refused_before_it_is_read_whole(isolated: Path) -> None:
    with (isolated / "huge").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(UsageError) as error:
        reader(isolated).attachment("huge")
    assert code(error) == "E-USAGE-FILE-TOO-LARGE"
    with pytest.raises(UsageError):
        reader(isolated, b"x" * (MAX_BYTES + 1)).task("-")


def test_attachments_have_names(isolated: Path) -> None:
    (isolated / "a.txt").write_text("A")
    assert reader(isolated).attachment("a.txt") == ("a.txt", "A")
    assert reader(isolated, b"B").attachment("-") == ("stdin", "B")


def test_standard_input_is_taken_once(isolated: Path) -> None:
    both = reader(isolated, b"x")
    both.task("-")
    with pytest.raises(UsageError) as error:
        both.attachment("-")
    assert error.value.info.what == "Standard input cannot be an attachment as well."
    assert error.value.info.why == "It is the task already."


def test_inputs_are_text_files_or_json(isolated: Path) -> None:
    (isolated / "v.txt").write_text("from a file\n")
    pairs = ["a=b=c", "e=", "f=@v.txt", "n:=[1, 2]", "at=@@x", "alone=@"]
    assert reader(isolated).inputs(pairs) == {
        "a": "b=c",
        "e": "",
        "f": "from a file",
        "n": [1, 2],
        "at": "@x",
        "alone": "@",
    }


@pytest.mark.parametrize("pair", ["novalue", "=x", "bad name=x", "1a=x", "a:b=c", ""])
def test_what_is_no_input_says_how_to_write_one(isolated: Path, pair: str) -> None:
    with pytest.raises(UsageError) as error:
        reader(isolated).inputs([pair])
    assert code(error) == "E-USAGE-INPUT"


def test_an_input_given_twice_is_a_mistake(isolated: Path) -> None:
    with pytest.raises(UsageError, match="given twice"):
        reader(isolated).inputs(["a=1", "a=2"])


def test_broken_json_names_the_input(isolated: Path) -> None:
    with pytest.raises(UsageError) as error:
        reader(isolated).inputs(["n:=[1,"])
    assert error.value.info.what == "`-i n:=…` is not followed by JSON."


def test_limits_are_numbers_by_name() -> None:
    assert limits(["turns=3", "seconds=1.5", "cost_usd=0"]) == {"turns": 3, "seconds": 1.5, "cost_usd": 0.0}


@pytest.mark.parametrize(
    "pair", ["turns=0", "turns=1.5", "turns=x", "turns", "seconds=nan", "seconds=inf", "tokens=-1"]
)
def test_what_is_no_limit_is_refused(pair: str) -> None:
    with pytest.raises(UsageError) as error:
        limits([pair])
    assert code(error) == "E-USAGE-LIMIT"


def test_an_unknown_limit_suggests_the_nearest() -> None:
    with pytest.raises(UsageError) as error:
        limits(["turn=3"])
    assert error.value.info.fix == "Did you mean `--limit turns=3`?"
    with pytest.raises(UsageError) as error:
        limits(["zzz=3"])
    assert error.value.info.fix == "Write `--limit turns=10`."


@given(st.text(max_size=40))
def test_any_word_is_an_input_or_a_usage_error(word: str) -> None:
    try:
        found = reader(Path("/nonexistent")).inputs([word])
    except UsageError:
        return
    assert len(found) == 1


@pytest.mark.parametrize(
    ("text", "before"), [("30s", 30), ("5m", 300), ("2h", 7200), ("3d", 259_200), ("1 w", 604_800)]
)
def test_a_time_may_be_a_span(text: str, before: int) -> None:
    assert since(text, 1_700_000_000.0) == 1_700_000_000.0 - before


def test_a_time_may_be_a_date() -> None:
    assert since("2026-11-20T08:15:00Z", 0) == 1_795_162_500
    assert since("2026-11-20", 0) % 900 == 0


@given(st.text(max_size=20))
def test_any_other_text_is_no_time(text: str) -> None:
    try:
        found = since(text, 0)
    except UsageError:
        return
    assert isinstance(found, float)
