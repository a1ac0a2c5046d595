"""The words of a command line that mean more than they say: tasks, inputs, attachments, limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from agentcli.cli.environment import Environment
from agentcli.core.limits import Limits
from agentcli.core.messages import Message
from agentcli.definitions.nearest import nearest
from agentcli.errors import UsageError

MAX_BYTES = 10_000_000
"""The largest file or standard input that a command line takes in."""

STDIN_NAME = "stdin"
"""How piped data is called where it is attached."""


@dataclass
class Reader:
    """Reads what the words point at. Standard input can be taken once."""

    env: Environment
    stdin_used_by: str | None = field(default=None)

    def task(self, word: str) -> str:
        """`-` is standard input, `@file` (without spaces) a file's text, `@@` a literal @, all else is itself."""
        if word == "-":
            return _text(self._stdin("the task"), "Standard input")
        if word.startswith("@@"):
            return word[1:]
        if word.startswith("@") and len(word) > 1 and not any(char.isspace() for char in word):
            return self._file_text(word[1:], word)
        return word

    def inputs(self, pairs: Sequence[str], option: str = "-i ") -> dict[str, Any]:
        """`k=v`, `k=@file` and `k:=JSON`, by name; `option` stands before each. Raises UsageError."""
        found: dict[str, Any] = {}
        for pair in pairs:
            name, value = self._input(pair, option)
            if name in found:
                raise UsageError("E-USAGE-INPUT", f"`{name}` is given twice.", why="Each name has one value.", fix=ONCE)
            found[name] = value
        return found

    def arguments(self, pairs: Sequence[str], given: str | None) -> dict[str, Any]:
        """The arguments of a call: those of a JSON object (or an @file that holds one), then `k=v` as for inputs.

        Raises UsageError E-USAGE-ARGS, E-USAGE-INPUT.
        """
        whole = {} if given is None else _object(self.text(given, "--args"))
        return {**whole, **self.inputs(pairs, "")}

    def attachment(self, word: str) -> tuple[str, str]:
        """`-` or a file, as (name, text)."""
        if word == "-":
            return STDIN_NAME, _text(self._stdin("an attachment"), "Standard input")
        return word, self._file_text(word, f"-f {word}")

    def text(self, word: str, option: str) -> str:
        """`@file` is that file's text, `@@` a literal @, all else is itself. Raises UsageError."""
        if word.startswith("@@"):
            return word[1:]
        return self._file_text(word[1:], f"{option} {word}") if word.startswith("@") and len(word) > 1 else word

    def by_seq(self, pairs: Sequence[str], option: str) -> dict[int, str]:
        """`SEQ=@file` or `SEQ=text`, by seq. Raises UsageError E-USAGE-SEQ."""
        found: dict[int, str] = {}
        for pair in pairs:
            seq, equals, value = pair.partition("=")
            if not equals or not seq.isdecimal():
                raise UsageError(
                    "E-USAGE-SEQ",
                    f"`{option} {pair}` names no event.",
                    why="It takes the number of an event, an equals sign, and a text or an @file.",
                    fix=f"Write `{option} 7=@result.txt`; see `agentcli runs show RUN` for the numbers.",
                )
            found[int(seq)] = self.text(value, option)
        return found

    def _input(self, pair: str, option: str) -> tuple[str, Any]:
        name, equals, value = pair.partition("=")
        as_json = name.endswith(":")
        name = name.removesuffix(":")
        if not equals or not name.isidentifier():
            raise UsageError(
                "E-USAGE-INPUT",
                f"`{option}{pair}` is not a name with a value.",
                why="It takes a name, an equals sign and a value.",
                fix=f"Write `{option}name=text`, `{option}name=@file` or `{option}name:=JSON`.",
            )
        if as_json:
            return name, _json(name, value, option)
        if value.startswith("@@"):
            return name, value[1:]
        if value.startswith("@") and len(value) > 1:
            return name, self._file_text(value[1:], f"{option}{pair}")
        return name, value

    def _file_text(self, path: str, word: str) -> str:
        return _text(self._file(path, word), path)

    def _file(self, path: str, word: str) -> bytes:
        try:
            with (self.env.cwd / Path(path).expanduser()).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            fix = "Check the path." + (" A task that begins with @ is written with @@." if word.startswith("@") else "")
            raise UsageError("E-USAGE-FILE", f"`{word}`: {path} cannot be read.", why=f"{why}.", fix=fix) from error
        return _bounded(data, path)

    def _stdin(self, use: str) -> bytes:
        if self.stdin_used_by:
            raise UsageError(
                "E-USAGE-STDIN",
                f"Standard input cannot be {use} as well.",
                why=f"It is {self.stdin_used_by} already.",
                fix="Put one of them into a file.",
            )
        self.stdin_used_by = use
        binary = getattr(self.env.stdin, "buffer", None)
        data = binary.read(MAX_BYTES + 1) if binary is not None else self.env.stdin.read(MAX_BYTES + 1).encode()
        return _bounded(data, "Standard input")


