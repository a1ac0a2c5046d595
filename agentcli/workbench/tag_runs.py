"""Tag a run, or take tags off it."""

from __future__ import annotations

from collections.abc import Sequence

from agentcli.core.runs import RunRow
from agentcli.errors import UsageError
from agentcli.workbench.wiring import Workbench


def tag_run(bench: Workbench, ref: str, tags: Sequence[str], *, remove: bool = False) -> RunRow:
    """The run with its tags as they are now. A run that is being written can be tagged too.

    Raises UsageError E-USAGE-TAG, E-RUN-UNKNOWN, E-RUN-AMBIGUOUS; StorageError.
    """
    from agentcli.journal.foreign import TAG

    wrong = next((tag for tag in tags if TAG.fullmatch(tag) is None), None)
    if wrong is not None:
        raise UsageError(
            "E-USAGE-TAG",
            f"`{wrong}` cannot be a tag.",
            why="A tag has up to 64 letters, digits and any of . _ : / - and begins with a letter or digit.",
            fix="Write it without spaces, such as `baseline` or `ci/main:42`.",
        )
    run = bench.journal.find(ref).start.id
    change = bench.journal.untag if remove else bench.journal.tag
    change(run, tags)
    return bench.journal.find(run)
