"""Loading people's files: what is wrong with them, and what exactly runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.errors import DefinitionError, StorageError
from agentcli.tools.worker.crew import Crew
from agentcli.tools.worker.process import Surroundings
from tests.fakes.own_tools import ECHO, FILE, crew_of, loaded, write


@pytest.mark.parametrize(
    ("source", "code", "line", "why"),
    [
        ("import no_such\n@tool\ndef a() -> None: ...", "E-TOOL-IMPORT", 2, "No module named 'no_such'."),
        ("@tool\ndef a() -> None: ...\n1 / 0", "E-TOOL-IMPORT", 4, "Division by zero."),
        ("@tool\ndef a() -> None: ...\nraise SystemExit(2)", "E-TOOL-IMPORT", 4, "2."),
        ("import os\n@tool\ndef a() -> None: ...\nos._exit(4)", "E-TOOL-IMPORT", None, "exit code 4"),
        ("@tool\ndef a(b: 'Nowhere') -> None: ...", "E-TOOL-SIGNATURE", 2, "'Nowhere' is not defined"),
        ("class C: ...\n@tool\ndef a(b: C) -> None: ...", "E-TOOL-SIGNATURE", 3, "no JSON Schema"),
        ("@tool\ndef a() -> None: ...\ndel a", "E-TOOL-DECLARATION", 1, "there is no tool `a`"),
    ],
)
async def test_what_cannot_be_loaded_is_told_with_file_and_line(
    home: Path, source: str, code: str, line: int | None, why: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        async with loaded(home, source):
            pass
    info = caught.value.info
    assert (info.code, info.file, info.line) == (code, str(home / FILE), line)
    assert why.lower() in info.why.lower()


async def test_an_error_in_a_file_beside_it_is_told_there(home: Path) -> None:
    beside = write(home, "x = = 1\n", "tools/helper.py")
    with pytest.raises(DefinitionError) as caught:
        async with loaded(home, "import helper\n@tool\ndef a() -> None: ...\n"):
            pass
    info = caught.value.info
    assert (info.file, info.line, info.column) == (str(beside), 2, 5)
    assert "invalid syntax" in str(caught.value.__cause__)


async def test_an_import_that_does_not_end_is_stopped(home: Path) -> None:
    write(home, "@tool\ndef a() -> None: ...\nwhile True: pass\n")
    crew, _, _ = crew_of(home, load_seconds=0.3)
    with pytest.raises(DefinitionError) as caught:
        await crew.loaded()
    assert (caught.value.code, caught.value.info.why) == ("E-TOOL-IMPORT", "It was not done after 0.3 s.")
    await crew.aclose()


async def test_going_on_with_other_files_is_a_new_worker(home: Path) -> None:
    async with loaded(home, ECHO) as tools:
        write(home, "@tool\ndef other() -> None: ...\n")
        other, wanted, _ = crew_of(home)
        assert set((await tools.crew.reload(wanted.to_json())).tools) == {"other"}
        await other.aclose()


async def test_what_runs_is_the_text_that_was_read(home: Path) -> None:
    write(home, "@tool(effects='read-only')\ndef a() -> str:\n    return 'as read'\n")
    crew, wanted, _ = crew_of(home)
    write(home, "raise SystemExit")
    tools = (await crew.loaded()).tools
    await crew.aclose()
    assert set(tools) == {"a"}
    assert "as read" in wanted.files[FILE].text


async def test_a_worker_that_cannot_be_started_is_told(home: Path) -> None:
    write(home, ECHO)
    _, wanted, _ = crew_of(home)
    crew = Crew(wanted.to_json(), Surroundings({}, home / "gone"))
    with pytest.raises(StorageError) as caught:
        await crew.loaded()
    assert (caught.value.code, caught.value.info.why) == ("E-TOOL-WORKER", "No such file or directory.")
    await crew.aclose()


async def test_closing_twice_and_before_the_start_is_fine(home: Path) -> None:
    write(home, ECHO)
    crew, _, _ = crew_of(home)
    await crew.aclose()
    await crew.loaded()
    await crew.aclose()
    await crew.aclose()
