"""What `agentcli test` found, for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agentcli.cli.render.problems import print_error
from agentcli.cli.render.quantity import count, duration
from agentcli.cli.render.table import Cell, Column, print_table
from agentcli.cli.session import Session
from agentcli.core.safe_text import safe
from agentcli.workbench.check_recordings import Checked
from agentcli.workbench.difference import difference

_COLUMNS = (
    Column("RECORDING", least=16),
    Column("AGENT", least=8, drop=2),
    Column("RESULT"),
    Column("DIFFERS AT", least=12, drop=1),
    Column("TIME", right=True, drop=3),
)


def print_checked(session: Session, checked: Sequence[Checked]) -> None:
    """A table; what is not the same in detail; how many there are. With --quiet only the table."""
    print_table(session.out, _COLUMNS, [_row(session, one) for one in checked])
    if session.flags.quiet:
        return
    failed = [one for one in checked if not one.same]
    for one in failed:
        _print_details(session, one)
    session.out.line()
    seconds = duration(sum(one.duration_s for one in checked))
    session.out.line(f"{len(checked) - len(failed)} of {count(len(checked), 'recording')} the same, in {seconds}")


def _row(session: Session, one: Checked) -> list[str | Cell]:
    glyphs = session.out.glyphs
    if one.same:
        result = Cell(f"{glyphs.ok} same", ("green",))
    else:
        result = Cell(f"{glyphs.bad} {'differs' if one.divergence else 'fails'}", ("red",))
    place = one.divergence.path if one.divergence else one.error.code if one.error else ""
    return [_from_here(session, one.file), one.agent or "", result, place, duration(one.duration_s)]


def _print_details(session: Session, one: Checked) -> None:
    out = session.out
    out.line()
    out.line(out.style(safe(_from_here(session, one.file)), "bold"))
    if one.error is not None:
        print_error(out, one.error)
    for line in difference(one.divergence) if one.divergence else ():
        out.line(f"  {safe(line)}")


def _from_here(session: Session, file: Path) -> str:
    return str(file.relative_to(session.env.cwd)) if file.is_relative_to(session.env.cwd) else str(file)
