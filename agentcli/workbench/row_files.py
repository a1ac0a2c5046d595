"""Files of rows, as `foreach` reads them: whole, from the workspace that tools are confined to as well."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import PurePath
from typing import Final

from agentcli.core.canonical import Json
from agentcli.errors import RunError, ToolError, sentence
from agentcli.sandbox.paths import Workspace

MAX_BYTES: Final = 64 * 1024 * 1024


class RowFiles:
    """See the engine's `Files`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def rows(self, path: str) -> list[Json]:
        """The rows of `.jsonl` and `.csv` (mappings by the header's names), the items of a `.json` list; else lines."""
        try:
            data = await asyncio.to_thread(self._workspace.read_bytes, path, MAX_BYTES)
        except ToolError as error:
            raise _unreadable(path, error.info.what + (f" {error.info.why}" if error.info.why else "")) from error
        try:
            text = data.decode("utf-8-sig")
            return _PARSERS.get(PurePath(path).suffix.lower(), _lines)(text)
        except (ValueError, RecursionError, csv.Error) as error:
            raise _unreadable(path, str(error)) from error


def _unreadable(path: str, why: str) -> RunError:
    return RunError(
        "E-STEP-FILE",
        f"The rows of `{path[:200]}` cannot be read.",
        why=sentence(" ".join(why.split())),
        fix="Check the file: JSON on each line of `.jsonl`, a header in `.csv`, one list in `.json`, else lines.",
    )


def _lines(text: str) -> list[Json]:
    return [line for line in text.splitlines() if line.strip()]


def _json_lines(text: str) -> list[Json]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _json(text: str) -> list[Json]:
    value = json.loads(text)
    if not isinstance(value, list):
        raise csv.Error("it holds no list")
    return value


def _csv(text: str) -> list[Json]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: list[Json] = []
    for row in rows:
        if None in row or None in row.values():
            raise ValueError(f"line {rows.line_num} has not as many fields as the header")
        found.append(dict(row))
    return found


_PARSERS = {".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json, ".csv": _csv}
