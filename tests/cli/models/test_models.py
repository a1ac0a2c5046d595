"""`agentcli models`: which one would be used and why, and those that run here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentcli.providers.local.catalog import MODELS
from tests.cli.conftest import Cli

NO_OLLAMA = {"OLLAMA_HOST": "127.0.0.1:9"}

EMBEDDED = """\

EMBEDDED             SIZE  HERE  LICENCE     GOOD FOR
"""


def test_a_key_in_the_environment_is_the_reason(cli: Cli) -> None:
    result = cli("models", environ={"OPENAI_API_KEY": "k", **NO_OLLAMA})
    assert (result.code, result.err) == (0, "")
    first, second, third, *_ = result.out.splitlines()
    assert first.endswith(" would be used: OPENAI_API_KEY is set.")
    assert first.startswith("openai:")
    assert second == f"  ✓ {first.split()[0]}: OPENAI_API_KEY is set."
    assert third == "  -v shows what else was looked for."
    assert EMBEDDED in result.out


def test_verbose_shows_everything_that_was_looked_for(cli: Cli) -> None:
    out = cli("-v", "models", environ={"OPENAI_API_KEY": "k", **NO_OLLAMA}).out
    assert "  · anthropic:" in out
    assert "-v shows" not in out


def test_the_settings_are_the_reason(cli: Cli, isolated: Path) -> None:
    (isolated / "agentcli.yaml").write_text("version: 1\nmodel: [openai:gpt-5-mini, local:coder-1.5b]\n")
    first = cli("models", environ=NO_OLLAMA).out.splitlines()[0]
    assert first == f"openai:gpt-5-mini, then local:coder-1.5b would be used: set in {isolated}/agentcli.yaml:2"


def test_without_any_model_the_two_shortest_ways_out_are_shown(cli: Cli) -> None:
    result = cli("models", environ=NO_OLLAMA)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "No model can be used. No key is set, no Ollama answers, no embedded model is pulled.\n"
        "Run `agentcli models pull coder-1.5b`, or export OPENAI_API_KEY.\n"
        "  -v shows what else was looked for.\n"
    )


def test_json_is_an_object_a_model(cli: Cli) -> None:
    lines = cli("models", "list", "--json", environ={"OPENAI_API_KEY": "k", **NO_OLLAMA}).out.splitlines()
    models = {item["model"]: item for item in map(json.loads, lines)}
    chosen = [name for name, item in models.items() if item["chosen"]]
    assert [name.split(":")[0] for name in chosen] == ["openai"]
    local = models["local:coder-0.5b"]
    assert (local["usable"], local["size"], local["licence"]) == (False, 491_400_064, "Apache-2.0")
    assert local["sha256"] == MODELS["coder-0.5b"].sha256


@pytest.fixture
def pulled(isolated: Path) -> Path:
    """A file of the right size where the model would be; nothing looks into it here."""
    model = MODELS["coder-0.5b"]
    path = model.path(isolated.parent / "agentcli-home" / "cache" / "models")
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(model.size)
    return path


def test_a_pulled_model_is_here(cli: Cli, pulled: Path) -> None:
    out = cli("models", environ=NO_OLLAMA).out
    assert out.startswith("local:coder-0.5b would be used: ")
    assert [line.split()[3] for line in out.splitlines()[-2:]] == ["no", "yes"]


def test_the_path_of_a_pulled_model(cli: Cli, pulled: Path) -> None:
    assert cli("models", "path", "coder-0.5b").out == f"{pulled}\n"
    assert cli("models", "path", "local:coder-0.5b", "--json").out == (
        f'{{"model":"local:coder-0.5b","path":"{pulled}"}}\n'
    )
    assert cli("models", "path").out == f"{pulled.parent}\n"


def test_a_model_that_is_not_pulled_says_how(cli: Cli) -> None:
    result = cli("models", "path", "coder-1.5b")
    assert (result.code, result.out) == (7, "")
    assert result.err.endswith("  fix: agentcli models pull coder-1.5b\n")


def test_an_unknown_model_suggests_the_nearest(cli: Cli) -> None:
    for words in (("pull",), ("path",)):
        result = cli("models", *words, "coder-1.4b")
        assert (result.code, result.out) == (7, "")
        assert "`local:coder-1.5b`?" in result.err


def test_pulling_what_is_here_prints_its_path(cli: Cli, isolated: Path) -> None:
    from agentcli.providers.local.verify import write_stamp

    model = MODELS["coder-0.5b"]
    path = model.path(isolated.parent / "agentcli-home" / "cache" / "models")
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(model.size)
    write_stamp(path, model)
    result = cli("models", "pull", "coder-0.5b")
    assert (result.code, result.out) == (0, f"{path}\n")
    assert result.err == "coder-0.5b: ready\n"
    assert json.loads(cli("models", "pull", "coder-0.5b", "--json").out)["path"] == str(path)
    assert cli("models", "pull", "coder-0.5b", "-q").err == ""
