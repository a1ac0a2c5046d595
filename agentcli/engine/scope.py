"""Where in the run something happens."""

from __future__ import annotations

from agentcli.core.values import value


@value(frozen=True, slots=True)
class Scope:
    """A place in the run tree: `lane` is its path (`turn.3/call.1`), `turn` and `step` what the envelope shows."""

    lane: str = ""
    turn: int | None = None
    step: str | None = None

    def child(self, name: str) -> Scope:
        """A place below this one."""
        return Scope(f"{self.lane}/{name}" if self.lane else name, self.turn, self.step)

    def at_turn(self, number: int) -> Scope:
        """The `number`-th turn (from 1) of the conversation that this place holds."""
        return Scope(self.child(f"turn.{number}").lane, number, self.step)
