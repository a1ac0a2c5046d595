"""Where in the run something happens."""

from __future__ import annotations

from dataclasses import replace

from agentcli.core.values import value


@value(frozen=True, slots=True)
class Deadline:
    """When the time of a part of the run is over: `at` by `Clock.monotonic`, `seconds` what it was given."""

    at: float
    seconds: float


@value(frozen=True, slots=True)
class Scope:
    """A place in the run tree: `lane` is its path (`turn.3/call.1`), `turn` and `step` what the envelope shows.

    `deadline` holds for every effect in it. It is never asked on replay: running into it is a recorded result.
    """

    lane: str = ""
    turn: int | None = None
    step: str | None = None
    deadline: Deadline | None = None

    def child(self, name: str) -> Scope:
        """A place below this one."""
        return Scope(f"{self.lane}/{name}" if self.lane else name, self.turn, self.step, self.deadline)

    def at_turn(self, number: int) -> Scope:
        """The `number`-th turn (from 1) of the conversation that this place holds."""
        return Scope(self.child(f"turn.{number}").lane, number, self.step, self.deadline)

    def at_step(self, step: str) -> Scope:
        """The place of a step of the workflow that this place holds; `a.b` is step `b` of the workflow in step `a`."""
        name = f"{self.step}.{step}" if self.step is not None else step
        return Scope(self.child(f"step.{step}").lane, None, name, self.deadline)

    def until(self, deadline: Deadline) -> Scope:
        """The same place with no more time than that."""
        sooner = self.deadline is None or deadline.at < self.deadline.at
        return replace(self, deadline=deadline) if sooner else self
