"""`agentcli diff`: two runs of a real project, compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Result

AGENT = """\
version: 1
kind: agent
name: finder
model: scripted:a.yaml
instructions: |
  You look things up in {{ inputs.folder }}.
  Never guess.
inputs:
  folder: {type: string, default: docs}
tools: [read_lines, grep_file]
limits: {turns: 10}
"""

LOOK = "{tool_calls: [{name: read_lines, arguments: {path: notes.txt}}], usage: {input: 100, output: 20}}"
SEARCH = (
    "{tool_calls: [{name: grep_file, arguments: {path: notes.txt, pattern: port}}], usage: {input: 120, output: 20}}"
)

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-z]{6}")


@pytest.fixture
def project(cli: Cli, isolated: Path) -> Path:
    """A trusted project with one agent and two scripts, in which it was run once."""
    (isolated / "agentcli.yaml").write_text("version: 1\nname: demo\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "finder.yaml").write_text(AGENT)
    (isolated / "notes.txt").write_text("host = x\nport = 8080\n")
    (isolated / "a.yaml").write_text(
        f"replies:\n  - {LOOK}\n  - {{text: The port is 8080., usage: {{input: 140, output: 6}}}}\n"
    )
    (isolated / "b.yaml").write_text(
        f"replies:\n  - {LOOK}\n  - {SEARCH}\n  - {{text: The port is 9090., usage: {{input: 180, output: 6}}}}\n"
    )
    cli("trust")
    run(cli)
    return isolated


def run(cli: Cli, *words: str) -> str:
    result = cli("run", "finder", "Which port?", "--json", *words)
    assert result.code == 0, result.err
    return str(json.loads(result.out.splitlines()[0])["run"])


def steady(result: Result, folder: Path) -> str:
    """The output without what is another one each time."""
    names: dict[str, str] = {}
    text = RUN_ID.sub(lambda match: names.setdefault(match.group(), f"RUN{len(names) + 1}"), result.out)
    text = re.sub(r"(?m)^time .*$", "time", text)
    text = re.sub(r" {2,}(CHANGE|\+\d+ \()", r"  \1", text)  # the time decides how wide that column is
    return re.sub(r"[0-9a-f]{12}…", "DIGEST", text.replace(str(folder), "HERE"))


REPORT = """\
A  RUN1  completed  finder
B  RUN2  completed  finder

Cause: what went in
  template
    … 2 lines the same
      name: finder
    - model: scripted:a.yaml
    + model: scripted:b.yaml
      instructions: |
        You look things up in {{ inputs.folder }}.
    -   Never guess.
    +   Never, ever guess.
      inputs:
    … 1 line the same
      tools: [read_lines, grep_file]
    - limits: {turns: 10}
    + limits: {turns: 12}
  instructions
    ~ You look things up in [-docs-]{+handbook+}.
    ~ Never{+, ever+} guess.
  model
    ~ scripted:a.yaml → scripted:b.yaml
  limits
    ~ turns: 10 → 12
  inputs
    ~ folder: docs → handbook
  files
    ~ notes.txt: DIGEST → DIGEST
      Only its digest is on record.

Effect: what happened
  The first difference is read_lines in turn 1 (event 6 in A, 6 in B): a file that it touched held something else.
  From turn 1 (event 3 in A, 3 in B) on the requests to the model differ, first at $['messages'][0]['content']:
    ~ You look things up in [-docs-]{+handbook+}.
    ~ Never{+, ever+} guess.

      A      B
      4      4    turn 1  asks for read_lines
      6      6  ~ turn 1  read_lines(path="notes.txt", start=1)
                  result
                      1: host = x
                    ~ 2: port = [-8080-]{+9090+}
             9  + turn 2  asks for grep_file
            11  + turn 2  grep_file(path="notes.txt", pattern="port")
                  + 2: port = 9090
      9     14  ~ turn 3  answer
                  answer
                    ~ The port is [-8080-]{+9090+}.

Totals: what it came to
                    A          B  CHANGE
status      completed  completed
turns               2          3  +1 (+50 %)
tool calls          1          2  +1 (+100 %)
tokens            266        446  +180 (+68 %)
  in              240        400  +160 (+67 %)
  out              26         46  +20 (+77 %)
cost               $0         $0
time
output
  ~ The port is [-8080-]{+9090+}.
