"""The agent: ask the model, call the tools it asks for, and again, until it answers or a limit stops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from agentcli.core.events import ModelCompleted, TurnStarted, Warned
from agentcli.core.messages import Conversation, Message, ToolCall
from agentcli.engine.effects import Effects
from agentcli.engine.limits import Budget, limit_error
from agentcli.engine.model_calls import ModelCalls
from agentcli.engine.scope import Scope
from agentcli.engine.terms import Terms
from agentcli.engine.tool_calls import ToolCalls
from agentcli.errors import RunError, sentence

PARALLEL_CALLS = 5
"""How many tool calls of one turn run at once."""


@dataclass(slots=True)
class AgentLoop:
    """One agent at work on one conversation, under the terms of each of its eras."""

    door: Effects
    model: ModelCalls
    tools: ToolCalls
    budget: Budget
    terms: Sequence[Terms]
    conversation: Conversation = field(init=False)
    _now: Terms = field(init=False)

    async def run(self, scope: Scope) -> Any:
        """The answer: text, or with an output schema the value. Raises AgentcliError.

        An answer that breaks the schema is given back to the model once, with what is wrong.
        """
        self._now = self._terms_of(self._next_turn(scope))
        self.budget.limits = self._now.limits
        self.conversation = Conversation(self._now.opening)
        answer = await self._until_answer(scope, lane="")
        if self._now.output is None:
            return answer.content
        value, problems = self._now.output.read(answer.content)
        if problems:
            self.conversation.append(Message("user", _repair(problems)))
            answer = await self._until_answer(scope, lane="repair")
            value, problems = self._now.output.read(answer.content)
        if problems:
            raise RunError(
                "E-OUTPUT-SCHEMA",
                "The answer does not fit `output.schema`, also after one repair.",
                why=sentence(problems[0]),
                fix="Simplify the schema, say in the instructions what is meant, or use a larger model.",
            )
        return value

    async def _until_answer(self, scope: Scope, lane: str) -> Message:
        while True:
            turn = self._next_turn(scope)
            here = turn.child(lane) if lane else turn
            self._take_terms(here)
            if not self.door.keeps_turn(here.lane):
                self._stop_at_limit(scope)
            self.budget.open_turn()
            self.door.emit(TurnStarted(), here)
            reply = await self.model.ask(self._now.head, self.conversation, here)
            self.budget.count(reply.usage, reply.cost_usd)
            self.conversation.append(reply.message)
            _refuse_filtered(reply)
            if not reply.message.tool_calls:
                return self._answer(reply, here)
            await self._call_tools(reply.message.tool_calls, here)

    def _next_turn(self, scope: Scope) -> Scope:
        return scope.at_turn(self.budget.turns + 1)

    def _terms_of(self, turn: Scope) -> Terms:
        return self.terms[self.door.turn_era(turn.lane)]

    def _take_terms(self, turn: Scope) -> None:
        """Where an era has begun: what was said stays, what the conversation opens with may not be the same."""
        terms, before = self._terms_of(turn), self._now
        if terms.whole is not None:  # other lanes may be in another era
            self.budget.root.limits = terms.whole
        if terms is before:
            return
        self._now, self.budget.limits = terms, terms.limits
        if terms.opening != before.opening:
            self.conversation = Conversation([*terms.opening, *self.conversation.messages[len(before.opening) :]])

    def _stop_at_limit(self, scope: Scope) -> None:
        reached = self.budget.exhausted()
        if reached:
            self.door.emit(reached, scope)
            raise limit_error(reached, of_part=reached != self.budget.root.exhausted())

    async def _call_tools(self, calls: tuple[ToolCall, ...], scope: Scope) -> None:
        jobs = [
            partial(self.tools.call, call, scope.child(f"call.{number}")) for number, call in enumerate(calls, start=1)
        ]
        for done in await self.door.gather(jobs, PARALLEL_CALLS):
            self.conversation.append(Message("tool", done.result, tool_call_id=done.call_id))

    def _answer(self, reply: ModelCompleted, scope: Scope) -> Message:
        if not reply.message.content.strip():
            raise RunError(
                "E-OUTPUT-EMPTY",
                "The model answered nothing.",
                why=f"It stopped ({reply.finish_reason}) without text and without a tool call.",
                fix="Ask again, raise `settings.max_output_tokens`, or use another model.",
            )
        if reply.finish_reason == "length":
            self.door.emit(
                Warned(
                    "W-OUTPUT-CUT",
                    "The answer was cut at the model's limit of output tokens.",
                    "Raise `settings.max_output_tokens`.",
                ),
                scope,
            )
        return reply.message


def _refuse_filtered(reply: ModelCompleted) -> None:
    if reply.finish_reason == "content_filter":
        raise RunError(
            "E-OUTPUT-FILTERED",
            "The provider withheld the answer.",
            why="Its content filter stopped the model.",
            fix="Word the task differently, or use another model.",
        )


def _repair(problems: list[str]) -> str:
    listed = "\n".join(f"- {problem}" for problem in problems)
    return f"Your answer does not fit the required JSON Schema:\n{listed}\nAnswer again, with the corrected JSON alone."
