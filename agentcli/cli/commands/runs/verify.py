"""`agentcli runs verify`: is the record whole, and is it what was written?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentcli.cli.completions import run_ids
from agentcli.cli.session import Session, session_of

if TYPE_CHECKING:
    from agentcli.journal.verifying import Verification

EXAMPLES = (
    ("agentcli runs verify", "check the last run"),
    ("agentcli runs verify k7f3qz last~1", "check these two"),
    ("agentcli runs verify --all --json", "one object a run; exit code 8 if one is broken"),
)

CHECK_FAILED = 8


def command(
    ctx: typer.Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="Ids, unique parts of some, last (the default) or last~1.",
            autocompletion=run_ids,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every run of the journal, child runs too.")] = False,
) -> None:
    """Check that a run's record is whole and as it was written.

    Checked are the chain of its events, the totals of its end, and every content that it names. The first place that is
    not as it was written is told; what is intact can still be read.
    """
    from agentcli.workbench.verify_runs import verify_runs

    session = session_of(ctx)
    count = 0
    with session.open() as bench:
        for result in verify_runs(bench, runs or ["last"], everything=everything):
            count += 1
            if not result.intact:
                session.exit_code = CHECK_FAILED
            if session.flags.json:
                session.out.json(_as_json(result))
            else:
                _print(session, result)
    if not count:
        session.note("No runs.")


def _as_json(result: Verification) -> dict[str, Any]:
    first = result.problems[0] if result.problems else None
    return {
        "run": result.run,
        "intact": result.intact,
        "events": result.events,
        "contents": result.blobs,
        "broken_at": first.seq if first else None,
        "problems": [{"at": problem.seq, "what": problem.what} for problem in result.problems],
    }


def _print(session: Session, result: Verification) -> None:
    from agentcli.cli.render.quantity import count
    from agentcli.cli.render.text import one_line

    out, run = session.out, one_line(result.run)
    if result.intact:
        if not session.flags.quiet:
            facts = f"{count(result.events, 'event')}, {count(result.blobs, 'content')}"
            out.line(f"{out.style(out.glyphs.ok, 'green')} {out.style(run, 'bold')} is intact: {facts}")
        return
    shown = result.problems if session.flags.verbose else result.problems[:1]
    sign = f"{out.style(out.glyphs.bad, 'red')} {out.style(run, 'bold')}"
    for problem in shown:
        place = "as a whole" if problem.seq is None else f"at event {problem.seq}"
        out.line(f"{sign} is broken {place}: {one_line(problem.what, 500)}")
    if len(result.problems) > len(shown):
        session.note(f"  and {count(len(result.problems) - len(shown), 'problem')} more: -v shows all")
