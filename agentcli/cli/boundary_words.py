"""What of a replayed run is real, as typed: `--live`, `--mock`, `--fail`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from agentcli.cli.words import Reader
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.workbench.boundaries import Boundaries, Fault

EXAMPLES = {
    "--live": "Write `--live model` or `--live tool:create_file`.",
    "--mock": "Write `--mock tool:read_lines=@text.txt`.",
    "--fail": "Write `--fail tool:read_lines=timeout` or `…=error`.",
}


def boundaries(reader: Reader, live: Sequence[str], mock: Sequence[str], fail: Sequence[str]) -> Boundaries:
    """The boundaries that the options draw. Raises UsageError E-USAGE-BOUNDARY."""
    from agentcli.workbench.boundaries import Boundaries

    mocked = {name: reader.text(value, "--mock") for name, value in _pairs("--mock", mock)}
    failed = {name: _fault(name, value) for name, value in _pairs("--fail", fail)}
    real = [_tool("--live", word) for word in live if word != "model"]
    _refuse_twice((*real, *(name for name, _ in _pairs("--mock", mock)), *(name for name, _ in _pairs("--fail", fail))))
    return Boundaries("model" in live, frozenset(real), mocked, failed)


def refuse_alone(given: Mapping[str, object], need: str) -> None:
    """Raises UsageError E-USAGE-BOUNDARY for an option that would do nothing: it belongs to something not asked for."""
    for option, value in given.items():
        if value:
            raise UsageError(
                "E-USAGE-BOUNDARY",
                f"`{option}` has no effect here.",
                why=f"It belongs to {need}.",
                fix="Leave it out, or see `agentcli replay --help`.",
            )


def speed_in(pace: float | None) -> float | None:
    """The speed of a replay. Raises UsageError E-USAGE-PACE for what is none."""
    if pace is None or (isfinite(pace) and pace > 0):
        return pace
    raise UsageError(
        "E-USAGE-PACE", f"`--pace {pace:g}` is no speed.", why="It is a number above 0.", fix="Write `--pace 2`."
    )


def _pairs(option: str, words: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for word in words:
        head, equals, value = word.partition("=")
        if not equals:
            raise _unreadable(option, word, "It takes a tool, an equals sign and a value.")
        found.append((_tool(option, head), value))
    return found


def _tool(option: str, word: str) -> str:
    kind, colon, name = word.partition(":")
    if kind != "tool" or not colon or not name:
        raise _unreadable(option, word, "A tool is named as `tool:NAME`.")
    return name


def _fault(name: str, value: str) -> Fault:
    if value == "timeout":
        return "timeout"
    if value == "error":
        return "error"
    raise _unreadable("--fail", f"tool:{name}={value}", "A call fails by `timeout` or by `error`.")


def _refuse_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise _unreadable("tool", name, "It is named twice, and can be only one: live, mocked or failing.")


def _unreadable(option: str, word: str, why: str) -> UsageError:
    fix = EXAMPLES.get(option, "Name each tool once.")
    return UsageError("E-USAGE-BOUNDARY", f"`{option} {word[:100]}` cannot be done.", why=why, fix=fix)
