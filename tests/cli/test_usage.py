"""Mistakes on the command line: exit 2, in the form of every error."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("rusn",),
            (
                "error: There is no command `rusn`. (E-USAGE-COMMAND)\n"
                "  why: `agentcli` knows: init, run, workflow, resume, fork, replay, test, diff, bisect, runs, "
                "agents, tools, models, config, trust, doctor, completion.\n"
                "  fix: Did you mean `agentcli run` or `agentcli runs`?\n"
            ),
        ),
        (
            ("runs", "shwo"),
            (
                "error: There is no command `shwo`. (E-USAGE-COMMAND)\n"
                "  why: `agentcli runs` knows: list, show, tail, stats, verify, tag, export, import, prune.\n"
                "  fix: Did you mean `agentcli runs show`?\n"
            ),
        ),
        (
            ("pull",),
            (
                "error: There is no command `pull`. (E-USAGE-COMMAND)\n"
                "  why: `agentcli` knows: init, run, workflow, resume, fork, replay, test, diff, bisect, runs, "
                "agents, tools, models, config, trust, doctor, completion.\n"
                "  fix: Did you mean `agentcli models pull`?\n"
            ),
        ),
        (
            ("runs", "xyzzy"),
            (
                "error: There is no command `xyzzy`. (E-USAGE-COMMAND)\n"
                "  why: `agentcli runs` knows: list, show, tail, stats, verify, tag, export, import, prune.\n"
                "  fix: See `agentcli runs --help`.\n"
            ),
        ),
        (
            ("--jsn", "runs"),
            (
                "error: There is no option `--jsn`. (E-USAGE-OPTION)\n"
                "  why: `agentcli` does not know it.\n"
                "  fix: Did you mean `--json`?\n"
            ),
        ),
        (
            ("runs", "list", "--stats", "failed"),
            (
                "error: There is no option `--stats`. (E-USAGE-OPTION)\n"
                "  why: `agentcli runs list` does not know it.\n"
                "  fix: Did you mean `--status` or `--tag`?\n"
            ),
        ),
        (
            ("run", "-Z", "x"),
            (
                "error: There is no option `-Z`. (E-USAGE-OPTION)\n"
                "  why: `agentcli run` does not know it.\n"
                "  fix: See `agentcli run --help`.\n"
            ),
        ),
        (
            ("--color", "pink", "runs"),
            (
                "error: Invalid value for `--color`: `pink` is not one of `auto`, `always`, `never`. (E-USAGE-VALUE)\n"
                "  why: `agentcli` cannot use that value.\n"
                "  fix: See `agentcli --help`.\n"
            ),
        ),
        (
            ("runs", "list", "--limit"),
            (
                "error: Option `--limit` requires an argument. (E-USAGE-VALUE)\n"
                "  why: `agentcli runs list` cannot use that value.\n"
                "  fix: See `agentcli runs list --help`.\n"
            ),
        ),
        (
            ("tools", "show"),
            (
                "error: Missing argument `TOOL`. (E-USAGE-MISSING)\n"
                "  why: `agentcli tools show` cannot do without it.\n"
                "  fix: See `agentcli tools show --help`.\n"
            ),
        ),
        (
            ("runs", "show", "a", "b"),
            (
                "error: There are too many words: `b` is left over. (E-USAGE-ARGUMENTS)\n"
                "  why: `agentcli runs show` takes fewer words.\n"
                "  fix: See `agentcli runs show --help`. Quote what has spaces.\n"
            ),
        ),
        (
            ("run",),
            (
                "error: There is no task. (E-USAGE-NO-TASK)\n"
                "  why: `agentcli run` takes an agent, or none, and a task.\n"
                "  fix: Write agentcli run 'What is in this folder?'\n"
            ),
        ),
        (
            ("run", "what", "is", "this"),
            (
                "error: `agentcli run` takes one or two words, not 3. (E-USAGE-WORDS)\n"
                "  why: A task with spaces is one word only in quotes.\n"
                "  fix: Write agentcli run 'what is this'\n"
            ),
        ),
        (
            ("runs", "list", "--since", "yesterdayish"),
            (
                "error: `yesterdayish` is not a time. (E-USAGE-TIME)\n"
                "  why: A time is a span before now (s, m, h, d, w) or a date.\n"
                "  fix: Write 30m, 2h, 3d, 1w, 2026-11-20 or 2026-11-20T08:15.\n"
            ),
        ),
    ],
)
def test_a_mistake_says_what_why_and_what_to_do(cli: Cli, words: tuple[str, ...], message: str) -> None:
    result = cli(*words)
    assert (result.code, result.out, result.err) == (2, "", message)


@pytest.mark.parametrize("words", [("--json", "rusn"), ("runs", "--json", "shwo"), ("run", "--json")])
def test_with_json_the_error_is_one_event_on_stdout(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words)
    assert (result.code, result.err) == (2, "")
    event = json.loads(result.out)
    assert {name: event[name] for name in ("schema", "type", "run", "exit_code")} == {
        "schema": 1,
        "type": "error",
        "run": None,
        "exit_code": 2,
    }
    assert set(event["error"]) == {"code", "what", "why", "fix"}


def test_an_option_typed_after_the_mistake_does_not_count(cli: Cli) -> None:
    result = cli("rusn", "--json")
    assert (result.code, result.out) == (2, "")


def test_verbose_shows_where(cli: Cli) -> None:
    result = cli("-v", "rusn")
    assert result.code == 2
    assert "Traceback (most recent call last):" in result.err


def test_hostile_words_do_not_reach_the_terminal(cli: Cli) -> None:
    result = cli("\x1b[31mru\nn", terminal=True)
    assert "\x1b" not in result.err
    heads = [line for line in result.err.splitlines() if not line.startswith("    ")]
    assert [head.split(":")[0] for head in heads] == ["error", "  why", "  fix"]


def test_windows_is_told_in_one_line(cli: Cli) -> None:
    result = cli("runs", platform="win32")
    assert (result.code, result.err) == (2, "agentcli runs on Linux and macOS; on Windows, use it inside WSL.\n")


def test_on_a_narrow_terminal_an_error_is_folded_between_words(cli: Cli) -> None:
    assert cli("rusn", terminal=True, columns=60).err == (
        "error: There is no command `rusn`. (E-USAGE-COMMAND)\n"
        "  why: `agentcli` knows: init, run, workflow, resume, fork,\n"
        "    replay, test, diff, bisect, runs, agents, tools, models,\n"
        "    config, trust, doctor, completion.\n"
        "  fix: Did you mean `agentcli run` or `agentcli runs`?\n"
    )
