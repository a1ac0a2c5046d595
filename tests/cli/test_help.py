"""Help: whole, grouped, cheap, and without a gap."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from agentcli.cli.global_options import global_params
from agentcli.cli.parsing import Leaf, leaves, load
from agentcli.cli.tree import ROOT, Entry
from tests.cli.conftest import Cli

COMMANDS = [pytest.param(entry, id=" ".join(words)) for words, entry in leaves(ROOT)]

ROOT_HELP = """\
Usage: agentcli COMMAND

A workbench for LLM agents in the terminal: a run is its journal.

Work:
  init        Make a project in a folder, and check it.
  run         Give an agent a task.
  workflow    Prompt lists and step graphs.
  resume      Go on with a run that has stopped; nothing completed is done again.
  fork        Begin a new run from a point of an old one.

Look back:
  replay      Carry a run out again from its record alone, and compare.
  test        Replay recordings against the templates of today.
  diff        Say what differs between two runs, and what caused it.
  bisect      Find the recorded result that makes a run fail where another one passes.
  runs        What was run, and what happened in it.

What there is:
  agents      The agents that can be run.
  tools       The tools that agents can be given.
  models      The model that would be used and why; models that run on this machine.

Settings and health:
  config      Settings and where they come from.
  trust       Trust a project: its permissions and code take effect.
  doctor      Check that everything needed is there and works.
  completion  Print the completion script for a shell.

Global options:
      --json          Print JSON, one object a line: the events, or the items.
  -q, --quiet         Print only the result.
  -v, --verbose       Print more: arguments, results, stack traces.
      --color WHEN    Colour: auto (on a terminal, unless NO_COLOR is set), always or never.
      --project DIR   The project, instead of the nearest agentcli.yaml upwards.
      --profile NAME  The profile of the settings, such as dev or prod.
      --trust         Trust the project for this command (for CI).
      --version       Print the version.
  -h, --help          Print this help.

agentcli COMMAND --help shows a command's options and examples.
"""

SHOW_HELP = """\
Usage: agentcli runs show [OPTIONS] [RUN]

Show one run: its turns, calls, times, tokens and cost.

Arguments:
  [RUN]  An id, a unique part of one, last (the default) or last~1.

Options:
      --full       Whole messages, arguments and results.
      --event SEQ  Only the event with this number, as JSON.

Examples:
  agentcli runs show
      the last run as a tree: turns, calls, times, tokens, cost
  agentcli runs show last~1 --full
      the one before, nothing cut
  agentcli runs show k7f3qz --event 5
      one event, whole
  agentcli runs show last --json
      its events as JSON lines

Global options (--json, -q, -v, --color, --project, --profile, --trust) work here too: agentcli
--help
"""


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("--json", "--help")])
def test_the_program_alone_prints_its_help(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words)
    assert (result.code, result.out, result.err) == (0, ROOT_HELP, "")


def test_a_command_shows_its_arguments_options_and_examples(cli: Cli) -> None:
    result = cli("runs", "show", "--help")
    assert (result.code, result.out, result.err) == (0, SHOW_HELP, "")


def test_a_group_shows_its_commands_and_what_it_does_alone(cli: Cli) -> None:
    result = cli("runs", "-h")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "Usage: agentcli runs COMMAND\n\nWhat was run, and what happened in it.\n\nCommands:\n"
        "  list    List runs, newest first.\n"
        "  show    Show one run: its turns, calls, times, tokens and cost.\n"
        "  tail    Follow a run while it is written, until it ends.\n"
        "  stats   Sum up runs: tokens, cost, times and errors.\n"
        "  verify  Check that a run's record is whole and as it was written.\n"
        "  tag     Tag a run, so that it is found by its tag and kept by prune.\n"
        "  export  Write a run into one file: to keep, to hand on, to look at.\n"
        "  import  Take in runs from bundles; each is checked first, and taken whole or not at all.\n"
        "  prune   Remove runs that are old, too many or too large, and give the space back.\n\n"
        "agentcli runs alone is agentcli runs list.\n"
    )


def test_help_fits_sixty_columns(cli: Cli) -> None:
    words = [(), *(words for words, _ in leaves(ROOT))]
    too_wide = [
        line
        for command in words
        for line in cli(*command, "--help", columns=60).out.split("Examples:")[0].splitlines()
        if len(line) > 62
    ]
    assert too_wide == []


@pytest.mark.parametrize("entry", COMMANDS)
def test_every_command_says_the_same_in_its_group_and_in_its_help(entry: Entry) -> None:
    assert (load(entry).help or "").splitlines()[0] == entry.help


@pytest.mark.parametrize("entry", COMMANDS)
def test_every_option_and_argument_has_help_and_a_metavar(entry: Entry) -> None:
    params: list[Any] = [param for param in load(entry).params if param not in global_params()]
    assert [param.name for param in params if not param.help] == []
    assert [param.name for param in params if not param.metavar and not getattr(param, "is_flag", False)] == []


@pytest.mark.parametrize("entry", COMMANDS)
def test_every_command_has_examples_that_it_can_parse(entry: Entry) -> None:
    leaf: Leaf = load(entry)
    assert leaf.examples
    for line, meaning in leaf.examples:
        assert "agentcli" in line
        assert meaning


def test_every_global_option_has_help() -> None:
    assert [param.name for param in global_params() if not param.help] == []


HEAVY = ("rich", "pydantic", "httpx", "jinja2", "yaml", "sqlite3", "asyncio", "re2", "platformdirs")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["models", "pull", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom agentcli.cli.app import main\nmain(sys.argv[1:])\n"
        f"print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}  # nothing that measures coverage
    words = [sys.executable, "-c", program, *words]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=30)
    assert done.stderr == "\n"


def test_the_version_is_one_line(cli: Cli) -> None:
    from agentcli import __version__

    assert cli("--version").out == f"agentcli {__version__}\n"
    assert cli("runs", "list", "--version").out == f"agentcli {__version__}\n"
    done = subprocess.run([sys.executable, "-m", "agentcli", "--version"], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"agentcli {__version__}\n", "")


def test_the_version_does_not_even_import_typer() -> None:
    program = "import sys\nfrom agentcli.cli.app import main\nmain(['--version'])\nprint('typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.stdout.endswith("False\n")
