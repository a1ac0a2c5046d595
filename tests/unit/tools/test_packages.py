"""Tools of installed packages: found by their metadata, read without being imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.errors import DefinitionError
from agentcli.tools.packages import PackageTool, PackageTools

SOURCE = """
from agentcli import tool
open("ran", "w")

@tool(effects="read-only", version="3")
def weather(city: str) -> str:
    \"\"\"Tell the weather.\"\"\"
    return "fine in " + city
"""


def install(folder: Path, name: str, entry_points: str, source: str = SOURCE) -> None:
    """A package as an installer leaves it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[agentcli.tools]\n{entry_points}\n")
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("open('ran', 'w')\n")
    (folder / name / "tools.py").write_text(source)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    monkeypatch.syspath_prepend(folder)
    return folder


def test_a_tool_is_found_and_described_without_importing_it(site: Path, isolated: Path) -> None:
    install(site, "demo_weather", "weather = demo_weather.tools:weather")
    tools = PackageTools.installed(["read_lines"])
    assert (tools.names(), tools.clashes()) == (["weather"], [])
    tool = tools.get("weather")
    assert tool is not None
    spec = tool.spec()
    assert (spec.name, spec.description, spec.version) == ("weather", "Tell the weather.", "3")
    assert (spec.source, spec.effects) == ("package demo_weather 1.0", "read-only")
    assert not (isolated / "ran").exists()
    assert tools.get("other") is None


def test_a_name_that_another_has_is_an_error_that_says_who(site: Path) -> None:
    install(site, "demo_a", "read_lines = demo_a.tools:weather\nrain = demo_a.tools:weather")
    install(site, "demo_b", "rain = demo_b.tools:weather")
    tools = PackageTools.installed(["read_lines"])
    assert tools.names() == []
    told = {info.what: info.why for info in tools.clashes()}
    assert told["The tool `read_lines` has the name of a built-in one."] == "It is brought by demo_a 1.0."
    assert "demo_a 1.0 and demo_b 1.0" in told["There are two tools `rain`."] or (
        "demo_b 1.0 and demo_a 1.0" in told["There are two tools `rain`."]
    )
    for name in ("read_lines", "rain"):
        with pytest.raises(DefinitionError) as caught:
            tools.get(name)
        assert caught.value.code == "E-TOOL-CLASH"


@pytest.mark.parametrize(
    "place",
    ["no_such_module", "demo.no_such", "json", "sys", "demo.broken", "demo.odd"],
)
def test_of_a_source_that_cannot_be_read_little_is_told(site: Path, place: str) -> None:
    (site / "demo").mkdir(parents=True)
    (site / "demo" / "__init__.py").write_text("")
    (site / "demo" / "broken.py").write_text("x = = 1")
    (site / "demo" / "odd.py").write_bytes(b"\xff")
    spec = PackageTool("weather", place, "weather", "demo 1.0").spec()
    assert (spec.name, spec.description, spec.effects) == ("weather", "", "irreversible")
