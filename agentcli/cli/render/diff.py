"""What differs between two runs, for people: what went in, what happened, what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from agentcli.cli.render.diff_parts import Parts
from agentcli.cli.render.diff_steps import StepList
from agentcli.cli.render.printer import Printer
from agentcli.cli.render.quantity import count, duration, money
from agentcli.cli.render.run_list import STATUS_STYLE
from agentcli.cli.render.table import Cell, Column, print_table
from agentcli.cli.render.text import call_text, one_line, wrapped
from agentcli.core.values import value
from agentcli.workbench.comparing.comparison import Comparison
from agentcli.workbench.comparing.lineage import Descent
from agentcli.workbench.comparing.records import RunRecord
from agentcli.workbench.comparing.totals import Figure

SAME = "The runs are the same in everything that was compared."

_FIGURES = {
    "turns": "turns",
    "tool_calls": "tool calls",
    "tokens": "tokens",
    "input_tokens": "  in",
    "output_tokens": "  out",
    "cost_usd": "cost",
    "duration_s": "time",
}
_CONSEQUENCES = frozenset({"model_reason", "workspace"})
"""What a fork has otherwise without having been told so."""

_COLUMNS = (Column(""), Column("A", right=True), Column("B", right=True), Column("CHANGE", right=True))


def print_diff(out: Printer, found: Comparison, *, full: bool = False) -> None:
    """The whole report; `full` cuts no text and lists the steps that are the same."""
    report = _Report(out, found, Parts(out, full))
    report.head()
    if found.differs:
        report.cause()
        report.effect()
        report.totals()
    else:
        out.line()
        out.line(out.style(SAME, "green"))
    report.missing()


@value(frozen=True, slots=True)
class _Report:
    out: Printer
    found: Comparison
    parts: Parts

    # -- which runs ---------------------------------------------------------------------------------------------

    def head(self) -> None:
        """Both runs, and how the one came from the other."""
        width = max(len(run.row.status) for run in (self.found.a, self.found.b))
        for letter, run in (("A", self.found.a), ("B", self.found.b)):
            status = self.out.style(run.row.status.ljust(width), STATUS_STYLE[run.row.status])
            name = one_line(run.row.start.name)
            self.out.line(f"{self.out.style(letter, 'bold')}  {self.out.style(run.id, 'bold')}  {status}  {name}")
            for text in self._resumed(run):
                self._remark(text)
        for text in self._past():
            self._remark(text)

    def _remark(self, text: str) -> None:
        for line in wrapped(text, self.out.width and self.out.width - 3):
            self.out.line(f"   {self.out.style(line, 'dim')}")

    def _resumed(self, run: RunRecord) -> Iterator[str]:
        for era in run.eras:
            if era.origin is None:
                yield f"taken up again at event {era.seq}{self._changes(era.changes)}"

    def _past(self) -> Iterator[str]:
        line = self.found.lineage
        if line is None:
            return
        names = {self.found.b.id: "B", self.found.a.id: "A"}
        if not line.a and not line.b:
            yield "A and B are one run."
        for descent in (*line.a, *line.b):
            yield self._descent(descent, names)

    def _descent(self, descent: Descent, names: dict[str, str]) -> str:
        run, parent = (names.get(one, one) for one in (descent.run, descent.parent))
        if descent.relation == "fork":
            cut = "" if descent.cut is None else f" at event {descent.cut}"
            return f"{run} is a fork of {parent}{cut}{self._changes(descent.changes)}"
        if descent.relation == "session":
            return f"{run} goes on with the conversation of {parent}"
        return f"{run} is a child of {parent}"

    def _changes(self, changes: dict[str, object]) -> str:
        told = {name: value for name, value in changes.items() if name not in _CONSEQUENCES}
        return f", with {call_text('', told, None if self.parts.full else 200)[1:-1]}" if told else ""

    # -- what went in -------------------------------------------------------------------------------------------

    def cause(self) -> None:
        """Everything that went in and was not the same."""
        compared = self.found.a.manifest and self.found.b.manifest
        nothing = "what went in is the same" if compared else "what went in cannot be compared"
        self._title("Cause", "what went in" if self.found.cause else nothing)
        for aspect, group in groupby(self.found.cause, key=lambda difference: difference.aspect):
            self.out.line(f"  {self.out.style(one_line(aspect), 'cyan')}")
            for difference in group:
                self.parts.one(difference, 4)

    def _title(self, title: str, text: str) -> None:
        self.out.line()
        self.out.line(f"{self.out.style(title, 'bold')}{self.out.style(f': {text}', 'dim')}")

    # -- what happened ------------------------------------------------------------------------------------------

    def effect(self) -> None:
        """From which request on the models were asked something else, the first step that differs, all steps."""
        found = self.found
        self._title("Effect", "what happened" if found.first or found.asked else "what happened is the same")
        steps = StepList(self.parts)
        if found.first is not None:
            steps.first(found.first)
        if found.asked is not None:
            steps.asked(found.asked)
        if found.first is not None or self.parts.full:
            steps.show(found.steps)

    # -- what it came to ----------------------------------------------------------------------------------------

    def totals(self) -> None:
        """A table of figures, then how the outputs differ."""
        self._title("Totals", "what it came to")
        a, b = self.found.a.row, self.found.b.row
        status = [Cell("status"), *(Cell(row.status, (STATUS_STYLE[row.status],)) for row in (a, b)), Cell("")]
        figures = [_figure_cells(figure) for figure in self.found.totals.figures]
        print_table(self.out, _COLUMNS, [status, *figures])
        self.parts.listed((one for one in self.found.totals.differences if one.aspect in ("error", "output")), 0)

    # -- what is not known --------------------------------------------------------------------------------------

    def missing(self) -> None:
        """What could not be compared."""
        if self.found.missing:
            self.out.line()
        for text in self.found.missing:
            for line in wrapped(f"{self.out.glyphs.warn} {one_line(text)}", self.out.width, indent="  "):
                self.out.line(self.out.style(line, "yellow"))


def _figure_cells(figure: Figure) -> list[str | Cell]:
    label = _FIGURES.get(figure.name, figure.name)
    if figure.name != "duration_s" and not (figure.a or figure.b):
        return [label, _number(figure.name, figure.a), _number(figure.name, figure.b), ""]
    return [label, _number(figure.name, figure.a), _number(figure.name, figure.b), Cell(_change(figure), ("bold",))]


def _change(figure: Figure) -> str:
    """`+2 (+50 %)`; nothing where both are the same, or one is not known."""
    if not figure.delta:
        return ""
    sign = "+" if figure.delta > 0 else "-"
    share = "" if figure.percent is None else f" ({figure.percent:+.0f} %)"
    return f"{sign}{_number(figure.name, abs(figure.delta))}{share}"


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name == "cost_usd":
        return money(value)
    return duration(value) if name == "duration_s" else count(int(value))
