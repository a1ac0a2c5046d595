"""What the tools over the web share: options with domains, checked addresses, and work that knows where it may go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import Field

from agentcli.core.agents import Permissions
from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.core.values import value
from agentcli.engine.ports import Admits
from agentcli.errors import ToolError
from agentcli.sandbox.network.exchange import NetworkLimits
from agentcli.tools.arguments import Arguments, read
from agentcli.tools.file_tool import Options

Domain: TypeAlias = Annotated[str, Field(pattern=r"^(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$|^\*$", max_length=253)]
Domains: TypeAlias = Annotated[tuple[Domain, ...], Field(strict=False, max_length=100)]


class WebOptions(Options):
    """Which hosts a tool may use, and how much of an answer it may put before the model."""

    domains: Domains = Field(
        (), description="Hosts that need no approval: `docs.example.org`, or `*.example.com` for all below it."
    )
    deny: Domains = Field((), description="Hosts that are refused, with all below them.")
    max_lines: int = Field(200, ge=1, le=10_000, description="Lines of one result.")
    max_bytes: int = Field(16_000, ge=500, le=1_000_000, description="UTF-8 bytes of one result.")
    seconds: float = Field(20.0, ge=1, le=120, strict=False, description="Time for one answer, redirects included.")

    def rules(self, tool: str) -> Permissions:
        """Both lists as rules: they are decided, recorded and trusted as all rules of a template are."""
        allow, deny = ([f"{tool}({domain})" for domain in domains] for domains in (self.domains, self.deny))
        return Permissions(allow=tuple(allow), deny=tuple(deny))

    @property
    def limits(self) -> NetworkLimits:
        """What one call may take."""
        return NetworkLimits(seconds=self.seconds)


A = TypeVar("A", bound=Arguments)


@value(frozen=True, slots=True)
class WebTool(Generic[A]):
    """A tool over the web. `tidy` brings checked arguments into their one form; it needs no network and no settings, so
    that a replay reads them alike. `work` does the call, and asks before it goes to another host than the URL's; in the
    arguments that `fills` names it puts secrets that are granted to that host.
    """

    spec: ToolSpec
    model: type[A]
    tidy: Callable[[A], A]
    work: Callable[[A, Admits], Awaitable[ToolResult]]
    fills: frozenset[str] = frozenset()

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments with defaults filled in and the URL in its one spelling. Raises ToolArgumentsError."""
        try:
            return self._read(arguments).model_dump(mode="json", exclude_none=True)
        except ToolError as error:
            error.in_call(self.spec.name, arguments)
            raise

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it, without leaving the URL's host."""
        return await self.call_within(arguments, _nowhere_else)

    async def call_within(self, arguments: Mapping[str, Any], admits: Admits) -> ToolResult:
        """Do it. Raises ToolError, which carries the tool and the arguments; DeniedError E-SANDBOX-NONE."""
        try:
            return await self.work(self._read(arguments), admits)
        except ToolError as error:
            error.in_call(self.spec.name, arguments)
            raise

    def _read(self, arguments: Mapping[str, Any]) -> A:
        return self.tidy(read(self.model, self.spec.name, arguments, self.spec.examples[0]))


def _nowhere_else(_subject: str) -> bool:
    return False