"""


def changed(cli: Cli, project: Path) -> str:
    """The run again, with everything changed that can be."""
    text = AGENT.replace("Never", "Never, ever").replace("a.yaml", "b.yaml").replace("turns: 10", "turns: 12")
    (project / "agents" / "finder.yaml").write_text(text)
    (project / "notes.txt").write_text("host = x\nport = 9090\n")
    return run(cli, "-i", "folder=handbook")


def test_what_went_in_what_happened_and_what_it_came_to(cli: Cli, project: Path) -> None:
    changed(cli, project)
    result = cli("diff", "last~1", "last")
    assert (result.code, result.err) == (0, "")
    assert steady(result, project) == REPORT


def test_the_same_run_twice_is_the_same(cli: Cli, project: Path) -> None:
    run(cli)
    result = cli("diff", "last~1", "last", "--exit-code")
    assert result.code == 0
    assert steady(result, project) == (
        "A  RUN1  completed  finder\nB  RUN2  completed  finder\n\n"
        "The runs are the same in everything that was compared.\n"
    )


def test_a_run_beside_itself(cli: Cli, project: Path) -> None:
    assert "   A and B are one run.\n" in cli("diff", "last", "last").out


def test_runs_that_differ_are_exit_8_where_that_is_asked_for(cli: Cli, project: Path) -> None:
    run(cli, "-i", "folder=handbook")
    assert cli("diff", "last~1", "last").code == 0
    assert cli("diff", "last~1", "last", "--exit-code").code == 8
    assert cli("diff", "last~1", "last", "--exit-code", "--json").code == 8


def test_json_is_one_object(cli: Cli, project: Path) -> None:
    second = changed(cli, project)
    result = cli("diff", "last~1", "last", "--json")
    value = json.loads(result.out)
    assert (result.code, result.out.count("\n")) == (0, 1)
    assert (value["same"], value["b"]["id"]) == (False, second)
    assert [one["aspect"] for one in value["cause"]] == [
        *["template", "instructions", "model", "limits", "inputs", "files"]
    ]
    assert value["effect"]["first_step"]["origin"] == "files"
    assert value["effect"]["first_request"]["path"] == "$['messages'][0]['content']"
    assert value["totals"]["turns"] == {"a": 2, "b": 3, "delta": 1, "percent": 50.0}


def test_full_lists_every_step(cli: Cli, project: Path) -> None:
    run(cli, "-i", "folder=handbook")
    short, full = (cli("diff", "last~1", "last", *words).out for words in ((), ("--full",)))
    assert "Effect: what happened\n" in short
    assert "  turn 2  answer\n" not in short
    assert "      4      4    turn 1  asks for read_lines\n" in full
    assert "      9      9    turn 2  answer\n" in full


def test_a_fork_says_what_it_was_told(cli: Cli, project: Path) -> None:
    assert cli("fork", "last", "--at", "4", "-m", "scripted:b.yaml").code == 0
    out = steady(cli("diff", "last~1", "last"), project)
    assert '   B is a fork of A at event 4, with models=["scripted:b.yaml"]\n' in out
    assert "  model\n    ~ scripted:a.yaml → scripted:b.yaml\n" in out


def test_a_run_that_is_not_there_is_exit_2(cli: Cli, project: Path) -> None:
    result = cli("diff", "last", "zzzzzz")
    assert (result.code, result.out) == (2, "")
    assert "(E-RUN-UNKNOWN)" in result.err
    assert cli("diff", "last").code == 2


@pytest.mark.parametrize("columns", [60, 120])
def test_it_fits_the_terminal(cli: Cli, project: Path, columns: int) -> None:
    (project / "notes.txt").write_text("port = 9090 " * 40)
    run(cli, "-i", "folder=the handbook of the house, which has a long name that goes on and on")
    result = cli("diff", "last~1", "last", terminal=True, columns=columns)
    assert [line for line in result.out.splitlines() if len(line) > columns] == []


def test_colours_are_off_in_a_pipe_and_with_no_color(cli: Cli, project: Path) -> None:
    run(cli, "-i", "folder=handbook")
    assert "\x1b" not in cli("diff", "last~1", "last", terminal=True).out
    assert "\x1b" not in cli("diff", "last~1", "last", environ={"NO_COLOR": ""}).out
    colored = cli("diff", "last~1", "last", "--color", "always").out
    assert "You look things up in \x1b[31m[-docs-]\x1b[0m\x1b[32m{+handbook+}\x1b[0m." in colored
    assert "\x1b[m" not in colored


def test_a_fork_after_an_edit_differs_in_what_was_edited_and_not_in_trust(cli: Cli, project: Path) -> None:
    template = project / "agents" / "finder.yaml"
    template.write_text(AGENT.replace("Never guess.", "Guess."))
    assert cli("fork", "last", "--at", "3", "-q").code == 0
    causes = cli("diff", "last~1", "last").out.partition("Effect:")[0]
    assert "workspace" in causes
    assert "trusted" not in causes
