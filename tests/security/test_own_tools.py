"""The Python of a project: it runs only where this user trusts it, and then without what it was not given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, cli

__all__ = ["cli"]

KEY = "sk-live-4bT9wQz7LpXc2mNv"
AGENT = """version: 1
kind: agent
name: a
instructions: Hi.
model: scripted:replies.yaml
tools: [{python: tools/own.py}]
"""
SOURCE = """
import os, sys
open({ran!r}, "w")
from agentcli import tool

@tool(effects="read-only")
def look(path: str) -> str:
    \"\"\"Look.\"\"\"
    try:
        return open(path, "rb").read().replace(bytes(1), b"\\n").decode()
    except OSError as error:
        return type(error).__name__

@tool(effects="read-only")
def about() -> dict[str, object]:
    \"\"\"Tell.\"\"\"
    return {{"environ": dict(os.environ), "cwd": os.getcwd(), "fds": os.listdir("/proc/self/fd")}}
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux")


@pytest.fixture
def ran(cli: Cli) -> Path:
    """A project that somebody else made; its code leaves this file when it is run."""
    mark = cli.cwd.parent / "ran"
    for folder in ("agents", "tools"):
        (cli.cwd / folder).mkdir()
    (cli.cwd / "agentcli.yaml").write_text("version: 1\n")
    (cli.cwd / "agents" / "a.yaml").write_text(AGENT)
    (cli.cwd / "tools" / "own.py").write_text(SOURCE.format(ran=str(mark)))
    for name in ("conftest", "sitecustomize", "agentcli", "json", "docstring_parser"):
        (cli.cwd / "tools" / f"{name}.py").write_text(f"open({str(mark)!r}, 'w')\n")
    says(cli, "about")
    return mark


def says(cli: Cli, name: str, **arguments: str) -> None:
    replies = [{"tool_calls": [{"name": name, "arguments": arguments}]}, "done"]
    (cli.cwd / "replies.yaml").write_text(json.dumps({"replies": replies}))


@pytest.mark.parametrize(
    "words",
    [
        ["agents"],
        ["agents", "list", "--json"],
        ["agents", "show", "a"],
        ["agents", "show", "a", "--json"],
        ["tools"],
        ["tools", "list", "--json"],
        ["tools", "show", "look"],
        ["tools", "schema", "look"],
        ["tools", "schema", "--openapi"],
        ["config", "check"],
        ["config", "show"],
        ["config", "schema", "agent"],
        ["models"],
        ["doctor"],
        ["runs"],
        ["trust"],
    ],
    ids=" ".join,
)
def test_listing_showing_and_checking_run_nothing_even_where_it_is_trusted(
    cli: Cli, ran: Path, words: list[str]
) -> None:
    result = cli("--trust", *words)
    assert result.code in (0, 8), result.err
    assert not ran.exists()


def test_nor_do_they_where_it_is_not_trusted(cli: Cli, ran: Path) -> None:
    for words in (["agents", "show", "a"], ["tools"], ["config", "check"]):
        assert cli(*words).code == 0
    assert not ran.exists()


def test_completing_runs_nothing_and_knows_the_names(cli: Cli, ran: Path) -> None:
    words = {"_AGENTCLI_COMPLETE": "complete_bash", "COMP_WORDS": "agentcli tools show lo", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "agentcli"], env={**os.environ, **words}, cwd=cli.cwd, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "look\n", "")
    assert not ran.exists()


@pytest.mark.parametrize(
    "words", [["run", "a", "hello"], ["run", "a", "hello", "--yes"], ["run", "./agents/a.yaml", "x"]]
)
def test_running_is_refused_with_the_way_out(cli: Cli, ran: Path, words: list[str]) -> None:
    result = cli(*words)
    assert (result.code, result.out) == (5, "")
    assert "(E-TOOL-UNTRUSTED)" in result.err
    assert f"agentcli trust {cli.cwd}" in result.err
    assert not ran.exists()
    assert cli("runs", "--json").out == ""


