"""What goes wrong in practice: each case gets its exit code, a one-line cause with a remedy, and loses nothing."""

from __future__ import annotations

import base64
import json
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentcli.providers.local.catalog import MODELS
from tests.fakes.model_server import Reply, calls, openai_server

GOOD = """version: 1
kind: agent
name: tester
model: scripted:replies.yaml
instructions: Be brief.
tools: [read_lines]
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def agentcli(*words: str, environ: dict[str, str] | None = None, before: Callable[[], None] | None = None) -> Done:
    command = [sys.executable, "-m", "agentcli", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **(environ or {})}, preexec_fn=before
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def project(isolated: Path) -> Path:
    """A project with one agent that reads `a.txt` and answers."""
    (isolated / "agentcli.yaml").write_text("version: 1\nname: demo\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "tester.yaml").write_text(GOOD)
    (isolated / "a.txt").write_text("hello\n")
    script(isolated, ["read_lines", {"path": "a.txt"}], "It says hello.")
    return isolated


def script(folder: Path, *replies: Any) -> None:
    """Texts are answers, a list of a name and arguments is a tool call."""
    shaped = [
        reply if isinstance(reply, str) else {"tool_calls": [{"name": reply[0], "arguments": reply[1]}]}
        for reply in replies
    ]
    (folder / "replies.yaml").write_text(json.dumps({"replies": shaped}))


def tool_results(done: Done) -> list[tuple[str, str]]:
    return [(event["status"], event["result"]) for event in done.events if event["type"] == "tool.completed"]


def statuses() -> list[str]:
    listed = agentcli("runs", "--json")
    return [json.loads(line)["status"] for line in listed.out.splitlines()]


@pytest.mark.parametrize(
    ("text", "code", "line", "says"),
    [
        (GOOD.replace("instructions:", "instructoins:"), "E-TEMPLATE-UNKNOWN-KEY", 5, "instructions"),
        (GOOD.replace("[read_lines]", "[read_lnes]"), "E-TEMPLATE-UNKNOWN-TOOL", 6, "read_lines"),
        (GOOD + "limits: {turns: many}\n", "E-TEMPLATE-TYPE", 7, "turns"),
        (GOOD + "limits:\n\tturns: 3\n", "E-TEMPLATE-TAB", 8, "spaces"),
        (GOOD + "name: tester\n", "E-TEMPLATE-DUPLICATE-KEY", 7, "name"),
        (GOOD.replace("name: tester", "name: other"), "E-TEMPLATE-NAME", 3, "tester"),
    ],
)
def test_a_broken_template_is_three_with_its_place_and_the_nearest_name(
    project: Path, text: str, code: str, line: int, says: str
) -> None:
    (project / "agents" / "tester.yaml").write_text(text)
    done = agentcli("run", "tester", "Read.", "--json")
    assert done.code == 3
    error = done.events[-1]["error"]
    assert (error["code"], error["line"]) == (code, line)
    assert error["column"] >= 1
    assert error["file"].endswith("agents/tester.yaml")
    assert says in error["what"] + error["why"] + error["fix"]
    assert error["fix"]
    assert statuses() == []


def test_two_files_of_one_name_are_three_and_both_are_named(project: Path) -> None:
    (project / "agents" / "tester.yml").write_text(GOOD)
    done = agentcli("run", "tester", "Read.")
    assert done.code == 3
    assert "E-TEMPLATE-DUPLICATE-NAME" in done.err
    assert "tester.yml" in done.err


def test_a_missing_input_is_two_and_names_it(project: Path) -> None:
    (project / "agents" / "tester.yaml").write_text(GOOD + "inputs: {topic: {type: string}}\n")
    done = agentcli("run", "tester", "Read.")
    assert (done.code, "E-INPUT-MISSING" in done.err, "-i topic=" in done.err) == (2, True, True)


def test_an_unknown_agent_is_two_with_the_nearest_name(project: Path) -> None:
    done = agentcli("run", "tster", "Read.")
    assert (done.code, "tester" in done.err) == (2, True)


def test_an_unknown_provider_on_the_command_line_is_two_with_the_nearest_name(project: Path) -> None:
    done = agentcli("run", "tester", "Read.", "-m", "opnai:gpt-5-mini")
    assert (done.code, "openai" in done.err) == (2, True)


def test_an_unknown_provider_in_a_template_is_three_with_its_place(project: Path) -> None:
    (project / "agents" / "tester.yaml").write_text(GOOD.replace("scripted:replies.yaml", "opnai:gpt-5-mini"))
    done = agentcli("run", "tester", "Read.")
    assert (done.code, "openai" in done.err, "tester.yaml:4:" in done.err) == (3, True, True)


def test_a_model_unknown_to_its_provider_is_seven(project: Path) -> None:
    with openai_server(Reply(status=404, body=b'{"error": {"message": "no such model"}}'), repeat=True) as server:
        environ = {"OPENAI_API_KEY": "key-0123456789", "OPENAI_BASE_URL": server.base_url}
        done = agentcli("run", "tester", "Read.", "-m", "openai:gpt-nope", environ=environ)
    assert (done.code, "E-MODEL-UNKNOWN" in done.err) == (7, True)
    assert statuses() == ["failed"]


def test_no_model_at_all_is_seven_with_the_two_shortest_ways_out(isolated: Path) -> None:
    done = agentcli("run", "What is here?", environ={"OLLAMA_HOST": "127.0.0.1:1"})
    assert done.code == 7
    assert "E-MODEL-NONE" in done.err
    assert "agentcli models pull coder-1.5b" in done.err
    assert "OPENAI_API_KEY" in done.err


def test_an_unknown_embedded_model_is_told_with_the_names_there_are(project: Path) -> None:
    done = agentcli("run", "tester", "Read.", "-m", "local:coder-2b")
    assert (done.code, "coder-1.5b" in done.err) == (7, True)


def test_a_model_that_is_not_pulled_is_seven_with_the_command_that_pulls_it(project: Path) -> None:
    done = agentcli("run", "tester", "Read.", "-m", "local:coder-0.5b")
    assert (done.code, "agentcli models pull coder-0.5b" in done.err) == (7, True)


@pytest.mark.parametrize("damage", ["truncated", "tampered", "no model"])
def test_a_damaged_model_file_is_seven_and_never_loaded(project: Path, damage: str) -> None:
    path = MODELS["coder-0.5b"].path(Path(os.environ["AGENTCLI_HOME"]) / "cache" / "models")
    path.parent.mkdir(parents=True)
    content = {"truncated": b"GGUF\x03\x00\x00\x00", "tampered": b"GGUF" + bytes(1_000_000), "no model": b"<html>"}
    path.write_bytes(content[damage])
    done = agentcli("run", "tester", "Read.", "-m", "local:coder-0.5b")
    assert done.code == 7
    assert "E-MODEL-HASH" in done.err
    own = agentcli("run", "tester", "Read.", "-m", f"local:{path}")
    assert own.code == 7
    assert "E-MODEL-" in own.err


def test_a_binary_file_is_told_to_the_model_and_the_run_goes_on(project: Path) -> None:
    (project / "a.txt").write_bytes(bytes(range(256)) * 20)
    done = agentcli("run", "tester", "Read.", "--json")
    assert done.code == 0
    ((status, result),) = tool_results(done)
    assert (status, result.split(":")[0]) == ("error", "E-FILE-BINARY")


def test_a_huge_file_without_lines_is_refused_by_what_it_begins_with(project: Path) -> None:
    with (project / "a.txt").open("wb") as file:
        file.truncate(8 * 1024**3)
    done = agentcli("run", "tester", "Read.", "--json")
    assert done.code == 0
    ((status, result),) = tool_results(done)
    assert (status, result.split(":")[0]) == ("error", "E-FILE-BINARY")


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", "link.txt", "sub/../../secret.txt"])
def test_a_path_outside_the_workspace_is_denied_and_the_run_goes_on(project: Path, path: str) -> None:
    (project.parent / "secret.txt").write_text("outside")
    (project / "link.txt").symlink_to(project.parent / "secret.txt")
    script(project, ["read_lines", {"path": path}], "I may not read that.")
    done = agentcli("run", "tester", "Read.", "--json")
    assert done.code == 0
    ((status, result),) = tool_results(done)
    assert status == "denied"
    assert "outside" not in result.replace("outside the workspace", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="only for ordinary users: root may write everywhere")
def test_an_unwritable_journal_is_one_and_says_what_to_do(project: Path) -> None:
    project.chmod(0o555)
    try:
        done = agentcli("run", "tester", "Read.")
    finally:
        project.chmod(0o755)
    assert (done.code, "E-JOURNAL-UNWRITABLE" in done.err) == (1, True)


def test_a_journal_that_is_no_folder_is_one_and_says_what_to_do(project: Path) -> None:
    (project / ".agentcli").write_text("in the way")
    done = agentcli("run", "tester", "Read.")
    assert (done.code, "E-JOURNAL-UNWRITABLE" in done.err) == (1, True)


def test_a_disk_that_fills_stops_the_run_in_order_and_keeps_what_was_there(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A child that is measured could not write its figures either, and would say so.
    for name in [name for name in os.environ if name.startswith(("COVERAGE_", "COV_CORE_"))]:
        monkeypatch.delenv(name)
    assert agentcli("run", "tester", "Read.").code == 0
    big = base64.b64encode(random.Random(1).randbytes(300_000)).decode()
    script(project, ["read_lines", {"path": "a.txt"}], big)

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = agentcli("run", "tester", "Read.", before=little_room)
    assert done.code == 1
    assert "E-JOURNAL-" in done.err
    assert big not in done.out
    assert agentcli("run", "tester", "Read.", "-m", "scripted:replies.yaml").code == 0
    assert statuses() == ["completed", "interrupted", "completed"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_turn_ends_the_run_in_order_and_keeps_its_record(
    project: Path, number: signal.Signals, code: int
) -> None:
    lookup = calls(("read_lines", {"path": "a.txt"}))
    with openai_server(lookup, Reply(text="never comes", ending="hang")) as server:
        environ = {"OPENAI_API_KEY": "key-0123456789", "OPENAI_BASE_URL": server.base_url}
        command = [sys.executable, "-m", "agentcli", "run", "tester", "Read.", "-m", "openai:m", "--json"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environ}
        )
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1]["type"] == "model.delta":
                break
        process.send_signal(number)
        rest, error = process.communicate(timeout=30)
        assert server.disconnected.wait(10)
    assert process.returncode == code, error
    last = json.loads(rest.splitlines()[-1])
    assert (last["type"], last["status"], last["exit_code"]) == ("run.completed", "cancelled", code)
    shown = agentcli("runs", "show", "last", "--json")
    types = [event["type"] for event in shown.events]
    assert types.count("tool.completed") == 1
    assert types[-1] == "run.completed"
    assert statuses() == ["cancelled"]


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: there is no /dev/full elsewhere")
def test_remarks_that_cannot_be_written_stop_no_run(project: Path) -> None:
    command = [sys.executable, "-m", "agentcli", "run", "tester", "Read."]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "It says hello.\n")
    assert statuses() == ["completed"]
