"""What a person sees, in a real terminal."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.terminal.tmux import Terminal
from tests.fakes.model_server import ModelServer, Reply, openai_server

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

LOOK = """\
replies:
  - text: Let me look.
    tool_calls: [{name: read_lines, arguments: {path: notes.txt}}]
    usage: {input: 100, output: 20}
  - {text: The port is 8080., usage: {input: 140, output: 6}}
"""

WRITE = """\
replies:
  - tool_calls: [{name: create_file, arguments: {path: out.txt, content: "one\\ntwo\\n"}}]
  - {text: Refused., contains: not here}
  - Done.
"""


@pytest.fixture
def folder(isolated: Path) -> Path:
    (isolated / "notes.txt").write_text("port = 8080\n")
    (isolated / "look.yaml").write_text(LOOK)
    (isolated / "write.yaml").write_text(WRITE)
    return isolated


@pytest.fixture
def hanging() -> Iterator[ModelServer]:
    """A model that begins to answer and never ends."""
    reply = Reply(chunks=("The answer ", "begins like this. "), ending="hang")
    with openai_server(reply, repeat=True) as server:
        yield server


def steady(screen: str) -> str:
    screen = re.sub(r"\d{8}-\d{6}-[0-9a-z]{6}", "RUN", screen)
    return re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "TIME", screen)


def test_a_run_leaves_its_calls_its_answer_and_one_line(folder: Path) -> None:
    with Terminal(folder) as terminal:
        terminal.run("run reader 'Which port?' -m scripted:look.yaml")
        assert steady(terminal.result().replace(str(folder), "HERE")).replace("\n", "") == (
            "reader with scripted:look.yaml"
            "Let me look."
            '✓ read_lines(path="notes.txt", start=1)  TIME'
            "The port is 8080."
            "completed in TIME · 2 turns · 266 tokens · RUN"
            "[0]"
        )


@pytest.mark.parametrize("columns", [60, 120])
def test_the_live_view_fits_the_terminal(folder: Path, hanging: ModelServer, columns: int) -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": hanging.base_url}
    with Terminal(folder, columns=columns, environ=environ) as terminal:
        terminal.run("run 'Hi' -m openai:gpt-5-mini")
        screen = terminal.until("begins like this.")
        last = screen.splitlines()[-1]
        assert re.match(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] \S+ m?s · writing · turn 1 · openai:gpt-5-mini$", last)
        assert screen.splitlines()[-2] == "The answer begins like this."
        terminal.type("", "C-c")
        terminal.until("[130]")


def test_the_live_view_survives_another_size(folder: Path, hanging: ModelServer) -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": hanging.base_url}
    with Terminal(folder, environ=environ) as terminal:
        terminal.run("run 'Hi' -m openai:gpt-5-mini")
        terminal.until("begins like this.")
        terminal.resize(60, 20)
        terminal.until(lambda screen: re.search(r"writing · turn 1", screen.splitlines()[-1]) is not None)
        terminal.type("", "C-c")
        assert "begins like this." not in terminal.until("[130]").splitlines()[-5:]


def test_ctrl_c_in_a_turn_ends_the_run_in_order(cli: Cli, folder: Path, hanging: ModelServer) -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": hanging.base_url}
    with Terminal(folder, environ=environ) as terminal:
        terminal.run("run 'Hi' -m openai:gpt-5-mini")
        terminal.until("begins like this.")
        terminal.type("", "C-c")
        lines = steady(terminal.result()).splitlines()
    assert lines[0] == "assistant with openai:gpt-5-mini"
    assert "error: The run was stopped by an interrupt. (E-RUN-CANCELLED)" in lines
    assert (
        lines[-2:] == ["cancelled in TIME · 1 turn · 0 tokens · price unknown · RUN", "[130]"] or lines[-1] == "[130]"
    )
    assert not any("Traceback" in line for line in lines)
    assert json.loads(cli("runs", "--json").out)["status"] == "cancelled"


def test_without_colour_there_is_none(folder: Path) -> None:
    with Terminal(folder, environ={"NO_COLOR": "1"}) as terminal:
        terminal.run("run reader 'Which port?' -m scripted:look.yaml")
        terminal.result()
        assert "\x1b[" not in terminal.screen(colors=True)


def test_colour_is_on_by_itself(folder: Path) -> None:
    with Terminal(folder) as terminal:
        terminal.run("run reader 'Which port?' -m scripted:look.yaml")
        terminal.result()
        assert re.search(r"\x1b\[32m(\x1b\[49m)?✓ read_lines", terminal.screen(colors=True))


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"CI": "true"}])
def test_a_terminal_that_cannot_move_gets_lines(folder: Path, hanging: ModelServer, environ: dict[str, str]) -> None:
    more = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": hanging.base_url}
    with Terminal(folder, environ=more) as terminal:
        settings = " ".join(f"{name}={value}" for name, value in environ.items())
        terminal.type(f"export {settings}", "Enter")
        terminal.run("run 'Hi' -m openai:gpt-5-mini")
        terminal.until("assistant with openai:gpt-5-mini")
        assert hanging.received.wait(20)
        terminal.type("", "C-c")
        assert "begins like this" not in terminal.until("[130]")


def test_a_call_is_approved_with_a_key(folder: Path) -> None:
    with Terminal(folder) as terminal:
        terminal.run("run 'Write' -m scripted:write.yaml")
        screen = terminal.until("[w]hy not:")
        assert "? create_file wants to run; it changes the workspace.\n" in screen
        assert '    path: "out.txt"\n    content: 2 lines\n      | one\n      | two\n' in screen
        assert not (folder / "out.txt").exists()
        terminal.type("o", "Enter")
        assert terminal.result().splitlines()[-1] == "[0]"
    assert (folder / "out.txt").read_text() == "one\ntwo\n"


def test_a_refusal_is_told_to_the_model(folder: Path) -> None:
    with Terminal(folder) as terminal:
        terminal.run("run 'Write' -m scripted:write.yaml")
        terminal.until("[w]hy not:")
        terminal.type("w", "Enter")
        terminal.until("Tell the model why:")
        terminal.type("not here", "Enter")
        lines = terminal.result().splitlines()
    assert "Refused." in lines
    assert lines[-1] == "[0]"
    assert not (folder / "out.txt").exists()


def test_ctrl_c_at_a_question_ends_the_run(cli: Cli, folder: Path) -> None:
    with Terminal(folder) as terminal:
        terminal.run("run 'Write' -m scripted:write.yaml")
        terminal.until("[w]hy not:")
        terminal.type("", "C-c")
        assert terminal.result().splitlines()[-1] == "[130]"
    assert json.loads(cli("runs", "--json").out)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("run reader 'Port?' -m scripted:look.yaml --json", '{"schema":1,"type":"run.started","run'),
        ("tools schema --openapi", "{"),
        ("tools", "TOOL          VERSION  CHANGES"),
    ],
)
def test_a_reader_that_leaves_early_is_no_error(folder: Path, words: str, first: str) -> None:
    with Terminal(folder) as terminal:
        terminal.run(f"{words} | head -1 | cut -c1-37")
        assert terminal.result().splitlines() == [first, "[0]"]


def test_a_pipe_gets_the_answer_alone(folder: Path) -> None:
    with Terminal(folder) as terminal:
        terminal.run("run reader 'Port?' -m scripted:look.yaml 2>/dev/null | od -c | head -2")
        assert "T   h   e       p   o   r   t       i   s" in terminal.result()


def test_a_change_is_seen_before_it_is_allowed_and_a_question_keeps_its_answer(folder: Path) -> None:
    with Terminal(folder, columns=60) as terminal:
        terminal.run("tools call edit_file path=notes.txt old=8080 new=9090")
        screen = terminal.until("Allow it?")
        assert "    -port = 8080\n    +port = 9090\n" in screen
        terminal.type("o", "Enter")
        terminal.until("\n[0]")
        assert (folder / "notes.txt").read_text() == "port = 9090\n"
        terminal.type("clear", "Enter")
        terminal.run("""tools call ask_user question='Which?' choices:='["a","b"]'""")
        terminal.until("1-2:")
        terminal.type("2", "Enter")
        assert steady(terminal.until("\n[0]")).split("\n\n")[1].splitlines()[:9] == [
            "? ask_user has a question.",
            "    Which?",
            "    1  a",
            "    2  b",
            "  1-2: 2",
            '✓ ask_user(question="Which?", choices=["a", "b"])  TIME',
            "b",
            "completed in TIME · RUN",
            "[0]",
        ]
