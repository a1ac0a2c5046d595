"""The steps of two runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from agentcli.cli.render.diff_parts import Parts
from agentcli.cli.render.diff_text import print_text
from agentcli.cli.render.printer import Style
from agentcli.cli.render.quantity import count
from agentcli.cli.render.text import ELLIPSIS, call_text, one_line, output_text, wrapped
from agentcli.core.values import value
from agentcli.workbench.comparing.comparison import FirstStep, Origin
from agentcli.workbench.comparing.effects import State, StepDiff
from agentcli.workbench.comparing.requests import FirstRequest
from agentcli.workbench.comparing.steps import Step

_INDENT = 20
"""Columns in front of what differs in a step: its two numbers and its sign."""

MOST_STEPS = 50
"""Steps that differ of which the first are shown, where not all are asked for."""

_SIGNS: dict[State, str] = {"same": " ", "changed": "~", "added": "+", "removed": "-"}
_STYLES: dict[State, tuple[Style, ...]] = {
    "same": ("dim",),
    "changed": ("yellow",),
    "added": ("green",),
    "removed": ("red",),
}

_ORIGINS: dict[Origin, str] = {
    "request": "the model was asked something else",
    "model": "the model answered the same request otherwise",
    "files": "a file that it touched held something else",
    "tool": "the same call gave another result",
    "approval": "the call was not approved alike",
    "run": "the runs took another way here",
}


@value(frozen=True, slots=True)
class StepList:
    """Prints steps; those that are the same are counted, or listed where everything is asked for."""

    parts: Parts

    def asked(self, request: FirstRequest) -> None:
        """From which request on the models were asked something else, and where it differs."""
        events = f"event {request.a.asked} in A, {request.b.asked} in B"
        steps = ".".join(part[5:] for part in request.a.lane.split("/") if part.startswith("step."))
        turn = f"step {steps}, turn {request.a.turn}" if steps else f"turn {request.a.turn}"
        place = events if request.a.turn is None else f"{turn} ({events})"
        said = f"From {place} on the requests to the model differ"
        if request.path is None:
            self._sentence(f"{said}; their contents are not held any more.")
            return
        self._sentence(f"{said}, first at {one_line(request.path)}:")
        if request.text is not None:
            print_text(self.parts.out, request.text, 4, full=self.parts.full)
        else:
            values = (self.parts.value(value) for value in (request.left, request.right))
            self._sentence(f" {self.parts.arrow} ".join(values), 4)

    def first(self, first: FirstStep) -> None:
        """The first step that differs, and why."""
        both = (("A", first.a), ("B", first.b))
        numbers = ", ".join(f"{step.seq} in {name}" for name, step in both if step is not None)
        origin = _ORIGINS[first.origin]
        if first.a is None or first.b is None:
            origin = f"only {'B' if first.a is None else 'A'} has it"
        self._sentence(f"The first difference is {_called(first.step)} (event {numbers}): {origin}.")

    def show(self, steps: Sequence[StepDiff]) -> None:
        """All of them in order, with their numbers in A and in B."""
        out = self.parts.out
        out.line()
        out.line(out.style(f"{'A':>7}{'B':>7}", "bold"))
        shown = steps if self.parts.full else _first_of(steps)
        for same, group in groupby(shown, key=lambda step: step.state == "same"):
            run = list(group)
            if same and not self.parts.full and len(run) > 1:
                out.line(out.style(f"{'':18}{count(len(run), 'step')} the same", "dim"))
                continue
            for step in run:
                self._step(step)
        if len(shown) < len(steps):
            rest = sum(step.state != "same" for step in steps[len(shown) :])
            out.line(out.style(f"{'':18}{ELLIPSIS} {count(rest, 'more step')} not the same: --full shows them", "dim"))

    def _sentence(self, text: str, indent: int = 2) -> None:
        for line in wrapped(text, self.parts.out.width and self.parts.out.width - indent):
            self.parts.out.line(" " * indent + line)

    def _step(self, diff: StepDiff) -> None:
        out, pair, style = self.parts.out, diff.pair, _STYLES[diff.state]
        numbers = "".join(f"{step.seq if step else '':>7}" for step in (pair.a, pair.b))
        width = None if self.parts.full else max((out.width or 132) - _INDENT, 24)
        title = _title(pair.step, width)
        out.line(f"{out.style(numbers, 'dim')}  {out.style(f'{_SIGNS[diff.state]} {title}', *style)}")
        if diff.state == "changed":
            self.parts.listed(diff.differences, _INDENT - 2)
        elif diff.state != "same":
            self._alone(pair.step, _SIGNS[diff.state])

    def _alone(self, step: Step, sign: str) -> None:
        """What a step said that only one run has."""
        for name in ("answer", "result", "error", "value"):
            value = step.parts.get(name)
            if value:
                self.parts.block(sign, output_text(value).strip(), _INDENT - 2)


def _first_of(steps: Sequence[StepDiff]) -> Sequence[StepDiff]:
    """All of them; where too many differ, those up to the last that is shown."""
    different = [index for index, step in enumerate(steps) if step.state != "same"]
    return steps if len(different) <= MOST_STEPS else steps[: different[MOST_STEPS - 1] + 1]


def _called(step: Step) -> str:
    if step.kind == "model":
        return f"the answer of turn {step.turn}" if step.turn is not None else "an answer of the model"
    turn = "" if step.turn is None else f" in turn {step.turn}"
    return f"{one_line(step.name, 60)}{turn}"


def _title(step: Step, width: int | None) -> str:
    turn = "" if step.turn is None else f"turn {step.turn}  "
    if step.kind == "tool":
        arguments = step.parts.get("arguments")
        text = call_text(step.name, arguments if isinstance(arguments, dict) else {}, width and width - len(turn))
    elif step.kind == "model":
        calls = ", ".join(str(call["name"]) for call in step.parts.get("calls", ()))
        outcome = "answer" if step.parts.get("outcome") == "answered" else f"no answer: {step.parts.get('outcome')}"
        text = one_line(f"asks for {calls}" if calls else outcome, width and width - len(turn))
    else:
        text = one_line(step.name, width)
    return turn + text
