"""A run as a test: a file for pytest, and the recording beside it.

What a model or a user wrote stands in the file as literals alone, whose ends cannot be forged.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from agentcli.core.events import RunCompleted
from agentcli.errors import UsageError
from agentcli.workbench.check_recordings import tools_of
from agentcli.workbench.exports import bundle
from agentcli.workbench.exports.formats import ExportedFile, ExportOptions
from agentcli.workbench.exports.record import RunRecord

TEMPLATES: Final = {"agent": "agent's template", "workflow": "templates"}
FOLDER: Final = "recordings"
LINE: Final = 88
TASK_CHARS: Final = 300

_FILE: Final = '''\
"""{title}

Task: {task}

It is replayed from its record alone, against the {templates} of today: no model is asked, no tool runs, no key
and no network is needed. Written by `agentcli runs export {run} --to pytest`.
"""

from pathlib import Path

import pytest
from agentcli.testing import Replay, replay

RECORDING = Path(__file__).parent / {folder} / {file}

ANSWER = {answer}

TOOLS = {tools}


@pytest.fixture(scope="module")
def again() -> Replay:
    return replay(RECORDING)


def test_the_answer_is_the_same(again: Replay) -> None:
    again.assert_answer(ANSWER)


def test_the_same_tools_are_called_in_the_same_order(again: Replay) -> None:
    again.assert_tools(TOOLS)
'''


def render(record: RunRecord, options: ExportOptions) -> tuple[ExportedFile, ...]:
    """The test and its recording. Raises UsageError E-EXPORT-UNTESTABLE for a run that has no end, or no template."""
    start, ending = record.row.start, record.events[-1].body if record.events else None
    if start.kind not in TEMPLATES:
        raise _untestable(start.id, "It is no run of an agent or a workflow.")
    if not isinstance(ending, RunCompleted):
        raise _untestable(start.id, "It has not ended.")
    (recording,) = bundle.render(record, options)
    text = _FILE.format(
        title=_prose(f"Run {start.id} of the {start.kind} `{start.name}`, as a test."),
        templates=TEMPLATES[start.kind],
        task=_prose(start.task),
        run=_word(start.id, "-"),
        folder=literal(FOLDER),
        file=literal(recording.name),
        answer=literal(ending.output, before=len("ANSWER = ")),
        tools=literal(tools_of(record.events), before=len("TOOLS = ")),
    )
    name = f"test_{_word(start.name, '_')}_{_word(start.id[-6:], '_')}.py"
    return (ExportedFile(name, text.encode()), ExportedFile(f"{FOLDER}/{recording.name}", recording.data))


def _untestable(run: str, why: str) -> UsageError:
    fix = "Choose a run that has ended: see `agentcli runs list`."
    return UsageError("E-EXPORT-UNTESTABLE", f"The run {run} cannot become a test.", why=why, fix=fix)


def _word(text: str, other: str) -> str:
    """The text as a part of a file's name."""
    return re.sub(r"[^a-z0-9]+", other, text.lower())[:64].strip(other) or "run"


def literal(value: Any, indent: str = "", before: int = 0) -> str:
    """JSON as Python source that evaluates to it, laid out in lines; it holds only what can be printed.

    `before` is how many characters stand before it on its line.
    """
    line = _in_one_line(value)
    if len(indent) + before + len(line) <= LINE:
        return line
    inner = indent + "    "
    if isinstance(value, str) and len(pieces := value.splitlines(keepends=True)) > 1:
        return _block("(", [_text(piece) for piece in pieces], ")", indent)
    if isinstance(value, list) and value:
        return _block("[", [f"{literal(item, inner, 1)}," for item in value], "]", indent)
    if isinstance(value, dict) and value:
        pairs = [(f"{_text(name)}: ", item) for name, item in value.items()]
        return _block("{", [f"{name}{literal(item, inner, len(name) + 1)}," for name, item in pairs], "}", indent)
    return line


def _block(opening: str, lines: list[str], closing: str, indent: str) -> str:
    return "\n".join([opening, *(f"{indent}    {line}" for line in lines), indent + closing])


def _in_one_line(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_in_one_line, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(name)}: {_in_one_line(item)}' for name, item in value.items())}}}"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    """In double quotes where that is no longer: what JSON escapes in text that can be printed, Python escapes too."""
    source = repr(text)
    if not text.replace("\n", "").isprintable():
        return source
    double = json.dumps(text, ensure_ascii=False)
    return double if len(double) <= len(source) else source


def _prose(text: str) -> str:
    """For a docstring: one line without anything invisible; quotes and backslashes are escaped."""
    words = " ".join(text.split())
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words)
    cut = shown if len(shown) <= TASK_CHARS else f"{shown[:TASK_CHARS]}…"
    return json.dumps(cut, ensure_ascii=False)[1:-1]
