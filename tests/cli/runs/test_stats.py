"""`agentcli runs stats`: figures over runs, for people and for programs."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentcli.cli.render.printer import UNICODE, Printer
from agentcli.cli.render.stats import print_stats
from agentcli.cli.render.table import display_width
from agentcli.core.events import ModelRetried, TurnStarted
from agentcli.core.models import Usage
from agentcli.journal.store import SqliteJournal
from agentcli.workbench.run_stats import RunStats
from agentcli.workbench.statistics.figures import ModelFigures, RunFigures, ToolFigures
from agentcli.workbench.statistics.groupings import Grouping
from tests.cli.conftest import Cli
from tests.fakes.counted import answer, asked, asking, called, resolved, run_of, whole
from tests.fakes.journals import change


@pytest.fixture
async def journal(isolated: Path) -> SqliteJournal:
    """A project with two runs that ended and one that was interrupted."""
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    made = SqliteJournal(isolated / ".agentcli")
    looking = [TurnStarted(), asking(), answer(100, 20, duration_s=2.0, deltas=(3, 250)), called(seconds=0.012)]
    await run_of(
        made, 1, [*looking, TurnStarted(), asking(), answer()], whole(1, Usage(110, 22), turns=2, cost_usd=0.5)
    )
    await run_of(
        made, 2, [asking(), ModelRetried("429", 1.0), answer(cost=None)], whole(2, cost_usd=None, status="limited")
    )
    await run_of(made, 3, [asked("create_file"), resolved("no", "user", "create_file")], name="writer")
    made.close()
    return made


def test_all_runs_and_a_table_for_each_grouping(cli: Cli, journal: SqliteJournal) -> None:
    result = cli("runs", "stats")
    assert (result.code, result.err) == (0, "")
    assert re.sub(r"(period +).*(?= ·)", r"\1THEN", result.out) == (
        "runs          3: 1 completed, 1 interrupted, 1 limited · 3 turns\n"
        "failed        66.7%\n"
        "tokens        144 tokens (120 in, 24 out)\n"
        "cost          $0.5000, unknown for 1 of 3\n"
        "time          p50 5.0 s · p90 5.0 s · p99 5.0 s · max 5.0 s\n"
        "period        THEN · 90.0 runs an hour\n"
        "\n"
        "AGENT   RUNS  FAILED    RATE  TURNS  TOKENS   IN  OUT     COST  UNPRICED    P50    P90    P99    MAX\n"
        "reader     2       1   50.0%      3     144  120   24  $0.5000         1  5.0 s  5.0 s  5.0 s  5.0 s\n"
        "writer     1       1  100.0%      0       0    0    0       $0                -      -      -      -\n"
        "\n"
        "MODEL       CALLS  FAILED  RATE  RETRIES  TOKENS   IN  OUT     COST  UNPRICED    P50    P90    P99    MAX"
        "  FIRST  TOK/S\n"
        "fake:model      3       0  0.0%        1     144  120   24  $0.5000         1  0.5 s  2.0 s  2.0 s  2.0 s"
        "  0.2 s    8.0\n"
        "\n"
        "TOOL         CALLS  FAILED  RATE  ASKED  REFUSED    P50    P90    P99    MAX\n"
        "t                1       0  0.0%                  12 ms  12 ms  12 ms  12 ms\n"
        "create_file      0       0     -      1        1      -      -      -      -\n"
    )


def test_json_is_one_object_a_row(cli: Cli, journal: SqliteJournal) -> None:
    result = cli("runs", "stats", "--by", "status", "--by", "tool", "--json")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [(row["by"], row["key"]) for row in rows] == [
        ("all", "all"),
        ("status", "completed"),
        ("status", "interrupted"),
        ("status", "limited"),
        ("tool", "t"),
        ("tool", "create_file"),
    ]
    assert rows[0]["usage"] == {"input": 120, "output": 24, "cached": 0, "reasoning": 0}
    assert (rows[0]["cost_usd"], rows[0]["cost_unknown"]) == (0.5, 1)
    assert rows[4]["duration_s"]["p50"] == 0.012


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (("--name", "writer"), 1),
        (("--model", "fake:model"), 3),
        (("-m", "other:model"), 0),
        (("--tag", "none"), 0),
        (("--since", "2100-01-01"), 0),
        (("--until", "2100-01-01"), 3),
        (("--until", "2000-01-01"), 0),
    ],
)
def test_filters(cli: Cli, journal: SqliteJournal, words: tuple[str, ...], runs: int) -> None:
    result = cli("runs", "stats", *words, "--by", "agent", "--json")
    first = result.out.partition("\n")[0]
    assert (json.loads(first)["runs"] if first else 0) == runs


def test_without_a_run_that_fits_it_says_so(cli: Cli) -> None:
    result = cli("runs", "stats")
    assert (result.code, result.out) == (0, "")
    assert result.err == "No runs fit. See what there is: agentcli runs list --all --limit 0\n"
    assert cli("runs", "stats", "-q").err == ""


def test_an_unknown_grouping_is_wrong_usage(cli: Cli) -> None:
    result = cli("runs", "stats", "--by", "week")
    assert (result.code, result.out) == (2, "")
    assert "(E-USAGE-VALUE)" in result.err


@pytest.mark.parametrize("words", [("--since", "soon"), ("--until", "soon")])
def test_a_time_that_is_none_is_wrong_usage(cli: Cli, words: tuple[str, ...]) -> None:
    assert "(E-USAGE-TIME)" in cli("runs", "stats", *words).err


def test_damaged_runs_are_a_warning(cli: Cli, journal: SqliteJournal, isolated: Path) -> None:
    for seq in (3, 4):
        change(isolated / ".agentcli", "UPDATE events SET body = x'00' WHERE run = 1 AND seq = ?", seq)
    result = cli("runs", "stats")
    assert result.code == 0
    assert "warning: Not everything is counted of run " in result.err
    assert "(E-STATS-PARTLY)" in result.err
    assert cli("runs", "stats", "-q").err == ""
    change(isolated / ".agentcli", "UPDATE events SET body = x'00' WHERE run = 2 AND seq = 3")
    assert " and 1 more. (E-STATS-PARTLY)" in cli("runs", "stats").err


# -- on a terminal ----------------------------------------------------------------------------------------------


def shown(stats: RunStats, width: int | None) -> list[str]:
    out = Printer(io.StringIO(), terminal=width is not None, color=False, width=width, glyphs=UNICODE)
    print_stats(out, stats)
    assert isinstance(out.stream, io.StringIO)
    return out.stream.getvalue().splitlines()


def large() -> RunStats:
    """Figures with everything in them, of many runs with long names."""
    runs, model, tool = RunFigures("all"), ModelFigures("local:" + "a-very-long-model-name " * 9), ToolFigures("t" * 70)
    runs.statuses.update(completed=1_234_567, failed=34_567, limited=4_567, denied=567, interrupted=67, running=7)
    runs.turns, runs.first, runs.last = 7_654_321, 1_795_000_000.0, 1_796_000_000.0
    for spent in (runs.spent, model.spent):
        spent.add(Usage(9_876_543_210, 987_654_321, 876_543_210, 87_654_321), 12_345.678)
        spent.add(Usage(), None)
    for durations in (runs.durations, model.durations, model.first_piece, tool.durations):
        for seconds in (0.01, 125.0, 3_840.0, 90_000.0):
            durations.add(seconds)
    model.answered, model.failed, model.fallbacks, model.retries, model.seconds = 123_456, 12, 3_456, 78_901, 9.0
    tool.statuses.update(ok=123_456, denied=123, error=4_567, timeout=89)
    tool.asked, tool.refused = 456, 45
    agent = replace(runs, key="\x1b[2Jreader\nof everything")
    return RunStats(
        runs, {Grouping.AGENT: [agent], Grouping.DAY: [agent], Grouping.MODEL: [model], Grouping.TOOL: [tool]}
    )


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    lines = shown(large(), width)
    assert max(map(display_width, lines)) <= width
    assert not any("\x1b" in line for line in lines)


def test_eighty_columns_keep_what_matters() -> None:
    tables = [line for line in shown(large(), 80) if line.startswith(("AGENT", "MODEL", "TOOL"))]
    assert [line.split() for line in tables] == [
        ["AGENT", "RUNS", "FAILED", "TOKENS", "COST", "P50", "P99", "MAX"],
        ["MODEL", "CALLS", "FAILED", "TOKENS", "COST", "P50", "P99", "MAX"],
        ["TOOL", "CALLS", "FAILED", "RATE", "ASKED", "REFUSED", "P50", "P90", "P99", "MAX"],
    ]


def test_a_pipe_gets_every_column() -> None:
    (header,) = (line for line in shown(large(), None) if line.startswith("MODEL"))
    expected = "MODEL CALLS FAILED RATE RETRIES FALLBACKS TOKENS IN OUT CACHED REASONING COST UNPRICED P50 P90 P99 MAX"
    assert header.split() == [*expected.split(), "FIRST", "TOK/S"]


@pytest.mark.parametrize(
    ("costs", "expected"),
    [([], "$0"), ([0.5], "$0.5000"), ([0.5, None], "$0.5000, unknown for 1 of 2"), ([None], "unknown for 1 of 1")],
)
def test_what_is_not_known_of_the_cost_is_said(costs: list[float | None], expected: str) -> None:
    runs: Any = RunFigures("all")
    for cost in costs:
        runs.spent.add(Usage(), cost)
    runs.statuses["completed"] = len(costs)
    assert f"cost          {expected}" in shown(RunStats(runs), None)


@pytest.mark.parametrize(("seconds", "told"), [(0.0, False), (59.0, False), (60.0, True)])
def test_a_moment_has_no_throughput_worth_telling(seconds: float, told: bool) -> None:
    runs = RunFigures("all", first=1.0, last=1.0 + seconds)
    runs.statuses["completed"] = 2
    assert any("an hour" in line for line in shown(RunStats(runs, {Grouping.TOOL: []}), None)) == told
