"""What a replay found, for people."""

from __future__ import annotations

from agentcli.cli.render.by_hand import print_failure
from agentcli.cli.render.problems import print_error
from agentcli.cli.render.quantity import count
from agentcli.cli.render.text import output_text
from agentcli.cli.session import Session
from agentcli.core.safe_text import safe
from agentcli.workbench.difference import difference
from agentcli.workbench.replay_run import Divergence, Replayed


def print_replayed(session: Session, found: Replayed, failed: str | None = None) -> None:
    """The recorded answer on standard output, what was verified or where it diverged on standard error.

    `failed` is the result of a call by hand that came to nothing.
    """
    if found.divergence is not None:
        _print_divergence(session, found, found.divergence)
        return
    if found.error is not None:
        print_failure(session.out, session.err, found.error, failed, label="recorded error")
    elif found.whole:
        session.out.line(session.out.untrusted(output_text(found.output)))
        session.out.flush()
    for line in _verified(session, found):
        session.note(line)


def _verified(session: Session, found: Replayed) -> tuple[str, str]:
    """Two lines, neither of which is too long for a small terminal."""
    held = f"{count(found.answered, 'result')} from the record, {count(found.contents, 'content')} as hashed"
    if found.whole:
        end = f"Every request and the end ({found.status}) are the same"
    else:
        end = f"Every request up to where it stopped ({found.status}) is the same"
    glyph = session.err.glyphs.ok
    return f"{glyph} {found.row.start.id}: {count(found.events, 'event')}, {held}.", f"  {end}. Nothing was executed."


def _print_divergence(session: Session, found: Replayed, divergence: Divergence) -> None:
    print_error(session.err, divergence.error)
    err = session.err
    for line in difference(divergence):
        err.line(f"  {safe(line)}")
    err.line(f"  The record carries {found.answered} of {count(found.results, 'result')}.")
    if found.estimate is not None:
        from agentcli.cli.render.fork_plan import estimated

        err.line(f"  Going on live from there: {estimated(found.estimate)}.")
