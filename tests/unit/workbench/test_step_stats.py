"""Statistics over the steps of workflows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.core.events import (
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepStarted,
    TurnStarted,
)
from agentcli.core.models import Usage
from agentcli.core.runs import RunQuery
from agentcli.errors import ErrorInfo
from agentcli.workbench.run_stats import run_stats
from agentcli.workbench.statistics.groupings import Grouping
from agentcli.workbench.statistics.steps import StepFigures
from agentcli.workbench.wiring import Workbench
from tests.fakes.counted import Placed, answer, called, opened, run_of
from tests.fakes.journals import change

FAULT = ErrorInfo("E-STEP-CALL", "No success.", "", "")


@pytest.fixture
def bench(isolated: Path) -> Iterator[Workbench]:
    with opened(isolated) as bench:
        yield bench


def journal_in(folder: Path) -> Path:
    return next(folder.rglob("journal.db")).parent


def steps(bench: Workbench) -> dict[str, StepFigures]:
    found = run_stats(bench, RunQuery(), [Grouping.STEP]).groups[Grouping.STEP]
    return {row.key: row for row in found if isinstance(row, StepFigures)}


WORKED: list[Placed] = [
    ("step.list", StepStarted("prompt")),
    ("step.list/turn.1", TurnStarted()),
    ("step.list/turn.1", answer(100, 20)),
    ("step.list", StepCompleted("x")),
    ("step.each", StepStarted("workflow", 2)),
    ("step.each/item.1", StepStarted("workflow")),
    ("step.each/item.1/step.ask/turn.1", TurnStarted()),
    ("step.each/item.2/step.ask/turn.1", TurnStarted()),
    ("step.each/item.1/step.ask", StepCompleted("x")),
    ("step.each/item.1", StepCompleted("x")),
    ("step.each/item.2/step.ask", StepRetried(1, FAULT, 0.0)),
    ("step.each/item.2/step.ask", StepFailed(FAULT, "stop")),
    ("step.each/item.2", StepFailed(FAULT, "continue")),
    ("step.each", StepFailed(FAULT, "continue")),
    ("step.late", StepStarted("prompt")),
    ("step.late", StepCancelled("Stopped.")),
    ("step.never", StepSkipped("when", "No.")),
]


async def test_steps_are_counted_by_their_workflow_and_place(bench: Workbench) -> None:
    await run_of(bench.journal, 1, WORKED, name="notes")
    await run_of(bench.journal, 2, [called(), *WORKED[:4]], name="notes")
    found = steps(bench)
    assert {key: dict(one.ends) for key, one in found.items()} == {
        "notes/each.ask": {"completed": 1, "failed": 1},
        "notes/list": {"completed": 2},
        "notes/each": {"failed": 1},
        "notes/late": {"cancelled": 1},
        "notes/never": {"skipped": 1},
    }
    assert (found["notes/list"].spent.usage, found["notes/each"].items) == (Usage(200, 40), 2)
    ask = found["notes/each.ask"]
    assert (ask.retries, ask.failures, ask.error_rate) == (1, 1, 0.5)


async def test_a_step_takes_time_from_the_first_thing_done_in_it(bench: Workbench) -> None:
    await run_of(bench.journal, 1, WORKED, name="notes")
    found = {key: one.durations.summary() for key, one in steps(bench).items()}
    assert {key: one.max if one else None for key, one in found.items()} == {
        "notes/each.ask": 4.0,
        "notes/list": 2.0,
        "notes/each": 9.0,
        "notes/late": None,
        "notes/never": None,
    }


async def test_a_program_gets_every_figure(bench: Workbench) -> None:
    await run_of(bench.journal, 1, WORKED, name="notes")
    found = steps(bench)
    assert found["notes/list"].to_json() == {
        "key": "notes/list",
        "steps": 1,
        "statuses": {"completed": 1},
        "error_rate": 0.0,
        "items": 0,
        "retries": 0,
        "usage": {"input": 100, "output": 20, "cached": 0, "reasoning": 0},
        "cost_usd": 0.25,
        "cost_unknown": 0,
        "duration_s": {"count": 1, "total": 2.0, "p50": 2.0, "p90": 2.0, "p99": 2.0, "max": 2.0},
    }
    assert (found["notes/never"].error_rate, found["notes/never"].to_json()["duration_s"]) == (None, None)


async def test_of_a_damaged_record_what_stands_before_is_counted(bench: Workbench) -> None:
    await run_of(bench.journal, 1, WORKED, name="notes")
    change(bench.journal_folder, "UPDATE events SET body = x'05' WHERE type = 'model.completed'")
    stats = run_stats(bench, RunQuery(), [Grouping.STEP])
    assert stats.partly
    assert [row.key for row in stats.groups[Grouping.STEP]] == ["notes/list"]