def test_a_trusted_project_runs_and_is_refused_again_when_it_is_not_trusted_any_more(cli: Cli, ran: Path) -> None:
    assert cli("--trust", "run", "a", "hello", "-q").out == "done\n"
    assert ran.exists()
    ran.unlink()
    run = json.loads(cli("runs", "--json").out)["id"]
    for words in (["fork", run, "--at", "3"], ["replay", run, "--live", "tool:about"], ["run", "a", "hello"]):
        assert "(E-TOOL-UNTRUSTED)" in cli(*words).err, words
    for words in (["replay", run], ["runs", "show", run], ["diff", run, run], ["fork", run, "--at", "3", "--plan"]):
        assert cli(*words).code == 0, words
    assert not ran.exists()


@pytest.mark.parametrize("path", ["../own.py", "/etc/passwd", "tools/../../own.py", "link.py", "tools"])
def test_no_code_from_outside_the_project_is_named(cli: Cli, ran: Path, path: str) -> None:
    (cli.cwd.parent / "own.py").write_text(SOURCE.format(ran=str(ran)))
    (cli.cwd / "link.py").symlink_to("../own.py")
    (cli.cwd / "agents" / "a.yaml").write_text(AGENT.replace("tools/own.py", path))
    result = cli("--trust", "run", "a", "hello")
    assert result.code == 3, result.err
    assert not ran.exists()


def answer(cli: Cli, *options: str, environ: dict[str, str] | None = None, **arguments: str) -> str:
    says(cli, "look" if arguments else "about", **arguments)
    lines = cli("--trust", "run", "a", "hello", "--json", *options, environ=environ).out.splitlines()
    events = [json.loads(line) for line in lines]
    return next(str(event["result"]) for event in events if event["type"] == "tool.completed")


SECRETS = {"OPENAI_API_KEY": KEY, "LAB_SETTING": KEY[::-1], "AGENTCLI_MODEL": "openai:x"}


@linux
def test_a_tool_sees_no_key_and_nothing_else_that_it_was_not_given(cli: Cli, ran: Path) -> None:
    (cli.cwd / ".env").write_text(f"ANTHROPIC_API_KEY={KEY}x\n")
    told = json.loads(answer(cli, environ=SECRETS))
    assert set(told["environ"]) <= {
        *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TERM", "VIRTUAL_ENV"),
        "PYDANTIC_DISABLE_PLUGINS",
    }
    assert Path(told["cwd"]) == cli.cwd.resolve()
    assert len(told["fds"]) < 10


@linux
@pytest.mark.parametrize("place", ["/proc/self/environ", "/proc/{parent}/environ", "/proc/{parent}/cmdline"])
def test_the_process_above_a_tool_has_no_key_to_be_read(cli: Cli, ran: Path, place: str) -> None:
    source = (cli.cwd / "tools" / "own.py").read_text()
    (cli.cwd / "tools" / "own.py").write_text(source.replace("open(path, ", "open(path.format(parent=os.getppid()), "))
    text = answer(cli, environ=SECRETS, path=place)
    assert text != "FileNotFoundError"
    assert KEY not in text
    assert KEY[::-1] not in text


def test_the_user_may_grant_a_variable_and_a_project_may_not(cli: Cli, ran: Path) -> None:
    assert "granted" not in answer(cli, environ={"LAB_SETTING": "granted"})
    (cli.cwd / "agentcli.yaml").write_text("version: 1\ntool_environment: [LAB_SETTING]\n")
    assert "granted" not in answer(cli, environ={"LAB_SETTING": "granted"})
    environ = {"LAB_SETTING": "granted", "AGENTCLI_TOOL_ENVIRONMENT": '["LAB_SETTING"]'}
    assert '"LAB_SETTING": "granted"' in answer(cli, environ=environ)


def test_what_a_tool_finds_out_of_a_secret_reaches_neither_model_nor_record(cli: Cli, ran: Path) -> None:
    (cli.cwd / "notes.txt").write_text(f"the key: {KEY}")
    assert KEY not in answer(cli, environ=SECRETS, path="notes.txt")


def test_a_module_of_the_project_hides_none_of_the_workers_own(cli: Cli, ran: Path) -> None:
    ran.unlink(missing_ok=True)
    assert os.path.realpath(str(cli.cwd)) in answer(cli)
    text = (cli.cwd / "tools" / "own.py").read_text()
    (cli.cwd / "tools" / "own.py").write_text(text.replace(f'open({str(ran)!r}, "w")', ""))
    ran.unlink()
    answer(cli)
    assert not ran.exists()
