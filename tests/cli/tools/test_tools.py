"""`agentcli tools`: what agents can be given."""

from __future__ import annotations

import json

import jsonschema_rs

from tests.cli.conftest import Cli

LIST = """\
TOOL          CHANGES       DESCRIPTION
read_lines    read-only     Read lines of a text file, each with its number.
grep_file     read-only     Find the lines of a text file that match a regular expression, each with its number.
list_files    read-only     List files of the workspace by a glob pattern.
create_file   idempotent    Create a text file with the given content.
delete_file   irreversible  Delete a file. This cannot be undone.
fetch_url     read-only     Fetch a web page or file and show its text.
http_request  irreversible  Send a request that changes something on the web.
"""

NAMES = [line.split()[0] for line in LIST.splitlines()[1:]]


def test_a_bare_group_lists(cli: Cli) -> None:
    assert cli("tools").out == cli("tools", "list").out == LIST


def test_sixty_columns_cut_the_description(cli: Cli) -> None:
    result = cli("tools", terminal=True, columns=60)
    assert result.out.splitlines()[2] == "grep_file     read-only     Find the lines of a text file t…"
    assert max(len(line) for line in result.out.splitlines()) == 60


def test_json_is_an_object_a_tool(cli: Cli) -> None:
    tools = [json.loads(line) for line in cli("tools", "--json").out.splitlines()]
    assert [tool["name"] for tool in tools] == NAMES
    assert set(tools[0]) >= {"description", "parameters", "effects", "subject", "version", "examples", "returns"}


def test_one_tool_is_shown(cli: Cli) -> None:
    result = cli("tools", "show", "read_lines")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "read_lines\n"
        "              Read lines of a text file, each with its number.\n"
        "changes       nothing; it runs without asking\n"
        "gives back    The lines as `12: text`. A last line in brackets says what was left out and how to read on.\n"
        "patterns      `read_lines(PATTERN)` matches its argument `path`\n"
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
        "  why: There are: read_lines, grep_file, list_files, create_file, delete_file, fetch_url, http_request.\n"
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
    assert document["openapi"].startswith("3.1")
    assert len(document["paths"]) == len(NAMES)
    assert len(json.loads(cli("tools", "schema", "read_lines", "--openapi").out)["paths"]) == 1


def test_a_schema_without_a_tool_says_what_to_type(cli: Cli) -> None:
    result = cli("tools", "schema")
    assert (result.code, result.out) == (2, "")
    assert "(E-USAGE-MISSING)" in result.err
