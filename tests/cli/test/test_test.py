"""`agentcli test`: a table, details of what is not the same, exit code 8; a report for CI systems."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Cli

AGENT = """\
version: 1
kind: agent
name: tester
model: scripted:replies.yaml
instructions: Be brief.
tools: [read_lines]
"""

SCRIPT = """\
replies:
  - tool_calls: [{name: read_lines, arguments: {path: agentcli.yaml}}]
  - text: Done.
"""


@pytest.fixture
def recording(cli: Cli, isolated: Path) -> Path:
    (isolated / "agentcli.yaml").write_text("version: 1\n")
    (isolated / "agents").mkdir()
    (isolated / "agents" / "tester.yaml").write_text(AGENT)
    (isolated / "replies.yaml").write_text(SCRIPT)
    (isolated / "tests").mkdir()
    assert cli("run", "tester", "Go").code == 0
    result = cli("runs", "export", "--to", "pytest", "-o", "tests")
    assert result.code == 0, result.err
    (made,) = (isolated / "tests" / "recordings").iterdir()
    return made


def edit(folder: Path, text: str) -> None:
    (folder / "agents" / "tester.yaml").write_text(AGENT.replace("Be brief.", text))


def steady(text: str) -> str:
    return re.sub(r" *\b\d+(\.\d+)? (ms|s)\b", " TIME", text)


def test_what_is_the_same_ends_with_0_and_leaves_no_trace(cli: Cli, recording: Path) -> None:
    result = cli("test")
    assert (result.code, result.err) == (0, "")
    lines = steady(result.out).splitlines()
    assert lines[1].split() == [f"tests/recordings/{recording.name}", "tester", "✓", "same", "TIME"]
    assert lines[2:] == ["", "1 of 1 recording the same, in TIME"]
    assert cli("test", "-q").out.count("\n") == 2
    assert cli("runs", "--json").out.count("\n") == 1


def test_what_differs_is_told_with_its_path_and_both_values(cli: Cli, recording: Path, isolated: Path) -> None:
    edit(isolated, "Be very brief.")
    result = cli("test", str(recording), terminal=False)
    assert result.code == 8
    assert "✗ differs  $['messages'][0]['content']" in result.out
    assert '  recorded  "Be brief."\n  current   "Be very brief."\n' in result.out
    assert "0 of 1 recording the same" in result.out


def test_json_is_one_object_a_recording(cli: Cli, recording: Path) -> None:
    told = json.loads(cli("test", "--json").out)
    assert told.pop("duration_s") >= 0
    assert told == {
        "file": str(recording),
        "run": recording.stem,
        "agent": "tester",
        "same": True,
        "tools": ["read_lines"],
        "divergence": None,
        "error": None,
    }


def test_a_recording_whose_agent_is_gone_fails_and_the_others_are_checked(
    cli: Cli, recording: Path, isolated: Path
) -> None:
    (isolated / "tests" / "copy.agentcli").write_bytes(recording.read_bytes()[:-30])
    (isolated / "agents" / "tester.yaml").unlink()
    result = cli("test", "--json")
    assert result.code == 8
    told = [json.loads(line)["error"]["code"] for line in result.out.splitlines()]
    assert told == ["E-BUNDLE-DAMAGED", "E-TEST-AGENT"]
    assert "✗ fails" in cli("test").out


def test_a_template_that_is_invalid_fails_the_recording(cli: Cli, recording: Path, isolated: Path) -> None:
    (isolated / "agents" / "tester.yaml").write_text(AGENT + "nonsense: 1\n")
    told = json.loads(cli("test", str(recording), "--json").out)
    assert told["error"]["code"] == "E-TEMPLATE-UNKNOWN-KEY"


def test_k_keeps_what_has_the_text_in_its_path_or_agent(cli: Cli, recording: Path) -> None:
    assert cli("test", "-k", "TESTER").code == 0
    assert cli("test", "-k", recording.stem[-6:]).code == 0
    result = cli("test", "-k", "nobody")
    assert result.code == 2
    assert "E-TEST-NONE" in result.err


def test_no_recording_and_no_such_path_are_wrong_usage(cli: Cli, isolated: Path) -> None:
    (isolated / ".hidden").mkdir()
    (isolated / ".hidden" / "run.agentcli").touch()
    for words, code in (((), "E-TEST-NONE"), (("nowhere",), "E-USAGE-FILE")):
        result = cli("test", *words)
        assert result.code == 2
        assert code in result.err


def test_the_report_is_read_by_any_xml_parser_whatever_was_recorded(cli: Cli, recording: Path, isolated: Path) -> None:
    edit(isolated, '"\\x1b[2J\\0 ]]> <b> \\uFFFE"')
    result = cli("test", "--junit", "out/junit.xml")
    assert result.code == 8
    root = ElementTree.parse(isolated / "out" / "junit.xml").getroot()
    (case,) = root.iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("tester", recording.name)
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "E-REPLAY-DIFFERENT"
    assert "]]> <b>" in (failure.text or "")
    (isolated / "file").touch()
    assert "E-TEST-REPORT" in cli("test", "--junit", "file/junit.xml").err


def test_the_export_makes_its_folder_and_replaces_nothing_unasked(cli: Cli, recording: Path, isolated: Path) -> None:
    again = cli("runs", "export", "--to", "pytest", "-o", "tests")
    assert (again.code, "E-EXPORT-EXISTS" in again.err) == (2, True)
    assert cli("runs", "export", "--to", "pytest", "-o", "tests", "--force").code == 0
    assert "E-EXPORT-STDOUT" in cli("runs", "export", "--to", "pytest", "-o", "-").err
    (isolated / "other").mkdir()
    (isolated / "other" / "recordings").touch()
    assert "E-EXPORT-WRITE" in cli("runs", "export", "--to", "pytest", "-o", "other").err
