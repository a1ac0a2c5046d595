"""A run of an agent that calls a tool in every turn, recorded in a journal.

python -m benchmarks.loopback.ours PROJECT TURNS    prints the seconds it took
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from agentcli.__main__ import tune
from agentcli.cli.approver import Nobody
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, open_workbench


async def main(project: Path, turns: int) -> None:
    """From the request to the answer that is safe on disk. A first run of one turn takes the imports out of it."""
    with open_workbench(Options(cwd=project, environ=os.environ)) as bench:
        request = RunRequest("Read notes.txt.", agent="looper")
        await run_agent(bench, replace(request, limits={"turns": 1}), approver=Nobody())
        begun = time.perf_counter()
        outcome = await run_agent(bench, request, approver=Nobody())
        took = time.perf_counter() - begun
    assert (outcome.status, outcome.turns) == ("completed", turns), outcome
    print(took)


if __name__ == "__main__":
    tune()
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
