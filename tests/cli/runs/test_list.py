"""`agentcli runs list`: newest first, filtered, for people and for programs."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.cli.render.printer import UNICODE, Printer
from agentcli.cli.render.run_list import print_runs, row_json
from agentcli.core.models import Usage
from agentcli.core.runs import RunEnd, RunRow
from agentcli.journal.store import SqliteJournal
from tests.cli.conftest import Cli
from tests.cli.events import RUN, STARTED, row
from tests.fakes.counted import run_of, whole


def table(rows: list[RunRow], width: int | None) -> str:
    out = Printer(io.StringIO(), terminal=width is not None, color=False, width=width, glyphs=UNICODE)
    print_runs(out, rows, STARTED + 300)
    assert isinstance(out.stream, io.StringIO)
    return out.stream.getvalue()


def test_a_run_is_a_line() -> None:
    assert table([row(task="Which\nport \x1b[2Jdoes it use?"), row("running")], None) == (
        "RUN                     STARTED    STATUS     NAME     TIME  TURNS  TOKENS     COST  TASK\n"
        f"{RUN}  5 min ago  completed  reader  3.2 s      2     240  $0.0002  Which port does it use?\n"
        f"{RUN}  5 min ago  running    reader      -      -       -        -  Which port?\n"
    )


def test_sixty_columns_keep_what_matters() -> None:
    assert table([row(task="x" * 300)], 60) == (
        f"RUN                     STARTED    STATUS     NAME     TIME\n{RUN}  5 min ago  completed  reader  3.2 s\n"
    )


def test_tags_have_a_column_where_there_are_any() -> None:
    tagged = replace(row(), tags=("baseline", "ci/42"))
    first, second, third = table([tagged, row()], None).splitlines()
    assert first.endswith("COST  TAGS             TASK")
    assert second.endswith("$0.0002  baseline, ci/42  Which port?")
    assert third.endswith("$0.0002                   Which port?")
    assert "TAGS" not in table([tagged], 60)
    assert row_json(tagged)["tags"] == ["baseline", "ci/42"]


def test_a_fork_says_what_it_is_a_fork_of() -> None:
    fork = row(parent="20261120-000000-aaaaaa", relation="fork", cut=12)
    child = row(parent=RUN, relation="child")
    first, second, third = table([fork, child], None).splitlines()
    assert first.endswith("COST  FROM         TASK")
    assert second.endswith("$0.0002  ⑂ aaaaaa@12  Which port?")
    assert third.endswith("$0.0002               Which port?")
    assert "FROM" not in table([child], None)
    assert "⑂" not in table([row(relation="fork")], None)
    assert (row_json(fork)["relation"], row_json(fork)["cut"]) == ("fork", 12)


def test_an_unknown_price_is_a_question_mark() -> None:
    end = RunEnd("completed", 0, STARTED, 1, Usage(), None, 1.0)
    assert "  ?  " in table([replace(row(), end=end)], None)


def test_json_has_the_contracts_names() -> None:
    assert row_json(row()) == {
        "id": RUN,
        "kind": "agent",
        "name": "reader",
        "status": "completed",
        "started": "2026-11-21T08:15:32.000Z",
        "duration_s": 3.2,
        "turns": 2,
        "tokens": 240,
        "cost_usd": 0.0002,
        "parent": None,
        "relation": None,
        "cut": None,
        "tags": [],
    }
    assert row_json(row("interrupted"))["tokens"] is None


def test_without_any_run_it_says_how_to_make_one(cli: Cli) -> None:
    result = cli("runs")
    assert (result.code, result.out) == (0, "")
    assert result.err == "No runs. Make one: agentcli run 'What is in this folder?'\n"
    assert cli("runs", "-q").err == ""


@pytest.fixture
def three_runs(cli: Cli, isolated: Path) -> list[str]:
    (isolated / "echo.yaml").write_text("replies: [{text: Hello., repeat: true}]\n")
    (isolated / "down.yaml").write_text("replies: [{error: unreachable}]\n")
    for words in (("One", "-m", "scripted:echo.yaml"), ("reader", "Two", "-m", "scripted:echo.yaml")):
        assert cli("run", *words).code == 0
    assert cli("run", "Three", "-m", "scripted:down.yaml").code == 7
    return [json.loads(line)["id"] for line in cli("runs", "--json").out.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [0, 1, 2]),
        (("list", "--status", "failed"), [0]),
        (("--status", "completed"), [1, 2]),
        (("list", "--name", "reader"), [1]),
        (("list", "--kind", "workflow"), []),
        (("list", "--tag", "nightly"), []),
        (("list", "--since", "1h"), [0, 1, 2]),
        (("list", "--since", "2100-01-01"), []),
        (("list", "--limit", "2"), [0, 1]),
        (("list", "--limit", "0", "--all"), [0, 1, 2]),
    ],
)
def test_filters(cli: Cli, three_runs: list[str], words: tuple[str, ...], expected: list[int]) -> None:
    result = cli("runs", *words, "--json")
    assert result.code == 0
    assert [json.loads(line)["id"] for line in result.out.splitlines()] == [three_runs[index] for index in expected]


def test_the_table_has_a_line_a_run(cli: Cli, three_runs: list[str]) -> None:
    result = cli("runs", columns=200)
    assert [line.split()[0] for line in result.out.splitlines()] == ["RUN", *three_runs]


async def test_forks_and_children_of_a_run(cli: Cli, isolated: Path) -> None:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    journal = SqliteJournal(isolated / ".agentcli")
    parent = await run_of(journal, 1, [], whole(1))
    fork = await run_of(journal, 2, [], whole(2), parent=parent, relation="fork", cut=1, model="other:model")
    child = await run_of(journal, 3, [], whole(3), parent=parent, relation="child", kind="row")
    journal.close()
    for words, expected in (
        (("--parent", parent[-6:]), [child, fork]),
        (("--parent", "last"), []),
        (("--model", "other:model"), [fork]),
    ):
        result = cli("runs", "list", *words, "--json")
        assert [json.loads(line)["id"] for line in result.out.splitlines()] == expected
    result = cli("runs", "list", "--parent", "zzzzzz")
    assert (result.code, result.out) == (2, "")
    assert "(E-RUN-UNKNOWN)" in result.err
