"""Where a run comes from, in a word: `⑂ k7f3qz@12`."""

from __future__ import annotations

from agentcli.cli.render.printer import Glyphs
from agentcli.cli.render.text import one_line
from agentcli.core.runs import RunStart

_LONGEST = 12
"""Characters of a run's short name: what stands behind the last dash of its id."""


def fork_mark(glyphs: Glyphs, run: str, cut: int | None) -> str:
    """The sign of a fork, the run that it is a fork of, and the event after which it is a run apart."""
    return f"{glyphs.fork} {one_line(run)}" + (f"@{cut}" if cut is not None else "")


def short_fork_mark(glyphs: Glyphs, start: RunStart) -> str:
    """The same with the parent's random part alone; nothing for a run that is no fork."""
    if start.relation != "fork" or not start.parent:
        return ""
    return fork_mark(glyphs, start.parent.rpartition("-")[2][-_LONGEST:], start.cut)
