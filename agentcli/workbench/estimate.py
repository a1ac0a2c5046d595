"""What going on live from a point of a run would take, if the rest went as it went the first time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from agentcli.core.events import Event, ModelCompleted, ModelFailed, ModelStarted, ToolCompleted, ToolStarted
from agentcli.core.models import Usage
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value

PriceOf: TypeAlias = Callable[[str, Usage], float | None]
"""US dollars of a call to a `provider:model`; None where its price is not known."""


@value(frozen=True, slots=True)
class Estimate:
    """What the recorded rest took, at the prices of the models that would be asked.

    It assumes that the rest goes as it went: another model, or another answer, may need more turns or fewer. `cost_usd`
    is None where a price is not known. `seconds` are those in which a model or a tool was at work, without the time in
    which a person was waited for. `tools` counts calls by name; `irreversible` names the tools among them whose calls
    cannot be taken back.
    """

    model_calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    seconds: float
    tools: Mapping[str, int]
    irreversible: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        out = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**out, "tools": dict(self.tools), "irreversible": list(self.irreversible)}


def estimate(
    events: Sequence[Event],
    after: int,
    models: Sequence[str],
    recorded: Sequence[str],
    price: PriceOf,
    tools: Iterable[ToolSpec],
) -> Estimate:
    """What the events after the seq `after` took.

    `models` are those that would be asked now, `recorded` those that were; `tools` is what the tools say of themselves,
    to know which calls cannot be taken back. A call that was in flight at `after` counts: it would be done again.
    """
    rest = [event for event in events if event.seq > after]
    answers = [event.body for event in rest if isinstance(event.body, ModelCompleted)]
    # Also one that failed, or was never answered: it would be asked again.
    requests = {event.key for event in rest if isinstance(event.body, (ModelStarted, ModelCompleted, ModelFailed))}
    usage = sum((answer.usage for answer in answers), Usage())
    # A refused call has no key: it never came to anything. One with an intent and a result has the same key twice.
    keys = {event.key for event in rest if isinstance(event.body, (ToolStarted, ToolCompleted))}
    calls = Counter(key.name for key in keys if key is not None)
    return Estimate(
        model_calls=len(requests),
        input_tokens=usage.input,
        output_tokens=usage.output,
        cost_usd=_cost(answers, tuple(models), tuple(recorded), price),
        seconds=round(_busy(rest), 3),
        tools=dict(sorted(calls.items())),
        irreversible=tuple(sorted(spec.name for spec in tools if spec.effects == "irreversible" and calls[spec.name])),
    )


def _cost(
    answers: Iterable[ModelCompleted], models: tuple[str, ...], recorded: tuple[str, ...], price: PriceOf
) -> float | None:
    """The recorded cost where the same models are asked, else that of the first model, which is asked first."""
    total = 0.0
    for answer in answers:
        same = models == recorded or answer.model == models[0]
        cost = answer.cost_usd if same else price(models[0], answer.usage)
        if cost is None:
            return None
        total += cost
    return total


def _busy(events: Iterable[Event]) -> float:
    """Seconds in which a model or a tool was at work; those of several at once count once."""
    spans = sorted(
        (event.time - event.body.duration_s, event.time)
        for event in events
        if isinstance(event.body, (ModelCompleted, ToolCompleted))
    )
    busy, until = 0.0, float("-inf")
    for begin, end in spans:
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
    return busy
