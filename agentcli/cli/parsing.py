"""Groups that import a command when it is asked for, and commands whose help is plain text."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from agentcli.cli.global_options import global_params, leading_globals
from agentcli.cli.help import write_command_help, write_group_help
from agentcli.cli.light_params import light
from agentcli.cli.tree import Entry
from agentcli.cli.usage import unknown_command

if TYPE_CHECKING:
    from typer._click import Command as BaseCommand
    from typer._click import Context, HelpFormatter


class Leaf(TyperCommand):
    """One command of one file. `examples` are (command line, what it does)."""

    examples: tuple[tuple[str, str], ...] = ()

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """The parser's errors, told which command they belong to."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            vars(error)["ctx"] = getattr(error, "ctx", None) or ctx
            raise

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Usage, text, arguments, options by panel, examples."""
        write_command_help(self, ctx, formatter)

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """The arguments by their metavars; `[OPTIONS]` where there are any of its own."""
        own = [param for param in self.params if param not in global_params()]
        pieces = ["[OPTIONS]"] if any(param.param_type_name == "option" for param in own) else []
        return pieces + [str(param.metavar) for param in own if param.param_type_name == "argument"]


class Group(TyperGroup):
    """A group that knows its children by their entries alone."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(
            name=entry.name,
            help=entry.help,
            params=list(global_params()),
            add_help_option=False,
            rich_markup_mode=None,
            options_metavar=None,
            subcommand_metavar="COMMAND",
            invoke_without_command=entry.default is None,
            callback=None,
        )
        self.entry = entry

    def list_commands(self, ctx: Context) -> list[str]:
        """The children's names, in their order."""
        return [child.name for child in self.entry.children]

    def get_command(self, ctx: Context, cmd_name: str) -> BaseCommand | None:
        """The child; its module is imported now."""
        child = self.entry.child(cmd_name)
        if child is None:
            return None
        return Group(child) if child.children else load(child)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """A bare group, or one followed by a child's options alone, stands for its default child."""
        if self.entry.default is not None and not ctx.resilient_parsing and _names_no_child(args):
            args = [self.entry.default, *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Context) -> Any:
        """Without a subcommand: the help."""
        if not ctx._protected_args:
            ctx.obj.out.line(ctx.get_help())
            return None
        return super().invoke(ctx)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, BaseCommand | None, list[str]]:
        """The child that the first word names, or that such words are for. Raises UsageError with the nearest one."""
        command, other = self.get_command(ctx, args[0]), self.entry.child(self.entry.otherwise)
        if command is None and other is not None:
            return other.name, load(other), args
        if command is None and not ctx.resilient_parsing:
            raise unknown_command(ctx.command_path, args[0], self.entry)
        return args[0] if command else None, command, args[1:]

    def shell_complete(self, ctx: Context, incomplete: str) -> list[Any]:
        """The children and options that begin like this; and what the child takes that other words are for."""
        from typer._click.shell_completion import CompletionItem

        children = [child for child in self.entry.children if child.name.startswith(incomplete)]
        items = [CompletionItem(child.name, help=child.help) for child in children]
        if (other := self.entry.child(self.entry.otherwise)) is not None:
            leaf = load(other)
            first = next(param for param in leaf.params if param.param_type_name == "argument")
            items += first.shell_complete(ctx, incomplete)
        return items + super(TyperGroup, self).shell_complete(ctx, incomplete)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Usage, text, children by panel, global options."""
        write_group_help(self, ctx, formatter)


def _names_no_child(args: list[str]) -> bool:
    rest = args[leading_globals(args) :]
    return (not rest and not {"--help", "-h"} & set(args)) or (bool(rest) and rest[0].startswith("-"))


def load(entry: Entry) -> Leaf:
    """Import the command's file and build it: `command` is its function, `EXAMPLES` its examples."""
    module = import_module(f"agentcli.cli.commands.{entry.module}")
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(entry.name, cls=Leaf, add_help_option=False)(module.command)
    leaf = cast("Leaf", typer.main.get_command(app))
    leaf.examples = module.EXAMPLES
    leaf.params = [*map(light, leaf.params), *global_params()]
    return leaf


def leaves(entry: Entry, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """Every command below the entry with the words that reach it."""
    for child in entry.children:
        words = (*path, child.name)
        if child.children:
            yield from leaves(child, words)
        else:
            yield words, child
