"""A workflow at work, as it is seen in a real terminal."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal.tmux import Terminal
from tests.fakes.model_server import ModelServer, Reply, Request, openai_server

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

NOTES = """\
version: 1
kind: workflow
name: notes
concurrency: 2
on_error: continue
limits: {tokens: 100000}
steps:
  - id: list
    name: "List the \\u202E changes"
    prompt: List them.
    output: {schema: {type: array}}
  - id: read
    needs: []
    tool: read_lines
    with: {path: nope.txt}
  - id: tell
    needs: [read]
    prompt: Tell it.
  - id: check
    needs: [list]
    foreach: "{{ steps.list.output }}"
    prompt: Check {{ item }}.
  - Sum up.
"""

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def answer(request: Request) -> Reply | str:
    asked = request.json["messages"][-1]["content"]
    if asked == "List them.":
        return '["a", "b", "c"]'
    if asked == "Check b.":
        return Reply(chunks=("It is ", "\x1b[2Jhalf done "), ending="hang")
    return "Fine."


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with openai_server(answer, repeat=True) as opened:
        yield opened


@pytest.fixture
def folder(isolated: Path) -> Path:
    (isolated / "notes.yaml").write_text(NOTES)
    return isolated


def terminal_in(folder: Path, server: ModelServer, columns: int, lines: int = 24, **environ: str) -> Terminal:
    reached = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.base_url}
    return Terminal(folder, columns=columns, lines=lines, environ={**reached, **environ})


def table(screen: str) -> list[str]:
    """The table and what is below it, without what differs from time to time."""
    lines = screen.splitlines()
    first = next(number for number, line in enumerate(lines) if re.match(r". List the ", line))
    return [steady(line) for line in lines[first:]]


def steady(line: str) -> str:
    """Columns are as wide as the times in them, which differ, and what is right of them is cut accordingly."""
    line = re.sub(f"[{SPINNER}]", "*", line)
    line = re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "TIME", line)
    line = re.sub(r"(  The c|  It ne).*", r"\1", re.sub(" {2,}", "  ", line))
    return re.sub(r" · (\S+/(s|min|h)\b|TIME left)", "", line).rstrip()


def settled(screen: str) -> bool:
    return "half done" in screen and "2/3" in screen


@pytest.mark.parametrize(
    ("columns", "name", "used", "bar"),
    [
        (60, "List the \\u202e cha…", "", 11 * "━" + 4 * "─"),
        (120, "List the \\u202e changes", "  15 tokens", 22 * "━" + 8 * "─"),
    ],
)
def test_a_running_workflow_is_a_table(
    folder: Path, server: ModelServer, columns: int, name: str, used: str, bar: str
) -> None:
    with terminal_in(folder, server, columns) as terminal:
        terminal.run("workflow run ./notes.yaml -m openai:gpt-5-mini")
        assert table(terminal.until(settled)) == [
            f"✓ {name}  completed  TIME{used}",
            "✗ read  failed  TIME  The c",
            "○ tell  skipped  It ne",
            f"* check  running  2/3  TIME{used.replace('15', '30')}",
            "· step_5  pending",
            "check[2]: It is half done",
            f"{bar}  3 of 5 steps",
            "* TIME · 45 of 100,000 tokens",
        ]
        terminal.type("", "C-c")
        screen = terminal.until("[130]")
    assert re.search(r"\n✗ check +cancelled  2/3 .*  The wo", screen)
    assert "half done" not in screen


def test_no_frame_is_ever_half_drawn(folder: Path, server: ModelServer) -> None:
    with terminal_in(folder, server, 100) as terminal:
        terminal.run("workflow run ./notes.yaml -m openai:gpt-5-mini")
        terminal.until(settled)
        seen = {len(table(terminal.screen())) for _ in range(100)}
        terminal.type("", "C-c")
        terminal.until("[130]")
    assert seen == {8}


def test_the_table_survives_another_size(folder: Path, server: ModelServer) -> None:
    with terminal_in(folder, server, 120) as terminal:
        terminal.run("workflow run ./notes.yaml -m openai:gpt-5-mini")
        terminal.until(settled)
        terminal.resize(60, 20)
        narrow = terminal.until(lambda screen: "━────  3 of 5" in screen)
        assert (narrow.count("○ tell"), narrow.count("· step_5"), narrow.count("half done")) == (1, 1, 1)
        terminal.resize(90, 20)
        wide = terminal.until(lambda screen: "15 tokens" in screen)
        assert (wide.count("○ tell"), wide.count("· step_5"), wide.count("half done")) == (1, 1, 1)
        terminal.type("", "C-c")
        terminal.until("[130]")


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"CI": "true"}])
def test_a_terminal_that_cannot_move_gets_a_line_for_each_step(
    folder: Path, server: ModelServer, environ: dict[str, str]
) -> None:
    with terminal_in(folder, server, 100) as terminal:
        settings = " ".join(f"{name}={value}" for name, value in environ.items())
        terminal.type(f"export {settings}", "Enter")
        terminal.run("workflow run ./notes.yaml -m openai:gpt-5-mini")
        screen = terminal.until("· check  running: 3 items")
        assert "✓ list  completed in " in screen
        assert "half done" not in screen
        terminal.type("", "C-c")
        assert "✗ 1 step cancelled before it had begun" in terminal.until("[130]")


def test_without_colour_there_is_none(folder: Path, server: ModelServer) -> None:
    with terminal_in(folder, server, 100, NO_COLOR="1") as terminal:
        terminal.run("workflow run ./notes.yaml -m openai:gpt-5-mini")
        terminal.until(settled)
        assert "\x1b[" not in terminal.screen(colors=True)
        terminal.type("", "C-c")
        terminal.until("[130]")


LARGE = "version: 1\nkind: workflow\nname: large\nconcurrency: 4\nsteps:\n" + "".join(
    f"  - {{id: s{number}, needs: [], prompt: Check {'b' if number % 100 < 4 else 'c'}.}}\n" for number in range(300)
)


def test_a_graph_that_is_larger_than_the_screen_is_folded(folder: Path, server: ModelServer) -> None:
    (folder / "large.yaml").write_text(LARGE)
    with terminal_in(folder, server, 80, 16) as terminal:
        terminal.run("workflow run ./large.yaml -m openai:gpt-5-mini")
        lines = terminal.until(lambda screen: "half done" in screen and screen.count("running") == 4).splitlines()
        assert len(lines) <= 16
        assert [steady(line)[:13] for line in lines[-14:-10]] == [f"* s{number}  running" for number in range(4)]
        assert lines[-4] == "… 290 more: 290 pending"
        terminal.type("", "C-c")
        assert "… 296 more: 296 cancelled" in terminal.until("[130]")


ASKS = """\
version: 1
kind: workflow
name: asks
steps:
  - {id: think, needs: [], prompt: Check b.}
  - {id: write, needs: [], foreach: [out.txt], tool: create_file, with: {path: "{{ item }}", content: x}}
