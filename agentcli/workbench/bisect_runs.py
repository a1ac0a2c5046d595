"""Find the recorded result that makes a run fail a check which another run passes.

The experiment at a result of the bad run is a fork: all before it is kept, the good run's result stands in its place,
and everything after it is live. Three things are assumed, and what can be tested of them is:

* One result is to blame. A good one put in *before* it does not repair the run, since the culprit happens again live; a
  good one in its place does. So the culprit is the earliest result whose replacement makes the check pass.
* A good result put in *after* it repairs the run as well, as the good final answer does, where that is what is checked.
  Then the outcome turns once, and is sought by halves. If the last candidate does not repair the run (a file that is
  checked was spoilt before), the assumption is refuted, and the candidates are tried one after the other.
* The failure comes again by itself. The control tells: the same fork, with the bad result kept. Only where it fails
  does the check depend on this result; where it passes, the failure was an accident of what came later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from agentcli.core.events import RunCompleted
from agentcli.core.values import value
from agentcli.engine.lifecycle import Interrupt, RunOutcome
from agentcli.engine.ports import Approver, EventSink
from agentcli.errors import AgentcliError, UsageError
from agentcli.workbench.bisecting.candidates import Candidate, candidates
from agentcli.workbench.bisecting.checking import Passed, Subject, check
from agentcli.workbench.bisecting.searching import Found, Verdict, decide, first_turn, wilson
from agentcli.workbench.fork_run import ForkPlan, ForkRequest, fork_run, plan_fork
from agentcli.workbench.going_on import workspace_on
from agentcli.workbench.recorded_run import RecordedRun, plans_of, read_run, recording_of

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench

TAG = "bisect"
"""What the forks are tagged with."""

NOT_MADE = (5, 7)
"""Exit codes of a fork that says nothing: nobody allowed a call, or no model answered."""


@value(frozen=True, slots=True)
class BisectRequest:
    """Which runs, by which check (a shell command), and how often each candidate is tried: once, or 4 times or more."""

    good: str
    bad: str
    check: str
    samples: int = 1


@value(frozen=True, slots=True)
class Trial:
    """What came of a fork `samples` times over. `skipped` says why samples are missing, once each."""

    seq: int
    control: bool
    verdict: Verdict
    passed: int
    checked: int
    forks: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % confidence interval of the pass rate; None without a sample."""
        return wilson(self.passed, self.checked) if self.checked else None

    def to_json(self) -> dict[str, Any]:
        """All fields, and the interval."""
        out = {name: getattr(self, name) for name in ("seq", "control", "verdict", "passed", "checked")}
        interval = list(self.interval) if self.interval else None
        return {**out, "interval": interval, "forks": list(self.forks), "skipped": list(self.skipped)}


@value(frozen=True, slots=True)
class Bisected:
    """What a search found. `suspects` has one candidate where the search could decide, and none where none repairs.

    `confirmed` says that the control failed; it is None where there was none.
    """

    good: str
    bad: str
    candidates: tuple[Candidate, ...]
    trials: tuple[Trial, ...]
    found: Found
    confirmed: bool | None

    @property
    def suspects(self) -> tuple[Candidate, ...]:
        """The candidates that it may be."""
        return tuple(self.candidates[place] for place in self.found.suspects)

    @property
    def culprit(self) -> Candidate | None:
        """The one that it is: found, alone, and confirmed."""
        alone = self.found.first is not None and len(self.found.suspects) == 1 and self.confirmed
        return self.suspects[0] if alone else None

    def to_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "good": self.good,
            "bad": self.bad,
            "culprit": self.culprit.to_json() if self.culprit else None,
            "suspects": [one.to_json() for one in self.suspects],
            "repaired": self.found.first is not None,
            "confirmed": self.confirmed,
            "monotone": self.found.monotone,
            "candidates": [one.to_json() for one in self.candidates],
            "trials": [trial.to_json() for trial in self.trials],
        }


@value(frozen=True, slots=True)
class BisectPlan:
    """What a search would do. `forks` are the fewest and the most; a fork's plan is None where it cannot be made."""

    good: str
    bad: str
    candidates: tuple[Candidate, ...]
    plans: tuple[ForkPlan | None, ...]
    samples: int

    @property
    def forks(self) -> tuple[int, int]:
        """One candidate and its control, or all candidates and the control, each as often as there are samples."""
        return 2 * self.samples, (len(self.candidates) + 1) * self.samples

    @property
    def model_calls(self) -> int:
        """Live requests to the model, at most: every candidate tried, and the first one's control."""
        return sum(one.estimate.model_calls for one in self._most()) * self.samples

    @property
    def cost_usd(self) -> float | None:
        """What they would cost at most; None where a price is not known."""
        costs = [one.estimate.cost_usd for one in self._most()]
        known = [cost for cost in costs if cost is not None]
        return sum(known) * self.samples if len(known) == len(costs) else None

    def _most(self) -> list[ForkPlan]:
        made = [plan for plan in self.plans if plan is not None]
        return made + made[:1]

    def to_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "good": self.good,
            "bad": self.bad,
            "samples": self.samples,
            "forks": list(self.forks),
            "model_calls": self.model_calls,
            "cost_usd": self.cost_usd,
            "candidates": [
                {**one.to_json(), "estimate": plan.estimate.to_json() if plan else None}
                for one, plan in zip(self.candidates, self.plans, strict=True)
            ],
        }


Told: TypeAlias = Callable[[Trial], object]
"""Who is told of each trial when it is over."""


