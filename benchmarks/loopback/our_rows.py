"""A workflow for each row of a file, recorded in a journal.

python -m benchmarks.loopback.our_rows PROJECT COUNT CONCURRENCY
    prints as JSON the seconds it took, those of the processor, and the memory used (MB) after 1,000 rows and at the end
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

from agentcli.__main__ import tune
from agentcli.cli.approver import Nobody
from agentcli.cli.row_output import many_runs
from agentcli.core.events import RowCompleted
from agentcli.workbench.plan_workflow import EachRequest, WorkflowRequest
from agentcli.workbench.row_source import open_rows
from agentcli.workbench.run_workflow import run_workflow
from agentcli.workbench.wiring import Options, Workbench, open_workbench

PAGE = os.sysconf("SC_PAGE_SIZE")
FIRST = 1_000


def resident_mb() -> float:
    """Memory that this process uses now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


class Watched:
    """Looks at the memory as rows come to their end."""

    def __init__(self) -> None:
        self.rows = 0
        self.after_first = 0.0
        self.most = 0.0

    def done(self, row: int, given: Any, end: RowCompleted) -> None:
        assert end.status == "completed", end
        self.rows += 1
        if self.rows == FIRST:
            self.after_first = resident_mb()
        if self.rows % 100 == 0:
            self.most = max(self.most, resident_mb())


async def carry_out(bench: Workbench, project: Path, count: int, concurrency: int) -> Watched:
    """One run for each of so many rows."""
    path = project / f"rows-{count}.jsonl"
    path.write_text("".join(json.dumps({"ticket": f"ticket {number}"}) + "\n" for number in range(count)))
    watched, request = Watched(), WorkflowRequest("triage", each=EachRequest(str(path), concurrency))
    with closing(open_rows(str(path), project, StringIO())) as source:
        outcome = await run_workflow(bench, request, approver=Nobody(), source=source, out=watched)
    assert outcome.status == "completed", outcome
    assert watched.rows == count
    return watched


async def main(project: Path, count: int, concurrency: int) -> None:
    """A first run of a few rows takes the imports out of it."""
    with open_workbench(Options(cwd=project, environ=os.environ)) as bench:
        await carry_out(bench, project, 2, concurrency)
        begun, cpu = time.perf_counter(), time.process_time()
        with many_runs():
            watched = await carry_out(bench, project, count, concurrency)
        took, used = time.perf_counter() - begun, time.process_time() - cpu
    print(json.dumps({"seconds": took, "cpu": used, "after_first": watched.after_first, "most": watched.most}))


if __name__ == "__main__":
    tune()
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
