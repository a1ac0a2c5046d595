"""`agentcli runs tail`: what a run did so far, and then what it does."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcli.cli.app import main
from agentcli.cli.commands.runs.tail import follow
from agentcli.cli.environment import Environment
from agentcli.cli.session import Flags, Session
from agentcli.core.events import ModelRetried, RunResumed, ToolStarted, TurnStarted
from agentcli.workbench.follow_run import Following
from tests.cli.conftest import Cli
from tests.fakes.counted import answer, called
from tests.fakes.growing import Growing
from tests.fakes.recorded import MANIFEST, completed, end, started


@pytest.fixture
def run(isolated: Path) -> Iterator[Growing]:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    with Growing(isolated / ".agentcli", started(), TurnStarted(), ModelRetried("429", 2.0)) as growing:
        yield growing


CALL = (ToolStarted("t", "c", {"path": "a.txt"}), called(seconds=0.012))


def tailed(run: Growing, cwd: Path, *, lines: int = 10, all_types: bool = False, **flags: bool) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    env = Environment(io.StringIO(), out, err, os.environ, cwd)
    session = Session(env, Flags(**flags))
    with session.open() as bench:
        follow(session, Following(bench), run, lines=lines, all_types=all_types)
    assert session.exit_code == 0
    return out.getvalue(), err.getvalue()


def test_lines_so_far_and_then_as_they_come(run: Growing, isolated: Path) -> None:
    run.then(*CALL).then_ends(end(), answer(), completed())
    out, err = tailed(run, isolated)
    assert out == 'reader with fake:model\ntrying again in 2.0 s: 429\n✓ t(path="a.txt")  12 ms\n'
    assert err == f"completed in 5.0 s · 1 turn · 12 tokens · $0.2500 · {run.log.run}\n"


@pytest.mark.parametrize(("lines", "expected"), [(0, 1), (1, 2), (2, 3), (50, 3)])
def test_so_many_lines_of_what_was_there(run: Growing, isolated: Path, lines: int, expected: int) -> None:
    run.then_ends(end(), *CALL, completed())
    out, _ = tailed(run, isolated, lines=lines)
    assert len(out.splitlines()) == expected
    assert out.endswith('✓ t(path="a.txt")  12 ms\n')


def test_a_call_that_began_before_the_lines_that_are_shown_has_its_arguments(run: Growing, isolated: Path) -> None:
    run.then(CALL[0])
    run()
    run.then_ends(end(), CALL[1], completed())
    assert tailed(run, isolated, lines=0)[0] == '✓ t(path="a.txt")  12 ms\n'


def test_every_type_has_a_line_where_that_is_asked_for(run: Growing, isolated: Path) -> None:
    run.then_ends(end(), RunResumed(MANIFEST, {}), completed("\x1b[2Jdone " * 50))
    lines = tailed(run, isolated, all_types=True)[0].splitlines()
    assert [line.split()[0] for line in lines] == ["reader", "turn.started", "trying", "resumed", "run.completed"]
    assert lines[1] == "turn.started {}"
    assert len(lines[-1]) == 100
    assert "\x1b" not in lines[-1]


def test_json_is_the_events(run: Growing, isolated: Path) -> None:
    run.then(*CALL).then_ends(end(), completed())
    out, err = tailed(run, isolated, lines=2, json=True)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["seq"] for event in events] == [2, 3, 4, 5, 6]
    assert events[-1]["type"] == "run.completed"
    assert err == ""


def test_verbose_adds_the_results(run: Growing, isolated: Path) -> None:
    run.then_ends(end(), CALL[0], called("error"), completed())
    assert "✗ t(" in tailed(run, isolated, verbose=True)[0]


def test_a_run_whose_owner_died_says_how_to_go_on(run: Growing, isolated: Path) -> None:
    run.then_dies()
    out, err = tailed(run, isolated)
    name = run.log.run
    assert out.startswith("reader with fake:model\n")
    assert err == f"Run {name} was interrupted: nobody writes it any more. Go on with it: agentcli resume {name}\n"


def test_quiet_prints_the_lines_alone(run: Growing, isolated: Path) -> None:
    run.then_dies()
    assert tailed(run, isolated, quiet=True)[1] == ""


def test_the_last_run_is_printed_where_none_is_running(cli: Cli, run: Growing) -> None:
    run.then_ends(end(), *CALL, completed())
    run()
    result = cli("runs", "tail", "-n", "1")
    assert (result.code, result.out) == (0, '✓ t(path="a.txt")  12 ms\n')
    assert cli("runs", "tail", run.log.run[-6:], "--json").out.count("\n") == 6


class Told(io.StringIO):
    """An output whose first line is the sign for another thread to go on with the run."""

    def __init__(self, run: Growing) -> None:
        super().__init__()
        self.goes_on = threading.Thread(target=run)

    def write(self, text: str) -> int:
        if not self.tell():
            self.goes_on.start()
        return super().write(text)


def test_a_run_is_followed_until_somebody_else_ends_it(run: Growing, isolated: Path) -> None:
    """On the command line, with its own waiting between two looks."""
    run.then_ends(end(), *CALL, completed())
    out = Told(run)
    assert main(["runs", "tail"], Environment(io.StringIO(), out, io.StringIO(), os.environ, isolated)) == 0
    out.goes_on.join()
    assert out.getvalue().splitlines()[-1] == '✓ t(path="a.txt")  12 ms'


def test_nothing_was_run_yet(cli: Cli) -> None:
    result = cli("runs", "tail")
    assert (result.code, result.out) == (2, "")
    assert "(E-RUN-UNKNOWN)" in result.err


def test_fewer_than_no_lines_is_wrong_usage(cli: Cli) -> None:
    assert cli("runs", "tail", "-n", "-1").code == 2
