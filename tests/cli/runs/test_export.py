"""`agentcli runs export`: one file, told where it is and what to do with it."""

from __future__ import annotations

import io
import json
import os
import re
from hashlib import sha256
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from agentcli.cli.app import main
from agentcli.cli.commands.runs import export
from agentcli.cli.environment import Environment
from agentcli.workbench.exports.formats import FORMATS
from tests.cli.conftest import Cli


@pytest.fixture
def run(cli: Cli, isolated: Path) -> str:
    (isolated / "notes.txt").write_text("port = 8080\n")
    (isolated / "look.yaml").write_text(
        "replies:\n"
        "  - {tool_calls: [{name: read_lines, arguments: {path: notes.txt}}], usage: {input: 10, output: 2}}\n"
        "  - {text: It is 8080., usage: {input: 20, output: 3}}\n"
    )
    result = cli("run", "reader", "Which port?", "-m", "scripted:look.yaml", "--json")
    return str(json.loads(result.out.splitlines()[0])["run"])


def raw(cwd: Path, *words: str, terminal: bool = False) -> tuple[int, bytes, str]:
    """A command whose standard output takes bytes."""
    out, err = io.BytesIO(), io.StringIO()
    with io.TextIOWrapper(out, encoding="latin-1") as stream:
        env = Environment(io.StringIO(), stream, err, dict(os.environ), cwd, stdout_tty=terminal)
        code = main(list(words), env)
        stream.flush()
        return code, out.getvalue(), err.getvalue()


def test_a_bundle_of_the_last_run_stands_in_this_folder(cli: Cli, run: str, isolated: Path) -> None:
    result = cli("runs", "export")
    assert (result.code, result.out) == (0, f"{run}.agentcli\n")
    assert result.err == f"Take it in elsewhere: agentcli runs import {run}.agentcli\n"
    assert (isolated / f"{run}.agentcli").stat().st_mode & 0o777 == 0o600


def test_a_test_with_its_recording_stands_in_a_folder_that_is_made_if_need_be(
    cli: Cli, run: str, isolated: Path
) -> None:
    name = f"test_reader_{run.rpartition('-')[2]}.py"
    for folder in ("checks", "checks"):
        result = cli("runs", "export", "--to", "pytest", "-o", folder, "--force")
        assert (result.code, result.out) == (0, f"{folder}/{name}\n")
    assert (isolated / "checks" / "recordings" / f"{run}.agentcli").is_file()
    assert cli("runs", "export", "--to", "pytest", "-o", "test_it.py").out == "test_it.py\n"
    assert (isolated / "recordings" / f"{run}.agentcli").is_file()


def test_quiet_prints_the_file_alone(cli: Cli, run: str) -> None:
    result = cli("runs", "export", "-q", "--to", "html", "-o", "page.html")
    assert (result.code, result.out, result.err) == (0, "page.html\n", "")


def test_json_tells_what_was_written(cli: Cli, run: str, isolated: Path) -> None:
    result = cli("runs", "export", run, "--to", "atif", "--json")
    file = isolated / f"{run}.atif.json"
    data = file.read_bytes()
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {
        "run": run,
        "format": "atif",
        "file": str(file),
        "bytes": len(data),
        "sha256": sha256(data).hexdigest(),
    }


def test_a_folder_takes_the_file_under_its_own_name(cli: Cli, run: str, tmp_path: Path) -> None:
    result = cli("runs", "export", "-o", str(tmp_path), "--to", "otel")
    assert result.out == f"{tmp_path}/{run}.otel.json\n"


def test_a_file_that_is_there_is_not_replaced(cli: Cli, run: str) -> None:
    cli("runs", "export")
    result = cli("runs", "export")
    assert (result.code, result.out) == (2, "")
    assert re.sub(r"/\S+/", "", result.err) == (
        f"error: The file is there already: {run}.agentcli. (E-EXPORT-EXISTS)\n"
        "  why: An export replaces nothing by itself.\n"
        "  fix: Choose another path with `-o`, or replace the file with `--force`.\n"
    )
    assert cli("runs", "export", "--force").code == 0


def test_standard_output_gets_the_bytes_as_they_are(cli: Cli, run: str, isolated: Path) -> None:
    cli("runs", "export", "--to", "bundle")
    code, out, err = raw(isolated, "runs", "export", "-o", "-")
    assert (code, err) == (0, "")
    assert out == (isolated / f"{run}.agentcli").read_bytes()


def test_lines_are_what_show_prints(cli: Cli, run: str, isolated: Path) -> None:
    shown = cli("runs", "show", run, "--json").out
    assert cli("runs", "export", run, "--to", "jsonl", "-o", "-").out == shown
    cli("runs", "export", run, "--to", "jsonl")
    assert (isolated / f"{run}.jsonl").read_text() == shown


def test_a_bundle_is_not_thrown_at_a_terminal(cli: Cli, run: str, isolated: Path) -> None:
    code, out, err = raw(isolated, "runs", "export", "-o", "-", terminal=True)
    assert (code, out) == (2, b"")
    assert "E-EXPORT-TERMINAL" in err
    assert raw(isolated, "runs", "export", "--to", "jsonl", "-o", "-", terminal=True)[0] == 0


def test_texts_are_in_a_trace_only_where_they_are_asked_for(cli: Cli, run: str) -> None:
    assert "8080" not in cli("runs", "export", "--to", "otel", "-o", "-").out
    assert "8080" in cli("runs", "export", "--to", "otel", "--content", "-o", "-").out


def test_a_run_that_is_not_there_is_exit_2(cli: Cli, run: str) -> None:
    result = cli("runs", "export", "zzzzzz")
    assert (result.code, result.out) == (2, "")
    assert "E-RUN-UNKNOWN" in result.err


def test_a_format_that_is_not_there_is_exit_2(cli: Cli, run: str) -> None:
    result = cli("runs", "export", "--to", "pdf")
    assert (result.code, result.out) == (2, "")
    assert "E-USAGE-VALUE" in result.err


def test_the_command_knows_every_format() -> None:
    hints = get_type_hints(export.command)
    assert set(get_args(hints["to"])) == set(FORMATS)
