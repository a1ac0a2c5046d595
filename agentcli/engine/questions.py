"""A tool whose result is what a person answers: asked at the door, so that a replay gives the recorded answer."""

from __future__ import annotations

from typing import Any

from agentcli.core.canonical import digest
from agentcli.core.events import Body, Event, InputRead
from agentcli.core.tools import ToolSpec
from agentcli.engine.admission import Admission
from agentcli.engine.effect import Effect, expect
from agentcli.engine.effects import Effects
from agentcli.engine.ports import Approver
from agentcli.engine.scope import Scope
from agentcli.errors import DeniedError


async def answer_to(
    spec: ToolSpec, arguments: dict[str, Any], scope: Scope, door: Effects, approver: Approver, admission: Admission
) -> str:
    """The answer, free of secrets. No limit of a call's time holds here: people think.

    Raises DeniedError E-INPUT-NOBODY where nobody can be asked, LimitError where the run's time ended.
    """

    async def live(_started: Event) -> Body:
        answer = await approver.answer(spec, arguments, scope.lane)
        if answer is None:
            raise DeniedError(
                "E-INPUT-NOBODY",
                f"`{spec.name}` has a question and nobody can be asked.",
                why="There is no terminal, or its input ended.",
                fix="Run it at a terminal, and go on with `agentcli resume`.",
            )
        return InputRead(spec.name, admission.admit(answer))

    asked = {"tool": spec.name, "arguments": arguments}
    effect = Effect(kind="input", name=spec.name, request=digest(asked), describe=lambda: asked, live=live)
    return str(expect(await door.perform(effect, scope), InputRead).value)
