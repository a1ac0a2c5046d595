"""What a parsed template says: the names it uses from outside, and what it may not hold."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import meta, nodes

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


def uses_of(tree: nodes.Template) -> Uses:
    """What a template uses. The names of one that is not good are not looked for."""
    faults = (*statement_faults(tree), *_filters(tree))
    return Uses(faults, () if faults else tuple(_names(tree)))


def statement_faults(tree: nodes.Template) -> Iterator[Fault]:
    """The statements that a template may not use, whatever they do."""
    for node in tree.find_all(nodes.Stmt):
        recursive = isinstance(node, nodes.For) and node.recursive
        if recursive or not isinstance(node, _STATEMENTS):
            name = "A recursive loop" if recursive else f"`{type(node).__name__.lower()}`"
            why = "A template may use if, for, set, with and filter."
            yield Fault("VALUE", f"{name} cannot be used in a template.", why, "Write it without.", node.lineno, "")


def _names(tree: nodes.Template) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each name with what is read from it by words; `a.b` stands there for `a` as well as for `a.b`."""
    outside = meta.find_undeclared_variables(tree)
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
        words = _words(node)
        if words and words[0] in outside:
            yield words, node.lineno


def _words(node: nodes.Node) -> tuple[str, ...]:
    """`a.b['c']` as its words; none for what is read from anything but a name, or by anything but a text."""
    words: list[str] = []
    while not isinstance(node, nodes.Name):
        word = _attribute(node) if isinstance(node, (nodes.Getattr, nodes.Getitem)) else None
        if word is None:
            return ()
        words.append(word)
        node = node.node  # type: ignore[attr-defined]
    return (node.name, *reversed(words))


def _attribute(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    constant = node.arg
    return constant.value if isinstance(constant, nodes.Const) and isinstance(constant.value, str) else None


def _filters(tree: nodes.Template) -> Iterator[Fault]:
    for node in tree.find_all(nodes.Filter):
        if node.name not in FILTERS:
            near = nearest(node.name, FILTERS)
            fix = f"Did you mean `{near}`?" if near else "Leave it out."
            what = f"There is no filter `{node.name}`."
            yield Fault("UNDEFINED", what, f"There are: {listed(FILTERS, 50)}.", fix, node.lineno, node.name)