async def plan_bisect(bench: Workbench, request: BisectRequest) -> BisectPlan:
    """The candidates, and what trying them would take; nothing is done, and the check is not run. Raises UsageError."""
    good, bad, found = _candidates(bench, request)
    plans = [await _planned(bench, one.fork_of(bad.id)) for one in found]
    return BisectPlan(good.id, bad.id, found, tuple(plans), request.samples)


async def bisect_runs(
    bench: Workbench,
    request: BisectRequest,
    *,
    approver: Approver,
    told: Told = lambda trial: None,
    sinks: Sequence[EventSink] = (),
    interrupt: Interrupt | None = None,
) -> Bisected:
    """Search for the culprit. Every fork is a run of its own, tagged `bisect`.

    Raises UsageError E-BISECT-SAMPLES, E-BISECT-NOTHING, E-BISECT-CHECK (also where the check does not tell the two
    recorded runs apart).
    """
    good, bad, found = _candidates(bench, request)
    await _check_recorded(bench, request, good, passes=True)
    await _check_recorded(bench, request, bad, passes=False)

    async def fork(one: ForkRequest) -> RunOutcome:
        return await fork_run(bench, one, approver=approver, sinks=sinks, interrupt=interrupt)

    lab = _Laboratory(bench, request, bad, fork, told, [])
    search = first_turn(len(found), "good")
    try:
        place = next(search)
        while True:
            place = search.send(await lab.run(found[place].seq, found[place].fork_of(bad.id), control=False))
    except StopIteration as end:
        result: Found = end.value
    confirmed = None
    if result.first is not None:
        culprit = found[result.first]
        confirmed = await lab.run(culprit.seq, culprit.control_of(bad.id), control=True) == "bad"
    return Bisected(good.id, bad.id, found, tuple(lab.trials), result, confirmed)


@value(frozen=True, slots=True)
class _Laboratory:
    bench: Workbench
    request: BisectRequest
    bad: RecordedRun
    fork: Callable[[ForkRequest], Awaitable[RunOutcome]]
    told: Told
    trials: list[Trial]

    async def run(self, seq: int, fork: ForkRequest, *, control: bool) -> Verdict:
        forks: list[str] = []
        skipped: dict[str, None] = {}
        results: list[bool] = []
        for _ in range(self.request.samples):
            passed, why = await self._sample(fork, forks)
            if passed is None:
                skipped[why] = None
            else:
                results.append(passed)
        verdict = decide(sum(results), len(results), alone=self.request.samples == 1)
        trial = Trial(seq, control, verdict, sum(results), len(results), tuple(forks), tuple(skipped))
        self.trials.append(trial)
        self.told(trial)
        return trial.verdict

    async def _sample(self, fork: ForkRequest, forks: list[str]) -> tuple[Passed, str]:
        try:
            outcome = await self.fork(fork)
        except AgentcliError as error:
            return None, f"{error.code}: {error.info.what}"
        forks.append(outcome.run)
        self.bench.journal.tag(outcome.run, (TAG,))
        if outcome.status == "cancelled":
            raise asyncio.CancelledError
        if outcome.exit_code in NOT_MADE:
            return None, f"{outcome.error.code}: {outcome.error.what}" if outcome.error else outcome.status
        return await check(self.request.check, self._subject(outcome), self.bench.options.environ), SILENT

    def _subject(self, outcome: RunOutcome) -> Subject:
        plans = plans_of(self.bench, tuple(self.bench.journal.events(outcome.run)))
        return Subject(outcome.run, workspace_on(self.bench, plans[-1]), outcome.status, outcome.output, {})


SILENT = "The check could not say."


def _candidates(bench: Workbench, request: BisectRequest) -> tuple[RecordedRun, RecordedRun, tuple[Candidate, ...]]:
    if request.samples < 1 or request.samples in (2, 3):
        raise UsageError(
            "E-BISECT-SAMPLES",
            f"{request.samples} samples decide nothing.",
            why="Even if 3 of 3 pass, the 95 % confidence interval of the rate holds one half.",
            fix="Take one, or 4 or more.",
        )
    good, bad = read_run(bench, request.good), read_run(bench, request.bad)
    found = candidates(recording_of(bench, good.id, good.events), recording_of(bench, bad.id, bad.events))
    if found:
        return good, bad, found
    raise UsageError(
        "E-BISECT-NOTHING",
        f"The runs {good.id} and {bad.id} have no results that differ at the same place.",
        why="Only such results of models and tools can be replaced by one another.",
        fix=f"See what else differs: `agentcli diff {good.id} {bad.id}`.",
    )


async def _check_recorded(bench: Workbench, request: BisectRequest, run: RecordedRun, *, passes: bool) -> None:
    """Raises UsageError E-BISECT-CHECK where the check does not say of a recorded run what it is taken for."""
    ending = next((event.body for event in reversed(run.events) if isinstance(event.body, RunCompleted)), None)
    status, output = (ending.status, ending.output) if ending else (run.row.status, None)
    folder = workspace_on(bench, run.plans[-1])
    if await check(request.check, Subject(run.id, folder, status, output, {}), bench.options.environ) is not passes:
        raise UsageError(
            "E-BISECT-CHECK",
            f"The check does not {'pass' if passes else 'fail'} for the run {run.id}, as it is said to.",
            why="It was given the recorded answer, in the workspace as it is now.",
            fix="Try it by itself: it gets the answer on standard input, and ends with 0 for a good one.",
        )


async def _planned(bench: Workbench, request: ForkRequest) -> ForkPlan | None:
    try:
        return await plan_fork(bench, request)
    except AgentcliError:
        return None
