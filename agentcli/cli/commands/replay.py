"""`agentcli replay`: a run once more, from its record alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agentcli.cli import parameters
from agentcli.cli.session import Session, session_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentcli.core.events import Event
    from agentcli.workbench.rerun import RerunRequest
    from agentcli.workbench.wiring import Options

EXAMPLES = (
    ("agentcli replay", "the last run again: nothing is sent, executed or written; every request is compared"),
    ("agentcli replay k7f3qz --template agents/reader.yaml", "does the edited template still do the same?"),
    ("agentcli replay last --pace 1", "watch it at the speed at which it happened"),
    ("agentcli replay last --step", "go through it event by event, look at everything, go on live from anywhere"),
    ("agentcli replay last --live model -m openai:gpt-5-mini", "another model, the tools answered from the record"),
    ("agentcli replay last --fail tool:read_lines=timeout --live model", "what if this tool had failed?"),
    ("agentcli replay last --json", "what was verified, or the first divergence, as one object"),
)

STEP = "a replay without `--step`"
REAL = "What is real"


def command(
    ctx: typer.Context,
    run: Annotated[str, parameters.RUN] = "last",
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="FILE", help="Go by this template instead of the one it was run with."),
    ] = None,
    pace: Annotated[
        float | None,
        typer.Option("--pace", metavar="SPEED", help="Show it as it happened: 1 is its own speed, 4 four times that."),
    ] = None,
    step: Annotated[
        bool, typer.Option("--step", help="Go through it event by event; look, edit a result, go on live from there.")
    ] = False,
    live: Annotated[
        list[str] | None,
        typer.Option(
            "--live",
            metavar="model|tool:NAME",
            help="Ask a model, execute a tool; the rest is from the record, as a new run. Repeatable.",
            rich_help_panel=REAL,
        ),
    ] = None,
    mock: Annotated[
        list[str] | None,
        typer.Option(
            "--mock",
            metavar="tool:NAME=TEXT|@FILE",
            help="Give every call of a tool this result. Repeatable.",
            rich_help_panel=REAL,
        ),
    ] = None,
    fail: Annotated[
        list[str] | None,
        typer.Option(
            "--fail",
            metavar="tool:NAME=timeout|error",
            help="Let every call of a tool fail. Repeatable.",
            rich_help_panel=REAL,
        ),
    ] = None,
    model: Annotated[
        list[str] | None, parameters.model("With --live model: another provider:model. Repeated: tried in order.", REAL)
    ] = None,
    files: Annotated[
        Literal["snapshots", "current"],
        parameters.files(
            "Live tools work on a copy with the files as they were before the run, or on the present ones.", REAL
        ),
    ] = "snapshots",
    workspace: Annotated[Path | None, parameters.SOURCE] = None,
    yes: Annotated[bool, parameters.YES] = False,
    allow: Annotated[list[str] | None, parameters.ALLOW] = None,
    allow_private: Annotated[list[str] | None, parameters.ALLOW_PRIVATE] = None,
) -> None:
    """Carry a run out again from its record alone, and compare.

    No model is asked, no tool runs, no key or network is needed. Exit 6 where it is not the same any more.
    With --live, --mock or --fail it is a new run, of which only the named parts are not from the record.
    """
    from agentcli.cli.boundary_words import boundaries, refuse_alone, speed_in
    from agentcli.cli.words import Reader

    session = session_of(ctx)
    options = session.options(
        workspace=workspace, model=model or (), yes=yes, allow=allow or (), private=allow_private or ()
    )
    if step:
        refuse_alone({"-m": model, "--template": template, "--pace": pace, "--live": live or mock or fail}, STEP)
        _step(session, run, options, files)
        return
    if not (live or mock or fail):
        refuse_alone(
            {"-m": model, "--workspace": workspace, "--yes": yes, "--allow": allow, "--allow-private": allow_private},
            "`--live`",
        )
        _replay(session, run, template, speed_in(pace))
        return
    from agentcli.workbench.rerun import RerunRequest

    bounds = boundaries(Reader(session.env), live or (), mock or (), fail or ())
    refuse_alone({"--template": template, "--pace": pace}, "a replay that is all from the record")
    refuse_alone({"-m": model if not bounds.model else None}, "`--live model`")
    _rerun(session, RerunRequest(run, bounds, files), options)


def _rerun(session: Session, request: RerunRequest, options: Options) -> None:
    from functools import partial

    from agentcli.cli.execution import carry_out
    from agentcli.workbench.rerun import rerun

    with session.open(options) as bench:
        carry_out(session, partial(rerun, bench, request), stdin_is_data=False)


def _replay(session: Session, run: str, template: Path | None, speed: float | None) -> None:
    import asyncio

    from agentcli.cli.render.by_hand import CallByHand
    from agentcli.cli.render.replay import print_replayed
    from agentcli.workbench.replay_run import replay_run

    by_hand, under = CallByHand(), session.path(template) if template else None
    with session.open() as bench:
        found = asyncio.run(replay_run(bench, run, template=under, sinks=[by_hand]))
        paced = speed is not None and found.divergence is None
        if speed is not None and paced:
            _play(session, tuple(bench.journal.events(found.row.start.id)), speed)
    session.exit_code = 0 if found.divergence is None else 6
    if session.flags.json and not paced:
        session.out.json(found.to_json())
    elif not session.flags.json:
        print_replayed(session, found, by_hand.failed)


def _play(session: Session, events: Sequence[Event], speed: float) -> None:
    import asyncio

    from agentcli.cli.execution import following
    from agentcli.cli.interrupts import run_to_end
    from agentcli.workbench.pace import moments, play

    with following(session) as (sinks, _, restore):
        run_to_end(play(moments(events), sinks, speed, asyncio.sleep), on_kill=restore)


def _step(session: Session, run: str, options: Options, files: Literal["snapshots", "current"]) -> None:
    import asyncio

    from agentcli.cli.render.replay import print_replayed
    from agentcli.cli.stepping import Stepping
    from agentcli.workbench.recorded_run import read_any
    from agentcli.workbench.replay_run import replay_run

    with session.open(options) as bench:
        found = asyncio.run(replay_run(bench, run))
        if found.divergence is not None:
            session.exit_code = 6
            print_replayed(session, found)
            return
        Stepping(session, bench, read_any(bench, found.row.start.id), files)()
