"""Writing to one stream: styled where it is a terminal, plain where it is not."""

from __future__ import annotations

from typing import Any, Literal, TextIO

from agentcli.cli.environment import Environment
from agentcli.cli.render.text import json_safe, safe
from agentcli.core.values import value
from agentcli.errors import StorageError, sentence

Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]
Color = Literal["auto", "always", "never"]

_CODES: dict[Style, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

UNWRITABLE = "E-OUTPUT"
"""The code of an error that cannot be said on standard output."""


@value(frozen=True, slots=True)
class Glyphs:
    """The signs in front of lines. `left` stands for what was left out, `bar` for what is done and what is not.

    `frames` are what a sign that turns looks like, one after the other.
    """

    ok: str
    bad: str
    warn: str
    dot: str
    branch: str
    last: str
    pipe: str
    fork: str
    left: str
    bar: tuple[str, str]
    frames: str


UNICODE = Glyphs(
    ok="✓",
    bad="✗",
    warn="!",
    dot="·",
    branch="├─",
    last="└─",
    pipe="│ ",
    fork="⑂",
    left="○",
    bar=("━", "─"),
    frames="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
)
ASCII = Glyphs(
    ok="ok",
    bad="x",
    warn="!",
    dot="-",
    branch="|-",
    last="`-",
    pipe="| ",
    fork="fork",
    left="o",
    bar=("#", "."),
    frames="|/-\\",
)


@value(frozen=True, slots=True)
class Printer:
    """One stream, with what it can show. `width` is in columns; None means that lines are never cut or folded.

    Remarks are `expendable`: where they cannot be written there is nowhere to say so, and what is told goes on.
    """

    stream: TextIO
    terminal: bool
    color: bool
    width: int | None
    glyphs: Glyphs
    expendable: bool = False

    def line(self, text: str = "") -> None:
        """The text and a newline, as it is."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """The text as it is. Raises StorageError E-OUTPUT where it cannot be, BrokenPipeError where nobody reads."""
        try:
            self.stream.write(text)
        except OSError as error:
            if not self.expendable:
                raise unwritable(error) from error

    def raw(self, data: bytes) -> None:
        """Bytes as they are, whatever the stream's encoding; flushed. Raises like `write`."""
        self.flush()
        binary = getattr(self.stream, "buffer", None)
        try:
            if binary is None:
                self.stream.write(data.decode())
            else:
                binary.write(data)
        except OSError as error:
            if not self.expendable:
                raise unwritable(error) from error
        self.flush()

    def untrusted(self, text: str) -> str:
        """Text that a model, a tool or a file gave: made safe on a terminal, untouched in a pipe."""
        return safe(text) if self.terminal else text

    def style(self, text: str, *styles: Style) -> str:
        """The text in the given styles, or as it is where colour is off."""
        if not self.color or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in styles)}m{text}\x1b[0m"

    def flush(self) -> None:
        """Hand everything to the operating system. Raises like `write`."""
        try:
            self.stream.flush()
        except OSError as error:
            if not self.expendable:
                raise unwritable(error) from error

    def json(self, value: Any) -> None:
        """One line of JSON, flushed: a reader at the other end sees it at once."""
        self.line(json_line(value))
        self.flush()


def json_line(value: Any) -> str:
    """The value as one line of JSON that does nothing to a terminal."""
    import json

    return json_safe(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def unwritable(error: OSError) -> Exception:
    """What to raise for an output that failed: a pipe that nobody reads from any more is no error."""
    if isinstance(error, BrokenPipeError):
        return error
    return StorageError(
        UNWRITABLE,
        "The output cannot be written.",
        why=sentence(error.strerror or str(error)),
        fix="Free some space, or send it elsewhere. What a run did is on record: `agentcli runs show last`.",
    )


def printer_of(env: Environment, stream: TextIO, terminal: bool, color: Color, *, expendable: bool = False) -> Printer:
    """The printer for `env.stdout` or `env.stderr` under the `--color` that was asked for."""
    return Printer(
        stream=stream,
        terminal=terminal,
        color=_wants_color(env, terminal, color),
        width=env.size[0] if terminal else None,
        glyphs=UNICODE if _speaks_unicode(stream) else ASCII,
        expendable=expendable,
    )


def _wants_color(env: Environment, terminal: bool, color: Color) -> bool:
    if color != "auto":
        return color == "always"
    return terminal and not env.dumb and not env.environ.get("NO_COLOR")


def _speaks_unicode(stream: TextIO) -> bool:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return encoding.lower().replace("-", "").replace("_", "").startswith("utf")
