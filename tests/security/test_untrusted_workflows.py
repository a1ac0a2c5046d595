"""The workflows of a project that somebody else made, before it is trusted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, cli
from tests.fakes.forged import forged
from tests.security.test_imported_runs import take_in, written
from tests.security.test_imported_workflows import everything_allowed

__all__ = ["cli"]

HEAD = "version: 1\nkind: workflow\nname: theirs\n"
WRITES = "{id: it, tool: create_file, with: {path: a.txt, content: one}}"


def project(folder: Path, workflow: str, agent: str = "") -> None:
    for name in ("agents", "workflows"):
        (folder / name).mkdir()
    (folder / "agentcli.yaml").write_text("version: 1\nmodel: scripted:s.yaml\nagent: a\n")
    (folder / "s.yaml").write_text("replies: [fine]\n")
    (folder / "agents" / "a.yaml").write_text(f"version: 1\nkind: agent\nname: a\ninstructions: Hi.\n{agent}")
    (folder / "workflows" / "theirs.yaml").write_text(HEAD + workflow)
    inner = HEAD.replace("theirs", "inner") + f"permissions: {{allow: [create_file]}}\nsteps:\n- {WRITES}\n"
    (folder / "workflows" / "inner.yaml").write_text(inner)


@pytest.mark.parametrize(
    "workflow",
    [
        f"permissions: {{allow: [create_file, '*']}}\nsteps:\n- {WRITES}\n",
        "steps:\n- {id: it, workflow: inner}\n",
        "permissions: {allow: [create_file]}\nsteps:\n- {id: it, workflow: inner}\n",
    ],
)
def test_what_it_allows_is_asked(cli: Cli, workflow: str) -> None:
    project(cli.cwd, workflow)
    result = cli("workflow", "run", "theirs")
    assert (result.code, "E-APPROVAL-NOBODY" in result.err, written(cli)) == (5, True, []), result.err
    assert cli("--trust", "workflow", "run", "theirs").code == 0


def test_what_it_denies_is_denied(cli: Cli) -> None:
    project(cli.cwd, f"permissions: {{deny: [create_file]}}\nsteps:\n- {WRITES}\n")
    result = cli("workflow", "run", "theirs", "--yes")
    assert (result.code, "E-STEP-CALL" in result.err, written(cli)) == (1, True, []), result.err


@pytest.mark.parametrize("provider", ["scripted", "local"])
@pytest.mark.parametrize(
    "step",
    [
        "{id: it, prompt: hi, model: 'PROVIDER:PATH'}",
        "{id: it, switch: '{{ 1 }}', cases: {'1': {prompt: hi, model: 'PROVIDER:PATH'}}}",
    ],
)
def test_it_names_no_file_outside_it_as_a_model(cli: Cli, provider: str, step: str) -> None:
    outside = cli.cwd.parent / "private.gguf"
    outside.write_text("- token: of the user\n")
    for path in (str(outside), "../private.gguf"):
        shutil.rmtree(cli.cwd / "agents", ignore_errors=True)
        shutil.rmtree(cli.cwd / "workflows", ignore_errors=True)
        project(cli.cwd, f"steps:\n- {step.replace('PROVIDER', provider).replace('PATH', path)}\n")
        result = cli("workflow", "run", "theirs")
        assert (result.code, "E-MODEL-UNTRUSTED" in result.err, "token" in result.err) == (3, True, False), result.err


def test_its_templates_lift_no_limit_of_the_user(cli: Cli) -> None:
    mine = cli.cwd.parent / "agentcli-home" / "config" / "config.yaml"
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("limits: {turns: 1}\n")
    steps = "steps:\n- {id: a, prompt: one, limits: {turns: 9}}\n- {id: b, prompt: two}\n"
    project(cli.cwd, f"limits: {{turns: 50}}\n{steps}", agent="limits: {turns: 50}\n")
    result = cli("workflow", "run", "theirs")
    assert (result.code, "E-LIMIT-TURNS" in result.err) == (4, True), result.err


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.csv", "link.csv", ".agentcli/journal.db"])
def test_the_rows_of_a_file_come_from_the_workspace_alone(cli: Cli, path: str) -> None:
    (cli.cwd.parent / "secret.csv").write_text("name\nof the user\n")
    (cli.cwd / "link.csv").symlink_to(cli.cwd.parent / "secret.csv")
    project(cli.cwd, f"steps:\n- {{id: it, foreach: {{file: {path}}}, prompt: '{{{{ item }}}}'}}\n")
    result = cli("workflow", "run", "theirs")
    assert (result.code, "E-STEP-FILE" in result.err, "of the user" in result.err + result.out) == (1, True, False)


CODE = (
    "from agentcli import tool\n\n\n@tool\ndef ran() -> str:\n    '''Run.'''\n    open('ran.txt', 'w').close()\n"
    "    return 'ran'\n"
)


def test_code_that_a_record_names_or_holds_is_not_run(cli: Cli, isolated: Path) -> None:
    for name in ("agents", "workflows", "tools"):
        (isolated / name).mkdir()
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "tools" / "own.py").write_text(CODE)
    (isolated / "workflows" / "own.yaml").write_text(
        "version: 1\nkind: workflow\nname: own\ntools: [{python: tools/own.py}]\nsteps:\n- {id: it, tool: ran}\n"
    )
    refused = cli("workflow", "run", "own", "--yes")
    assert (refused.code, "E-TOOL-UNTRUSTED" in refused.err) == (5, True), refused.err
    assert cli("--trust", "workflow", "run", "own").code == 5
    assert cli("runs", "export", "-o", "it.agentcli").code == 0
    shutil.rmtree(isolated / ".agentcli")
    take_in(cli, forged((isolated / "it.agentcli").read_bytes(), everything_allowed))
    for words in (["resume", "--yes"], ["fork", "last", "--at", "2", "--yes"]):
        result = cli(*words)
        assert (result.code, "E-TOOL-UNTRUSTED" in result.err) == (5, True), result.err
    assert not list(cli.cwd.parent.rglob("ran.txt"))
