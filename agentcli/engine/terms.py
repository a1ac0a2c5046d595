"""What a run goes by, and from which event on.

A run has one set of terms until it is resumed or forked: from that event on it may have others (another model, higher
limits, the permissions of whoever goes on with it). What is on record before stays under the terms it was made under,
so that it can be checked against them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from agentcli.core.events import CodeStarted
from agentcli.core.limits import Limits
from agentcli.core.messages import Message
from agentcli.core.models import RequestHead
from agentcli.core.policies import Policy
from agentcli.core.values import value
from agentcli.engine.output import OutputSchema


@value(frozen=True, slots=True)
class Terms:
    """The terms of one era of a run. `opening` is what the conversation begins with, up to the task.

    Of a custom agent it is what every conversation of its code begins with, and `begins` what the code is given first.
    `whole` are the limits of the run that the conversation is a part of; None where it is the run.
    """

    head: RequestHead
    opening: tuple[Message, ...]
    limits: Limits
    policy: Policy
    output: OutputSchema | None = None
    begins: CodeStarted | None = None
    whole: Limits | None = None


class OnDemand(Sequence[Terms]):
    """The terms of each era of a part of a run, made when they are first asked for: those of another may not do."""

    def __init__(self, eras: int, make: Callable[[int], Terms]) -> None:
        self._made: list[Terms | None] = [None] * eras
        self._make = make

    def __len__(self) -> int:
        return len(self._made)

    def __getitem__(self, era: Any) -> Any:
        era = range(len(self))[era]
        if self._made[era] is None:
            self._made[era] = self._make(era)
        return self._made[era]
