"""What a parsed template says: the names it uses from outside, and what it may not hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from jinja2 import meta, nodes
from jinja2.tests import TESTS

from agentcli.catalog.template_faults import Fault, Uses
from agentcli.catalog.template_values import FILTERS
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
_BINDING = (nodes.For, nodes.Assign, nodes.AssignBlock, nodes.With)
"""Statements that give names of their own: telling those apart from names from outside takes Jinja2 a compilation."""


def uses_of(tree: nodes.Template) -> Uses:
    """What a template uses. The names of one that is not good are not looked for."""
    every = list(tree.find_all(nodes.Node))
    faults = (*_statements(every), *_functions(every))
    return Uses(faults, () if faults else tuple(_names(tree, every)))


def statement_faults(tree: nodes.Template) -> Iterator[Fault]:
    """The statements that a template may not use, whatever they do."""
    return _statements(tree.find_all(nodes.Stmt))


def _statements(every: Iterable[nodes.Node]) -> Iterator[Fault]:
    for node in every:
        recursive = isinstance(node, nodes.For) and node.recursive
        if recursive or (isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS)):
            name = "A recursive loop" if recursive else f"`{type(node).__name__.lower()}`"
            why = "A template may use if, for, set, with and filter."
            yield Fault("VALUE", f"{name} cannot be used in a template.", why, "Write it without.", node.lineno, "")


def _functions(every: Iterable[nodes.Node]) -> Iterator[Fault]:
    """Filters and tests that there are not."""
    for node in every:
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield _unknown("filter", node, FILTERS)
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            yield _unknown("test", node, [name for name in TESTS if name.isalpha()])


def _unknown(word: str, node: nodes.Filter | nodes.Test, known: Collection[str]) -> Fault:
    near = nearest(node.name, known)
    fix = f"Did you mean `{near}`?" if near else "Leave it out."
    what, why = f"There is no {word} `{node.name}`.", f"There are: {listed(known, 50)}."
    return Fault("UNDEFINED", what, why, fix, node.lineno, node.name)


def _names(tree: nodes.Template, every: Iterable[nodes.Node]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each name with what is read from it by words; `a.b` stands there for `a` as well as for `a.b`."""
    binds = any(isinstance(node, _BINDING) for node in every)
    outside = meta.find_undeclared_variables(tree) if binds else None
    for node in every:
        words = _words(node) if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)) else ()
        if words and (outside is None or words[0] in outside):
            yield words, node.lineno


def _words(node: nodes.Node) -> tuple[str, ...]:
    """`a.b['c']` as its words; none for what is read from anything but a name, or by anything but a text."""
    words: list[str] = []
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        word = _attribute(node)
        if word is None:
            return ()
        words.append(word)
        node = node.node
    return (node.name, *reversed(words)) if isinstance(node, nodes.Name) else ()


def _attribute(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    constant = node.arg
    return constant.value if isinstance(constant, nodes.Const) and isinstance(constant.value, str) else None
