"""What every tool must hold, whatever it does. A new tool is added to TOOLS, and has passed only then."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import pytest

from agentcli.core.canonical import encode
from agentcli.core.policies import Policy
from agentcli.core.tools import ToolSpec
from agentcli.engine.ports import Previewing, Tool
from agentcli.errors import ToolArgumentsError, ToolError
from agentcli.sandbox.missing import NoSandbox
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.openapi import json_schema
from agentcli.tools.registry import BUILT_IN, ToolRegistry
from tests.fakes.own_tools import on_a_loop
from tests.fakes.sandboxes import ON_LINUX, On, found_here
from tests.fakes.web import PUBLIC, answer, canned

OWN = "own_shout"
"""A function of a Python file, in a worker process: for everybody else a tool like any other."""

OWN_SOURCE = '''
from typing import Annotated, Literal
from pydantic import Field

@tool(name="own_shout", effects="read-only", examples=[{"text": "hello", "times": 2}, {"text": "ho"}])
def shout(text: str, times: Annotated[int, Field(ge=1, le=9)] = 1, end: Literal[".", "!"] = "!") -> str:
    """Say something in capitals.

    Args:
        text: What to say.
        times: How often.
        end: What comes last.

    Returns:
        The text, as loud as can be.
    """
    return " ".join([text.upper()] * times) + end
'''

PROGRAMS = ("run_python", "shell")
ON_SANDBOXES = tuple(f"{name}@{on}" for name in PROGRAMS for on in ON_LINUX)
TOOLS = (*(name for name in BUILT_IN if name not in PROGRAMS), *ON_SANDBOXES, OWN)
"""Each tool once; what runs programs, once on each sandbox."""
SPECS: dict[str, ToolSpec] = {name: importlib.import_module(module).spec() for name, module in BUILT_IN.items()}
CALLED = [name for name in TOOLS if name == OWN or not SPECS[name.partition("@")[0]].asks_person]
"""The others are never called: the engine asks a person in their place."""
REPEATABLE = [name for name in CALLED if name == OWN or SPECS[name.partition("@")[0]].effects != "irreversible"]
IDEMPOTENT = [name for name, spec in SPECS.items() if spec.effects == "idempotent"]
OF_PATHS = [name for name, spec in SPECS.items() if spec.subject == "path"]
OF_HOSTS = [name for name, spec in SPECS.items() if spec.subject_kind == "host"]
HOSTS = {"docs.example.org": [PUBLIC], "api.example.org": [PUBLIC]}
FILES = ("src/app.py", "README.md", "notes.txt", "docs/old.md")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("def main():\n    pass  # todo\n")
    return folder


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Iterator[Tool]:
    if request.param == OWN:
        with on_a_loop(tmp_path / "project", OWN_SOURCE, OWN) as own:
            yield own
        return
    name, _, backend = request.param.partition("@")
    workspace = Workspace(root)
    network = canned(HOSTS, answer(b'{"a": 1}', content_type="application/json"))
    sandbox = On(found_here(backend)) if backend else NoSandbox()
    context = ToolContext(workspace, network=lambda: network, sandbox=lambda: sandbox)
    found = ToolRegistry(context).select([SimpleNamespace(name=name, options={})]).get(name)
    assert found is not None
    yield found
    workspace.close()


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.parent.rglob("*") if path.is_file()}


def test_it_says_what_it_is(tool: Tool) -> None:
    spec = tool.spec
    assert spec.name.isidentifier()
    assert spec.description.endswith(".")
    assert spec.returns
    assert spec.examples
    assert spec.version
    assert spec.subject is None or spec.subject in spec.parameters["properties"]


def test_its_schema_is_valid_and_small(tool: Tool) -> None:
    parameters = tool.spec.parameters
    jsonschema_rs.Draft202012Validator(parameters)
    assert jsonschema_rs.meta.is_valid(json_schema(tool.spec))
    assert parameters["additionalProperties"] is False
    assert all("description" in prop and "type" in prop for prop in parameters["properties"].values())
    assert "title" not in json.dumps(parameters)
    assert "anyOf" not in json.dumps(parameters)
    assert len(json.dumps(parameters)) < 600


def test_its_examples_fit_its_schema_and_parse(tool: Tool) -> None:
    validator = jsonschema_rs.Draft202012Validator(tool.spec.parameters)
    for example in tool.spec.examples:
        validator.validate(example)
        parsed = tool.parse(example)
        assert encode(parsed)
        validator.validate(parsed)
        assert tool.parse(parsed) == parsed
        assert {name: parsed[name] for name in example} == example


@pytest.mark.parametrize("tool", CALLED, indirect=True)
def test_its_examples_work(tool: Tool) -> None:
    for example in tool.spec.examples:
        result = asyncio.run(tool.call(tool.parse(example)))
        assert result.status == "ok"
        assert result.content
        assert encode(result.data)


@pytest.mark.parametrize("tool", CALLED, indirect=True)
def test_it_changes_files_only_if_it_says_so_and_then_records_every_change(tool: Tool, root: Path) -> None:
    for example in tool.spec.examples:
        before = contents(root)
        result = asyncio.run(tool.call(tool.parse(example)))
        after = contents(root)
        changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        assert changed == {str(root / change.path) for change in result.files if change.changed}
        assert not changed or tool.spec.effects != "read-only"
        for change in result.files:
            path = str(root / change.path)
            assert change.before == before.get(path)
            if change.changed:
                assert change.after == after.get(path)


@pytest.mark.parametrize("tool", REPEATABLE, indirect=True)
def test_a_tool_that_takes_nothing_away_can_be_called_again(tool: Tool, root: Path) -> None:
    for example in tool.spec.examples:
        asyncio.run(tool.call(tool.parse(example)))
        once = contents(root)
        assert again(tool, example) in ("ok", "E-FILE-UNKNOWN")  # what was moved away is not there any more
        assert contents(root) == once


def again(tool: Tool, example: dict[str, Any]) -> str:
    try:
        return asyncio.run(tool.call(tool.parse(example))).status
    except ToolError as error:
        return error.code


@pytest.mark.parametrize("tool", IDEMPOTENT, indirect=True)
def test_what_it_would_change_can_be_shown_without_changing_it(tool: Tool, root: Path) -> None:
    assert isinstance(tool, Previewing)
    before = contents(root)
    for example in tool.spec.examples:
        arguments = tool.parse(example)
        if "overwrite" not in arguments or (root / arguments.get("to", arguments.get("path"))).exists():
            preview = asyncio.run(tool.preview(arguments))
            assert preview is not None
            assert preview.text
    assert contents(root) == before


def wrong_arguments(tool: Tool) -> list[dict[str, Any]]:
    """Calls that no tool can accept: something unknown, something missing, something of another type."""
    example = tool.spec.examples[0]
    wrong: list[dict[str, Any]] = [{**example, "no_such_argument": 1}]
    wrong += [{k: v for k, v in example.items() if k != name} for name in tool.spec.parameters.get("required", ())]
    wrong += [{**example, name: {"not": ["a", "value"]}} for name in example]
    wrong += [{**example, name: "x\ud800"} for name, value in example.items() if isinstance(value, str)]
    return wrong


def test_wrong_arguments_are_refused_with_a_good_call_before_anything_happens(tool: Tool, root: Path) -> None:
    before = contents(root)
    for arguments in wrong_arguments(tool):
        for attempt in (lambda a=arguments: tool.parse(a), lambda a=arguments: asyncio.run(tool.call(a))):
            with pytest.raises(ToolArgumentsError) as caught:
                attempt()
            assert caught.value.tool == tool.spec.name
            assert caught.value.arguments == arguments
            assert caught.value.info.fix.startswith(f"A good call: {tool.spec.name} {{")
    assert contents(root) == before


PATHS = ["../out", "/etc/passwd", "a\0b", "", ".env", ".agentcli/journal.db", "n" * 300, "a/../../out", "a\nb"]


@pytest.mark.parametrize("tool", OF_PATHS, indirect=True)
@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_tools_may_not_use_is_refused_before_anybody_is_asked(tool: Tool, root: Path, path: str) -> None:
    for name in tool.spec.subjects:
        assert_refused(tool, {**tool.spec.examples[0], name: path})


def assert_refused(tool: Tool, arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolError) as caught:
        tool.parse(arguments)
    info = caught.value.info
    assert info.code in ("E-PATH-OUTSIDE", "E-PATH-INVALID", "E-PATH-HIDDEN")
    assert caught.value.status == ("error" if info.code == "E-PATH-INVALID" else "denied")
    assert all(text.isprintable() for text in (info.what, info.why, info.fix))
    assert caught.value.tool == tool.spec.name


URLS = [
    "docs.example.org",
    "ftp://docs.example.org/",
    "http://u:p@docs.example.org/",
    "http://a\\b.example/",
    "//x.org/",
]
URLS += [
    "http://0x7f.1/",
    "http://docs.example.org./",
    "http://x.org/%00",
    "http://\uff4c.org/",
    "http://[fe80::1%25a]/",
]


@pytest.mark.parametrize("tool", OF_HOSTS, indirect=True)
@pytest.mark.parametrize("url", URLS)
def test_an_address_that_programs_read_differently_is_refused_before_anybody_is_asked(tool: Tool, url: str) -> None:
    with pytest.raises(ToolArgumentsError) as caught:
        tool.parse({**tool.spec.examples[0], "url": url})
    info = caught.value.info
    assert info.code in ("E-URL-INVALID", "E-URL-SCHEME", "E-URL-HOST")
    assert all(text.isprintable() for text in (info.what, info.why, info.fix))
    assert caught.value.tool == tool.spec.name


@pytest.mark.parametrize("tool", [name for name in OF_PATHS if SPECS[name].effects != "idempotent"], indirect=True)
def test_an_error_knows_its_call_and_its_cause(tool: Tool) -> None:
    arguments = {**tool.spec.examples[0], "path": "none/at/all.txt"}
    with pytest.raises(ToolError) as caught:
        asyncio.run(tool.call(arguments))
    assert (caught.value.tool, caught.value.arguments) == (tool.spec.name, arguments)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_its_default_permission_follows_from_what_it_changes_and_whose_it_reads(tool: Tool) -> None:
    verdict = Policy().decide(tool.spec, tool.parse(tool.spec.examples[0]))
    assert (verdict.decision == "allow") is (tool.spec.effects == "read-only" and not tool.spec.asks_per_subject)
    assert tool.spec.asks_per_subject is (tool.spec.effects == "read-only" and tool.spec.subject_kind == "host")
    assert verdict.repeatable is (tool.spec.effects != "irreversible")


@pytest.mark.parametrize("tool", CALLED, indirect=True)
def test_calls_can_run_side_by_side(tool: Tool, root: Path) -> None:
    example = tool.parse(tool.spec.examples[0])
    count = 1 if tool.spec.effects == "irreversible" else 8

    async def one() -> str:
        try:
            return (await tool.call(example)).status
        except ToolError as error:
            return error.code

    async def together() -> list[str]:
        return sorted(await asyncio.gather(*(one() for _ in range(count))))

    results = asyncio.run(together())
    moved = ["E-FILE-UNKNOWN"] * (count - 1) if tool.spec.name == "move_file" else []
    assert results == [*moved, *["ok"] * (count - len(moved))]
