"""What a replay found, for people."""

from __future__ import annotations

import json
from typing import Any

from agentcli.cli.render.problems import print_error
from agentcli.cli.render.quantity import count
from agentcli.cli.render.text import output_text
from agentcli.cli.session import Session
from agentcli.workbench.replay_run import Divergence, Replayed

VALUE_CHARS = 400


def print_replayed(session: Session, found: Replayed) -> None:
    """The recorded answer on standard output, what was verified or where it diverged on standard error."""
    if found.divergence is not None:
        _print_divergence(session, found, found.divergence)
        return
    if found.error is not None:
        print_error(session.err, found.error, label="recorded error")
    elif found.whole:
        session.out.line(session.out.untrusted(output_text(found.output)))
        session.out.flush()
    session.note(f"{session.err.glyphs.ok} {_verified(found)}")


def _verified(found: Replayed) -> str:
    same = f"{count(found.answered, 'result')} from the record, {count(found.contents, 'content')} as hashed"
    if found.whole:
        end = f"every request and the end ({found.status}) the same"
    else:
        end = f"every request the same up to where it stopped ({found.status})"
    return f"Run {found.row.start.id}: {count(found.events, 'event')}, {same}; {end}. Nothing was executed."


def _print_divergence(session: Session, found: Replayed, divergence: Divergence) -> None:
    print_error(session.err, divergence.error)
    err = session.err
    place = f"event {divergence.at}" if divergence.at is not None else "the end of the record"
    turn = f", turn {divergence.turn}" if divergence.turn is not None else ""
    err.line(f"  at        {place}{turn}  {divergence.path}")
    err.line(f"  recorded  {_value(session, divergence.recorded)}")
    err.line(f"  current   {_value(session, divergence.current)}")
    err.line(f"  The record carries {found.answered} of {count(found.results, 'result')}.")
    if found.estimate is not None:
        from agentcli.cli.render.fork_plan import estimated

        err.line(f"  Going on live from there: {estimated(found.estimate)}.")


def _value(session: Session, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    short = text if len(text) <= VALUE_CHARS else f"{text[:VALUE_CHARS]}…"
    return session.err.untrusted(short.replace("\n", "\\n"))
