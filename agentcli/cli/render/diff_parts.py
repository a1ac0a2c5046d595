"""Single differences of two runs, as lines for people."""

from __future__ import annotations

import json
from collections.abc import Iterable

from agentcli.cli.render.diff_text import painted, print_text
from agentcli.cli.render.printer import UNICODE, Printer, Style
from agentcli.cli.render.text import call_text, clip, one_line, wrapped
from agentcli.core.canonical import Json
from agentcli.core.values import value
from agentcli.workbench.comparing.differences import Difference
from agentcli.workbench.comparing.texts import TextDiff

VALUE = 72
"""Characters of a value that are shown where not all are asked for."""

_STYLES: dict[str, tuple[Style, ...]] = {"+": ("green",), "-": ("red",)}
_MARKS: dict[str, tuple[Style, ...]] = {**_STYLES, "~": ("yellow",)}
_DIGEST = 13
"""Characters of a digest that are shown."""

_SIGNS = {"changed": "~", "reordered": "~", "added": "+", "removed": "-"}


@value(frozen=True, slots=True)
class Parts:
    """Prints differences; `full` cuts none of their values."""

    out: Printer
    full: bool = False

    def listed(self, found: Iterable[Difference], indent: int) -> None:
        """Each below a heading of its own kind."""
        before = ""
        for difference in found:
            if difference.aspect != before:
                self.out.line(" " * indent + self.out.style(one_line(difference.aspect), "cyan"))
            before = difference.aspect
            self.one(difference, indent + 2)

    def one(self, found: Difference, indent: int) -> None:
        """Its name with both values, or with the text that differs below it."""
        name, both = one_line(found.name), (found.a, found.b)
        if found.text is not None:
            if name:
                self._line(indent, "~", name)
            print_text(self.out, found.text, indent + 2 if name else indent, full=self.full)
        elif found.change == "changed":
            values = f" {self.arrow} ".join(
                _digest(one) if found.aspect == "files" else self.value(one) for one in both
            )
            self._line(indent, "~", _said(name, values))
        elif found.change == "reordered":
            names = f" {self.arrow} ".join(", ".join(map(str, names)) for names in both)
            self._line(indent, "~", _said(f"{name} order".strip(), one_line(names)))
        else:
            self._line(indent, _SIGNS[found.change], self._alone(found, name))
        if found.note:
            self._line(indent, " ", found.note, dim=True)

    def _alone(self, found: Difference, name: str) -> str:
        """What only one run has: a call as it would be written, a tool by its description."""
        value = found.b if found.change == "added" else found.a
        if found.aspect == "files":
            return name
        if isinstance(value, dict) and isinstance(value.get("arguments"), dict):
            return call_text(str(value.get("name")), value["arguments"], None if self.full else 2 * VALUE)
        if isinstance(value, dict) and isinstance(value.get("description"), str) and not self.full:
            value = value["description"]
        return _said(name, self.value(value))

    def value(self, value: Json) -> str:
        """A value on one line: texts as they are, errors as they were told."""
        if isinstance(value, dict) and {"code", "what"} <= value.keys():
            value = f"{value['what']} ({value['code']})"
        if value is None:
            value = "none"
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        line = one_line(text) or '""'
        return line if self.full else clip(line, VALUE)

    @property
    def arrow(self) -> str:
        """From the one to the other."""
        return "→" if self.out.glyphs == UNICODE else "->"

    def block(self, sign: str, text: str, indent: int) -> None:
        """A text that only one run has."""
        print_text(self.out, TextDiff("", text) if sign == "+" else TextDiff(text, ""), indent, full=self.full)

    def _line(self, indent: int, sign: str, text: str, *, dim: bool = False) -> None:
        styles = ("dim",) if dim else _STYLES.get(sign, ())
        mark = painted(self.out, sign, _MARKS.get(sign, ()))
        for line in wrapped(text, self.out.width and self.out.width - indent - 2) or [""]:
            self.out.line(f"{' ' * indent}{mark} {painted(self.out, line, styles)}".rstrip())
            mark = " "


def _digest(value: Json) -> str:
    """Enough of a digest to tell it from another."""
    return one_line(str(value), _DIGEST)


def _said(name: str, value: str) -> str:
    return f"{name}: {value}" if name else value
