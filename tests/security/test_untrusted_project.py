"""A project that somebody else made, before it is trusted: what it cannot do; and what no project's run may change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentcli.core.agents import LimitsSpec
from agentcli.errors import ToolRefusedError, UsageError
from agentcli.providers.wire import parse_arguments
from agentcli.sandbox.paths import Workspace
from tests.cli.conftest import Cli, cli
from tests.fakes.configured import Configured

__all__ = ["cli"]

HOSTILE = "\x1b]0;pwned\x07\x1b[31m\x9b31m\u202e[red]x[/red]"
RAW = ("\x1b]", "\x1b[31m", "\x9b", "\u202e")


def project(folder: Path, agent: str = "", settings: str = "") -> None:
    (folder / "agents").mkdir()
    (folder / "agentcli.yaml").write_text(f"version: 1\n{settings}")
    if agent:
        (folder / "agents" / "a.yaml").write_text(f"version: 1\nkind: agent\nname: a\ninstructions: Hi.\n{agent}")


@pytest.mark.parametrize("provider", ["scripted", "local"])
@pytest.mark.parametrize("place", ["template", "settings"])
def test_it_names_no_file_outside_it_as_a_model(cli: Cli, provider: str, place: str) -> None:
    outside = cli.cwd.parent / "private.gguf"
    outside.write_text("- token: of the user\n")
    (cli.cwd / "link.gguf").symlink_to(outside)
    project(cli.cwd, agent="description: x\n")
    for path in (str(outside), "../private.gguf", "./link.gguf"):
        said = f"model: '{provider}:{path}'\n"
        if place == "settings":
            (cli.cwd / "agentcli.yaml").write_text(f"version: 1\n{said}")
        else:
            text = f"version: 1\nkind: agent\nname: a\ninstructions: Hi.\n{said}"
            (cli.cwd / "agents" / "a.yaml").write_text(text)
        result = cli("run", "a", "hello")
        assert (result.code, "E-MODEL-UNTRUSTED" in result.err) == (3, True), result.err
        assert "token" not in result.err
    assert "E-MODEL-UNTRUSTED" not in cli("--trust", "run", "a", "hello").err


def test_its_own_scripts_still_answer(cli: Cli) -> None:
    project(cli.cwd, agent="model: scripted:replies.yaml\n")
    (cli.cwd / "replies.yaml").write_text("replies: [fine]\n")
    assert cli("run", "a", "hello", "-q").out == "fine\n"


@pytest.mark.parametrize("environ", [{"AGENTCLI_LIMITS__TURNS": "3"}, {}])
def test_its_templates_lift_no_limit_of_the_user(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "setup").mkdir()
    setup = Configured(tmp_path / "setup")
    setup.project("version: 1\n")
    loaded = setup.load(environ, None if environ else {"limits.turns": 3})
    assert loaded.limits(LimitsSpec(turns=100), of_project=True).turns == 3
    assert loaded.limits(LimitsSpec(turns=2), of_project=True).turns == 2
    assert loaded.limits(LimitsSpec(turns=100), of_project=False).turns == 100


@pytest.mark.parametrize("path", ["agentcli.yaml", "agentcli.yml", "sub/AgentCLI.YAML", "agentcli.yaml."])
def test_no_tool_changes_what_the_project_allows(tmp_path: Path, path: str) -> None:
    workspace = Workspace(tmp_path)
    for change in (lambda: workspace.write_atomic(path, b"x"), lambda: workspace.delete(path)):
        with pytest.raises(ToolRefusedError) as caught:
            change()
        assert caught.value.code == "E-PATH-PROTECTED"


@pytest.mark.parametrize("inside", [".agentcli", ".agentcli/blobs", "home", "home/data", "link"])
def test_what_is_hidden_is_no_workspace(tmp_path: Path, inside: str) -> None:
    (tmp_path / ".agentcli" / "blobs").mkdir(parents=True)
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "link").symlink_to(".agentcli")
    with pytest.raises(UsageError) as caught:
        Workspace(tmp_path / inside, private=[tmp_path / "home"])
    assert caught.value.code == "E-WORKSPACE"


def test_nothing_that_it_says_commands_the_terminal(cli: Cli) -> None:
    said = json.dumps(HOSTILE)
    project(
        cli.cwd, agent=f"description: {said}\nmodel: {json.dumps('openai:m' + HOSTILE)}\n", settings=f"name: {said}\n"
    )
    (cli.cwd / "agents" / f"b{HOSTILE.replace('/', '')}.yaml").write_text("version: 1\n")
    for words in (
        ["agents"],
        ["agents", "show", "a"],
        ["config", "show"],
        ["config", "check"],
        ["run", "hi", "-m", f"scripted:{HOSTILE}"],
    ):
        for more in ([], ["--json"]):
            result = cli(*words, *more, terminal=True)
            shown = result.out + result.err
            assert [raw for raw in RAW if raw in shown] == [], words
    lines = cli("agents", "--json").out.splitlines()
    assert json.loads(lines[0])["description"] == HOSTILE


def test_half_characters_in_names_of_files_break_no_output(cli: Cli) -> None:
    project(cli.cwd, agent="description: x\n")
    (cli.cwd / "agents" / "a.yaml").rename(cli.cwd / "agents" / "b\udcff.yaml")
    for words in (["agents", "--json"], ["config", "check", "--json"], ["agents"]):
        result = cli(*words)
        (result.out + result.err).encode()
        assert "E-INTERNAL" not in result.out + result.err


def test_deep_or_huge_values_are_told_plainly(cli: Cli) -> None:
    project(cli.cwd, agent="inputs: {q: {type: array}}\n")
    deep = cli("run", "a", "hi", "-i", "q:=" + "[" * 50_000 + "]" * 50_000)
    assert (deep.code, "E-USAGE-INPUT" in deep.err) == (2, True)
    (cli.cwd / "agentcli.yaml").write_text("version: 1\nlimits: {turns: 0x" + "f" * 3_900 + "}\n")
    huge = cli("config", "check")
    assert (huge.code, "E-INTERNAL" in huge.err) == (3, False)


@pytest.mark.parametrize("levels", [65, 400, 100_000])
def test_arguments_that_nest_too_deeply_are_malformed(levels: int) -> None:
    text = '{"path": ' + "[" * levels + "]" * levels + "}"
    assert parse_arguments(text) == ({}, text)
    assert parse_arguments('{"path": [[1]]}') == ({"path": [[1]]}, None)


def test_it_opens_nothing_private_and_a_wrong_word_for_it_is_told(cli: Cli) -> None:
    project(cli.cwd, agent="model: scripted:replies.yaml\n", settings="network: {private: ['127.0.0.1:8080']}\n")
    (cli.cwd / "replies.yaml").write_text("replies: [fine]\n")
    result = cli("run", "a", "hello")
    assert (result.code, result.out) == (0, "fine\n")
    assert "`network` is ignored here. (E-CONFIG-USER-ONLY)" in result.err
    assert cli("run", "a", "hello", "-q", "--allow-private", "127.0.0.1:8080").code == 0
    wrong = cli("run", "a", "hello", "--allow-private", "http://127.0.0.1")
    assert (wrong.code, "(E-CONFIG-FLAG)" in wrong.err) == (2, True), wrong.err
