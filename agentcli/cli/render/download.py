"""A download on the screen: a bar with rate and time left, or a line now and then where nothing can be redrawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentcli.cli.render.printer import Printer
from agentcli.cli.render.quantity import duration, size
from agentcli.cli.session import Session
from agentcli.core.values import value

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from agentcli.providers.local.progress import Phase, Progress


@value(frozen=True, slots=True)
class View:
    """`told` takes the progress in; `restore` puts the terminal in order in a hurry."""

    told: Callable[[Progress], None]
    restore: Callable[[], None] = lambda: None


PHASES: dict[Phase, str] = {
    "waiting": "waiting for another download of it",
    "hub": "downloading from the model hub",
    "index": "downloading from the package index",
    "verifying": "checking its SHA-256",
    "done": "ready",
}

STEPS = 10
"""Without a terminal, a line for each such part of the whole."""


@contextmanager
def download_view(session: Session) -> Iterator[View]:
    """A download's progress, shown on standard error."""
    if session.flags.quiet or session.flags.json:
        yield View(lambda _: None)
    elif session.env.can_animate:
        from rich.console import Console

        console = Console(
            file=session.err.stream,
            force_terminal=True,
            no_color=not session.err.color,
            highlight=False,
            _environ=dict(session.env.environ),
        )
        with _bar(console) as bar:
            bars = _Bars(bar)
            yield View(bars.told, bar.stop)
        if bars.ready:
            session.err.line(bars.ready)
    else:
        yield View(Lines(session.err).told)


def _bar(console: Console) -> Bar:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.table import Column

    return Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=20),
        DownloadColumn(table_column=Column(no_wrap=True, min_width=14)),
        TransferSpeedColumn(table_column=Column(no_wrap=True, min_width=9)),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True, min_width=5)),
        console=console,
        transient=True,
    )


class _Bars:
    """One bar, of the phase that it is in. `ready` is what to say when it is gone."""

    def __init__(self, bar: Bar) -> None:
        self.ready = ""
        self._bar = bar
        self._task: TaskID | None = None
        self._phase: Phase | None = None

    def told(self, progress: Progress) -> None:
        """Move the bar of this phase."""
        if progress.phase != self._phase:
            self._begin(progress)
        if self._task is not None:
            self._bar.update(self._task, completed=progress.done)

    def _begin(self, progress: Progress) -> None:
        self._phase = progress.phase
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        text = f"{progress.model}: {PHASES[progress.phase]}"
        if progress.phase == "done":
            self.ready = text
        elif progress.phase == "waiting":
            self._bar.console.print(text, markup=False)
        else:
            self._task = self._bar.add_task(text, total=progress.total, completed=progress.done)


class Lines:
    """A line for each phase, and one for each tenth of it."""

    def __init__(self, err: Printer) -> None:
        self._err = err
        self._phase: Phase | None = None
        self._step = 0

    def told(self, progress: Progress) -> None:
        """Print what is worth a line."""
        step = progress.done * STEPS // progress.total
        if progress.phase != self._phase:
            self._phase, self._step = progress.phase, step
            self._err.line(f"{progress.model}: {PHASES[progress.phase]}")
            self._err.flush()
        elif step > self._step and progress.phase != "verifying":
            self._step = step
            left = f", {duration(progress.seconds_left)} left" if progress.seconds_left else ""
            rate = f", {size(progress.rate)}/s" if progress.rate else ""
            share = f"{progress.done / progress.total:.0%}"
            self._err.line(f"  {share} of {size(progress.total)}{rate}{left}")
            self._err.flush()
