"""Check workflows: those named, or all of the catalog. Nothing of a project is executed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentcli.core.values import value
from agentcli.errors import DefinitionError, ErrorInfo

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class WorkflowReport:
    """How many workflows were looked at, in how many something is wrong, and what; each problem once."""

    checked: int
    broken: int
    problems: tuple[ErrorInfo, ...]
    warnings: tuple[ErrorInfo, ...]


def check_workflows(bench: Workbench, words: Sequence[str]) -> WorkflowReport:
    """Read the workflows of these names or files; without any, every one that can be found.

    Raises UsageError E-WORKFLOW-UNKNOWN for a name that is not there.
    """
    found: list[ErrorInfo] = []
    warnings: list[ErrorInfo] = []
    names = words or bench.catalog.names("workflows")
    broken = 0
    for name in names:
        try:
            warnings += bench.catalog.workflow(name).warnings
        except DefinitionError as error:
            broken += 1
            found += [error.info, *error.others]
    return WorkflowReport(len(names), broken, tuple(dict.fromkeys(found)), tuple(dict.fromkeys(warnings)))
