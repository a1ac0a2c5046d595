"""What a call by hand gave back where it came to nothing: its result all the same, which its record holds."""

from __future__ import annotations

from dataclasses import replace

from agentcli.cli.render.printer import Printer
from agentcli.cli.render.problems import print_error
from agentcli.core.events import Event, ToolCompleted
from agentcli.errors import ErrorInfo
from agentcli.workbench.call_plan import LANE

OF_THE_CALL = ("E-CALL-FAILED", "E-CALL-DENIED")
"""Errors whose reason is the call's result. Any other, such as a record that cannot be written, has its own."""


class CallByHand:
    """Follows a run. `failed` is the result of a call by hand that was not carried out well; None in any other run."""

    failed: str | None = None

    def handle(self, event: Event) -> None:
        """Takes the event in."""
        body = event.body
        if event.lane == LANE and isinstance(body, ToolCompleted):
            self.failed = None if body.status == "ok" else body.result


def print_failure(out: Printer, err: Printer, info: ErrorInfo, failed: str | None, label: str = "error") -> None:
    """The error on `err`. The result of a failed call goes to `out`, whole: then the error need not repeat it."""
    if failed is not None and info.code in OF_THE_CALL:
        out.line(out.untrusted(failed))
        out.flush()
        info = replace(info, why="")
    print_error(err, info, label)
