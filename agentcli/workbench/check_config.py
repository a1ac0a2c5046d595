"""Check everything that is read from files: settings, agents, workflows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agentcli.core.values import value
from agentcli.errors import ErrorInfo
from agentcli.workbench.deprecated_tools import deprecations

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class ConfigReport:
    """What was read, and what is wrong with it: each problem once, also where a workflow names a broken agent.

    `templates` counts those that are right.
    """

    files: tuple[Path, ...]
    templates: int
    problems: tuple[ErrorInfo, ...]
    warnings: tuple[ErrorInfo, ...]


def check_config(bench: Workbench) -> ConfigReport:
    """Read every template that can be found. The settings were read when the workbench was opened."""
    agents, workflows = bench.catalog.agent_listing(), bench.catalog.workflow_listing()
    problems: list[ErrorInfo] = []
    for broken in (*agents.broken, *workflows.broken):
        problems += [broken.error.info, *broken.error.others]
    noticed = [(*item.warnings, *deprecations(bench, item)) for item in agents.valid]
    noticed += [item.warnings for item in workflows.valid]
    warnings = (*bench.warnings, *(warning for some in noticed for warning in some))
    return ConfigReport(bench.loaded.files, len(noticed), tuple(dict.fromkeys(problems)), warnings)
