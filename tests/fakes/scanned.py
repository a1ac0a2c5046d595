"""Looking for secrets in everything that is on disk: bytes as they are, and all that they unpack to."""

from __future__ import annotations

import html
import io
import json
import sqlite3
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

from agentcli.core.runs import RunQuery
from agentcli.journal.blob_files import BlobFiles
from agentcli.journal.blobs import BlobReader
from agentcli.journal.chunks import CHUNK, unpack_rows
from agentcli.journal.packing import Coding, inflate_part, unpack_body
from agentcli.journal.records import SELECT
from agentcli.journal.store import SqliteJournal


@dataclass(frozen=True)
class Found:
    """A secret, by its name, in one of its forms, and where it stands."""

    secret: str
    form: str
    where: str


def forms(value: str) -> dict[str, bytes]:
    """Every form that is looked for; in base64 at each of the three places that it can have in a longer text."""
    data = value.encode()
    made = {
        "plain": data,
        "url": quote(value, safe="").encode(),
        "query": quote_plus(value).encode(),
        "json": json.dumps(value)[1:-1].encode(),
        "html": html.escape(value).encode(),
        "hex": data.hex().encode(),
        "utf-16": value.encode("utf-16-le"),
    }
    for before in range(3):
        whole = b64encode(bytes(before) + data)
        sure = whole[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        made[f"base64 at {before}"] = sure
        made[f"urlsafe base64 at {before}"] = sure.translate(bytes.maketrans(b"+/", b"-_"))
    return made


def secrets_below(folders: list[Path], secrets: Mapping[str, str], own: frozenset[bytes]) -> tuple[list[Found], int]:
    """What is found below the folders, and how many bytes were looked at.

    `own` are the user's own files by their bytes: where one of them was copied as it is, it is still the user's.
    """
    looked_for = [(name, form, data) for name, value in secrets.items() for form, data in forms(value).items()]
    found: dict[Found, None] = {}
    size = 0
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            data = path.read_bytes()
            if data in own:
                continue
            for part, text in (("name", str(path).encode()), ("bytes", data), *unpacked(path, data)):
                size += len(text)
                for name, form, wanted in looked_for:
                    if wanted in text:
                        found[Found(name, form, f"{path.relative_to(folder)}: {part}")] = None
    return list(found), size


def unpacked(path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
    """What the bytes of a file hold beyond what can be seen, each with what it is."""
    if data.startswith(b"SQLite format 3"):
        yield from _in_tables(path)
        if path.name == "journal.db":
            yield from _in_contents(path)
            yield from _in_runs(path.parent)
    elif data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield f"member {name}", archive.read(name)
    elif path.suffix in (".html", ".json", ".jsonl"):
        yield "unescaped", html.unescape(data.decode("utf-8", "replace")).encode()


def _in_tables(path: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                values = [value if isinstance(value, bytes) else str(value).encode() for value in row]
                yield f"a row of {table}", b"\n".join(values)


def _in_contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every content of a journal, also one that no run names any more, every pack as a whole, every event's body."""
    with closing(sqlite3.connect(path)) as database:
        blobs = BlobReader(database, BlobFiles(path.parent / "blobs"))
        for digest, size, coding, data in database.execute("SELECT digest, size, coding, data FROM blobs").fetchall():
            pack = coding == Coding.PACK
            yield f"content {digest.hex()}", inflate_part(data, size) if pack else blobs.read(digest)
        for row in database.execute(SELECT + "ORDER BY run, seq").fetchall():
            for one in unpack_rows(row) if row[2] == CHUNK else [row]:
                yield f"body of event {one[1]} of run {one[0]}", unpack_body(one[14])


def _in_runs(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every run as it is read: its row, its events, and the messages of its requests."""
    with closing(SqliteJournal(folder)) as journal:
        for row in journal.runs(RunQuery(limit=None, children=True)):
            yield "a row as it is listed", repr(row).encode()
            for event in journal.events(row.start.id):
                yield f"event {event.seq} as it is shown", json.dumps(event.to_json(), ensure_ascii=False).encode()
                if event.body.type == "model.started":
                    yield "messages", repr(journal.conversation(row.start.id, event.seq)).encode()
