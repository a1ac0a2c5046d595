"""The custom agent: its code says what it wants, one thing at a time, and gets it through the door like everybody else.

What the code says is an effect: recorded when it is said, and answered from the record in a replay, which runs no
code. A run that goes on after a crash has the code run anew from its beginning: it is told again what it was told, and
has to ask again what it asked. As long as it does, nothing of it happens twice; where it does not, the run ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agentcli.core.canonical import decode, digest, encode
from agentcli.core.events import Body, CodeAsked, CodeCompleted, CodeStarted, EffectKey, Event, Warned
from agentcli.core.messages import Message, ToolCall
from agentcli.engine.admission import Admission
from agentcli.engine.agent_loop import AgentLoop
from agentcli.engine.effect import Effect, expect
from agentcli.engine.effects import Effects
from agentcli.engine.keeping import KEEP_FILES, KeepFiles
from agentcli.engine.lifecycle import to_the_end
from agentcli.engine.limits import Budget
from agentcli.engine.model_calls import ModelCalls
from agentcli.engine.narrowing import Narrowed, narrowed
from agentcli.engine.output import OutputSchema
from agentcli.engine.ports import Code, ModelProvider, RunLog
from agentcli.engine.scope import Scope
from agentcli.engine.superseding import UNUSABLE
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from agentcli.errors import (
    AgentcliError,
    DefinitionError,
    DeniedError,
    ErrorInfo,
    RunError,
    StorageError,
    ToolError,
    sentence,
)

MOST_REQUESTS: Final = 10_000
"""What the code of one run may ask for, all in all."""


_FIELDS: Final = {
    "ask": {"prompt", "instructions", "schema", "tools"},
    "tool": {"name", "arguments"},
    "say": {"text"},
}


@dataclass(slots=True)
class CodeAgent:
    """One custom agent at work on its task, under the terms of each of its eras."""

    name: str
    door: Effects
    log: RunLog
    code: Code
    provider: ModelProvider
    tools: ToolCalls
    budget: Budget
    admission: Admission
    terms: Sequence[Terms]
    most_requests: int = MOST_REQUESTS
    _said: list[tuple[Mapping[str, Any], CodeAsked | CodeCompleted]] = field(default_factory=list)
    """What the code was told so far, and what it said to that."""
    _is_up: bool = False
    """Whether the code was begun in this process."""
    _lost: CodeCompleted | None = None
    """Why it did not come to where `_said` has it."""

    async def run(self, scope: Scope) -> Any:
        """What the code gives back, as JSON. Raises AgentcliError. Nothing of the code is left then."""
        try:
            return await self._to_its_end(scope)
        finally:
            await to_the_end(self.code.aclose())

    async def _to_its_end(self, scope: Scope) -> Any:
        said = await self._begin(scope)
        while isinstance(said, CodeAsked):
            number = len(self._said)
            if number > self.most_requests:
                raise _too_much(self.most_requests)
            said = await self._tell(await self._given(said, number, scope), scope)
        if said.error is not None:
            raise _failed(said.error)
        self._check_output(said.output, scope)
        if said.changed:
            await self._keep(said.changed, scope)
        return said.output

    def _terms(self, scope: Scope, said: int) -> Terms:
        """The terms under which the code said its `said`-th word (from 0)."""
        return self.terms[self.door.era_at(EffectKey(scope.lane, "code", self.name, said))]

    # -- the code -----------------------------------------------------------------------------------------------

    async def _begin(self, scope: Scope) -> CodeAsked | CodeCompleted:
        begins = self._terms(scope, 0).begins
        return await self._tell({} if begins is None else begins.to_json(), scope, begins)

    async def _tell(
        self, message: Mapping[str, Any], scope: Scope, begins: CodeStarted | None = None
    ) -> CodeAsked | CodeCompleted:
        async def live(_started: Event) -> Body:
            return await self._catch_up() or await self._heard(message)

        intent = None if begins is None else lambda: begins
        effect = Effect("code", self.name, digest(message), lambda: message, live, intent)
        body = await self.door.perform(effect, scope)
        said = body if isinstance(body, CodeAsked) else expect(body, CodeCompleted)
        self._said.append((message, said))
        return said

    async def _catch_up(self) -> CodeCompleted | None:
        """Have the code come to where the record has it; where it does not, that is how it ended."""
        if not self._is_up:
            self._is_up = True
            begins = self.terms[-1].begins
            for number, (message, recorded) in enumerate(self._said):
                said = await self._heard(message if number or begins is None else begins.to_json())
                if not _is_same(said, recorded):
                    self._lost = _different(number, recorded, said)
                    break
        return self._lost

    async def _heard(self, message: Mapping[str, Any]) -> CodeAsked | CodeCompleted:
        try:
            said = await self.code.tell(message)
        except (DeniedError, RunError) as failed:  # there is no sandbox, or no copy of the workspace
            said = CodeCompleted(None, failed.info)
        admit = self.admission.admit
        if isinstance(said, CodeAsked):
            return replace(said, request=admit(said.request))
        error = said.error and self.admission.admit_error(said.error)
        printed, trace = admit(said.printed), admit(said.trace)
        output = decode(encode(admit(said.output)))  # in the order that the record gives it back in
        return CodeCompleted(output, error, tuple(admit(list(said.changed))), printed, trace)

    # -- what it asks for ---------------------------------------------------------------------------------------

    async def _given(self, said: CodeAsked, number: int, scope: Scope) -> dict[str, Any]:
        """The answer to what the code asks for: `value`, or `failed` with what it can go on without."""
        if _FIELDS.get(said.wants) != said.request.keys():
            raise _damaged(said)
        if said.wants == "say":
            return {"value": None}
        if said.wants == "tool":
            return await self._called(said.request, number, scope)
        try:
            return {"value": await self._asked(said.request, scope.child(f"ask.{number}"))}
        except (RunError, DefinitionError, ToolError) as error:
            if isinstance(error, RunError) and error.code not in UNUSABLE:
                raise
            return {"failed": {"status": "error", "message": _line(error)}}

    async def _called(self, request: Mapping[str, Any], number: int, scope: Scope) -> dict[str, Any]:
        call = ToolCall(f"code_{number}", request["name"], request["arguments"])
        done = await self.tools.call(call, scope.child(f"call.{number}"))
        if done.status == "ok":
            return {"value": done.result}
        return {"failed": {"status": done.status, "message": done.result}}

    async def _asked(self, request: Mapping[str, Any], scope: Scope) -> Any:
        """What the model answers. Raises ToolError for a tool that the agent has not, DefinitionError for a schema."""
        table: Narrowed = narrowed(self.tools.tools, request["tools"])
        terms = [_for_one(terms, request, table) for terms in self.terms]
        loop = AgentLoop(
            door=self.door,
            model=ModelCalls(self.door, self.log, self.provider, self.admission),
            tools=replace(self.tools, tools=table, terms=terms),
            budget=self.budget,
            terms=terms,
        )
        return await loop.run(scope)

    # -- the end ------------------------------------------------------------------------------------------------

    def _check_output(self, output: Any, scope: Scope) -> None:
        schema = self._terms(scope, len(self._said) - 1).output
        if schema is not None and (problems := schema.problems(output)):
            raise RunError(
                "E-CODE-OUTPUT",
                "What the agent's code gave back does not fit `output.schema`.",
                why=sentence(problems[0]),
                fix="Correct the code, or the schema.",
            )

    async def _keep(self, changed: Sequence[str], scope: Scope) -> None:
        """Take over the files that the code changed, as a call of a tool that rules and people decide about."""
        tools = replace(self.tools, tools=KeepFiles(self.code, self._catch_up))
        done = await tools.call(ToolCall("keep", KEEP_FILES.name, {"paths": list(changed)}), scope.child("call.keep"))
        if done.status != "ok":
            what = "The files that the agent's code changed were not kept."
            self.door.emit(Warned("W-CODE-FILES", what, "See `agentcli runs show` for why."), scope)


def _for_one(terms: Terms, request: Mapping[str, Any], tools: Narrowed) -> Terms:
    """The terms of one conversation that the code begins."""
    schema, system = request["schema"], request["instructions"]
    opening = terms.opening if system is None else (Message("system", system),)
    head = replace(terms.head, tools=tuple(tools.of(terms.head.tools)), output_schema=schema)
    output = OutputSchema(schema) if schema is not None else None
    return replace(terms, head=head, opening=(*opening, Message("user", request["prompt"])), output=output)


def _is_same(said: CodeAsked | CodeCompleted, recorded: CodeAsked | CodeCompleted) -> bool:
    if isinstance(said, CodeCompleted) and isinstance(recorded, CodeCompleted):
        return (said.output, said.error, said.changed) == (recorded.output, recorded.error, recorded.changed)
    return said == recorded


def _different(number: int, recorded: CodeAsked | CodeCompleted, said: CodeAsked | CodeCompleted) -> CodeCompleted:
    if isinstance(said, CodeCompleted) and said.error is not None and _is_unconfined(said.error):
        return said
    error = ErrorInfo(
        "E-CODE-DIFFERENT",
        f"Run anew, the agent's code does not do what it did, at its request {number + 1}.",
        f"On record it {_did(recorded)}; now it {_did(said)}. What is on record must not happen twice.",
        "Fork the run before that request: `agentcli fork RUN --at SEQ`; docs/custom-agents.md says more.",
    )
    return CodeCompleted(None, error)


def _did(said: CodeAsked | CodeCompleted) -> str:
    if isinstance(said, CodeCompleted):
        return "ended" if said.error is None else f"failed ({said.error.code})"
    if said.wants == "tool":
        return f"called `{said.request['name']}`"
    return "asked a model" if said.wants == "ask" else "said a line"


def _is_unconfined(error: ErrorInfo) -> bool:
    """Whether there is no sandbox for the code, so that it did not run."""
    return error.code.split("-")[1] == "SANDBOX"


def _failed(error: ErrorInfo) -> DeniedError | RunError:
    where = {name: getattr(error, name) for name in ("file", "line", "column")}
    kind = DeniedError if _is_unconfined(error) else RunError
    return kind(error.code, error.what, why=error.why, fix=error.fix, **where)


def _line(error: AgentcliError) -> str:
    return " ".join(text for text in (error.info.what, error.info.why) if text)


def _damaged(said: CodeAsked) -> StorageError:
    """Code that runs is held to this before; a record may be anybody's."""
    return StorageError(
        "E-JOURNAL-DAMAGED",
        f"The record holds a request of the agent's code that is none (`{str(said.wants)[:40]}`).",
        why="The journal was changed, or written by another program.",
        fix="Check it with `agentcli runs verify`.",
    )


def _too_much(most: int) -> RunError:
    return RunError(
        "E-CODE-REQUESTS",
        f"The agent's code asked for more than {most:,} things.",
        why="Each of them is on record, so there is a limit.",
        fix="Let one request do more: read a file as a whole, or put several items into one prompt.",
    )
