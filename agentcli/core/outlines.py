"""The steps of a workflow as they are known before it runs: what `run.started` says of them."""

from __future__ import annotations

from typing import Any

from agentcli.core.values import value


@value(frozen=True, slots=True)
class StepOutline:
    """A step. `items` is how often its action is carried out where nothing fails; None where that turns out later."""

    id: str
    name: str = ""
    items: int | None = 1

    def to_json(self) -> dict[str, Any]:
        """As part of an event: `name` and `items` only where they say something."""
        named = {"name": self.name} if self.name else {}
        return {"id": self.id, **named, **({"items": self.items} if self.items != 1 else {})}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> StepOutline:
        """Read back what `to_json` wrote."""
        return cls(value["id"], value.get("name", ""), value.get("items", 1))
