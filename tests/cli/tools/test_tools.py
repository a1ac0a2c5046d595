"""`agentcli tools`: what agents can be given."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs

from tests.cli.conftest import Cli

LIST = """\
TOOL          VERSION  CHANGES       HERE   SOURCE    DESCRIPTION
read_lines    1        read-only     allow  built-in  Read lines of a text file, each with its number.
grep_file     1        read-only     allow  built-in  Find the lines of a text file that match a regular \
expression, each with its number.
list_files    1        read-only     allow  built-in  List files of the workspace by a glob pattern.
search_files  1        read-only     allow  built-in  Find the lines of all text files that match a regular expression.
create_file   1        idempotent    ask    built-in  Create a text file with the given content.
edit_file     1        idempotent    ask    built-in  Replace a piece of a text file by another one.
move_file     1        idempotent    ask    built-in  Move or rename a file.
delete_file   1        irreversible  ask    built-in  Delete a file. This cannot be undone.
fetch_url     1        read-only     ask    built-in  Fetch a web page or file and show its text.
http_request  1        irreversible  ask    built-in  Send a request that changes something on the web.
run_python    1        irreversible  ask    built-in  Run a Python program in the workspace, without network.
shell         1        irreversible  ask    built-in  Run a shell command in the workspace, without network.
ask_user      1        read-only     allow  built-in  Ask the user one question and wait for the answer. Only for \
what you cannot find out yourself.
"""
NAMES = [line.split()[0] for line in LIST.splitlines()[1:]]


def test_a_bare_group_lists(cli: Cli) -> None:
    assert cli("tools").out == cli("tools", "list").out == LIST


def test_sixty_columns_cut_the_description(cli: Cli) -> None:
    result = cli("tools", terminal=True, columns=60)
    assert result.out.splitlines()[2] == "grep_file     read-only     allow  Find the lines of a text…"
    assert max(len(line) for line in result.out.splitlines()) == 60


def test_json_is_an_object_a_tool(cli: Cli) -> None:
    tools = [json.loads(line) for line in cli("tools", "--json").out.splitlines()]
    assert [tool["name"] for tool in tools] == NAMES
    assert set(tools[0]) >= {"description", "parameters", "effects", "subject", "version", "examples", "returns"}
    assert (tools[0]["source"], tools[0]["deprecated"]) == ("built-in", None)
    assert tools[0]["permission"] == {
        "decision": "allow",
        "rule": "default: read-only",
        "of": "default",
        "except": [],
    }


def test_the_permission_is_the_one_that_would_be_given_here(cli: Cli, isolated: Path) -> None:
    (isolated / "agentcli.yaml").write_text(
        "version: 1\npermissions: {allow: [create_file], ask: [read_lines], "
        'deny: ["delete_file(**/*.db)", move_file]}\n'
    )
    home = isolated.parent / "agentcli-home"
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.yaml").write_text('version: 1\npermissions: {deny: ["edit_file(src/**)"]}\n')

    def here() -> dict[str, str]:
        lines = cli("tools").out.splitlines()
        at = lines[0].index("HERE")
        return {line.split()[0]: line[at:].split("  ")[0] for line in lines[1:]}

    expected = {"read_lines": "ask", "create_file": "ask", "delete_file": "ask, deny", "edit_file": "ask, deny"}
    assert {name: here()[name] for name in (*expected, "move_file")} == {**expected, "move_file": "deny"}
    cli("trust")
    assert here()["create_file"] == "allow"
    assert (
        "here          ask (default: idempotent)\n              deny (`edit_file(src/**)`, by the user's permissions)\n"
    ) in cli("tools", "show", "edit_file").out


def test_one_tool_is_shown(cli: Cli) -> None:
    result = cli("tools", "show", "read_lines")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "read_lines\n"
        "              Read lines of a text file, each with its number.\n"
        "changes       nothing; it runs without asking\n"
        "gives back    The lines as `12: text`. A last line in brackets says what was left out and how to read on.\n"
        "patterns      `read_lines(PATTERN)` matches its argument `path`\n"
        "here          allow (default: read-only)\n"
        "version       1, built-in\n"
        "\n"
        "Arguments\n"
        "  path   File, relative to the workspace. (string, required)\n"
        "  start  First line, from 1. (integer, default 1)\n"
        "  end    Last line; without it, as many as fit. (integer)\n"
        "\n"
        "Options in a template\n"
        + "".join(line + "\n" for line in result.out.splitlines() if line.startswith("  max_"))
        + "  rate_limit  How often it may be called: 10/min, 5/s, 100/hour. (string)\n"
        + "  cache_ttl   Seconds for which the same call gives the same result; read-only tools. (number)\n"
        + "\n"
        "Examples\n"
        '  read_lines(path="src/app.py", start=1, end=40)\n'
        '  read_lines(path="README.md")\n'
    )


def test_a_tool_of_the_web_says_that_it_asks_for_hosts_and_what_it_takes(cli: Cli) -> None:
    lines = cli("tools", "show", "fetch_url").out.splitlines()
    assert "changes       nothing; it asks for each host once" in lines
    assert "patterns      `fetch_url(PATTERN)` matches the host of its argument `url`" in lines
    assert '  method  HEAD: headers only. ("GET" or "HEAD", default "GET")' in lines


def test_a_shown_tool_with_json_has_its_options(cli: Cli) -> None:
    shown = json.loads(cli("tools", "show", "delete_file", "--json").out)
    assert (shown["effects"], shown["options"]["type"]) == ("irreversible", "object")


def test_an_unknown_tool_suggests_the_nearest(cli: Cli) -> None:
    result = cli("tools", "show", "read_line")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: There is no tool `read_line`. (E-TOOL-UNKNOWN)\n"
        f"  why: There are: {', '.join(NAMES)}.\n"
        "  fix: Did you mean `read_lines`?\n"
    )
    assert cli("tools", "schema", "xyzzy").err.endswith("  fix: See `agentcli tools list`.\n")


def test_the_schema_of_a_tool_is_a_json_schema(cli: Cli) -> None:
    schema = json.loads(cli("tools", "schema", "read_lines").out)
    validator = jsonschema_rs.validator_for(schema)
    assert validator.is_valid({"path": "a.txt", "start": 3})
    assert not validator.is_valid({"start": 0})


def test_all_tools_are_one_openapi_document(cli: Cli) -> None:
    document = json.loads(cli("tools", "schema", "--openapi").out)
    assert document == json.loads(cli("tools", "schema", "--format", "openapi").out)
    assert document["openapi"].startswith("3.1")
    assert len(document["paths"]) == len(NAMES)
    assert len(json.loads(cli("tools", "schema", "read_lines", "--openapi").out)["paths"]) == 1


def test_without_a_name_there_is_a_schema_a_tool(cli: Cli) -> None:
    schemas = json.loads(cli("tools", "schema").out)
    assert [schema["title"] for schema in schemas] == NAMES
    assert schemas[0] == json.loads(cli("tools", "schema", "read_lines").out)


def test_tools_are_described_as_model_apis_take_them(cli: Cli) -> None:
    schema = json.loads(cli("tools", "schema", "grep_file").out)["properties"]
    openai = json.loads(cli("tools", "schema", "grep_file", "--format", "openai").out)
    assert (openai["type"], openai["function"]["name"]) == ("function", "grep_file")
    assert openai["function"]["parameters"]["properties"] == schema
    anthropic = json.loads(cli("tools", "schema", "grep_file", "--format", "anthropic").out)
    assert (anthropic["name"], anthropic["input_schema"]["properties"]) == ("grep_file", schema)
    for form in ("openai", "anthropic"):
        assert len(json.loads(cli("tools", "schema", "--format", form).out)) == len(NAMES)
    assert cli("tools", "schema", "--format", "xml").code == 2
