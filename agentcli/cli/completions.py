"""Names for the shell's completion: agents, workflows, runs, models, tools.

Nothing of a project is executed, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

from agentcli.cli.session import session_of
from agentcli.errors import AgentcliError

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench

RUNS = 30


def agent_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The agents that can be run."""
    return _names(ctx, incomplete, lambda bench: bench.catalog.names())


def workflow_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The workflows that can be run."""
    return _names(ctx, incomplete, lambda bench: bench.catalog.names("workflows"))


def tool_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The tools; those in Python files as far as their text tells."""
    from agentcli.workbench.list_tools import known_tools

    return _names(ctx, incomplete, lambda bench: (spec.name for spec in known_tools(bench).specs))


def call_words(ctx: typer.Context, incomplete: str) -> list[str]:
    """The arguments of the tool that is named before, as `name=`; those that are given already are left out."""
    from agentcli.workbench.list_tools import known_tools

    given = {str(pair).partition("=")[0].removesuffix(":") for pair in ctx.params.get("pairs") or ()}

    def names(bench: Workbench) -> Iterable[str]:
        found = known_tools(bench).named(str(ctx.params.get("name")))
        properties = found[0].parameters.get("properties", {}) if found else {}
        return [f"{name}=" for name in properties if name not in given]

    return _names(ctx, incomplete, names)


def run_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """`last`, and the newest runs' ids."""
    from agentcli.core.runs import RunQuery

    query = RunQuery(limit=RUNS)
    return _names(ctx, incomplete, lambda bench: ("last", *(row.start.id for row in bench.journal.runs(query))))


def pulled_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The embedded models of the catalog."""
    from agentcli.providers.local.catalog import MODELS

    return [name for name in MODELS if name.startswith(incomplete)]


def model_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The embedded models as `-m` takes them."""
    return [f"local:{name}" for name in pulled_names(ctx, "") if f"local:{name}".startswith(incomplete)]


def _names(ctx: typer.Context, incomplete: str, of: Callable[[Workbench], Iterable[str]]) -> list[str]:
    session = session_of(ctx)
    session.flags.quiet = True
    try:
        with session.open() as bench:
            return sorted({name for name in of(bench) if name.startswith(incomplete)})
    except AgentcliError:
        return []
