"""Mistakes on the command line, in the contract's form: what, why, fix, code; exit 2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from agentcli.cli.tree import ROOT, Entry
from agentcli.errors import UsageError, sentence


def near(word: str, known: Iterable[str]) -> list[str]:
    """The known words, at most two, that the given one may have been meant to be, the likeliest first."""
    return get_close_matches(word.lower(), list(known), n=2, cutoff=0.55)


def unknown_command(path: str, word: str, entry: Entry) -> UsageError:
    """The word names no command here."""
    names = [child.name for child in entry.children]
    meant = [f"{path} {name}" for name in near(word, names)]
    elsewhere = [
        f"agentcli {group.name} {word}" for group in ROOT.children if any(c.name == word for c in group.children)
    ]
    guesses = " or ".join(f"`{guess}`" for guess in meant or elsewhere)
    return UsageError(
        "E-USAGE-COMMAND",
        f"There is no command `{word}`.",
        why=f"`{path}` knows: {', '.join(names)}.",
        fix=f"Did you mean {guesses}?" if guesses else f"See `{path} --help`.",
    )


def from_typer(error: Any) -> UsageError:
    """The parser's own error, said in our form. `error` is a typer exception."""
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "agentcli"
    see = f"See `{path} --help`."
    if hasattr(error, "possibilities"):
        return _unknown_option(error.option_name, error.possibilities or (), path)
    text = _in_our_words(error.format_message())
    if hasattr(error, "param_type"):
        return UsageError("E-USAGE-MISSING", text, why=f"`{path}` cannot do without it.", fix=see)
    if hasattr(error, "param") or hasattr(error, "option_name"):
        return UsageError("E-USAGE-VALUE", text, why=f"`{path}` cannot use that value.", fix=see)
    return UsageError(
        "E-USAGE-ARGUMENTS", text, why=f"`{path}` takes fewer words.", fix=f"{see} Quote what has spaces."
    )


def _in_our_words(message: str) -> str:
    """The parser's message as a sentence, with names in backticks."""
    line = " ".join(message.replace("Value error, ", "").split())
    if extra := re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", line):
        return f"There are too many words: `{extra[1]}` is left over."
    return sentence(re.sub(r"(?<!\w)'([^']*)'", r"`\1`", line))


def _unknown_option(name: str, possible: Sequence[str], path: str) -> UsageError:
    guesses = " or ".join(f"`{option}`" for option in sorted(possible))
    fix = f"Did you mean {guesses}?" if possible else f"See `{path} --help`."
    return UsageError("E-USAGE-OPTION", f"There is no option `{name}`.", why=f"`{path}` does not know it.", fix=fix)
