"""How bytes are made small: deflate with a preset dictionary, or against a related content, or not at all.

The codings are part of the schema. A dictionary never changes; a better one becomes a new coding.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from enum import IntEnum

from agentcli.journal.foreign import MAX_CONTENT

WINDOW = 32_768
"""Deflate looks back this far: more of a dictionary is of no use."""

_LEVEL = 6
_RAW_DEFLATE = -15
_STEP = 256
"""Bytes of damaged data that are tried together."""

_SMALL = 4_096
"""Up to this many bytes, dictionary included, a 4 KB window will do; setting it up costs a tenth."""

# What deflate finds near the end of a dictionary is cheapest to name, so the most common texts stand last.
_DICTIONARY_1 = (
    b'"approval.resolved","by":"nobody","decision":"always","reason":"user flag no once'
    b'{"allowed":,"limit":"tokens cost_usd seconds turns","used":'
    b'{"code":"E-","fix":"","what":"","why":""}{"cause":"","wait_s":{"source":"","value":'
    b'{"additionalProperties":false,"description":"","properties":{"type":"integer string boolean array object number'
    b'null","items":{"enum":["required":["maximum":"minimum":"default":'
    b'{"head":,"models":["anthropic:openai:local:scripted:"],"output_schema":null,"settings":{"temperature":0},"tools":'
    b'{"error":null,"exit_code":0,"status":"completed failed","turns":{"inputs":{},"kind":"agent","manifest":"model":"'
    b'\x02task\x02inputs\x02output{"content":"","role":"system"}{"content":"You are {"content":"","role":"user"}'
    b'"opaque":"reasoning":"malformed":{"content":"","role":"assistant","tool_calls":[{"arguments":{"path":"'
    b'","start":1,"end":"content":"pattern":"glob":"**/*.py"},"id":"call_","name":"read_lines grep_file list_files '
    b'create_file delete_file fetch_url"}]}{"content":"Error: not found: No such file","role":"tool",'
    b'"tool_call_id":"call_'
    b'{"arguments":{"path":"","tool":"{"call_id":"call_","data":null,"result":"","duration_s":0.,"files":[],'
    b'"files":[{"after":\x01,"before":null,"changed":false,"masked":false,"path":"'
    b'{"after":null,"before":\x01,"changed":true,"masked":false,"path":"src/tests/docs/README.md.py"}],'
    b'"status":"error denied timeout ok","tool":"'
    b'{"model":"","provider":"openai","request":{"added":[\x01,\x01],"head":\x01,"kept":0,"previous":null}}'
    b'{"attempts":1,"cost_usd":null,"duration_s":1.,"finish_reason":"tool_calls stop","model":"openai:",'
    b'"usage":{"cached":0,"input":1,"output":1,"reasoning":0}}\x02message'
)


class Coding(IntEnum):
    """How a content is kept."""

    RAW = 0
    DEFLATE = 1
    DEFLATE_DICTIONARY_1 = 2
    DEFLATE_BASE = 3
    """Against another content, which is not itself kept this way."""
    FILE_RAW = 4
    FILE_DEFLATE = 5
    PACK = 6
    """Several contents one behind the other: the row of a pack, which nobody asks for by its digest."""
    MEMBER = 7
    """A part of a pack: `base` is the pack's row, `data` where in it the content begins, as a number in base 128."""


def deflate(data: bytes, dictionary: bytes = b"") -> bytes:
    """Raw deflate: without header and checksum, since the content's digest checks more."""
    small = len(data) + len(dictionary) <= _SMALL
    window, memory = (-12, 5) if small else (_RAW_DEFLATE, 8)
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, window, memory, zdict=dictionary[-WINDOW:])
    return packer.compress(data) + packer.flush()


def inflate(data: bytes, size: int, dictionary: bytes = b"") -> bytes:
    """The reverse. Raises ValueError unless exactly `size` bytes come out: never more memory than that."""
    check_size(size)
    unpacker = zlib.decompressobj(_RAW_DEFLATE, zdict=dictionary[-WINDOW:])
    try:
        out = unpacker.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(out) != size or not unpacker.eof:
        raise ValueError(f"{len(out)} bytes came out where {size} were kept")
    return out


def inflate_part(data: bytes, size: int) -> bytes:
    """What can still be had of damaged data: all before the damage. Raises ValueError for a size that none has."""
    check_size(size)
    with suppress(zlib.error):
        return zlib.decompressobj(_RAW_DEFLATE).decompress(data, size + 1)[:size]
    unpacker, out = zlib.decompressobj(_RAW_DEFLATE), bytearray()
    with suppress(zlib.error):
        for at in range(0, len(data), _STEP):
            if (left := size + 1 - len(out)) > 0:
                out += unpacker.decompress(data[at : at + _STEP], left)
    return bytes(out[:size])


def check_size(size: int) -> None:
    """Raises ValueError for more bytes than any content has."""
    if not 0 <= size <= MAX_CONTENT:
        raise ValueError(f"it calls itself {size} bytes large")


def pack(data: bytes) -> tuple[Coding, bytes]:
    """The smallest way to keep a content by itself in a table."""
    small = deflate(data, _DICTIONARY_1)
    if len(small) < len(data):
        return Coding.DEFLATE_DICTIONARY_1, small
    return Coding.RAW, data


def unpack(coding: Coding, data: bytes, size: int, base: bytes = b"") -> bytes:
    """The content that was kept. Raises ValueError where the data do not fit the coding."""
    if coding in (Coding.RAW, Coding.FILE_RAW):
        return _of_size(data, size)
    if coding is Coding.MEMBER:
        begin, _ = from_base_128(data)
        return _of_size(base[begin : begin + size], size)
    dictionary = {Coding.DEFLATE_DICTIONARY_1: _DICTIONARY_1, Coding.DEFLATE_BASE: base}.get(coding, b"")
    return inflate(data, size, dictionary)


def _of_size(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes are there where {size} were kept")
    return data


def pack_body(text: bytes) -> bytes:
    """An event's body for its row: its size in base 128 (lowest seven bits first), then the deflated text."""
    packed = to_base_128(len(text)) + deflate(text, _DICTIONARY_1)
    return packed if len(packed) <= len(text) else plain_body(text)


def plain_body(text: bytes) -> bytes:
    """A body as `unpack_body` takes it too: size 0 says that the text follows as it is."""
    return b"\x00" + text


def unpack_body(data: bytes) -> bytes:
    """The reverse. Raises ValueError."""
    if data[:1] == b"\x00":
        return data[1:]
    size, begin = from_base_128(data)
    return inflate(data[begin:], size, _DICTIONARY_1) if size else data[begin:]


def to_base_128(number: int) -> bytes:
    """A number in base 128, the lowest seven bits first; all bytes but the last have their highest bit set."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def from_base_128(data: bytes, at: int = 0) -> tuple[int, int]:
    """The number that stands at `at`, and where it ends. Raises ValueError where there is none below 2 ** 35."""
    if at < len(data) and data[at] < 128:
        return data[at], at + 1
    number = 0
    for index, byte in enumerate(data[at : at + 5]):
        number |= (byte & 127) << 7 * index
        if byte < 128:
            return number, at + index + 1
    raise ValueError("a number is missing")
