"""`agentcli runs import`: runs come in whole, once, and marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.runs.test_export import run

__all__ = ["run"]


@pytest.fixture
def elsewhere(isolated: Path) -> Cli:
    """Another project."""
    folder = isolated / "elsewhere"
    folder.mkdir()
    (folder / "agentcli.yaml").write_text("version: 1\n")
    return Cli(folder)


@pytest.fixture
def bundle(cli: Cli, run: str, isolated: Path) -> Path:
    cli("runs", "export", "-q")
    return isolated / f"{run}.agentcli"


def test_a_run_comes_in_under_its_own_id(elsewhere: Cli, bundle: Path, run: str) -> None:
    result = elsewhere("runs", "import", str(bundle))
    assert (result.code, result.out) == (0, f"{run}\n")
    assert result.err == "See what happened in it: agentcli runs show RUN\n"
    assert "tags     imported\n" in elsewhere("runs", "show").out
    (row,) = elsewhere("runs", "list", "--tag", "imported", "--json").out.splitlines()
    assert json.loads(row)["id"] == run


def test_it_reads_as_it_did_where_it_was_made(cli: Cli, elsewhere: Cli, bundle: Path, run: str) -> None:
    elsewhere("runs", "import", str(bundle))
    assert elsewhere("runs", "show", run, "--json").out == cli("runs", "show", run, "--json").out


def test_the_same_again_is_no_error(elsewhere: Cli, bundle: Path, run: str) -> None:
    elsewhere("runs", "import", str(bundle))
    result = elsewhere("runs", "import", str(bundle))
    assert (result.code, result.out) == (0, f"{run}\n")
    assert result.err.startswith(f"Run {run} was here already, and is the same.\n")


def test_json_is_one_object_a_file(elsewhere: Cli, bundle: Path, run: str) -> None:
    result = elsewhere("runs", "import", str(bundle), str(bundle), "--json")
    objects = [json.loads(line) for line in result.out.splitlines()]
    assert [one["new"] for one in objects] == [True, False]
    assert objects[0] == {"run": run, "file": str(bundle), "new": True, "events": 10, "contents": 6} | {
        "broken_at": None,
        "problem": None,
    }


def test_a_damaged_bundle_leaves_nothing_behind(elsewhere: Cli, bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-1])
    result = elsewhere("runs", "import", str(bundle))
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        f"error: The bundle is damaged, or no bundle: {bundle}. (E-BUNDLE-DAMAGED)\n"
        "  why: It is cut short, or no zip archive.\n"
        "  fix: Export the run again where it was recorded, or take what is intact:"
        " `agentcli runs import FILE --salvage`.\n"
    )
    assert elsewhere("runs", "list", "--json").out == ""


def cut(bundle: Path) -> None:
    """Without the end of its archive, and without the last content."""
    data = bundle.read_bytes()
    bundle.write_bytes(data[: data.rindex(b"PK\x03\x04")])


def test_what_is_intact_of_a_damaged_bundle_is_taken_as_an_interrupted_run(
    elsewhere: Cli, bundle: Path, run: str
) -> None:
    cut(bundle)
    result = elsewhere("runs", "import", str(bundle), "--salvage")
    assert (result.code, result.out) == (0, f"{run}\n")
    said, follow = result.err.splitlines()
    assert said.startswith("The bundle is damaged. Taken: 7 events of 10. It breaks at event 8: The content ")
    assert said.endswith(" is missing.")
    assert follow == "See what happened in it: agentcli runs show RUN"
    shown = elsewhere("runs", "show").out
    assert "interrupted" in shown
    assert "tags     damaged, imported\n" in shown
    assert elsewhere("runs", "verify", run).code == 0
    replayed = elsewhere("replay", run)
    assert replayed.code == 0, replayed.err


def test_what_was_taken_of_it_says_so_where_it_is_exported_to(elsewhere: Cli, bundle: Path, run: str) -> None:
    cut(bundle)
    elsewhere("runs", "import", str(bundle), "--salvage", "-q")
    (elsewhere.cwd / "third").mkdir()
    (elsewhere.cwd / "third" / "agentcli.yaml").write_text("version: 1\n")
    elsewhere("runs", "export", run)
    third = Cli(elsewhere.cwd / "third")
    assert third("runs", "import", f"../{run}.agentcli").code == 0
    assert "tags     damaged, imported\n" in third("runs", "show").out


def test_with_salvage_a_whole_bundle_is_taken_as_ever(elsewhere: Cli, bundle: Path, run: str) -> None:
    result = elsewhere("runs", "import", str(bundle), "--salvage")
    assert (result.code, result.out) == (0, f"{run}\n")
    assert result.err == "See what happened in it: agentcli runs show RUN\n"
    assert "tags     imported\n" in elsewhere("runs", "show").out


def test_json_says_where_it_breaks(elsewhere: Cli, bundle: Path, run: str) -> None:
    cut(bundle)
    told = json.loads(elsewhere("runs", "import", str(bundle), "--salvage", "--json").out)
    assert (told["run"], told["events"], told["broken_at"]) == (run, 7, 8)
    assert told["problem"].startswith("The content ")


def test_of_a_bundle_without_its_beginning_nothing_is_taken(elsewhere: Cli, bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:60])
    result = elsewhere("runs", "import", str(bundle), "--salvage")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"error: Nothing can be had of the bundle: {bundle}. (E-BUNDLE-LOST)\n")
    assert elsewhere("runs", "list", "--json").out == ""


def test_a_file_that_is_not_there_is_wrong_usage(elsewhere: Cli) -> None:
    result = elsewhere("runs", "import", "nope.agentcli")
    assert (result.code, result.out) == (2, "")
    assert "E-USAGE-FILE" in result.err


def test_files_must_be_named(elsewhere: Cli) -> None:
    assert elsewhere("runs", "import").code == 2


def test_a_fork_is_whole_by_itself_and_replays_elsewhere(cli: Cli, elsewhere: Cli, run: str, isolated: Path) -> None:
    forked = cli("fork", run, "--at", "3", "--prompt", "Which port then?", "-m", "scripted:look.yaml", "--json")
    (made,) = {json.loads(line)["run"] for line in forked.out.splitlines()}
    assert made != run
    assert cli("runs", "export", made, "-q").code == 0
    assert elsewhere("runs", "import", str(isolated / f"{made}.agentcli")).code == 0
    replayed = elsewhere("replay", made)
    assert replayed.code == 0, replayed.err
    assert elsewhere("runs", "verify", made).code == 0
