"""Searching the commits of a template, and telling what was found."""

from __future__ import annotations

from pathlib import Path

from agentcli.cli.interrupts import run_to_end
from agentcli.cli.session import Session
from agentcli.errors import UsageError
from agentcli.workbench.bisect_commits import CommitFound, CommitsRequest, bisect_commits

UNKNOWN = 8
"""The exit code where the search could not decide."""


def one_kind(run: str | None, good: str | None, bad: str | None, check: str | None, commits: str | None) -> None:
    """Raises UsageError E-BISECT-WORDS for words that are neither of the two searches."""
    of_runs = commits is None and run is None and None not in (good, bad, check)
    of_commits = commits is not None and run is not None and good is None and bad is None
    if not (of_runs or of_commits):
        raise UsageError(
            "E-BISECT-WORDS",
            "It is not clear what to search.",
            why="A search takes two runs and a check, or commits and one run.",
            fix="See the examples in `agentcli bisect --help`.",
        )


def search_commits(session: Session, run: str, commits: str, template: Path | None, check: str | None) -> None:
    """Search, print the first bad commit, set the exit code. Raises UsageError."""
    good, dots, bad = commits.partition("..")
    if not (good and dots and bad) or bad.startswith("."):
        raise UsageError(
            "E-BISECT-WORDS",
            f"`--commits {commits}` names no two commits.",
            why="It takes a good one, two dots, and a later one that is not.",
            fix="Write `--commits v1..HEAD`.",
        )
    with session.open() as bench:
        file = session.path(template) if template else None
        found = run_to_end(bisect_commits(bench, CommitsRequest(run, good, bad, file, check)))
    decided = found.first is not None and len(found.suspects) == 1
    session.exit_code = 0 if decided else UNKNOWN
    if session.flags.json:
        session.out.json(found.to_json())
    else:
        _print(session, found, decided)


def _print(session: Session, found: CommitFound, decided: bool) -> None:
    out = session.out
    out.line("The first bad commit is:" if decided else "Undecided: it is one of these.")
    for commit in found.suspects:
        out.line(f"  {out.untrusted(commit.id)}  {out.untrusted(commit.date)}  {out.untrusted(commit.subject)}")
    divergence = found.first.divergence if found.first else None
    if divergence is not None:
        place = f"event {divergence.at}" if divergence.at is not None else "the end of the record"
        which = "it" if decided else "the last of them"
        out.line(f"With {which} the run diverges at {place}, {out.untrusted(divergence.path)}.")
