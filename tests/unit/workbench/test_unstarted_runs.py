"""What is wrong with a plan is said before there is a run: nothing of it stays in the journal."""

from __future__ import annotations

import pytest

from agentcli.core.runs import RunQuery
from agentcli.errors import AgentcliError
from agentcli.workbench.list_runs import list_runs
from tests.unit.workbench.conftest import Project


async def refused(project: Project, **changes: object) -> str:
    with pytest.raises(AgentcliError) as caught:
        await project.run(**changes)
    with project.bench() as bench:
        assert list_runs(bench, RunQuery()) == []
    return caught.value.code


async def test_a_flag_that_is_no_rule_leaves_no_run(project: Project) -> None:
    assert await refused(project, allow=["create_file(("]) == "E-PERMISSION-PATTERN"


async def test_a_schema_that_refers_to_elsewhere_leaves_no_run(project: Project) -> None:
    project.agent("output: {schema: {$ref: 'https://example.org/x.json'}}\n")
    assert await refused(project) == "E-TEMPLATE-SCHEMA"
