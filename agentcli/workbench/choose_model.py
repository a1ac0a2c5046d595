"""Which model a run asks, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcli.core.agents import AgentTemplate

if TYPE_CHECKING:
    from agentcli.providers.discovery import Choice
    from agentcli.workbench.wiring import Workbench


async def choose_models(bench: Workbench, template: AgentTemplate | None = None) -> tuple[tuple[str, ...], str]:
    """`provider:model` names in the order in which they are tried, and why these.

    The command line first, then the template, the settings, and what can be found on this machine. Raises ModelError
    E-MODEL-NONE where there is none.
    """
    if bench.options.model:
        return tuple(bench.from_here(name) for name in bench.options.model), "chosen with -m"
    if template is not None and template.model:
        return template.model, f"named by the agent {template.name}"
    if bench.settings.model:
        return bench.settings.model, f"set in {bench.loaded.source('model')}"
    choice = await discover_model(bench)
    return (choice.required(),), choice.reason


async def discover_model(bench: Workbench) -> Choice:
    """What this machine has to offer where nothing is configured."""
    from agentcli.providers.discovery import discover

    return await discover(bench.keys.get, bench.models_dir)