"""


def test_a_question_in_the_midst_of_the_table_names_the_step(folder: Path, server: ModelServer) -> None:
    (folder / "asks.yaml").write_text(ASKS)
    with terminal_in(folder, server, 80) as terminal:
        terminal.run("workflow run ./asks.yaml -m openai:gpt-5-mini")
        screen = terminal.until("[w]hy not:")
        assert "? create_file wants to run in step write[1]; it changes the workspace.\n" in screen
        assert "running" not in screen
        terminal.type("o", "Enter")
        below = terminal.until(lambda screen: "half done" in screen and "1/1" in screen).split("[w]hy not:")[1]
        assert [steady(line) for line in below.splitlines()[1:3]] == [
            "* think  running  TIME",
            "✓ write  completed  1/1  TIME",
        ]
        terminal.type("", "C-c")
        terminal.until("[130]")
    assert (folder / "out.txt").read_text() == "x"


ROW = """\
version: 1
kind: workflow
name: row
inputs: {n: {type: string, required: true}}
steps: ["Check {{ inputs.n }}."]
"""


def test_rows_have_a_bar_below_their_results(folder: Path, server: ModelServer) -> None:
    (folder / "row.yaml").write_text(ROW)
    (folder / "rows.jsonl").write_text('{"n": "a"}\n{"m": 1}\n{"n": "c"}\n{"n": "b"}\n')
    with terminal_in(folder, server, 60) as terminal:
        terminal.run("workflow run ./row.yaml --each rows.jsonl -m openai:gpt-5-mini")
        screen = terminal.until(lambda screen: "3 of 4 rows" in screen and '{"row":3' in screen)
        *_, bar, figures = screen.splitlines()
        assert re.match("━{11}─{4}  3 of 4 rows", bar)
        assert re.match(rf"[{SPINNER}] \S+ m?s · 1 running · 1 failed · 30 tokens$", figures)
        assert screen.count("3 of 4 rows") == screen.count('{"row":1') == screen.count('{"row":2') == 1
        terminal.type("", "C-c")
        assert "3 of 4 rows" not in terminal.until("[130]")
