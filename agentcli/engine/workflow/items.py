"""The items of a `foreach`: a list, numbers, what an expression gives, or the rows of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcli.core.canonical import Json, digest
from agentcli.core.events import Body, Event, InputRead
from agentcli.core.workflows import MAX_ITEMS, ForeachFile, ForeachRange
from agentcli.engine.effect import Effect, expect
from agentcli.engine.scope import Scope
from agentcli.engine.workflow.ports import Data
from agentcli.errors import RunError

if TYPE_CHECKING:
    from agentcli.engine.workflow.step_run import Around


async def items_of(
    foreach: list[Json] | str | ForeachRange | ForeachFile, data: Data, around: Around, scope: Scope
) -> list[Json]:
    """All items, in their order. Raises RunError E-STEP-FOREACH for what is no list, or too long a one."""
    if isinstance(foreach, ForeachRange):
        return _bounded(list(range(foreach.first, min(foreach.last, foreach.first + MAX_ITEMS) + 1)))
    if isinstance(foreach, ForeachFile):
        return _bounded(await _rows(str(around.parts.expressions.value(foreach.file, data)), around, scope))
    found = around.parts.expressions.value(foreach, data)
    if not isinstance(found, list):
        raise RunError(
            "E-STEP-FOREACH",
            "`foreach` got no list.",
            why=f"{foreach} is {_kind(found)}.",
            fix="Give it a list; `output: {schema: {type: array}}` makes a model answer with one.",
        )
    return _bounded(found)


def _bounded(items: list[Json]) -> list[Json]:
    if len(items) > MAX_ITEMS:
        raise RunError(
            "E-STEP-FOREACH",
            f"`foreach` got more than {MAX_ITEMS} items.",
            why="All of them, and their outputs, are held in memory.",
            fix="Use `agentcli workflow run FILE --each`, which takes any number of rows.",
        )
    return items


async def _rows(path: str, around: Around, scope: Scope) -> list[Json]:
    """The rows of a file, through the door: a replay needs no file."""

    async def live(_started: Event) -> Body:
        return InputRead(path, await around.parts.files.rows(path))

    asked = {"file": path}
    effect = Effect(kind="input", name="file", request=digest(asked), describe=lambda: asked, live=live)
    return list(expect(await around.door.perform(effect, scope), InputRead).value)


def _kind(value: Json) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "a mapping"}
    return names.get(type(value), "null")
