from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcli.errors import DefinitionError
from agentcli.sandbox.paths import Workspace
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
    assert {registry.source(name) for name in registry.names()} == {"built-in"}
    assert [spec.name for spec in registry.specs()] == registry.names()
    assert registry.spec("read_lines") is registry.specs()[0]


def test_registries_share_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    tools = [
        ToolRegistry(Workspace(tmp_path / name)).select([use("list_files")]).get("list_files")
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
        "Set one of: max_lines, max_bytes.",
        "Remove it: the tool has no options.",
    )


def test_a_tool_listed_twice_is_an_error(registry: ToolRegistry) -> None:
    assert refused(registry, use("read_lines"), use("read_lines")).code == "E-TEMPLATE-DUPLICATE-TOOL"


def test_a_python_tool_is_refused_by_name(registry: ToolRegistry) -> None:
    error = refused(registry, use("python", path="tools/weather.py"))
    assert error.code == "E-TEMPLATE-PYTHON-TOOL"
    assert "tools/weather.py" in error.info.what


def test_options_have_a_schema(registry: ToolRegistry) -> None:
    assert set(registry.options_schema("read_lines")["properties"]) == {"max_lines", "max_bytes"}


def test_what_is_heavy_is_loaded_when_it_is_needed() -> None:
    code = (
        "import sys, agentcli.tools.registry as r\n"
        "from agentcli.tools.registry import ToolRegistry\n"
        "from agentcli.sandbox.paths import Workspace\n"
        "from pathlib import Path\n"
        "ToolRegistry(Workspace(Path('.'))).specs()\n"
        "print([name for name in ('re2', 'charset_normalizer', 'httpx') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"
