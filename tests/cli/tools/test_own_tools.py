"""`agentcli tools` and runs in a project with tools of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.unit.tools.test_packages import install

SOURCE = '''
from datetime import date
from agentcli import tool

@tool(version="2.1", deprecated="use day_of", effects="read-only", examples=[{"day": "2026-11-20"}])
def weekday(day: date, short: bool = False) -> str:
    """Tell the day of the week.

    Args:
        day: The date.
        short: Three letters only.
    """
    if day.year == 1:
        raise ValueError("too long ago")
    return day.strftime("%a" if short else "%A")
'''
AGENT = """version: 1
kind: agent
name: a
instructions: Hi.
model: scripted:replies.yaml
tools: [list_files, {python: tools/days.py}]
permissions: {allow: [weekday]}
"""


@pytest.fixture
def project(cli: Cli) -> Cli:
    for folder in ("agents", "tools"):
        (cli.cwd / folder).mkdir()
    (cli.cwd / "agentcli.yaml").write_text("version: 1\n")
    (cli.cwd / "agents" / "a.yaml").write_text(AGENT)
    (cli.cwd / "tools" / "days.py").write_text(SOURCE)
    says(cli, day="2026-11-20")
    return cli


def says(cli: Cli, **arguments: object) -> None:
    replies = [{"tool_calls": [{"name": "weekday", "arguments": arguments}]}, "done"]
    (cli.cwd / "replies.yaml").write_text(json.dumps({"replies": replies}))


def test_they_are_listed_with_version_source_and_what_to_use_instead(project: Cli) -> None:
    lines = project("tools").out.splitlines()
    assert lines[0].split() == ["TOOL", "VERSION", "CHANGES", "HERE", "SOURCE", "DESCRIPTION"]
    assert lines[1].split()[:5] == ["read_lines", "1", "read-only", "allow", "built-in"]
    assert lines[-1].split(maxsplit=5) == [
        "weekday",
        "2.1",
        "read-only",
        "allow",
        "tools/days.py",
        "(deprecated: use day_of) Tell the day of the week.",
    ]
    listed = [json.loads(line) for line in project("tools", "--json").out.splitlines()]
    assert (listed[0]["source"], listed[-1]["source"], listed[-1]["version"]) == ("built-in", "tools/days.py", "2.1")


def test_one_is_shown_as_far_as_its_text_tells(project: Cli) -> None:
    assert project("tools", "show", "weekday").out == (
        "weekday\n"
        "              Tell the day of the week.\n"
        "changes       nothing; it runs without asking\n"
        "here          allow (default: read-only)\n"
        "version       2.1, tools/days.py\n"
        "deprecated    use day_of\n"
        "\n"
        "Arguments\n"
        "  day    The date. (date, required)\n"
        "  short  Three letters only. (boolean, default false)\n"
        "\n"
        "Examples\n"
        '  weekday(day="2026-11-20")\n'
    )
    assert "Did you mean `weekday`?" in project("tools", "show", "weekdays").err


def test_two_files_may_each_have_one_of_a_name(project: Cli) -> None:
    (project.cwd / "tools" / "more.py").write_text(SOURCE.replace("2.1", "3"))
    agent = AGENT.replace("name: a", "name: b").replace("days.py", "more.py")
    (project.cwd / "agents" / "b.yaml").write_text(agent)
    shown = project("tools", "show", "weekday").out
    assert ("tools/days.py" in shown, "tools/more.py" in shown) == (True, True)
    assert [json.loads(line)["version"] for line in project("tools", "show", "weekday", "--json").out.splitlines()] == [
        "2.1",
        "3",
    ]


def test_an_agent_is_shown_with_their_names(project: Cli) -> None:
    lines = project("agents", "show", "a").out.splitlines()
    assert "tools         list_files, weekday (tools/days.py)" in lines
    assert json.loads(project("agents", "--json").out.splitlines()[0])["tools"] == ["list_files", "tools/days.py"]


def test_a_broken_file_is_told_with_its_place_wherever_it_is_used(project: Cli) -> None:
    (project.cwd / "tools" / "days.py").write_text("from agentcli import tool\n@tool\ndef f(x):\n    return x\n")
    place = f"{project.cwd / 'tools' / 'days.py'}:3:7: "
    for words in (["config", "check"], ["agents", "show", "a"], ["--trust", "run", "a", "hello"]):
        result = project(*words)
        assert (result.code, place in result.err, "(E-TOOL-SIGNATURE)" in result.err) == (3, True, True), words


def test_a_run_calls_it_warns_of_it_and_is_replayed(project: Cli) -> None:
    result = project("--trust", "run", "a", "hello")
    assert (result.code, result.out) == (0, "done\n")
    assert "warning: The tool `weekday` is deprecated: Use day_of." in result.err
    assert 'weekday(day="2026-11-20", short=false)' in result.err
    assert project("replay").code == 0


def test_the_trace_of_a_failure_is_shown_to_who_asks_for_detail(project: Cli) -> None:
    says(project, day="0001-01-01")
    for words, shown in ((["run", "a", "hello"], False), (["run", "a", "hello", "-v"], True)):
        result = project("--trust", *words)
        assert "ValueError: too long ago" in result.err
        assert ('raise ValueError("too long ago")' in result.err) is shown


def test_the_trace_of_a_failed_import_too(project: Cli) -> None:
    (project.cwd / "tools" / "days.py").write_text(SOURCE + "\nimport no_such_module\n")
    plain, detailed = project("--trust", "run", "a", "x"), project("--trust", "run", "a", "x", "-v")
    assert (plain.code, "days.py:17:1: The tools cannot be loaded: ModuleNotFoundError." in plain.err) == (3, True)
    assert "Traceback" not in plain.err
    assert "import no_such_module" in detailed.err


def runs(cli: Cli) -> list[str]:
    return cli("runs", "--json").out.splitlines()


def test_one_is_called_by_hand_where_its_code_is_trusted_and_replayed_without_it(project: Cli) -> None:
    words = ["tools", "call", "weekday", "day=2026-11-20", "short=true"]
    refused = project(*words)
    assert (refused.code, refused.out, "(E-TOOL-UNTRUSTED)" in refused.err) == (5, "", True)
    assert runs(project) == []
    result = project("--trust", *words)
    assert (result.code, result.out) == (0, "Fri\n")
    assert "warning: The tool `weekday` is deprecated: Use day_of." in result.err
    (project.cwd / "tools" / "days.py").unlink()
    replayed = project("replay")
    assert (replayed.code, replayed.out) == (0, "Fri\n")


def test_a_call_of_one_that_does_not_fit_is_no_run_and_one_that_fails_is(project: Cli) -> None:
    wrong = project("--trust", "tools", "call", "weekday", "short=true")
    assert (wrong.code, "(E-CALL-ARGUMENTS)" in wrong.err, runs(project)) == (2, True, [])
    failed = project("--trust", "tools", "call", "weekday", "day=0001-01-01")
    assert (failed.code, "too long ago" in failed.err, len(runs(project))) == (1, True, 1)
    assert "Did you mean `weekday`?" in project("tools", "call", "weekdays").err


def test_a_call_of_one_that_was_denied_is_gone_on_with_by_its_code_of_now(project: Cli) -> None:
    file = project.cwd / "tools" / "days.py"
    file.write_text(SOURCE.replace("read-only", "idempotent"))
    words = ["--trust", "tools", "call", "weekday", "day=2026-11-20"]
    assert (project(*words).code, project(*words, "--allow", "weekday").out) == (5, "Friday\n")
    assert "(E-TOOL-UNTRUSTED)" in project("resume", "last~1", "--yes").err
    file.write_text(SOURCE.replace("read-only", "idempotent").replace("%A", "now %A"))
    resumed = project("--trust", "resume", "last~1", "--yes")
    assert (resumed.code, resumed.out) == (0, "now Friday\n")
    changed = json.loads(project("runs", "show", "last~1", "--json").out.splitlines()[-5])
    assert (changed["type"], list(changed["changes"])) == ("run.resumed", ["code"])


def test_of_two_of_a_name_none_is_called_by_hand(project: Cli) -> None:
    (project.cwd / "tools" / "more.py").write_text(SOURCE)
    (project.cwd / "agents" / "b.yaml").write_text(AGENT.replace("name: a", "name: b").replace("days.py", "more.py"))
    result = project("--trust", "tools", "call", "weekday", "day=2026-11-20")
    assert (result.code, runs(project)) == (2, [])
    assert "(E-CALL-AMBIGUOUS)" in result.err
    assert "They come from tools/days.py and from tools/more.py." in result.err


def described(cli: Cli, *words: str) -> dict[str, list[str]]:
    """The names of all tools, by the form that describes them."""
    json_schema, openai, anthropic = (
        json.loads(cli(*words, "tools", "schema", "--format", form).out)
        for form in ("json-schema", "openai", "anthropic")
    )
    openapi = json.loads(cli(*words, "tools", "schema", "--openapi").out)
    return {
        "json-schema": [schema["title"] for schema in json_schema],
        "openapi": [path.removeprefix("/tools/") for path in openapi["paths"]],
        "openai": [entry["function"]["name"] for entry in openai],
        "anthropic": [entry["name"] for entry in anthropic],
    }


@pytest.mark.parametrize("words", [(), ("--trust",)])
def test_they_are_described_for_programs_without_running_whoever_is_trusted(
    project: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.syspath_prepend(tmp_path / "site")
    install(tmp_path / "site", "demo_weather", "weather = demo_weather.tools:weather")
    file = project.cwd / "tools" / "days.py"
    file.write_text(f"open('ran', 'w')\n{SOURCE}")
    names = described(project, *words)
    assert all(found[-2:] == ["weather", "weekday"] for found in names.values()), names
    assert len({tuple(found) for found in names.values()}) == 1
    (weekday,) = [one for one in json.loads(project("tools", "schema").out) if one["title"] == "weekday"]
    assert weekday["properties"]["short"] == {"type": "boolean", "default": False, "description": "Three letters only."}
    assert (weekday["properties"]["day"]["$comment"], weekday["deprecated"]) == ("date", True)
    assert not (project.cwd / "ran").exists()


def test_what_cannot_be_read_and_what_stands_for_two_is_left_out_with_a_warning(project: Cli) -> None:
    (project.cwd / "tools" / "more.py").write_text(SOURCE)
    (project.cwd / "tools" / "broken.py").write_text("from agentcli import tool\n@tool\ndef f(x):\n    return x\n")
    for name, file in (("b", "more.py"), ("c", "broken.py")):
        text = AGENT.replace("name: a", f"name: {name}").replace("days.py", file)
        (project.cwd / "agents" / f"{name}.yaml").write_text(text)
    assert all("weekday" not in found for found in described(project).values())
    result = project("tools", "schema", "--openapi")
    assert (result.code, "(E-CALL-AMBIGUOUS)" in result.err, "(E-TOOL-SIGNATURE)" in result.err) == (0, True, True)
    of_one = project("tools", "schema", "weekday")
    assert (of_one.code, of_one.out, "(E-CALL-AMBIGUOUS)" in of_one.err) == (2, "", True)


def test_config_check_warns_of_one_that_is_deprecated_at_its_place(project: Cli) -> None:
    result = project("config", "check")
    assert result.code == 0
    assert result.err == (
        f"warning: {project.cwd / 'agents' / 'a.yaml'}:6:21: The tool `weekday` is deprecated: Use day_of. "
        "(W-TOOL-DEPRECATED)\n"
        "  fix: See `agentcli tools show weekday`.\n"
    )
    (told,) = [json.loads(line) for line in project("config", "check", "--json").out.splitlines()]
    assert (told["level"], told["code"], told["line"]) == ("warning", "W-TOOL-DEPRECATED", 6)
    assert not list(project.cwd.glob("**/__pycache__"))


def test_config_check_knows_of_packages_too_and_is_silent_about_what_stays(
    project: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path / "site")
    old = 'from agentcli import tool\n@tool(deprecated="ask the sky")\ndef weather() -> str:\n    """Tell."""\n'
    install(tmp_path / "site", "demo_weather", "weather = demo_weather.tools:weather", old)
    (project.cwd / "agents" / "a.yaml").write_text(
        AGENT.replace("{python: tools/days.py}", "weather").replace("[weekday]", "[]")
    )
    assert "`weather` is deprecated: Ask the sky." in project("config", "check").err
    (project.cwd / "tools" / "days.py").write_text(SOURCE.replace('deprecated="use day_of", ', ""))
    (project.cwd / "agents" / "a.yaml").write_text(AGENT)
    assert project("config", "check").err == ""


def test_recordings_warn_once_of_an_agent_whose_tool_is_deprecated_by_now(project: Cli) -> None:
    (project.cwd / "tools" / "days.py").write_text(SOURCE.replace('deprecated="use day_of", ', ""))
    for _ in range(2):
        assert project("--trust", "run", "a", "hello").code == 0
        assert project("runs", "export", "last", "--to", "pytest", "-o", "tests").code == 0
    assert project("test").err == ""
    (project.cwd / "tools" / "days.py").write_text(SOURCE)
    result = project("test")
    assert (result.code, result.err.count("(W-TOOL-DEPRECATED)")) == (0, 1)
    (project.cwd / "agents" / "a.yaml").unlink()
    assert "W-TOOL-DEPRECATED" not in project("test").err
