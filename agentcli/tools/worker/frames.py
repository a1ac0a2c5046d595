"""What the worker and agentcli say to each other: JSON in frames, each with its length before it."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, Final

MAX_FRAME: Final = 16 * 1024 * 1024
"""Bytes. Results are cut far below; what announces more is no frame of ours."""

_LENGTH: Final = struct.Struct(">I")


class BrokenFrameError(Exception):
    """What came is no frame."""


def pack(value: dict[str, Any]) -> bytes:
    """One message, as it is sent."""
    data = json.dumps(value).encode()
    return _LENGTH.pack(len(data)) + data


async def read(stream: asyncio.StreamReader, most: int = MAX_FRAME) -> dict[str, Any] | None:
    """The next message, of at most so many bytes; None where the other side is gone. Raises BrokenFrameError."""
    try:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        if length > most:
            raise BrokenFrameError(f"a frame of {length} bytes")
        value = json.loads(await stream.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except (ValueError, RecursionError) as error:
        raise BrokenFrameError(str(error)) from error
    if not isinstance(value, dict):
        raise BrokenFrameError("no object")
    return value
