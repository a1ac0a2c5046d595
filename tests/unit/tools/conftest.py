"""Tools over a workspace of their own, called as the engine calls them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcli.core.tools import ToolResult
from agentcli.engine.ports import Tool
from agentcli.errors import ToolError
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.registry import ToolRegistry

Build = Callable[..., Tool]
Call = Callable[..., ToolResult]
Fail = Callable[..., ToolError]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    folder.mkdir()
    return folder


@pytest.fixture
def registry(root: Path) -> Iterator[ToolRegistry]:
    workspace = Workspace(root)
    yield ToolRegistry(ToolContext(workspace))
    workspace.close()


@pytest.fixture
def build(registry: ToolRegistry) -> Build:
    """A tool by name, with options."""

    def make(name: str, options: Mapping[str, Any] | None = None) -> Tool:
        tool = registry.select([SimpleNamespace(name=name, options=options or {})]).get(name)
        assert tool is not None
        return tool

    return make


@pytest.fixture
def call(build: Build) -> Call:
    """Call a tool as the engine does: parse, then do it."""

    def do(name: str, options: Mapping[str, Any] | None = None, /, **arguments: Any) -> ToolResult:
        tool = build(name, options)
        return asyncio.run(tool.call(tool.parse(arguments)))

    return do


@pytest.fixture
def fail(call: Call) -> Fail:
    """Call a tool that must fail; the error."""

    def do(name: str, options: Mapping[str, Any] | None = None, /, **arguments: Any) -> ToolError:
        with pytest.raises(ToolError) as caught:
            call(name, options, **arguments)
        return caught.value

    return do
