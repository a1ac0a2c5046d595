"""`agentcli runs prune`: let runs go, and get the space back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from agentcli.cli.completions import run_ids
from agentcli.cli.session import Session, session_of
from agentcli.core.runs import RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentcli.errors import ErrorInfo
    from agentcli.workbench.prune_runs import PruneDone, PrunePlan

EXAMPLES = (
    ("agentcli runs prune --older-than 30d --dry-run", "what would go, and what that would free"),
    ("agentcli runs prune --keep 100 -y", "all but the 100 newest, without asking: for scripts"),
    ("agentcli runs prune --max-size 500MB", "the oldest, until the journal takes no more than that"),
    ("agentcli runs prune --tag ci --keep-tag release --older-than 1w", "tagged runs go where their tag is named"),
    ("agentcli runs prune k7f3qz last~2", "these two"),
)

MANY = 10_000
"""So many runs take so long that a person should know."""

WHICH = "Which runs go (those of which all is true)"


def command(
    ctx: typer.Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Ids, unique parts of some, last or last~1.", autocompletion=run_ids),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="TIME",
            help="Ended before then: 30m, 2h, 3d, 1w, or a date.",
            rich_help_panel=WHICH,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", metavar="N", min=0, help="Not among the N newest.", rich_help_panel=WHICH),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size",
            metavar="SIZE",
            help="The oldest, until all is no larger than 500MB, 2GB, …",
            rich_help_panel=WHICH,
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Tagged so; again for any of several.", rich_help_panel=WHICH),
    ] = None,
    keep_tag: Annotated[
        list[str] | None,
        typer.Option("--keep-tag", metavar="TAG", help="Not tagged so, whatever --tag says.", rich_help_panel=WHICH),
    ] = None,
    status: Annotated[
        RunStatus | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="interrupted, completed, failed, cancelled, limited or denied.",
            rich_help_panel=WHICH,
        ),
    ] = None,
    workspaces: Annotated[
        bool, typer.Option("--workspaces", help="Remove the workspaces of forks that go, or are gone, as well.")
    ] = False,
    copies_older_than: Annotated[
        str | None,
        typer.Option(
            "--copies-older-than",
            metavar="TIME",
            help="Remove copies of fetched content that are older, though runs that stay name them.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--plan", help="Say what would go and why the rest stays, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
) -> None:
    """Remove runs that are old, too many or too large, and give the space back.

    Kept in any case are running runs, tagged ones unless --tag names a tag of theirs, and what a run that stays comes
    from. Child runs go with their parent. Interrupted runs go where they, their status or their age is named. Copies of
    what tools fetched go with the last run that names them.
    """
    from agentcli.cli.moments import since
    from agentcli.cli.render.prune import print_plan
    from agentcli.cli.sizes import size_of
    from agentcli.workbench.prune_choice import PruneRequest
    from agentcli.workbench.prune_runs import plan_prune, prune_runs

    session = session_of(ctx)
    now = time.time()
    request = PruneRequest(
        runs=tuple(runs or ()),
        before=since(older_than, now) if older_than else None,
        keep=keep,
        max_size=size_of(max_size) if max_size else None,
        tags=tuple(tag or ()),
        keep_tags=tuple(keep_tag or ()),
        status=status,
        workspaces=workspaces,
        copies_before=since(copies_older_than, now) if copies_older_than else None,
    )
    with session.open() as bench:
        plan = plan_prune(bench, request, weighed=dry_run or not yes)
        if dry_run:
            if session.flags.json:
                session.out.json(plan.to_json())
            else:
                print_plan(session.out, plan, now)
        elif yes or _agreed(session, plan, now):
            if len(plan.going) >= MANY:
                session.note("This may take a minute; other runs may go on meanwhile.")
            _print_done(session, prune_runs(bench, plan), told=plan.removes and not yes)
        else:
            session.note("Nothing was pruned.")


def _agreed(session: Session, plan: PrunePlan, now: float) -> bool:
    """Whether the person at the terminal says yes; where nothing goes there is nothing to ask.

    Raises DeniedError E-PRUNE-UNANSWERED where nobody is there.
    """
    from agentcli.cli.render.prune import print_plan
    from agentcli.cli.render.quantity import count
    from agentcli.errors import DeniedError

    if not plan.removes:
        return True
    if not (session.env.stdin_tty and session.env.stderr_tty):
        raise DeniedError(
            "E-PRUNE-UNANSWERED",
            f"Nobody can be asked whether {count(len(plan.going), 'run')} may go.",
            why="There is no terminal, and what is pruned does not come back.",
            fix="Add `-y`, or look first with `--dry-run`.",
        )
    print_plan(session.err, plan, now)
    session.err.write("Prune?  [y]es  [n]o: ")
    session.err.flush()
    return session.env.stdin.readline().strip().lower() in ("y", "yes")


def _print_done(session: Session, done: PruneDone, *, told: bool) -> None:
    """`told` says that the plan was shown, with what stays."""
    from agentcli.cli.render.prune import print_done, remarks

    if not session.flags.quiet:
        session.warn(_partly(done.pruned.unreadable))
    if session.flags.json:
        session.out.json(done.to_json())
        return
    for line in remarks(done, told=told):
        session.note(line)
    if not session.flags.quiet:
        print_done(session.out, done)


def _partly(runs: list[str]) -> Iterator[ErrorInfo]:
    from agentcli.errors import ErrorInfo

    if runs:
        others = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
        yield ErrorInfo(
            "E-PRUNE-PARTLY",
            f"No content was removed, since nobody knows what run {runs[0]}{others} needs.",
            "What is on record of it cannot be read to its end.",
            f"See where it breaks with `agentcli runs verify {runs[0]}`, or prune it.",
        )
