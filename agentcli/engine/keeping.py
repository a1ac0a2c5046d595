"""What the code of a custom agent changed in its copy of the workspace is kept by a call of a tool, once it has ended.

So the same rules, questions, records and forks hold for it as for every other change. No model and no code can make
the call: it is the engine's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from agentcli.core.agent_code import KEEP_FILES as NAME
from agentcli.core.events import CodeCompleted
from agentcli.core.tools import Preview, ToolResult, ToolSpec
from agentcli.core.values import value
from agentcli.engine.ports import Code, Tool
from agentcli.errors import ToolError

KEEP_FILES: Final = ToolSpec(
    name=NAME,
    description="Keep the files that the code of this agent changed.",
    parameters={
        "type": "object",
        "properties": {"paths": {"type": "array", "items": {"type": "string"}}},
        "required": ["paths"],
        "additionalProperties": False,
    },
    effects="irreversible",
    subject="paths",
)


@value(frozen=True, slots=True)
class KeepFiles:
    """The one tool of a set of its own.

    `ready` brings the code to its end, where it has not run in this process; it gives back why it could not.
    """

    code: Code
    ready: Callable[[], Awaitable[CodeCompleted | None]]
    spec: ToolSpec = KEEP_FILES

    def get(self, name: str) -> Tool | None:
        """Itself."""
        return self if name == self.spec.name else None

    def specs(self) -> Sequence[ToolSpec]:
        """Its own."""
        return [self.spec]

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """As they are: the engine made them."""
        return dict(arguments)

    async def preview(self, arguments: Mapping[str, Any]) -> Preview | None:
        """What would change. Raises ToolError."""
        await self._at_the_end()
        return await self.code.preview()

    async def prepare(self) -> None:
        """Bring the code to its end; that it does not come there is the call's result."""
        await self.ready()

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Take them over. Raises ToolError."""
        await self._at_the_end()
        return await self.code.keep()

    async def _at_the_end(self) -> None:
        lost = await self.ready()
        if lost is not None and lost.error is not None:
            raise ToolError(lost.error.code, lost.error.what, why=lost.error.why, fix=lost.error.fix)
