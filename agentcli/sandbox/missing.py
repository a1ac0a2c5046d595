"""The sandbox of a machine that has none: it refuses, for what must be confined is never run without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcli.errors import DeniedError

if TYPE_CHECKING:
    from agentcli.core.processes import Finished, Job


class NoSandbox:
    """See `Sandbox`."""

    @property
    def name(self) -> str:
        """Which kind it is."""
        return "none"

    async def run(self, job: Job) -> Finished:
        """Never. Raises DeniedError E-SANDBOX-NONE."""
        raise DeniedError(
            "E-SANDBOX-NONE",
            "There is no sandbox on this machine to run a program in.",
            why="What works on content of strangers is only run confined.",
            fix="See `agentcli doctor` for what is missing.",
        )
