"""Say what differs between two runs, and what caused it."""

from __future__ import annotations

from agentcli.workbench.comparing.comparison import Comparison, compare_runs
from agentcli.workbench.comparing.records import read_run
from agentcli.workbench.wiring import Workbench


def diff_runs(bench: Workbench, a: str, b: str) -> Comparison:
    """Compare the runs that `a` and `b` name: ids, unique parts of ids, `last`, `last~1`.

    What is not held any more is said in the comparison. Raises UsageError, StorageError.
    """
    left, right = bench.journal.find(a), bench.journal.find(b)
    return compare_runs(bench.journal, read_run(bench.journal, left), read_run(bench.journal, right))
