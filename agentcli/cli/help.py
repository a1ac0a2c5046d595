"""Help as plain text: it reads the same in a pipe, on a screen reader and on a narrow terminal."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from agentcli.cli.global_options import global_params

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

    from agentcli.cli.parsing import Group, Leaf

GLOBAL_HINT = "Global options (--json, -q, -v, --color, --project, --profile, --trust) work here too: agentcli --help"


def write_group_help(group: Group, ctx: Context, formatter: HelpFormatter) -> None:
    """Usage, text, the children by panel, and at the root the global options."""
    _write_top(group, ctx, formatter)
    panels: dict[str, list[tuple[str, str]]] = {}
    for child in group.entry.children:
        panels.setdefault(child.panel or "Commands", []).append((child.name, child.help))
    width = max(len(child.name) for child in group.entry.children)
    for title, rows in panels.items():
        _write_rows(formatter, title, [(name.ljust(width), text) for name, text in rows])
    if ctx.parent is None:
        _write_rows(formatter, "Global options", [_option_row(param) for param in global_params()])
        _write_paragraph(formatter, "agentcli COMMAND --help shows a command's options and examples.")
    elif group.entry.default:
        _write_paragraph(formatter, f"{ctx.command_path} alone is {ctx.command_path} {group.entry.default}.")


def write_command_help(leaf: Leaf, ctx: Context, formatter: HelpFormatter) -> None:
    """Usage, text, arguments, options by panel, examples."""
    _write_top(leaf, ctx, formatter)
    own = [param for param in leaf.params if param not in global_params()]
    _write_rows(
        formatter,
        "Arguments",
        [(str(param.metavar), getattr(param, "help", "")) for param in own if param.param_type_name == "argument"],
    )
    panels: dict[str, list[Any]] = {}
    for param in own:
        if param.param_type_name == "option":
            panels.setdefault(getattr(param, "rich_help_panel", None) or "Options", []).append(param)
    for title, params in panels.items():
        _write_rows(formatter, title, [_option_row(param) for param in params])
    _write_examples(formatter, leaf.examples)
    _write_paragraph(formatter, GLOBAL_HINT)


def _write_top(command: Group | Leaf, ctx: Context, formatter: HelpFormatter) -> None:
    command.format_usage(ctx, formatter)
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        _write_paragraph(formatter, " ".join(paragraph.split()))


def _write_paragraph(formatter: HelpFormatter, text: str) -> None:
    formatter.write_paragraph()
    formatter.write_text(text)


def _write_rows(formatter: HelpFormatter, title: str, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _write_examples(formatter: HelpFormatter, examples: Iterable[tuple[str, str]]) -> None:
    formatter.write_paragraph()
    formatter.write_heading("Examples")
    for line, meaning in examples:
        formatter.write(f"  {line}\n")
        formatter.write(f"      {meaning}\n")


def _option_row(param: Any) -> tuple[str, str]:
    short = [name for name in param.opts if not name.startswith("--")]
    long = [name for name in param.opts if name.startswith("--")]
    names = ", ".join([*short, *long])
    if not short:
        names = f"    {names}"
    return f"{names} {param.metavar}" if param.metavar else names, param.help or ""
