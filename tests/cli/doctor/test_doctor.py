"""`agentcli doctor`: what is there, what is not, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli

NO_OLLAMA = {"OLLAMA_HOST": "127.0.0.1:9"}


def checks(cli: Cli, *words: str, key: bool = True) -> tuple[int, dict[str, dict[str, str]]]:
    environ = {"OPENAI_API_KEY": "k", **NO_OLLAMA} if key else NO_OLLAMA
    result = cli("doctor", "--json", *words, environ=environ)
    assert result.err == ""
    return result.code, {item["name"]: item for item in map(json.loads, result.out.splitlines())}


def test_a_sound_machine_is_all_ok(cli: Cli) -> None:
    code, found = checks(cli)
    assert code == 0
    assert list(found) == [
        "python",
        "agentcli",
        "settings",
        "templates",
        "model",
        "embedded models",
        "confinement",
        "sandbox",
        "journal",
        "disk",
        "terminal",
    ]
    assert {name: item["status"] for name, item in found.items() if item["status"] == "fail"} == {}


def test_each_check_is_a_line_and_each_failure_has_a_way_out(cli: Cli) -> None:
    result = cli("doctor", environ=NO_OLLAMA)
    assert (result.code, result.err) == (8, "")
    lines = result.out.splitlines()
    assert lines[0].startswith("✓  python           3.")
    at = next(index for index, line in enumerate(lines) if line.startswith("✗"))
    assert lines[at : at + 2] == [
        "✗  model            No key is set, no Ollama answers, no embedded model is pulled.",
        "                    Run `agentcli models pull coder-1.5b`, or export OPENAI_API_KEY.",
    ]
    assert lines[-1] == "✓  terminal         Standard output is no terminal: plain text."


def test_broken_settings_are_found_and_end_it(cli: Cli, isolated: Path) -> None:
    (isolated / "agentcli.yaml").write_text("version: 1\nlimts: {}\n")
    code, found = checks(cli)
    assert code == 8
    assert list(found) == ["python", "agentcli", "settings", "terminal"]
    assert "agentcli.yaml:2" in found["settings"]["detail"]


def test_a_broken_template_is_found(cli: Cli, isolated: Path) -> None:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "bad.yaml").write_text("nonsense: 1\n")
    code, found = checks(cli)
    assert (code, found["templates"]["status"]) == (8, "fail")
    assert found["templates"]["fix"] == "See `agentcli config check`."
    assert found["trust"]["status"] == "warn"


def test_a_damaged_model_is_found(cli: Cli, isolated: Path) -> None:
    from agentcli.providers.local.catalog import MODELS

    model = MODELS["coder-0.5b"]
    path = model.path(isolated.parent / "agentcli-home" / "cache" / "models")
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(model.size)
    code, found = checks(cli)
    assert (code, found["embedded models"]["status"]) == (8, "fail")


def test_runs_are_verified(cli: Cli, isolated: Path) -> None:
    (isolated / "echo.yaml").write_text("replies: [Hello.]\n")
    assert cli("run", "Hi", "-m", "scripted:echo.yaml").code == 0
    _, found = checks(cli)
    assert found["journal"]["detail"].endswith(", the newest 1 verified")


def test_a_terminal_tells_its_size(cli: Cli) -> None:
    result = cli("doctor", terminal=True, columns=60, environ={"OPENAI_API_KEY": "k", "TERM": "xterm"})
    assert result.out.splitlines()[-1] == "✓  terminal         60 by 24, no colour"
