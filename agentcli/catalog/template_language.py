"""The template language: what of Jinja2 a prompt may use, and how much of it.

Everything that can grow is bounded: loops by a budget shared by a whole rendering, texts and lists by the size of what
an operator or filter would make, the result by its length. What cannot be bounded is not there: macros, recursion,
`range`, other templates, text formatting and methods with a width. There is no randomness either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, TemplateError, UndefinedError
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from agentcli.catalog.template_bounds import BOUNDED_FILTERS, MAX_ITERATIONS, MAX_TEXT, OPERATORS, concatenated
from agentcli.catalog.template_faults import Fault, faults_of, statement_faults
from agentcli.core.canonical import Json
from agentcli.errors import DefinitionError, sentence

_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select",
    "selectattr", "sort", "string", "striptags", "title", "trim", "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset({"lower", "upper", "strip", "lstrip", "rstrip", "title", "startswith", "endswith", "split"}),
    dict: frozenset({"items", "keys", "values", "get"}),
    list: frozenset({"count", "index"}),
}
_BUDGET, _LOOP, _JOINED = " budget", " loop", " joined"
"""Names that no template can spell."""

KEPT = 256
"""Of so many texts the code is kept: a workflow that is run for many rows fills in the same ones again and again."""


class _Budget:
    """Loop iterations that one rendering may still make."""

    def __init__(self) -> None:
        self._left = MAX_ITERATIONS

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise SecurityError(f"It takes more than {MAX_ITERATIONS} loop iterations.")


@pass_context
def _counted(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    budget = context[_BUDGET]
    for item in items:
        budget.spend()
        yield item


class _Bounds(NodeTransformer):
    """Puts a budget around what every loop runs over, and a bound on every `~`."""

    def get_visitor(self, node: nodes.Node) -> Any:
        return {nodes.For: self._loop, nodes.Concat: self._joined}.get(type(node))

    def _loop(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, _LOOP, [], [], None, None, lineno=node.lineno)
        return node

    def _joined(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, _JOINED, [], [], None, None, lineno=node.lineno)


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with operators that look at the size of what they would make, and few methods."""

    intercepted_binops = frozenset(OPERATORS)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return OPERATORS[operator](left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if attr in _METHODS.get(type(obj), ()):
            return True
        return type(obj).__module__ == "jinja2.runtime" and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """`str.format` can pad to any width: it is a method like any other, and not a safe one."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`inputs.items` is the input of that name, and a method only where there is none."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


class Language:
    """Checks and renders templates. One object serves all of them, and keeps the code of those rendered lately."""

    def __init__(self) -> None:
        self._env = _Environment(
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=True,
            finalize=lambda value: "" if value is None else value,
            cache_size=0,
        )
        self._filters = {name: FILTERS[name] for name in _FILTERS} | BOUNDED_FILTERS
        self._env.filters = {**self._filters, _LOOP: _counted, _JOINED: concatenated}
        self._env.globals = {}
        self._texts = lru_cache(KEPT)(self._compiled_text)
        self._expressions = lru_cache(KEPT)(self._compiled_expression)

    def faults(self, text: str, names: Mapping[str, frozenset[str] | None]) -> list[Fault]:
        """What is wrong with a template before it has any data."""
        try:
            return faults_of(self._env.parse(text), names, self._filters)
        except TemplateSyntaxError as error:
            fix = "Close every `{{`, `{%` and quote; write `{{ '{{' }}` for a literal one."
            return [
                Fault(
                    "TEMPLATING", "The expression cannot be read.", sentence(str(error.message)), fix, error.lineno, ""
                )
            ]
        except RecursionError:
            why = "There is a limit, so that no text can exhaust the program."
            return [Fault("TEMPLATING", "The text is nested too deeply.", why, "Make it simpler.", 1, "")]

    def render(self, text: str, values: dict[str, Any]) -> str:
        """The text with its expressions filled in. Raises DefinitionError E-TEMPLATE-RENDER."""
        rendered: str = self._guarded(lambda: self._text(text, values))
        return rendered

    def evaluate(self, text: str, values: dict[str, Any]) -> Json:
        """The value of a text that is one expression, in its own type; else like `render`."""
        return self._guarded(lambda: self._value(text, values))

    def _guarded(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except UndefinedError as error:
            raise _failed(str(error), "Declare the input, or give it a value.") from error
        except (TemplateError, RecursionError, ArithmeticError, TypeError, ValueError, LookupError) as error:
            raise _failed(str(error) or type(error).__name__, "Change the text, or what is filled in.") from error

    def _checked(self, text: str) -> nodes.Template:
        tree = self._env.parse(text)
        for fault in statement_faults(tree):
            raise SecurityError(fault.what)
        return tree

    def _compiled_text(self, text: str) -> Template:
        return self._env.from_string(_Bounds().visit(self._checked(text)))

    def _compiled_expression(self, text: str) -> Template | None:
        expression = _only_expression(self._checked(text))
        if expression is None:
            return None
        result = nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)
        return self._env.from_string(_Bounds().visit(nodes.Template([result], lineno=1)))

    def _text(self, text: str, values: dict[str, Any]) -> str:
        pieces, size = [], 0
        for piece in self._texts(text).generate({**values, _BUDGET: _Budget()}):
            size += len(piece)
            if size > MAX_TEXT:
                raise SecurityError(f"The result is longer than {MAX_TEXT} characters.")
            pieces.append(piece)
        return "".join(pieces)

    def _value(self, text: str, values: dict[str, Any]) -> Json:
        template = self._expressions(text)
        if template is None:
            return self._text(text, values)
        context = template.new_context({**values, _BUDGET: _Budget()})
        for _ in template.root_render_func(context):
            pass
        return _as_json(context.vars["result"])


def _only_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of `{{ … }}` with nothing but white space around it."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    parts = [part for part in tree.body[0].nodes if not _is_blank(part)]
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData) else None


def _is_blank(part: nodes.Expr) -> bool:
    return isinstance(part, nodes.TemplateData) and not part.data.strip()


def _as_json(value: Any) -> Json:
    """Generators and tuples, which some filters give, as lists."""
    if isinstance(value, StrictUndefined):
        str(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [_as_json(item) for item in value]
    raise SecurityError(f"A {type(value).__name__} is not a value.")


def _failed(why: str, fix: str) -> DefinitionError:
    why = sentence(why.split("\n")[0])
    return DefinitionError("E-TEMPLATE-RENDER", "A text of the template cannot be filled in.", why=why, fix=fix)
