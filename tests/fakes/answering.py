"""People who answer what they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agentcli.core.events import Event
from agentcli.core.tools import ToolSpec


@dataclass(frozen=True, slots=True)
class Said:
    """A person's answer."""

    decision: Literal["once", "always", "no"]
    by: Literal["user", "flag", "nobody"] = "user"
    reason: str = ""


@dataclass(slots=True)
class Answering:
    """An approver that gives the listed answers; keeps what it was asked about."""

    answers: list[Said] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    previews: list[str | None] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    lanes: list[str] = field(default_factory=list)

    async def ask(
        self, spec: ToolSpec, arguments: Mapping[str, Any], rule: str, preview: str | None = None, lane: str = ""
    ) -> Said:
        self.asked.append(spec.name)
        self.previews.append(preview)
        self.lanes.append(lane)
        return self.answers.pop(0) if self.answers else Said("no", "nobody")

    async def answer(self, spec: ToolSpec, arguments: Mapping[str, Any], lane: str = "") -> str | None:
        self.asked.append(arguments["question"])
        self.lanes.append(lane)
        return self.words.pop(0) if self.words else None

    async def again(self, started: Event) -> bool:
        return False