ONCE = "Give it once."


def message_in(text: str) -> Message:
    """An answer of a model: a message as JSON (`content`, `tool_calls`), or text. Raises UsageError E-USAGE-MESSAGE."""
    if not text.lstrip().startswith("{"):
        return Message("assistant", text)
    try:
        value = json.loads(text)
        return Message.from_json({"content": "", **value, "role": "assistant"})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            "E-USAGE-MESSAGE",
            "The answer given is no message.",
            why=f"It begins like JSON, and cannot be read: {error}.",
            fix='Write {"content": "…", "tool_calls": [{"id": "c1", "name": "…", "arguments": {}}]}, or plain text.',
        ) from error


def limits(pairs: Sequence[str]) -> dict[str, float]:
    """`NAME=VALUE` by name. Raises UsageError for an unknown limit or a value that is no positive number."""
    names = list(Limits.__dataclass_fields__)
    found: dict[str, float] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in names:
            meant = nearest(name, names)
            raise UsageError(
                "E-USAGE-LIMIT",
                f"There is no limit `{name}`.",
                why=f"The limits are {', '.join(names)}.",
                fix=f"Did you mean `--limit {meant}={value or 'NUMBER'}`?" if meant else "Write `--limit turns=10`.",
            )
        found[name] = _limit(name, value)
    return found


def _limit(name: str, value: str) -> float:
    whole = name in ("turns", "tokens")
    number = _number(value, whole)
    if number is None or number < 0 or (number == 0 and name != "cost_usd"):
        raise UsageError(
            "E-USAGE-LIMIT",
            f"`--limit {name}={value}` is not a limit.",
            why=f"{name} takes a {'whole ' if whole else ''}number above 0.",
            fix=f"Write `--limit {name}=10`.",
        )
    return number


def _number(value: str, whole: bool) -> float | None:
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _object(text: str) -> dict[str, Any]:
    """The arguments of a call. Raises UsageError E-USAGE-ARGS."""
    why = "It is JSON of another kind."
    try:
        value = json.loads(text)
        if isinstance(value, dict):
            return value
    except (ValueError, RecursionError) as error:
        why = f"It cannot be read: {error}."
    raise UsageError(
        "E-USAGE-ARGS",
        "`--args` is no JSON object.",
        why=why,
        fix="""Quote it for the shell: --args '{"path": "README.md"}', or name a file of it: --args @call.json.""",
    )


def _json(name: str, value: str, option: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            "E-USAGE-INPUT",
            f"`{option}{name}:=…` is not followed by JSON.",
            why=f"{error}.",
            fix=f"Quote it for the shell: {option}'{name}:=[1, 2]'. For plain text write `{name}=…`.",
        ) from error


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise UsageError(
            "E-USAGE-FILE-TOO-LARGE",
            f"{name} is larger than {MAX_BYTES // 1_000_000} MB.",
            why="It would not fit into a model's request.",
            fix="Put it into the workspace, and let the agent read what it needs with its tools.",
        )
    return data


def _text(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            "E-USAGE-FILE-ENCODING",
            f"{name} is not text in UTF-8.",
            why=f"The byte at {error.start} is no part of any character.",
            fix="Convert it to UTF-8.",
        ) from error
    return text.removesuffix("\n")
