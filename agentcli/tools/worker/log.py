"""Where what people's tools print goes: a file beside the journal, bounded, without secrets."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import BinaryIO, Final

from agentcli.engine.ports import TextStream

MOST: Final = 1_000_000
"""Bytes of the file. One that is larger is begun anew; one run writes no more than this."""


class ToolLog:
    """Appends to the file, which is made when there is something to write. It is never a reason for a call to fail."""

    def __init__(self, path: Path, redacted: TextStream) -> None:
        self._path = path
        self._redacted = redacted
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._file: BinaryIO | None = None
        self._left = MOST

    def write(self, data: bytes) -> None:
        """What was printed, as it came."""
        if self._left > 0:
            self._write(self._redacted.feed(self._decoder.decode(data)))

    def close(self) -> None:
        """Write what was held back, and let go of the file."""
        if self._left > 0:
            self._write(self._redacted.feed(self._decoder.decode(b"", final=True)) + self._redacted.flush())
        if self._file is not None:
            self._file.close()

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")[: self._left]
        if not data:
            return
        self._left -= len(data)
        try:
            if self._file is None:
                self._file = self._opened()
            self._file.write(data)
        except OSError:
            self._left = 0

    def _opened(self) -> BinaryIO:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        if os.fstat(descriptor).st_size > MOST:
            os.ftruncate(descriptor, 0)
        return os.fdopen(descriptor, "wb", 0)
