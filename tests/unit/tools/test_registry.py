from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcli.errors import DefinitionError
from agentcli.sandbox.paths import Workspace
from agentcli.tools.context import ToolContext
from agentcli.tools.gates import GatedTool
from agentcli.tools.registry import BUILT_IN, ToolRegistry


def use(name: str, **options: Any) -> SimpleNamespace:
    return SimpleNamespace(name=name, options=options)


def refused(registry: ToolRegistry, *uses: SimpleNamespace) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        registry.select(uses)
    return caught.value


def test_a_selection_has_the_tools_in_the_order_of_the_template(registry: ToolRegistry) -> None:
    chosen = registry.select([use("grep_file"), use("read_lines", max_lines=5)])
    assert [spec.name for spec in chosen.specs()] == ["grep_file", "read_lines"]
    tool = chosen.get("read_lines")
    assert tool is not None
    assert tool is chosen.get("read_lines")
    assert chosen.get("delete_file") is None


def test_every_tool_is_listed(registry: ToolRegistry) -> None:
    assert registry.names() == list(BUILT_IN)
    assert {spec.origin for spec in registry.specs()} == {"built-in"}
    assert [spec.name for spec in registry.specs()] == registry.names()
    assert registry.spec("read_lines") is registry.specs()[0]


def test_registries_share_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    tools = [
        ToolRegistry(ToolContext(Workspace(tmp_path / name))).select([use("list_files")]).get("list_files")
        for name in ("one", "two")
    ]
    assert tools[0] is not tools[1]


def test_an_unknown_tool_is_named_with_the_nearest(registry: ToolRegistry) -> None:
    error = refused(registry, use("read_line"))
    assert (error.code, error.info.fix) == ("E-TEMPLATE-UNKNOWN-TOOL", "Did you mean `read_lines`?")
    assert "There are: read_lines, " in refused(registry, use("zzz")).info.why


@pytest.mark.parametrize(
    ("tool", "options", "said"),
    [
        ("read_lines", {"max_line": 3}, "no such option."),
        ("read_lines", {"zzz": 3}, "no such option."),
        ("read_lines", {"max_lines": 0}, "greater than or equal to 1"),
        ("read_lines", {"max_lines": "3"}, "valid integer"),
        ("delete_file", {"x": 1}, "no such option."),
    ],
)
def test_a_bad_option_is_named(registry: ToolRegistry, tool: str, options: dict[str, Any], said: str) -> None:
    error = refused(registry, use(tool, **options))
    assert error.code == "E-TOOL-OPTION"
    assert said in error.info.why
    assert error.info.fix in (
        "Did you mean `max_lines`?",
        "Set one of: max_lines, max_bytes, rate_limit, cache_ttl.",
        "Set one of: rate_limit, cache_ttl.",
    )


def test_a_tool_listed_twice_is_an_error(registry: ToolRegistry) -> None:
    assert refused(registry, use("read_lines"), use("read_lines")).code == "E-TEMPLATE-DUPLICATE-TOOL"


@pytest.mark.parametrize(
    ("tool", "options", "said"),
    [
        ("read_lines", {"rate_limit": "ten"}, "rate such as 10/min"),
        ("read_lines", {"cache_ttl": 0}, "greater than 0"),
        ("create_file", {"cache_ttl": 60}, "undone"),
        ("ask_user", {"cache_ttl": 60}, "people say"),
        ("ask_user", {"rate_limit": "1/min"}, "people say"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(
    registry: ToolRegistry, tool: str, options: dict[str, Any], said: str
) -> None:
    error = refused(registry, use(tool, **options))
    assert (error.code, said in error.info.why) == ("E-TOOL-OPTION", True)


def test_a_tool_without_a_gate_is_the_tool_itself(registry: ToolRegistry) -> None:
    uses = [use("read_lines"), use("list_files", rate_limit="1/s")]
    chosen = registry.select(uses)
    assert not isinstance(chosen.get("read_lines"), GatedTool)
    assert isinstance(chosen.get("list_files"), GatedTool)


def test_python_without_code_is_no_tool(registry: ToolRegistry) -> None:
    assert refused(registry, use("python", path="tools/weather.py")).code == "E-TEMPLATE-UNKNOWN-TOOL"


def test_options_have_a_schema(registry: ToolRegistry) -> None:
    shared = {"rate_limit", "cache_ttl"}
    assert set(registry.options_schema("read_lines")["properties"]) == {"max_lines", "max_bytes", *shared}
    assert set(registry.options_schema("delete_file")["properties"]) == shared
    assert registry.options_schema("ask_user")["properties"] == {}


HEAVY = ("re2", "charset_normalizer", "httpx", "httpcore", "anyio", "idna", "html_to_markdown", "tenacity")


def test_what_is_heavy_is_loaded_when_it_is_needed() -> None:
    code = (
        "import sys, agentcli.tools.registry as r\n"
        "from agentcli.tools.registry import ToolRegistry\n"
        "from agentcli.sandbox.paths import Workspace\n"
        "from agentcli.tools.context import ToolContext\n"
        "from pathlib import Path\n"
        "ToolRegistry(ToolContext(Workspace(Path('.')))).specs()\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"
