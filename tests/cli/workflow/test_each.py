"""`agentcli workflow run --each`: a line for each row, in their order, and a run for each that can have one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Result

WORKFLOW = """\
version: 1
kind: workflow
name: triage
inputs: {text: {type: string, required: true}, tone: {type: string, default: kind}}
steps:
  - Sort {{ inputs.text }} in a {{ inputs.tone }} tone.
"""
REPLIES = """\
replies:
  - {error: server, contains: broken}
  - {text: "billing", repeat: true}
"""
ROWS = '{"text": "a"}\n{"txt": "b"}\n{"text": "c", "tone": "calm"}\n'
BAD = {
    "code": "E-INPUT-UNKNOWN",
    "what": "There is no input `txt`.",
    "why": "There are: text, tone.",
    "fix": "Did you mean `text`?",
}
RUN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-z]{6}")


@pytest.fixture
def project(isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: worker\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "worker.yaml").write_text("version: 1\nkind: agent\nname: worker\ninstructions: Work.\n")
    (isolated / "workflows").mkdir()
    (isolated / "workflows" / "triage.yaml").write_text(WORKFLOW)
    (isolated / "s.yaml").write_text(REPLIES)
    (isolated / "rows.jsonl").write_text(ROWS)
    return isolated


def each(cli: Cli, rows: str = "rows.jsonl", *words: str, **more: Any) -> Result:
    return cli("workflow", "run", "triage", "--each", rows, *words, **more)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.out.splitlines()]


def steady(text: str) -> str:
    """Without ids, times and rates."""
    return re.sub(r"[0-9.,]+/s\b", "R/s", re.sub(r"[0-9.]+ m?s\b", "T", RUN.sub("RUN", text)))


def test_a_line_for_each_row_and_a_table(cli: Cli, project: Path) -> None:
    result = each(cli)
    assert result.code == 1
    found = lines(result)
    runs = [line.pop("run") for line in found]
    assert found == [
        {"row": 1, "status": "completed", "input": {"text": "a"}, "output": "billing", "error": None},
        {"row": 2, "status": "failed", "input": {"txt": "b"}, "output": None, "error": BAD},
        {"row": 3, "status": "completed", "input": {"text": "c", "tone": "calm"}, "output": "billing", "error": None},
    ]
    assert runs[1] is None
    assert all(RUN.fullmatch(run) for run in (runs[0], runs[2]))
    assert steady(result.err) == (
        "triage with scripted:s.yaml\n"
        "· 3 rows\n"
        "✗ row 2  failed: There is no input `txt`. (E-INPUT-UNKNOWN)\n"
        "· 1 of 3 rows · 1 failed\n"
        "· 2 of 3 rows · 1 failed\n"
        "· 3 of 3 rows · R/s · 1 failed\n"
        "STATUS     ROWS  TURNS  TOKENS  COST  MEAN TIME\n"
        "completed     2      2       0    $0" + steady(result.err).split("$0")[1].split("\n")[0] + "\n"
        "failed        1      0       0    $0" + steady(result.err).split("$0")[2].split("\n")[0] + "\n"
        "error: 1 of 3 rows failed. (E-EACH-FAILED)\n"
        "  why: Row 2: There is no input `txt`.\n"
        "  fix: Correct them, and run the corrected rows alone.\n"
        "failed in T · 2 turns · 0 tokens · RUN\n"
    )


def test_each_row_has_a_run_of_its_own_below_one_parent(cli: Cli, project: Path) -> None:
    found = lines(each(cli))
    (parent,) = lines(cli("runs", "list", "--json"))
    assert (parent["kind"], parent["name"], parent["status"], parent["turns"]) == ("workflow", "triage", "failed", 2)
    rows = [row for row in lines(cli("runs", "list", "--all", "--json")) if row["parent"]]
    assert {row["id"] for row in rows} == {found[0]["run"], found[2]["run"]}
    assert {(row["kind"], row["relation"], row["parent"], row["status"]) for row in rows} == {
        ("row", "child", parent["id"], "completed")
    }


def test_parent_and_rows_replay_verify_and_travel(cli: Cli, project: Path, tmp_path: Path) -> None:
    run = lines(each(cli))[0]["run"]
    assert cli("replay").code == 0
    assert cli("replay", run).code == 0
    assert cli("runs", "verify", "--all").code == 0
    parent = lines(cli("runs", "list", "--json"))[0]["id"]
    for one in (run, parent):
        assert cli("runs", "export", one, "-o", f"{one}.agentcli").code == 0
    other = tmp_path / "other"
    other.mkdir()
    (other / "agentcli.yaml").write_text("version: 1\n")
    elsewhere = Cli(other)
    for one in (run, parent):
        assert elsewhere("runs", "import", str(project / f"{one}.agentcli")).code == 0
        assert elsewhere("replay", one).code == 0


def test_two_rows_are_compared_with_the_plan_that_they_share(cli: Cli, project: Path) -> None:
    first, _, third = lines(each(cli))
    result = cli("diff", first["run"], third["run"])
    assert "tone" in result.out
    assert "calm" in result.out


def test_a_csv_file_with_what_all_rows_have_in_common(cli: Cli, project: Path) -> None:
    (project / "rows.csv").write_text('text\n"one, two"\nthree,four\nfive\n')
    result = each(cli, "rows.csv", "-i", "tone=stern", "-q")
    assert [(line["status"], line["input"]) for line in lines(result)] == [
        ("completed", {"text": "one, two"}),
        ("failed", {"text": "three"}),
        ("completed", {"text": "five"}),
    ]
    assert lines(cli("runs", "show", lines(result)[2]["run"], "--json"))[0]["inputs"] == {
        "text": "five",
        "tone": "stern",
    }
    assert result.err.startswith("error: 1 of 3 rows failed. (E-EACH-FAILED)\n")


def test_rows_from_standard_input(cli: Cli, project: Path) -> None:
    result = each(cli, "-", stdin=b'{"text": "a"}\n{"text": "b"}\n')
    assert result.code == 0
    assert [line["input"] for line in lines(result)] == [{"text": "a"}, {"text": "b"}]


def test_no_rows(cli: Cli, project: Path) -> None:
    (project / "none.jsonl").write_text("")
    result = each(cli, "none.jsonl")
    assert (result.code, result.out) == (0, "")


def test_lines_go_into_a_file(cli: Cli, project: Path) -> None:
    (project / "out.jsonl").write_text("old\n" * 50)
    result = each(cli, "rows.jsonl", "-o", "out.jsonl")
    assert result.out == ""
    written = [json.loads(line) for line in (project / "out.jsonl").read_text().splitlines()]
    assert [line["row"] for line in written] == [1, 2, 3]


def test_events_as_json_and_rows_in_a_file(cli: Cli, project: Path) -> None:
    result = each(cli, "rows.jsonl", "--json", "-o", "out.jsonl")
    assert [line["type"] for line in lines(result)] == [
        "run.started",
        "rows.read",
        "row.started",
        "row.started",
        "row.completed",
        "row.started",
        "row.completed",
        "row.completed",
        "run.completed",
    ]
    assert len((project / "out.jsonl").read_text().splitlines()) == 3


def test_failed_rows_are_run_again_and_no_others(cli: Cli, project: Path) -> None:
    (project / "some.jsonl").write_text('{"text": "a"}\n{"text": "broken"}\n{"text": "c"}\n')
    first = each(cli, "some.jsonl")
    assert [line["status"] for line in lines(first)] == ["completed", "failed", "completed"]
    ended = cli("resume")
    assert (ended.code, "E-EACH-ENDED" in ended.err, ended.out) == (2, True, "")
    (project / "s.yaml").write_text("replies: [{text: technical, repeat: true}]")
    again = each(cli, "some.jsonl", "--retry-failed")
    assert again.code == 0
    assert [line["output"] for line in lines(again)] == ["billing", "technical", "billing"]
    assert [line["run"] for line in lines(again)] == [line["run"] for line in lines(first)]
    assert len(lines(cli("runs", "list", "--json"))) == 1
    assert cli("replay").code == 0
    assert cli("resume", "--retry-failed").code == 2


def test_resuming_with_retry_failed_does_the_same(cli: Cli, project: Path) -> None:
    (project / "some.jsonl").write_text('{"text": "broken"}\n{"text": "c"}\n')
    each(cli, "some.jsonl")
    (project / "s.yaml").write_text("replies: [{text: technical, repeat: true}]")
    again = cli("resume", "--retry-failed", "-o", "out.jsonl")
    assert (again.code, again.out) == (0, "")
    assert [json.loads(line)["output"] for line in (project / "out.jsonl").read_text().splitlines()] == [
        "technical",
        "billing",
    ]


def test_a_limit_holds_for_all_rows_together(cli: Cli, project: Path) -> None:
    (project / "many.jsonl").write_text('{"text": "a"}\n' * 6)
    stopped = each(cli, "many.jsonl", "--concurrency", "1", "--limit", "turns=2")
    assert (stopped.code, len(lines(stopped))) == (4, 2)
    assert "limited" in stopped.err
    done = cli("resume", "--limit", "turns=20")
    assert (done.code, [line["row"] for line in lines(done)]) == (0, [1, 2, 3, 4, 5, 6])


def test_a_cost_that_cannot_be_known_cannot_be_limited(cli: Cli, project: Path) -> None:
    result = each(cli, "rows.jsonl", "-m", "openai:no-such-model", "--limit", "cost_usd=1")
    assert (result.code, "E-LIMIT-COST-UNKNOWN" in result.err) == (4, True)


def test_what_all_rows_cost_is_counted_once(cli: Cli, project: Path) -> None:
    each(cli)
    (row,) = [line for line in lines(cli("runs", "stats", "--by", "agent", "--json")) if line.get("key") == "triage"]
    assert (row["runs"], row["turns"]) == (3, 2)


def test_the_parent_is_not_forked_but_its_rows_are(cli: Cli, project: Path) -> None:
    run = lines(each(cli))[0]["run"]
    refused = cli("fork", "last", "--at", "3")
    assert (refused.code, "E-FORK-EACH" in refused.err) == (2, True)
    assert cli("fork", run, "--at", "3", "-q").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--each", "none.jsonl"], "E-EACH-FILE"),
        (["--each", "rows.txt"], "E-EACH-FORMAT"),
        (["--each", "bad.csv"], "E-EACH-HEADER"),
        (["--each", "rows.jsonl", "-i", "tune=x"], "E-INPUT-UNKNOWN"),
        (["--each", "rows.jsonl", "-o", "rows.jsonl"], "E-EACH-OUTPUT"),
        (["--each", "rows.jsonl", "-o", "no/out.jsonl"], "E-EACH-OUTPUT"),
        (["--each", "rows.jsonl", "--retry-failed"], "E-EACH-NO-RUN"),
        (["--concurrency", "3"], "E-USAGE-EACH"),
        (["--retry-failed"], "E-USAGE-EACH"),
    ],
)
def test_what_cannot_be_is_said_before_there_is_a_run(cli: Cli, project: Path, words: list[str], code: str) -> None:
    (project / "bad.csv").write_text("a,a\n1,2\n")
    result = cli("workflow", "run", "triage", *words)
    assert (result.code, result.out) == (2, "")
    assert f"({code})" in result.err
    assert cli("runs", "list", "--json").out == ""
    assert (project / "rows.jsonl").read_text() == ROWS


@pytest.mark.parametrize("change", ["rows", "fewer", "inputs", "workflow"])
def test_rows_are_only_run_again_as_they_were(cli: Cli, project: Path, change: str) -> None:
    each(cli)
    if change in ("rows", "fewer"):
        (project / "rows.jsonl").write_text(ROWS.replace("a", "z") if change == "rows" else ROWS + '{"text": "d"}\n')
    if change == "workflow":
        (project / "workflows" / "triage.yaml").write_text(WORKFLOW + "  - And again.\n")
    result = each(cli, "rows.jsonl", "--retry-failed", *(["-i", "tone=x"] if change == "inputs" else []))
    assert (result.code, "(E-EACH-CHANGED)" in result.err) == (2, True)


def test_only_a_run_over_rows_has_failed_rows(cli: Cli, project: Path) -> None:
    (project / "s.yaml").write_text("replies: [{error: server}]")
    assert cli("workflow", "run", "triage", "-i", "text=x").code == 7
    result = cli("resume", "--retry-failed")
    assert (result.code, "(E-EACH-NONE)" in result.err) == (2, True)


def test_a_secret_in_a_row_reaches_neither_disk_nor_output(cli: Cli, project: Path) -> None:
    secret = "sk-proj-4f9dK2mXq7Lw8ZpT3vYhB6nR1cJ5sA0e"
    (project / "keys.jsonl").write_text(json.dumps({"text": f"use {secret}"}) + "\n")
    result = each(cli, "keys.jsonl")
    assert result.code == 0
    assert secret not in result.out + result.err
    for path in (project / ".agentcli").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
