"""What the engine needs from outside, as small protocols. Adapters implement them; the engine imports none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from agentcli.core.canonical import Digest
from agentcli.core.events import CodeAsked, CodeCompleted, Event
from agentcli.core.models import ModelReply, ModelRequest
from agentcli.core.runs import RunEnd, RunStart
from agentcli.core.tools import Preview, ToolResult, ToolSpec

if TYPE_CHECKING:
    from agentcli.core.processes import Finished, Job


class ModelObserver(Protocol):
    """Told what happens while a model answers. All calls come on the event loop's thread."""

    def delta(self, text: str) -> None:
        """A piece of the answer's text arrived."""

    def retried(self, cause: str, wait_s: float) -> None:
        """An attempt failed; the next goes out after `wait_s`. Text streamed so far is void."""

    def fell_back(self, model: str, cause: str) -> None:
        """The model was given up; `model` (`provider:model`) is asked next. Text streamed so far is void."""


class ModelProvider(Protocol):
    """Answers requests. Retry, breaker, rate limit and fallback live inside: one request, one reply."""

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        """Raises ModelError. Cancelling it stops the request on the wire."""

    async def aclose(self) -> None:
        """Release connections and models."""


class Tool(Protocol):
    """One tool, ready to be called."""

    @property
    def spec(self) -> ToolSpec:
        """Name, schema, effects."""

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments with defaults filled in, as JSON. Raises ToolArgumentsError."""

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it, with arguments that `parse` gave. Raises ToolError for what the model should be told."""


Admits = Callable[[str], bool]
"""Whether a tool that was allowed for one subject may go on to another (the URL of a redirect) without being asked."""


@runtime_checkable
class RoamingTool(Protocol):
    """A tool that one subject may lead to another."""

    async def call_within(self, arguments: Mapping[str, Any], admits: Admits) -> ToolResult:
        """As `Tool.call`; goes to no other subject than that of the arguments and those that are admitted."""


@runtime_checkable
class Filling(Protocol):
    """A tool that replaces placeholders of secrets itself, where the user's own file grants it."""

    @property
    def fills(self) -> frozenset[str]:
        """The arguments in which it does so; in all others it may be given none."""


@runtime_checkable
class Previewing(Protocol):
    """What a tool may know besides: what a call of it would change."""

    async def preview(self, arguments: Mapping[str, Any]) -> Preview | None:
        """What a call with these arguments would change now; changes nothing. None where there is nothing to show.

        Raises ToolError for what the call itself would say.
        """


@runtime_checkable
class Preparing(Protocol):
    """A tool that has to do something before a call of it begins, and before that is on record."""

    async def prepare(self) -> None:
        """Do it; no limit of a call's time holds for it. Raises AgentcliError, which ends the run."""


class Sandbox(Protocol):
    """Runs programs confined."""

    @property
    def name(self) -> str:
        """Which kind it is, as `doctor` names it."""

    async def run(self, job: Job) -> Finished:
        """Run it to its end. Cancelling ends the whole group first.

        Raises DeniedError: E-SANDBOX-NONE, E-SANDBOX-START, E-SANDBOX-WORKSPACE.
        """


class Code(Protocol):
    """The code of a custom agent, which runs confined and says one thing at a time. What it says is not trusted."""

    async def tell(self, message: Mapping[str, Any]) -> CodeAsked | CodeCompleted:
        """Give it what it waits for (at first: its task), and hear what it says to that.

        Cancelling ends it. Raises DeniedError where there is no sandbox; what is wrong with the code itself is told.
        """

    async def preview(self) -> Preview | None:
        """What keeping the files that it changed would change; it has ended."""

    async def keep(self) -> ToolResult:
        """Take over the files that it changed; it has ended. Raises ToolError."""

    async def aclose(self) -> None:
        """End it, and all that it started."""


class RunLog(Protocol):
    """The journal of one run, held by its one writer."""

    def put(self, data: bytes) -> Digest:
        """Keep the bytes by content; the same bytes are kept once. Returns at once."""

    def append(self, event: Event) -> None:
        """Add an event; its seq is one more than the last. Serialised before this returns, committed soon after.

        Raises StorageError if an earlier write failed.
        """

    async def barrier(self) -> None:
        """Returns when all that was appended and put is safe from a power cut. Raises StorageError."""

    async def end(self, end: RunEnd) -> None:
        """A barrier that also sets the run's row and gives up ownership."""

    async def abandon(self) -> None:
        """Give up ownership without an end: the run reads as interrupted. Never raises."""


class Journal(Protocol):
    """Where runs are recorded."""

    def begin(self, start: RunStart) -> RunLog:
        """Own a new run. Raises StorageError."""


class Clock(Protocol):
    """Time. Tests bring one of their own."""

    def now(self) -> float:
        """Unix seconds."""

    def monotonic(self) -> float:
        """Seconds of a clock that never steps."""


class Approver(Protocol):
    """Asks a person. `rule` is why it is asked, `preview` what the call would change, `lane` where in the run it is."""

    async def ask(
        self, spec: ToolSpec, arguments: Mapping[str, Any], rule: str, preview: str | None = None, lane: str = ""
    ) -> Decision:
        """The answer."""

    async def answer(self, spec: ToolSpec, arguments: Mapping[str, Any], lane: str = "") -> str | None:
        """The person's words to `question`, one of `choices` where there are any; None where nobody can be asked."""

    async def again(self, started: Event) -> bool:
        """Whether to repeat a call of which nobody knows whether it happened; `started` is its `tool.started`."""


class Decision(Protocol):
    """A person's answer."""

    @property
    def decision(self) -> Literal["once", "always", "no"]:
        """Allow this call, allow it for the rest of the run, or refuse it."""

    @property
    def by(self) -> Literal["user", "flag", "nobody"]:
        """Who answered."""

    @property
    def reason(self) -> str:
        """Why not, in the person's own words; told to the model."""


class EventSink(Protocol):
    """Follows a run. Called on the event loop's thread, in order; must not block and must not raise."""

    def handle(self, event: Event) -> None:
        """An event happened."""


class TextStream(Protocol):
    """Redacts a text that comes in pieces: what may still become a secret waits for the next piece."""

    def feed(self, text: str) -> str:
        """What may be shown now."""

    def flush(self) -> str:
        """What was held back, at the end of the text."""


class Redactor(Protocol):
    """Replaces secrets by placeholders, and back."""

    def stream(self) -> TextStream:
        """A new text that comes in pieces."""

    def redact(self, value: Any) -> Any:
        """The value (JSON) with every secret replaced by its stable placeholder. The same object if there was none."""

    def restore(self, value: Any) -> Any:
        """The value with placeholders replaced by secrets. Raises ToolError where one is no longer available."""

    def holds_secret(self, data: bytes) -> bool:
        """Whether content holds a secret, so that no snapshot of it may be kept."""

    def keyed_digest(self, data: bytes) -> Digest:
        """HMAC-SHA-256 under this user's key: compares contents without telling them."""


class ToolSet(Protocol):
    """The tools of one agent, by name."""

    def get(self, name: str) -> Tool | None:
        """The tool, or None."""

    def specs(self) -> Sequence[ToolSpec]:
        """All of them, in the order of the template."""
