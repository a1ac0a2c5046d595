"""The ports of a run that is carried out anew against its record: what it reaches outside, each part answered or real.

The engine is the ordinary one. A model that is not live answers from the record by the digest of the request; a tool
that is not live answers by its name and arguments. What a secret is called makes no difference: it may have been known
by another name then. Each recorded answer is given once, in the order of the record; what was not recorded is a
divergence, which ends the run.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal, cast

from agentcli.core.canonical import Digest, digest
from agentcli.core.events import Event, ModelCompleted, ModelFailed
from agentcli.core.models import FinishReason, ModelReply, ModelRequest
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.core.values import value
from agentcli.engine.ports import ModelObserver, Redactor, Tool, ToolSet
from agentcli.engine.recording import Recording
from agentcli.engine.tool_calls import timed_out
from agentcli.errors import DivergenceError, ModelError, UsageError
from agentcli.journal.placeholders import nameless
from agentcli.tools.recorded import RecordedTools
from agentcli.workbench.recorded_calls import RecordedCalls, different
from agentcli.workbench.streamed import pieces

Fault = Literal["timeout", "error"]


@value(frozen=True, slots=True)
class Boundaries:
    """What of a run is real: the model, and tools by name; and what stands in for other tools.

    `mocked` are results by tool, `failed` the faults. Everything that is not named is answered from the record.
    """

    model: bool = False
    live: frozenset[str] = frozenset()
    mocked: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, Fault] = field(default_factory=dict)

    def answered(self, specs: Sequence[ToolSpec]) -> dict[str, str]:
        """How each tool that is not executed is answered. Raises UsageError for a tool that the run did not have."""
        names = [spec.name for spec in specs]
        for name in (*sorted(self.live), *self.mocked, *self.failed):
            if name not in names:
                raise _unknown(name, names)
        ways = {name: "recorded" for name in names if name not in self.live}
        return {**ways, **dict.fromkeys(self.mocked, "mocked"), **self.failed}


def _unknown(name: str, names: Sequence[str]) -> UsageError:
    from agentcli.definitions.nearest import listed, suggestion

    return UsageError(
        "E-REPLAY-TOOL",
        f"The run had no tool `{name[:100]}`.",
        why=f"It had: {listed(names)}." if names else "It had none.",
        fix=suggestion(name, names, "See `agentcli runs show RUN`."),
    )


class RecordedModel:
    """Answers requests from the record, at once. What it gives costs nothing now."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._answers: dict[Digest, deque[Event]] = defaultdict(deque)
        self._asked: list[Event] = []
        """The recorded requests, in the order in which they were answered."""
        self._given = 0
        self._renamed: dict[Digest, list[Digest]] | None = None
        """The digests of recorded requests, by those of the same requests without the names of their secrets."""
        for key in recording.order:
            if key.kind == "model":
                asked = recording.asked(key)
                self._asked.append(asked)
                self._answers[asked.request or ""].append(recording.results[key])

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        """See `ModelProvider`. Raises DivergenceError for a request that is not on record, or answered already."""
        answers = self._answers.get(request.digest) or self._under_other_names(request)
        if not answers:
            near = self._asked[min(self._given, len(self._asked) - 1)] if self._asked else None
            raise self._divergence(near, request)
        self._given += 1
        body = answers.popleft().body
        if isinstance(body, ModelFailed):
            raise ModelError(body.error.code, body.error.what, why=body.error.why, fix=body.error.fix)
        return _reply(cast("ModelCompleted", body), observer)

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _under_other_names(self, request: ModelRequest) -> deque[Event] | None:
        """What answers the request in which secrets are called otherwise. Looked for only where there are secrets."""
        whole = request.to_json()
        general = nameless(whole)
        if general is whole:
            return None
        if self._renamed is None:
            self._renamed = defaultdict(list)
            for asked in self._asked:
                if asked.key is not None:
                    self._renamed[digest(nameless(self._recording.request(asked.key)))].append(asked.request or "")
        waiting = (self._answers[one] for one in self._renamed.get(digest(general), ()))
        return next((answers for answers in waiting if answers), None)

    def _divergence(self, near: Event | None, request: ModelRequest) -> DivergenceError:
        recorded = self._recording.request(near.key) if near is not None and near.key is not None else None
        return different("the model", near, recorded, request.to_json(), "`--live model` asks a model instead.")


def _reply(body: ModelCompleted, observer: ModelObserver) -> ModelReply:
    for text, _ in pieces(body.message.content, body.deltas):
        observer.delta(text)
    return ModelReply(
        message=body.message,
        usage=body.usage,
        finish_reason=cast("FinishReason", body.finish_reason),
        model=body.model,
        cost_usd=0.0,
        duration_s=0.0,
        attempts=body.attempts,
    )


class BoundaryTools:
    """The tools of one part of the run: those in `real` are executed, each other one is answered.

    `calls` answers for all parts; `seconds` is the time that a call has.
    """

    def __init__(
        self, recorded: RecordedTools, calls: RecordedCalls, bounds: Boundaries, seconds: float, redactor: Redactor
    ) -> None:
        self._recorded = recorded
        self._calls = calls
        self._bounds = bounds
        self._seconds = seconds
        self._redactor = redactor
        self.real: ToolSet | None = None
        """The live tools; set once their workspace is there."""

    def get(self, name: str) -> Tool | None:
        """The tool, or None."""
        if name in self._bounds.live:
            return self.real.get(name) if self.real is not None else None
        tool = self._recorded.get(name)
        if tool is None:
            return None
        if name in self._bounds.mocked:
            return MockedTool(tool, self._bounds.mocked[name])
        if name in self._bounds.failed:
            return FailedTool(tool, self._bounds.failed[name], self._seconds)
        return AnsweredTool(tool, self._calls, self._redactor)

    def specs(self) -> Sequence[ToolSpec]:
        """All of them, in the order of the template."""
        return self._recorded.specs()


class _Answered:
    """A tool that reads its arguments as the real one does, and does nothing.

    Doing nothing can be repeated, and a placeholder in its arguments need not be kept from it: it counts as idempotent.
    Nor is a person asked by one that would.
    """

    def __init__(self, tool: Tool) -> None:
        self.spec = replace(tool.spec, effects="idempotent", asks_person=False)
        self._tool = tool

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """See `Tool`."""
        return self._tool.parse(arguments)


class MockedTool(_Answered):
    """Gives one text for every call."""

    def __init__(self, tool: Tool, text: str) -> None:
        super().__init__(tool)
        self._text = text

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The text."""
        return ToolResult(self._text)


class FailedTool(_Answered):
    """Fails at every call, in the words of a real failure. `seconds` is the time that a call has."""

    def __init__(self, tool: Tool, fault: Fault, seconds: float) -> None:
        super().__init__(tool)
        self._fault = fault
        self._seconds = seconds

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The result of a call that timed out; or raises RuntimeError, as a broken tool does."""
        if self._fault == "timeout":
            return timed_out(self.spec.name, self._seconds)
        raise RuntimeError("injected with --fail")


class AnsweredTool(_Answered):
    """Gives what the same call gave in the record."""

    def __init__(self, tool: Tool, results: RecordedCalls, redactor: Redactor) -> None:
        super().__init__(tool)
        self._results = results
        self._redactor = redactor

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The recorded result. Raises DivergenceError where there is none, or none any more."""
        return self._results.take(self.spec.name, self._redactor.redact(dict(arguments)))
