"""What can be said against a template before it has any data: unknown names, and what its reading found."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias, Union

from agentcli.core.values import value
from agentcli.definitions.nearest import listed, nearest

Names: TypeAlias = Mapping[str, Union["Names", frozenset[str], None]]
"""The names that a template may use, and for each the names inside of it; None where those are not known."""

_ONLY_IN = {
    "item": "Only a step with `foreach` has it.",
    "index": "Only a step with `foreach` has it.",
    "last": "Only the action of a step with `until` has it.",
    "round": "Only a step with `until` has it.",
    "output": "Only the condition of `until` has it; that of another step is `steps.ID.output`.",
}


class Fault(NamedTuple):
    """A fault of a template text: `line` counts from 1 within it, `words` are to be found in it ("" for none)."""

    kind: str
    what: str
    why: str
    fix: str
    line: int
    words: str


@value(frozen=True, slots=True)
class Uses:
    """What reading a text tells: its faults, and the names it uses from outside, each as words with its line."""

    faults: tuple[Fault, ...]
    names: tuple[tuple[tuple[str, ...], int], ...]


class ExplainedNames(Mapping[str, frozenset[str]]):
    """Names that can say why another one is not among them."""

    @abstractmethod
    def absence(self, word: str) -> tuple[str, str] | None:
        """Why it is not, and what to do; None if there is nothing to say but what there is."""


def faults_of(uses: Uses, names: Names) -> list[Fault]:
    """Every fault of a text. Names are looked at once its statements and filters are good."""
    return list(uses.faults) or list(_unknown(uses, names))


def _unknown(uses: Uses, names: Names) -> Iterator[Fault]:
    told: set[tuple[str, ...]] = set()
    for words, line in uses.names:
        holder: Names | frozenset[str] | None = names
        for depth, word in enumerate(words):
            if holder is None:
                break
            if word not in holder:
                if words[: depth + 1] not in told:
                    yield _undefined(words[:depth], word, holder, names, line)
                told.add(words[: depth + 1])
                break
            holder = holder[word] if isinstance(holder, Mapping) else None


def _undefined(inside: tuple[str, ...], word: str, holder: Names | frozenset[str], names: Names, line: int) -> Fault:
    base = ".".join(inside)
    whole = f"{base}.{word}" if base else word
    explained = holder.absence(word) if isinstance(holder, ExplainedNames) else None
    near = nearest(word, holder)
    if explained is not None:
        why, fix = explained
    elif base:
        why = f"`{base}` has: {listed(holder) or 'nothing'}."
        fix = f"Did you mean `{base}.{near}`?" if near else "Use one of them, or leave it out."
        if base == "inputs" and not near:
            fix = f"Declare it under `inputs:`, as `{word}: {{type: string}}`."
    else:
        why = _ONLY_IN.get(word, "Nothing gives this name.")
        fix = f"Did you mean `{near}`?" if near else f"Use one of: {listed(holder)}."
        if word in (names.get("inputs") or ()):
            fix = f"Write `inputs.{word}`."
    return Fault("UNDEFINED", f"`{whole}` is not defined.", why, fix, line, word)
