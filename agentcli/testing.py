"""Recorded runs in tests: replay one against the agent's template of today, and compare.

    from agentcli.testing import replay

    def test_the_refund_period_is_still_found() -> None:
        again = replay("tests/recordings/20261121-081532-k7f3qz.agentcli")
        again.assert_same()
        assert again.answer == "30 days"

A replay has nothing but the record: no model, no tool, no person, no key and no network exists in it, and it leaves
nothing behind.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcli.core.values import value

if TYPE_CHECKING:
    from agentcli.core.runs import RunStatus
    from agentcli.errors import ErrorInfo
    from agentcli.workbench.replay_run import Divergence

__all__ = ["Replay", "replay"]


@value(frozen=True, slots=True)
class Replay:
    """A recorded run, carried out again.

    `answer` is text, or JSON where the agent has an output schema; None where the run has none. `tools` are the names
    of the tools that were called, in the order of their results. After a divergence they are those before it, and
    `status`, `answer` and `error` are the recorded ones.
    """

    run: str
    agent: str
    status: RunStatus
    answer: Any
    tools: list[str]
    error: ErrorInfo | None = field(repr=False)
    divergence: Divergence | None = field(repr=False)

    def assert_same(self) -> None:
        """Fails with the first place where the run is not the recorded one, and with both values."""
        __tracebackhide__ = True
        if self.divergence is not None:
            raise AssertionError(self._message(self.divergence))

    def assert_answer(self, answer: Any) -> None:
        """Fails unless the run is the recorded one and ends with this answer."""
        __tracebackhide__ = True
        self.assert_same()
        if self.answer != answer:
            raise AssertionError(f"Run {self.run} answers {self.answer!r}, not {answer!r}.")

    def assert_tools(self, tools: Sequence[str]) -> None:
        """Fails unless the run is the recorded one and calls these tools in this order."""
        __tracebackhide__ = True
        self.assert_same()
        if self.tools != list(tools):
            raise AssertionError(f"Run {self.run} calls {self.tools}, not {list(tools)}.")

    def _message(self, divergence: Divergence) -> str:
        from agentcli.core.safe_text import safe
        from agentcli.workbench.difference import difference

        what = f"Run {self.run} of the agent `{self.agent}` does not go as recorded: {divergence.error.what}"
        return safe("\n  ".join([what, *difference(divergence)]))


def replay(path: str | os.PathLike[str]) -> Replay:
    """Replay the recording in this file, by the template that its agent has now in the project around the file.

    Raises AgentcliError where it cannot be: the file is no bundle or was changed (E-BUNDLE-DAMAGED), the agent is gone
    (E-TEST-AGENT), its template is invalid.
    """
    from agentcli.workbench.check_recordings import replay_recording
    from agentcli.workbench.wiring import Options, open_workbench

    file = Path(path).absolute()
    with open_workbench(Options(cwd=file.parent, environ=os.environ)) as bench:
        done = replay_recording(bench, file)
    found = done.replayed
    return Replay(done.run, done.agent, found.status, found.output, list(done.tools), found.error, found.divergence)
