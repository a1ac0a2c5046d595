"""What can be said against a template before it has any data: unknown names and filters, statements it may not use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from jinja2 import meta, nodes

from agentcli.definitions.nearest import listed, nearest

_STATEMENTS = (
    nodes.Output,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.AssignBlock,
    nodes.With,
    nodes.FilterBlock,
)


class Fault(NamedTuple):
    """A fault of a template text: `line` counts from 1 within it, `words` are to be found in it ("" for none)."""

    kind: str
    what: str
    why: str
    fix: str
    line: int
    words: str


def faults_of(tree: nodes.Template, names: Mapping[str, frozenset[str] | None], filters: Iterable[str]) -> list[Fault]:
    """Every fault of a parsed template. Names are looked at once its statements and filters are good."""
    faults = [*statement_faults(tree), *_filters(tree, sorted(filters))]
    return faults or [*_undeclared(tree, names), *_attributes(tree, names)]


def statement_faults(tree: nodes.Template) -> Iterable[Fault]:
    """The statements that a template may not use, whatever they do."""
    for node in tree.find_all(nodes.Stmt):
        recursive = isinstance(node, nodes.For) and node.recursive
        if recursive or not isinstance(node, _STATEMENTS):
            name = "A recursive loop" if recursive else f"`{type(node).__name__.lower()}`"
            why = "A template may use if, for, set, with and filter."
            yield Fault("VALUE", f"{name} cannot be used in a template.", why, "Write it without.", node.lineno, "")


def _undeclared(tree: nodes.Template, known: Mapping[str, frozenset[str] | None]) -> Iterable[Fault]:
    unknown = meta.find_undeclared_variables(tree).difference(known)
    for node in tree.find_all(nodes.Name):
        if node.name not in unknown:
            continue
        unknown.discard(node.name)
        inputs = known.get("inputs") or ()
        near = nearest(node.name, known)
        fix = f"Did you mean `{near}`?" if near else f"Use one of: {listed(known)}."
        if node.name in inputs:
            fix = f"Write `inputs.{node.name}`."
        yield Fault(
            "UNDEFINED", f"`{node.name}` is not defined.", "Nothing gives this name.", fix, node.lineno, node.name
        )


def _attributes(tree: nodes.Template, known: Mapping[str, frozenset[str] | None]) -> Iterable[Fault]:
    found: list[nodes.Getattr | nodes.Getitem] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    for node in found:
        base, word = node.node, _attribute(node)
        if not isinstance(base, nodes.Name) or word is None:
            continue
        names = known.get(base.name)
        if names is None or word in names:
            continue
        near = nearest(word, names)
        fix = f"Did you mean `{base.name}.{near}`?" if near else "Use one of them, or leave it out."
        if base.name == "inputs" and not near:
            fix = f"Declare it under `inputs:`, as `{word}: {{type: string}}`."
        why = f"`{base.name}` has: {listed(names) or 'nothing'}."
        yield Fault("UNDEFINED", f"`{base.name}.{word}` is not defined.", why, fix, node.lineno, word)


def _attribute(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    constant = node.arg
    return constant.value if isinstance(constant, nodes.Const) and isinstance(constant.value, str) else None


def _filters(tree: nodes.Template, filters: list[str]) -> Iterable[Fault]:
    for node in tree.find_all(nodes.Filter):
        if node.name not in filters:
            near = nearest(node.name, filters)
            fix = f"Did you mean `{near}`?" if near else "Leave it out."
            what = f"There is no filter `{node.name}`."
            yield Fault("UNDEFINED", what, f"There are: {listed(filters, 50)}.", fix, node.lineno, node.name)
