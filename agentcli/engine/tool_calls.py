"""One tool call: check its arguments, the policy and, where it asks, a person; then do it through the door."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agentcli.core.canonical import digest
from agentcli.core.events import (
    ApprovalRequested,
    ApprovalResolved,
    Body,
    Event,
    ToolCompleted,
    ToolStarted,
)
from agentcli.core.messages import ToolCall
from agentcli.core.policies import remembered
from agentcli.core.tools import ToolResult, ToolSpec, ToolStatus
from agentcli.engine.admission import Admission
from agentcli.engine.effect import Effect, expect
from agentcli.engine.effects import Effects
from agentcli.engine.file_touches import touch_of
from agentcli.engine.ports import Approver, Preparing, RoamingTool, RunLog, Tool, ToolSet
from agentcli.engine.previews import preview_of
from agentcli.engine.questions import answer_to
from agentcli.engine.scope import Scope
from agentcli.engine.secret_arguments import restored
from agentcli.engine.terms import Terms
from agentcli.errors import AgentcliError, DeniedError, StorageError, ToolError, ToolRefusedError, sentence


@dataclass(slots=True)
class ToolCalls:
    """Calls the tools of one agent. `always` grows by what a person allows for the run (see `remembered`), in each era
    for itself.

    `happened` are lanes of calls whose results somebody gives: such a call is not made, so nobody need allow it.
    """

    door: Effects
    log: RunLog
    tools: ToolSet
    approver: Approver
    admission: Admission
    terms: Sequence[Terms]
    happened: frozenset[str] = frozenset()
    always: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    async def call(self, call: ToolCall, scope: Scope) -> ToolCompleted:
        """What the model is told. Raises DeniedError if nobody could be asked, LimitError if the run's time ended."""
        try:
            tool, arguments = self._checked(call)
            await self._allowed(tool, call, arguments, scope)
        except ToolError as error:
            return self._refused(call, error, scope)
        if tool.spec.asks_person:
            return await self._question(tool.spec, call, arguments, scope)
        return await self._perform(tool, call, arguments, scope)

    def _checked(self, call: ToolCall) -> tuple[Tool, dict[str, Any]]:
        tool = self.tools.get(call.name)
        if tool is None:
            names = ", ".join(spec.name for spec in self.tools.specs()) or "none"
            raise ToolError(
                "E-TOOL-UNKNOWN", f"There is no tool `{call.name}`.", fix=f"Use one of these tools: {names}."
            )
        if call.malformed is not None:
            raise ToolError(
                "E-TOOL-ARGUMENTS",
                f"The arguments of `{call.name}` are not a JSON object.",
                fix="Call it again with one JSON object.",
            )
        return tool, tool.parse(call.arguments)

    async def _allowed(self, tool: Tool, call: ToolCall, arguments: dict[str, Any], scope: Scope) -> None:
        spec, era = tool.spec, self.door.era_of(scope.lane)
        verdict = self.terms[era].policy.decide(spec, arguments)
        if verdict.decision == "deny":
            raise ToolRefusedError(
                "E-TOOL-DENIED",
                f"`{spec.name}` is not allowed here.",
                why=f"The rule `{verdict.rule}` denies it.",
                fix="Go on without this call.",
            )
        if verdict.asked:
            self.door.emit(ApprovalResolved(spec.name, call.id, "once", "flag", verdict.rule), scope)
        allowed = remembered(spec, arguments)
        if verdict.decision == "allow" or (verdict.repeatable and allowed in self.always[era]):
            return
        answer = await self._ask(tool, call, arguments, verdict.rule, scope)
        if answer.decision == "no" and answer.by == "nobody":
            pattern = f"'{allowed}'" if "(" in allowed else allowed
            raise DeniedError(
                "E-APPROVAL-NOBODY",
                f"`{spec.name}` needs an approval and nobody can be asked.",
                why=f"The rule `{verdict.rule}` asks, and there is no terminal.",
                fix=f"Pass `--yes` or `--allow {pattern}`, or allow it under `permissions:`.",
            )
        if answer.decision == "no":
            raise ToolRefusedError(
                "E-TOOL-REFUSED",
                f"The user refused `{spec.name}`.",
                why=sentence(f"The reason given: {answer.reason}") if answer.reason else "",
                fix="Go on without this call.",
            )
        if answer.decision == "always":
            self.always[era].add(allowed)

    async def _ask(
        self, tool: Tool, call: ToolCall, arguments: dict[str, Any], rule: str, scope: Scope
    ) -> ApprovalResolved:
        spec, preview = tool.spec, None

        async def prepare() -> None:
            nonlocal preview
            if scope.lane not in self.happened:
                preview = await preview_of(tool, arguments, self.admission)

        async def live(_started: Event) -> Body:
            if scope.lane in self.happened:
                return ApprovalResolved(spec.name, call.id, "once", "flag")
            answer = await self.approver.ask(spec, arguments, rule, preview, scope.lane)
            reason = self.admission.admit(answer.reason)
            return ApprovalResolved(spec.name, call.id, answer.decision, answer.by, reason)

        body = await self.door.perform(
            Effect(
                kind="approval",
                name=spec.name,
                request=digest({"tool": spec.name, "arguments": arguments}),
                describe=lambda: {"tool": spec.name, "arguments": arguments},
                live=live,
                intent=lambda: ApprovalRequested(spec.name, call.id, arguments, rule, preview),
                prepare=prepare,
            ),
            scope,
        )
        return expect(body, ApprovalResolved)

    async def _perform(self, tool: Tool, call: ToolCall, arguments: dict[str, Any], scope: Scope) -> ToolCompleted:
        async def live(started: Event) -> Body:
            while True:
                begun = self.door.clock.monotonic()
                result = await self._run(tool, arguments)
                if not result.in_doubt or tool.spec.effects != "irreversible":
                    return self._completed(call, result, self.door.clock.monotonic() - begun)
                if (known := await self.door.settle(started)) is not None:
                    return known

        body = await self.door.perform(
            Effect(
                kind="tool",
                name=call.name,
                request=digest({"tool": call.name, "arguments": arguments}),
                describe=lambda: {"tool": call.name, "arguments": arguments},
                live=live,
                intent=lambda: self._begun(call, arguments, scope),
                durable=tool.spec.effects != "read-only",
                repeatable=tool.spec.effects != "irreversible",
                prepare=tool.prepare if isinstance(tool, Preparing) else None,
            ),
            scope,
        )
        return expect(body, ToolCompleted)

    def _begun(self, call: ToolCall, arguments: dict[str, Any], scope: Scope) -> ToolStarted:
        """The intent of a call that is executed now: what is in force now has allowed it, or nothing has.

        A call that goes by the terms of an earlier era is answered from the record. Where the answer is missing, the
        record calls a call complete that it does not hold: what it says was allowed then allows nothing here.
        """
        if self.door.era_of(scope.lane) != len(self.terms) - 1:
            raise StorageError(
                "E-JOURNAL-DAMAGED",
                f"The record lacks the result of `{call.name}` in lane `{scope.lane}`, which it calls complete.",
                why="The journal was changed, or written by another program.",
                fix="Fork the run before that call: `agentcli fork RUN --at SEQ`.",
            )
        return ToolStarted(call.name, call.id, arguments)

    async def _run(self, tool: Tool, arguments: dict[str, Any]) -> ToolResult:
        name, seconds = tool.spec.name, self.terms[-1].limits.tool_seconds
        try:
            async with asyncio.timeout(seconds) as timeout:
                return await self._called(tool, self._restored(tool, arguments))
        except TimeoutError as error:
            if not timeout.expired():
                return _failure(f"`{name}` timed out on its own: {error}")
            return timed_out(name, seconds)
        except ToolError as error:
            told, status = _told(error), _status(error)
            return ToolResult(told, status, error.details, in_doubt=status == "timeout")
        except AgentcliError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return _failure(f"`{name}` failed: what it waited for was cancelled.")
        except Exception as error:
            # A tool is other people's code: what it raises is the call's result, told to the model and on record.
            return _failure(f"`{name}` failed: {type(error).__name__}: {error}")

    def _restored(self, tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
        return restored(tool, arguments, self.admission.redactor, self.terms[-1].policy)

    async def _called(self, tool: Tool, arguments: dict[str, Any]) -> ToolResult:
        if not isinstance(tool, RoamingTool):
            return await tool.call(arguments)
        return await tool.call_within(arguments, lambda subject: self._admits(tool.spec, arguments, subject))

    def _admits(self, spec: ToolSpec, arguments: dict[str, Any], subject: str) -> bool:
        """Whether the same call with another subject would be allowed right away."""
        other = {**arguments, **({spec.subject: subject} if spec.subject is not None else {})}
        verdict = self.terms[-1].policy.decide(spec, other)
        approved = verdict.repeatable and remembered(spec, other) in self.always[len(self.terms) - 1]
        return verdict.decision == "allow" or (verdict.decision == "ask" and approved)

    def _completed(self, call: ToolCall, result: ToolResult, duration_s: float) -> ToolCompleted:
        from agentcli.engine.tripwire.scanning import flags_in

        # Files first: a key that is seen whole there is known by its lines in what the tool shows of it.
        files = tuple(touch_of(change, self.admission, self.log) for change in result.files)
        content = self.admission.admit(result.content)
        return ToolCompleted(
            tool=call.name,
            call_id=call.id,
            status=result.status,
            result=content,
            data=self.admission.admit(result.data),
            duration_s=round(duration_s, 6),
            files=files,
            how=result.how,
            flags=flags_in(content, self.admission.admit),
            unseen=result.unseen,
            artifacts=result.artifacts,
        )

    async def _question(self, spec: ToolSpec, call: ToolCall, arguments: dict[str, Any], scope: Scope) -> ToolCompleted:
        """A call whose result a person gives. The answer is the effect; call and result follow from it."""
        self.door.emit(ToolStarted(call.name, call.id, arguments), scope)
        answer = await answer_to(spec, arguments, scope, self.door, self.approver, self.admission)
        body = ToolCompleted(call.name, call.id, "ok", answer, None, 0.0)
        self.door.emit(body, scope)
        return body

    def _refused(self, call: ToolCall, error: ToolError, scope: Scope) -> ToolCompleted:
        """A call that came to nothing before it began. It follows from what is on record, so it is no effect."""
        self.door.emit(ToolStarted(call.name, call.id, call.arguments), scope)
        body = ToolCompleted(call.name, call.id, _status(error), _told(error), None, 0.0)
        self.door.emit(body, scope)
        return body


def timed_out(name: str, seconds: float) -> ToolResult:
    """What the model is told of a call that ran out of its time."""
    return ToolResult(f"`{name}` did not end within {seconds:g} s and was stopped.", "timeout", in_doubt=True)


def _failure(text: str) -> ToolResult:
    return ToolResult(text, "error")


def _status(error: ToolError) -> ToolStatus:
    return error.status


def _told(error: ToolError) -> str:
    """The error as the model reads it: one line, what first."""
    info = error.info
    return " ".join(text for text in (f"{info.code}: {info.what}", info.why, info.fix) if text)
