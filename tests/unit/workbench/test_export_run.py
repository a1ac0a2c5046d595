"""A run leaves one journal and comes into another: in files that are whole, private, and nobody else's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agentcli.errors import AgentcliError, StorageError
from agentcli.workbench.export_run import Exported, ExportRequest, export_run, write_export
from agentcli.workbench.exports import jsonl
from agentcli.workbench.exports.formats import FORMATS, ExportedFile, ExportOptions
from agentcli.workbench.exports.secrets import refuse_secrets
from agentcli.workbench.import_run import import_run
from tests.fakes.journals import change
from tests.fakes.told import eventful, two_turns
from tests.unit.workbench.conftest import Project, project

__all__ = ["project"]

ONE = Exported("run-1", "jsonl", (ExportedFile("run-1.jsonl", b"{}\n"),))


def code_of(error: pytest.ExceptionInfo[AgentcliError]) -> str:
    return error.value.code


@pytest.fixture
async def run(project: Project) -> str:
    project.script(
        {"tool_calls": [{"name": "create_file", "arguments": {"path": "b.txt", "content": "new\n"}}]}, "done"
    )
    return (await project.run(yes=True)).run


# -- writing ---------------------------------------------------------------------------------------------------------


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    written = write_export(ONE, tmp_path)
    assert written.file == tmp_path / "run-1.jsonl"
    assert written.file.read_bytes() == b"{}\n"
    assert written.file.stat().st_mode & 0o777 == 0o600
    assert written.to_json() == {
        "run": "run-1",
        "format": "jsonl",
        "file": str(written.file),
        "bytes": 3,
        "sha256": "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356",
    }


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "mine.jsonl"
    target.write_text("mine")
    with pytest.raises(AgentcliError) as caught:
        write_export(ONE, target)
    assert code_of(caught) == "E-EXPORT-EXISTS"
    assert target.read_text() == "mine"
    assert write_export(ONE, target, force=True).file.read_bytes() == b"{}\n"


@pytest.mark.parametrize("kind", ["link", "dead link", "fifo"])
def test_what_is_no_file_is_never_replaced(tmp_path: Path, kind: str) -> None:
    target, elsewhere = tmp_path / "target", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    if kind == "fifo":
        os.mkfifo(target)
    else:
        target.symlink_to(elsewhere if kind == "link" else tmp_path / "nowhere")
    for force in (False, True):
        with pytest.raises(AgentcliError) as caught:
            write_export(ONE, target, force=force)
        assert code_of(caught) == "E-EXPORT-TARGET"
    assert elsewhere.read_text() == "mine"


@pytest.mark.parametrize("name", ["no/such/folder.jsonl", "x" * 300, "nul\0"])
def test_a_place_that_cannot_be_written_says_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError) as caught:
        write_export(ONE, tmp_path / name)
    assert code_of(caught) == "E-EXPORT-WRITE"


def test_further_files_stand_beside_the_first_or_none_does(tmp_path: Path) -> None:
    both = Exported("run-1", "x", (*ONE.files, ExportedFile("more.bin", b"more")))
    (tmp_path / "more.bin").write_text("mine")
    with pytest.raises(AgentcliError):
        write_export(both, tmp_path / "a.jsonl")
    assert not (tmp_path / "a.jsonl").exists()
    write_export(both, tmp_path / "a.jsonl", force=True)
    assert (tmp_path / "more.bin").read_bytes() == b"more"


# -- exporting and importing -----------------------------------------------------------------------------------------


async def test_every_format_has_its_file(project: Project, run: str) -> None:
    with project.bench() as bench:
        names = {to: export_run(bench, ExportRequest(run, to)).files[0].name for to in FORMATS if to != "pytest"}
    assert names == {
        "bundle": f"{run}.agentcli",
        "jsonl": f"{run}.jsonl",
        "html": f"{run}.html",
        "atif": f"{run}.atif.json",
        "otel": f"{run}.otel.json",
    }


async def test_a_run_comes_whole_into_another_journal(project: Project, run: str, tmp_path: Path) -> None:
    with project.bench() as bench:
        before = (bench.journal.find(run), list(bench.journal.events(run)))
        file = write_export(export_run(bench, ExportRequest(run)), tmp_path).file
        assert import_run(bench, file).new is False
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "agentcli.yaml").write_text("version: 1\n")
    with Project(elsewhere).bench() as bench:
        done = import_run(bench, file)
        assert (done.run, done.new, done.events) == (run, True, len(before[1]))
        row = bench.journal.find(run)
        assert (row.start, row.end, row.tags) == (before[0].start, before[0].end, ("imported",))
        assert list(bench.journal.events(run)) == before[1]
        assert bench.journal.verify(run).intact
        assert import_run(bench, file).to_json() == {**done.to_json(), "new": False}
        again = export_run(bench, ExportRequest(run))
    assert again.files[0].data == file.read_bytes()


async def test_another_run_of_the_same_id_is_not_replaced(project: Project, run: str, tmp_path: Path) -> None:
    with project.bench() as bench:
        file = write_export(export_run(bench, ExportRequest(run)), tmp_path).file
        bench.journal.tag(run, ["mine"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "agentcli.yaml").write_text("version: 1\n")
    with Project(elsewhere).bench() as bench:
        from agentcli.journal.bundle_reading import read_bundle

        found = read_bundle(file)
        bench.journal.import_run(found.header.run, found.events[:3], None, found.contents.values())
        with pytest.raises(StorageError) as caught:
            import_run(bench, file)
        assert code_of(caught) == "E-RUN-EXISTS"
        assert len(list(bench.journal.events(run))) == 3


def test_the_lines_are_the_contracts_events() -> None:
    (file,) = jsonl.render(eventful().record(), ExportOptions())
    lines = [json.loads(line) for line in file.data.splitlines()]
    assert lines == [json.loads(json.dumps(event.to_json())) for event in eventful().events]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET time = time + 1 WHERE seq = 2",
        "UPDATE runs SET cost_usd = 99",
        "UPDATE runs SET task = 'Harmless.'",
        "UPDATE runs SET seal = NULL",
    ],
)
async def test_a_record_that_was_tampered_with_does_not_become_an_intact_one(
    project: Project, run: str, statement: str
) -> None:
    with project.bench() as bench:
        change(bench.journal_folder, statement)
        for form in FORMATS:
            if FORMATS[form].is_record:
                with pytest.raises(StorageError) as caught:
                    export_run(bench, ExportRequest(run, form))
                assert code_of(caught) == "E-REPLAY-DAMAGED"
            else:
                assert export_run(bench, ExportRequest(run, form)).files


async def test_a_run_whose_contents_are_lost_has_no_bundle_but_can_be_seen(project: Project) -> None:
    told = two_turns()
    with project.bench() as bench:
        start, end = told.start(), told.end()
        bench.journal.import_run(start, told.events, end, [])
        with pytest.raises(StorageError) as caught:
            export_run(bench, ExportRequest("last"))
        assert code_of(caught) == "E-BLOB-MISSING"
        for to in ("jsonl", "html", "atif", "otel"):
            assert export_run(bench, ExportRequest("last", to)).files[0].data


# -- secrets ---------------------------------------------------------------------------------------------------------


class Knows:
    """A redactor that knows one word."""

    def redact(self, value: object) -> object:
        return object() if "hunter2" in json.dumps(value) else value

    def holds_secret(self, data: bytes) -> bool:
        return b"hunter2" in data


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("its row", lambda told: told.row.update(task="hunter2")),
        ("its row", lambda told: setattr(told, "tags", ("hunter2",))),
        ("event 12 (run.completed)", lambda told: (told.events.pop(), told.finish("hunter2"))),
        ("a manifest", lambda told: told.manifest.update(source="hunter2")),
        (
            "a message",
            lambda told: told.contents.update(dict.fromkeys(told.events[2].body.request.added, b'["hunter2"]')),
        ),
        ("a head", lambda told: told.contents.update({told.events[2].body.request.head: b"{hunter2"})),
        ("a snapshot", lambda told: told.contents.update({told.events[5].body.files[0].after: b"hunter2"})),
    ],
)
def test_a_secret_anywhere_keeps_a_run_here(place: str, told: object) -> None:
    made = two_turns()
    refuse_secrets(made.record(), Knows())
    told(made)
    with pytest.raises(StorageError) as caught:
        refuse_secrets(made.record(), Knows())
    assert code_of(caught) == "E-EXPORT-SECRET"
    assert place in caught.value.info.what
    assert "hunter2" not in str(caught.value.info)


def test_what_is_lost_is_no_secret() -> None:
    told = two_turns()
    record = told.record()
    told.contents.clear()
    refuse_secrets(record, Knows())


def test_a_manifest_that_is_none_names_nothing_further() -> None:
    told = two_turns()
    told.manifest = {"history": ["x"]}
    assert ("x", "message") not in told.record().named
