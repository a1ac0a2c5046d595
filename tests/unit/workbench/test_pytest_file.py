"""What becomes Python source of text that anybody may have written."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.runs import RunRow
from agentcli.errors import UsageError
from agentcli.workbench.exports.formats import ExportOptions
from agentcli.workbench.exports.pytest_file import literal, render
from agentcli.workbench.exports.record import RunRecord
from tests.fakes.recorded import completed, end, event, start, started

HOSTILE = [
    '"""; import os; os.abort(); """',
    "\\",
    '\\"""',
    "{answer}",
    "\x1b[2J\u202e\u2028",
    "'''",
    "a\nb\r",
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.integers(0, 60))
def test_a_literal_is_the_value_and_nothing_else(value: Any, before: int) -> None:
    source = literal(value, before=before)
    assert ast.literal_eval(source) == value
    assert source.replace("\n", "").isprintable()


def record(**changes: Any) -> RunRecord:
    log = _Log()
    output = changes.pop("output", "It is.")
    events = (event(log, started()), event(log, completed(output)))
    return RunRecord(RunRow(start(**changes), "completed", end()), events, lambda digest: b"{}")


class _Log:
    run = "20261121-081532-k7f3qz"
    last_seq = 0


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_run_gets_out_of_its_literal(text: str) -> None:
    test, recording = render(record(task=text, name=text, output=text), ExportOptions())
    tree = ast.parse(test.data)
    kinds = [type(node) for node in tree.body]
    assert kinds == [ast.Expr, *[ast.ImportFrom, ast.Import, ast.ImportFrom], *[ast.Assign] * 3, *[ast.FunctionDef] * 3]
    answer = tree.body[5]
    assert isinstance(answer, ast.Assign)
    assert ast.literal_eval(answer.value) == text
    assert test.data.decode().replace("\n", "").isprintable()
    assert Path(test.name).name == test.name
    assert recording.name.startswith("recordings/")


def test_a_run_without_an_end_or_an_agent_is_no_test() -> None:
    whole = record()
    cut = RunRecord(RunRow(start(), "interrupted"), whole.events[:1], whole.read)
    other = record(kind="tool")
    for one, why in ((cut, "It has not ended."), (other, "It is no run of an agent or a workflow.")):
        with pytest.raises(UsageError) as caught:
            render(one, ExportOptions())
        assert (caught.value.info.code, caught.value.info.why) == ("E-EXPORT-UNTESTABLE", why)
