"""Find the commit of a template after which a recorded run does not come out of it any more.

Each version of the file is replayed from the run's record alone: nothing is asked or executed. The search assumes that
the outcome turns once between the two commits; the commit found and the one before it were both tried.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcli.core.values import value
from agentcli.errors import AgentcliError, UsageError
from agentcli.workbench.bisecting.checking import Subject, check
from agentcli.workbench.bisecting.history import Commit, History
from agentcli.workbench.bisecting.searching import Found, Verdict, first_turn
from agentcli.workbench.recorded_run import read_run
from agentcli.workbench.replay_run import Divergence, Replayed, replay_run

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class CommitsRequest:
    """Which run, between which commits, of which file (by default the run's template); `check` decides, if given.

    The check gets what it gets of a recorded run, and the version's file as AGENTCLI_TEMPLATE.
    """

    run: str
    good: str
    bad: str
    template: Path | None = None
    check: str | None = None


@value(frozen=True, slots=True)
class CommitTrial:
    """A version: whether it is good, where it diverges, why it could not be tried."""

    commit: Commit
    verdict: Verdict
    divergence: Divergence | None = None
    skipped: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        divergence = self.divergence.to_json() if self.divergence else None
        return {
            "commit": self.commit.to_json(),
            "verdict": self.verdict,
            "divergence": divergence,
            "skipped": self.skipped,
        }


@value(frozen=True, slots=True)
class CommitFound:
    """What was found: `first` is the first bad commit, `suspects` those that it may be."""

    run: str
    template: Path
    first: CommitTrial | None
    suspects: tuple[Commit, ...]
    trials: tuple[CommitTrial, ...]

    def to_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "run": self.run,
            "template": str(self.template),
            "first": self.first.to_json() if self.first else None,
            "suspects": [one.to_json() for one in self.suspects],
            "trials": [one.to_json() for one in self.trials],
        }


async def bisect_commits(bench: Workbench, request: CommitsRequest) -> CommitFound:
    """Search the file's commits.

    Raises UsageError E-BISECT-COMMITS where there is nothing to search, or the first commit is not good or the last
    not bad; E-BISECT-CHECK; StorageError.
    """
    run = read_run(bench, request.run)
    file = request.template or Path(run.plans[-1].path)
    history = History(file.absolute(), bench.options.environ)
    good, commits = await history.commits(request.good, request.bad)
    versions = _Versions(bench, request, history)
    before = await versions.trial(good)
    if before.verdict != "good":
        raise _no_search(f"The run does not come out of the template as it was at {request.good}.", before.skipped)
    if not commits:
        raise _no_search(f"No commit from {request.good} to {request.bad} changed {file.name}.", "")
    tried: dict[int, CommitTrial] = {}
    search = first_turn(len(commits), "bad")
    try:
        place = next(search)
        while True:
            tried[place] = await versions.trial(commits[place])
            place = search.send(tried[place].verdict)
    except StopIteration as end:
        found: Found = end.value
    if found.first is None and tried[len(commits) - 1].verdict == "good":
        raise _no_search(f"The run still comes out of the template as it was at {request.bad}.", "")
    first = tried[found.first] if found.first is not None else None
    suspects = tuple(commits[place] for place in found.suspects)
    return CommitFound(run.id, file, first, suspects, (before, *tried.values()))


@value(frozen=True, slots=True)
class _Versions:
    bench: Workbench
    request: CommitsRequest
    history: History

    async def trial(self, commit: Commit) -> CommitTrial:
        with tempfile.TemporaryDirectory(prefix="agentcli-") as folder:
            try:
                file = Path(folder) / self.history.file.name
                file.write_text(await self.history.text(commit.id), encoding="utf-8", newline="")
                replayed = await replay_run(self.bench, self.request.run, template=file)
            except AgentcliError as error:
                return CommitTrial(commit, "undecided", skipped=f"{error.code}: {error.info.what}")
            same = replayed.divergence is None
            if self.request.check is not None:
                return CommitTrial(commit, await self._checked(self.request.check, replayed, file), replayed.divergence)
            return CommitTrial(commit, "good" if same else "bad", replayed.divergence)

    async def _checked(self, command: str, replayed: Replayed, file: Path) -> Verdict:
        extra = {"AGENTCLI_TEMPLATE": str(file)}
        subject = Subject(replayed.row.start.id, self.history.file.parent, replayed.status, replayed.output, extra)
        passed = await check(command, subject, self.bench.options.environ)
        if passed is None:
            return "undecided"
        return "good" if passed else "bad"


def _no_search(what: str, why: str) -> UsageError:
    return UsageError(
        "E-BISECT-COMMITS",
        what,
        why=why or "The search needs a good commit, and a later one that is not.",
        fix="Try a version by itself with `agentcli replay RUN --template FILE`.",
    )
