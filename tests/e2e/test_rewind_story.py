"""A run is rewound: a real one replays where there is nothing but its record, a fork is live only after its cut."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, cli
from tests.fakes.model_server import ModelServer, calls, openai_server

__all__ = ["cli"]

QUESTION = "Read docs/refunds.md and say how long the refund period is."
ANSWERED = ("model.completed", "tool.completed")
BEFORE, AFTER = "in one or two sentences", "in five words"


def agentcli(
    folder: Path, *words: str, within: tuple[str, ...] = (), **environ: str
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; `within` is the command that it runs under."""
    command = [*within, sys.executable, "-P", "-m", "agentcli", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, timeout=120
    )


# -- a real run ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    """A project in which the embedded model has answered a question; its home, and the answer."""

    project: Path
    home: Path
    answer: str


@pytest.fixture(scope="module")
def recorded(own_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    place = tmp_path_factory.mktemp("story")
    environ = {"AGENTCLI_HOME": str(place / "home"), "AGENTCLI_MODELS_DIR": str(own_models), "NO_COLOR": "1"}
    assert agentcli(place, "init", "shop", "--template", "full", **environ).returncode == 0
    done = agentcli(place / "shop", "run", "support", QUESTION, "-m", "local:coder-0.5b", **environ)
    assert done.returncode == 0, done.stderr
    assert "read_lines" in done.stderr
    return Recorded(place / "shop", place / "home", done.stdout)


@pytest.fixture
def shop(recorded: Recorded, isolated: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(recorded.project, isolated / "shop")


@pytest.fixture
def no_network() -> tuple[str, ...]:
    """What runs a command in a network namespace of its own, in which not even loopback is up."""
    if sys.platform != "linux":
        pytest.skip("only on Linux: there are no network namespaces elsewhere")
    for options in ("-rn", "-n"):
        within = ("unshare", options, "--")
        if shutil.which("unshare") and subprocess.run([*within, "true"], capture_output=True).returncode == 0:
            return within
    pytest.skip("no network namespace can be made: unshare is missing or not allowed")


@pytest.fixture
def listening() -> Iterator[int]:
    """The port of somebody on loopback who would be reached if there were a network."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield int(server.getsockname()[1])


def reaches(port: int, *within: str) -> bool:
    program = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
    return subprocess.run([*within, sys.executable, "-c", program], capture_output=True).returncode == 0


@pytest.mark.model
@pytest.mark.xdist_group("model")
def test_a_real_run_replays_without_network_files_model_template_or_key(
    recorded: Recorded, shop: Path, no_network: tuple[str, ...], listening: int
) -> None:
    for folder in ("docs", "agents", "tools", "workflows"):
        shutil.rmtree(shop / folder)
    assert reaches(listening)
    assert not reaches(listening, *no_network)
    assert not [name for name in os.environ if name.endswith("_API_KEY")]
    assert agentcli(shop, "run", "reader", QUESTION, "-m", "local:coder-0.5b").returncode == 7
    shown = agentcli(recorded.project, "runs", "show", "--json", AGENTCLI_HOME=str(recorded.home))
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    results = [event for event in events if event["type"] in ANSWERED]
    done = agentcli(shop, "replay", events[0]["run"], within=no_network)
    assert (done.returncode, done.stdout) == (0, recorded.answer), done.stderr
    assert f"{len(results)} results from the record" in done.stderr
    assert done.stderr.endswith("Every request and the end (completed) are the same. Nothing was executed.\n")


@pytest.mark.model
@pytest.mark.xdist_group("model")
def test_an_edited_instruction_diverges_at_the_first_request_of_a_real_run(shop: Path) -> None:
    template = shop / "agents" / "support.yaml"
    template.write_text(template.read_text().replace(BEFORE, AFTER))
    done = agentcli(shop, "replay", "--template", "agents/support.yaml")
    assert (done.returncode, done.stdout) == (6, "")
    told = done.stderr.splitlines()
    assert told[0] == "error: The request to the model is not the recorded one. (E-REPLAY-DIFFERENT)"
    at, recorded, current = told[3:6]
    assert at == "  at        event 3, turn 1  $['messages'][0]['content']"
    assert (recorded.startswith("  recorded  "), BEFORE in recorded, AFTER in recorded) == (True, True, False)
    assert (current.startswith("  current   "), BEFORE in current, AFTER in current) == (True, False, True)
    assert told[6].startswith("  The record carries 0 of ")
    found = json.loads(agentcli(shop, "replay", "--template", "agents/support.yaml", "--json").stdout)["divergence"]
    assert found["recorded"].replace(BEFORE, AFTER) == found["current"]


# -- a fork ----------------------------------------------------------------------------------------------------------

AGENT = "version: 1\nkind: agent\nname: scribe\ninstructions: Write.\ntools: [read_lines, create_file]\n"


def write(text: str) -> Any:
    return calls(("create_file", {"path": "plan.txt", "content": text, "overwrite": True}))


def by_way_of(server: ModelServer) -> dict[str, str]:
    return {"OPENAI_API_KEY": "test-key-0123456789", "OPENAI_BASE_URL": server.base_url}


def events(cli: Cli, run: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("runs", "show", run, "--json").out.splitlines()]


@pytest.fixture
def scribe(cli: Cli) -> Path:
    """A project in which a model, which is not there any more, wrote a file and then wrote it again."""
    (cli.cwd / "agentcli.yaml").write_text("version: 1\nagent: scribe\n")
    (cli.cwd / "agents").mkdir()
    (cli.cwd / "agents" / "scribe.yaml").write_text(AGENT)
    (cli.cwd / "other.txt").write_text("as it was")
    with openai_server(write("one"), write("two"), "Done.") as server:
        assert cli("run", "Plan it", "-m", "openai:first", "--yes", environ=by_way_of(server)).code == 0
        assert len(server.requests) == 3
    return cli.cwd


@pytest.mark.parametrize("now", ["changed", "gone"])
def test_a_fork_asks_another_model_only_after_its_cut_and_has_the_files_of_that_moment(
    cli: Cli, scribe: Path, now: str
) -> None:
    parent = events(cli, "last")
    cut = next(event["seq"] for event in parent if event["type"] == "tool.completed")
    if now == "gone":
        (scribe / "plan.txt").unlink()
    else:
        (scribe / "plan.txt").write_text("three")
    with openai_server(calls(("read_lines", {"path": "plan.txt"})), "I see.") as server:
        words = ["fork", "last", "--at", str(cut), "-m", "openai:second"]
        assert cli(*words, "--plan", environ=by_way_of(server)).code == 0
        assert server.requests == []
        result = cli(*words, environ=by_way_of(server))
        asked = [request.json for request in server.requests]
    assert (result.code, result.out) == (0, "I see.\n")
    assert [request["model"] for request in asked] == ["second", "second"]
    assert [message["role"] for message in asked[0]["messages"]] == ["system", "user", "assistant", "tool"]

    forked = events(cli, "last")
    own = ("run", "parent")
    kept = [{name: value for name, value in event.items() if name not in own} for event in forked[:cut]]
    assert kept == [{name: value for name, value in event.items() if name not in own} for event in parent[:cut]]
    assert forked[cut]["type"] == "run.forked"
    answers = [(event["seq"] > cut, event["model"]) for event in forked if event["type"] == "model.completed"]
    assert answers == [(False, "openai:first"), (True, "openai:second"), (True, "openai:second")]

    (read,) = [event for event in forked if event["type"] == "tool.completed" and event["tool"] == "read_lines"]
    assert "one" in read["result"]
    place = Path(forked[cut]["changes"]["workspace"])
    assert place.is_relative_to(scribe / ".agentcli")
    assert ((place / "plan.txt").read_text(), (place / "other.txt").read_text()) == ("one", "as it was")
    present = (scribe / "plan.txt").read_text() if (scribe / "plan.txt").exists() else None
    assert present == {"changed": "three", "gone": None}[now]
    assert cli("replay").code == 0
