"""`agentcli workflow show`: one workflow as text, chart, picture and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Cli

TREE = """\
notes
              From commits to notes.
from          project, {path}
steps         5, at most 5 at a time
agent         writer
limits        turns 100, cost_usd 0.5

Inputs
  since  A tag (string, required)

Steps
├─ step_1  asks writer
│    List what changed since {{{{ inputs.since }}}}.
├─ draft  asks writer, after step_1
│    up to 3 tries, 1 s before the second
│    at most 60 s a try
│    until {{{{ output | length > 20 }}}}, at most 3 rounds, then it keeps the last output
│    limits: turns 5
│    if it fails: plain
│    Write notes from {{{{ steps.step_1.output }}}}
├─ plain  asks writer, only if draft fails
│    Say that {{{{ steps.draft.error }}}}
├─ check_links (Look at every link)  calls fetch_url, after draft
│    when {{{{ inputs.since != 'never' }}}}
│    for each of {{{{ steps.draft.output | links }}}}
│    a failure does not stop the others
└─ end  chooses by {{{{ steps.draft.output }}}}, after draft and check_links
     bug: asks writer: Look at it closely.
     true: calls fetch_url
     else: carries out small

Output
  {{{{ steps.draft.output }}}}
"""


def test_its_steps_are_shown_in_order(cli: Cli, project: Path) -> None:
    result = cli("workflow", "show", "notes")
    assert (result.code, result.err) == (0, "")
    assert result.out == TREE.format(path=project / "workflows" / "notes.yaml")


def test_a_workflow_in_a_file_is_shown_too(cli: Cli, project: Path) -> None:
    result = cli("workflow", "show", "workflows/small.yml")
    assert result.out == (
        "small\n"
        "from          project, workflows/small.yml\n"
        "steps         2, at most 5 at a time\n"
        "\n"
        "Steps\n"
        "├─ step_1  asks\n"
        "│    Say hello.\n"
        "└─ step_2  asks, after step_1\n"
        "     for each of 2 to 9\n"
        "     Count.\n"
    )


def test_a_terminal_has_bold_names_and_every_line_fits(cli: Cli, project: Path) -> None:
    styled = cli("workflow", "show", "notes", "--color", "always", terminal=True, columns=60).out
    assert "├─ \x1b[1mdraft\x1b[0m  asks writer, after step_1\n" in styled
    plain = cli("workflow", "show", "notes", terminal=True, columns=60, environ={"NO_COLOR": "1"}).out
    assert "\x1b" not in plain
    folded = [line for line in plain.splitlines() if len(line) > 60]
    assert folded == [line for line in folded if str(project) in line]  # a path is not broken


def test_json_says_what_its_file_says_and_what_its_graph_comes_to(cli: Cli, project: Path) -> None:
    shown = json.loads(cli("workflow", "show", "notes", "--json").out)
    steps = {step["id"]: step for step in shown.pop("steps")}
    assert shown == {
        "name": "notes",
        "description": "From commits to notes.",
        "inputs": {"since": {"description": "A tag", "required": True}},
        "agent": "writer",
        "limits": {"turns": 100, "cost_usd": 0.5},
        "output": "{{ steps.draft.output }}",
        "source": "project",
        "path": str(project / "workflows" / "notes.yaml"),
    }
    assert [(name, step["kind"], step["needs"], step["layer"]) for name, step in steps.items()] == [
        ("step_1", "prompt", [], 0),
        ("draft", "prompt", ["step_1"], 1),
        ("plain", "prompt", ["draft"], 2),
        ("check_links", "tool", ["draft"], 3),
        ("end", "switch", ["draft", "check_links"], 4),
    ]
    assert steps["plain"]["fallback_of"] == "draft"
    assert steps["draft"]["on_error"] == {"fallback": "plain"}
    assert steps["draft"]["until"] == {"condition": "{{ output | length > 20 }}", "rounds": 3, "otherwise": "keep"}
    assert steps["check_links"]["with"] == {"url": "{{ item }}"}
    assert steps["end"]["default"] == {"workflow": "small"}


def test_mermaid_is_a_flowchart(cli: Cli, project: Path) -> None:
    result = cli("workflow", "show", "notes", "--mermaid")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "flowchart TD\n"
        '  n1["step_1<br/>prompt to writer"]\n'
        '  n2["draft<br/>prompt to writer"]\n'
        '  n3["plain<br/>prompt to writer"]\n'
        '  n4(["Look at every link<br/>tool fetch_url"])\n'
        '  n5{{"end<br/>switch #123;#123; steps.draft.output…"}}\n'
        "  n1 --> n2\n"
        "  n2 -. fails .-> n3\n"
        "  n2 --> n4\n"
        "  n2 --> n5\n"
        "  n4 --> n5\n"
    )


def test_svg_is_a_picture_that_needs_nothing_else(cli: Cli, project: Path) -> None:
    result = cli("workflow", "show", "notes", "--svg")
    root = ElementTree.fromstring(result.out)
    names = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert names[::2] == ["step_1", "draft", "plain", "Look at every link", "end"]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) == 5 + 1  # the needs, and the arrow's head
    assert "http" not in result.out.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in result.out


@pytest.mark.parametrize(
    ("form", "target", "file"),
    [("--svg", "g.svg", "g.svg"), ("--mermaid", "out", "out/notes.mmd"), ("--svg", "out", "out/notes.svg")],
)
def test_a_drawing_goes_into_a_file(cli: Cli, project: Path, form: str, target: str, file: str) -> None:
    (project / "out").mkdir()
    drawn = cli("workflow", "show", "notes", form).out
    assert cli("workflow", "show", "notes", form, "-o", "-").out == drawn
    result = cli("workflow", "show", "notes", form, "-o", target)
    assert (result.code, result.out, result.err) == (0, f"{file}\n", "")
    assert (project / file).read_text() == drawn
    again = cli("workflow", "show", "notes", form, "-o", target)
    assert again.code == 2
    assert again.err.startswith(f"error: The file is there already: {project / file}. (E-EXPORT-EXISTS)")
    told = cli("workflow", "show", "notes", form, "-o", target, "--force", "--json")
    assert json.loads(told.out) == {
        "workflow": "notes",
        "format": form.removeprefix("--"),
        "file": str(project / file),
        "bytes": len(drawn.encode()),
    }


@pytest.mark.parametrize("words", [("--svg", "--mermaid"), ("-o", "x.svg")])
def test_one_form_is_chosen(cli: Cli, project: Path, words: tuple[str, ...]) -> None:
    result = cli("workflow", "show", "notes", *words)
    assert result.code == 2
    assert "E-USAGE-FORM" in result.err


def test_a_workflow_with_mistakes_is_not_shown_but_told(cli: Cli, project: Path) -> None:
    (project / "workflows" / "bad.yaml").write_text("name: bad\nsteps: [{prompt: x, needs: [y]}, '{{ z }}']\n")
    result = cli("workflow", "show", "bad")
    assert (result.code, result.out) == (3, "")
    assert "2:29: There is no step `y`." in result.err
    assert "`z` is not defined." in result.err


HOSTILE = """\
name: h
steps:
  - id: a
    name: "x\\e[31m\\"</title><script>alert(1)</script>]--> & \\0\\uFFFE`b` #quot; \\u202e"
    prompt: "first\\nsecond \\e]0;t\\a"
    when: "{{ '<b>\\e[2J' }}"
  - {id: b, switch: "{{ 1 }}", cases: {"<i>\\e[2J": "\\e[3m"}}
"""


def test_hostile_texts_do_nothing(cli: Cli, project: Path) -> None:
    (project / "workflows" / "h.yaml").write_text(HOSTILE)
    shown = cli("workflow", "show", "h", terminal=True, environ={"NO_COLOR": "1"}).out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    chart = cli("workflow", "show", "h", "--mermaid").out
    assert chart.splitlines()[1] == ('  n1["x#34;#60;/title#62;#60;script#62;alert#40;1#41;#60;/s…<br/>prompt"]')
    picture = cli("workflow", "show", "h", "--svg").out
    ElementTree.fromstring(picture)
    assert "<script" not in picture
    assert "\x1b" not in picture
