"""The run whose rows are to be run again: the newest one of a workflow over the same rows, with the same inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.events import RowsRead
from agentcli.core.runs import RunQuery, RunRow
from agentcli.engine.admission import Admission
from agentcli.errors import UsageError
from agentcli.workbench.recorded_run import plans_of
from agentcli.workbench.row_source import RowSource

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench
    from agentcli.workbench.workflow_plan import WorkflowPlan


def earlier_run(bench: Workbench, workflow: str, inputs: Mapping[str, Any], source: RowSource) -> str:
    """Its id. Raises UsageError E-EACH-NO-RUN, E-EACH-CHANGED, and what reading the workflow raises."""
    loaded = bench.catalog.workflow(workflow)
    for row in bench.journal.runs(RunQuery(name=loaded.template.name, kind="workflow", limit=None)):
        plan = _plan(bench, row)
        if plan is None or plan.each is None or plan.each.source != source.name:
            continue
        if plan.flows[plan.workflow].source != Admission(bench.redactor).admit(loaded.text):
            raise _changed(row, f"the workflow `{row.start.name}`")
        if plan.inputs != Admission(bench.redactor).admit(dict(inputs)):
            raise _changed(row, "what is given with -i")
        if not _same_rows(bench, row, source):
            raise _changed(row, f"what stands in {source.name}")
        return row.start.id
    raise UsageError(
        "E-EACH-NO-RUN",
        f"No run of `{loaded.template.name}` over {source.name} is on record.",
        why="Only what has been run can be tried again.",
        fix="Leave out --retry-failed.",
    )


def _plan(bench: Workbench, row: RunRow) -> WorkflowPlan | None:
    first = next(iter(bench.journal.events(row.start.id)), None)
    plans: tuple[WorkflowPlan, ...] = plans_of(bench, [first] if first is not None else [], row.start.kind)
    return plans[0] if plans else None


def _same_rows(bench: Workbench, row: RunRow, source: RowSource) -> bool:
    admit = Admission(bench.redactor).admit
    for event in bench.journal.events(row.start.id):
        if isinstance(event.body, RowsRead):
            entries, more = source.part()
            if digest_bytes(encode([admit(entry) for entry in entries])) != event.body.content:
                return False
            if not event.body.more:
                return not more
    return False


def _changed(row: RunRow, thing: str) -> UsageError:
    return UsageError(
        "E-EACH-CHANGED",
        f"Something is not as it was for the run {row.start.id}: {thing}.",
        why="A row that is run again goes by what is on record of its run.",
        fix=f"`agentcli resume {row.start.id} --retry-failed` does that; without --retry-failed a new run begins.",
    )
