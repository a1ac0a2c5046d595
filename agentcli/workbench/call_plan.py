"""Everything that decides one call of a tool by hand, as data: the manifest of such a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from agentcli.core.agents import ToolUse
from agentcli.core.limits import Limits
from agentcli.core.models import RequestHead
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.engine.terms import Terms
from agentcli.workbench.agent_plan import FORMAT, PolicyPlan, tool_json, tool_spec

LANE: Final = "call.1"
"""Where the call stands in its run."""

CALL_ID: Final = "call_1"


@value(frozen=True, slots=True)
class CallPlan:
    """A run that is one call of one tool. `arguments` are as they were given, free of secrets.

    Of people's own tools, `path` is the file that the tool is in, empty for a package's, and `code` the files that took
    part: `name` and `text` of each.
    """

    tool: ToolSpec
    arguments: dict[str, Any]
    use: ToolUse
    policy: PolicyPlan
    limits: Limits
    workspace: str
    versions: dict[str, str]
    path: str = ""
    code: tuple[dict[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What the run is called: its tool."""
        return self.tool.name

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The one tool."""
        return (self.tool,)

    @property
    def uses(self) -> tuple[ToolUse, ...]:
        """How it is set up."""
        return (self.use,)

    def in_workspace(self, folder: str) -> CallPlan:
        """The plan at work in another folder."""
        return replace(self, workspace=folder)

    def terms(self) -> Terms:
        """The plan as the engine goes by it: there is no model and no conversation. Raises DefinitionError."""
        return Terms(head=RequestHead(()), opening=(), limits=self.limits, policy=self.policy.to_policy())

    def to_json(self) -> dict[str, Any]:
        """The manifest."""
        return {
            "format": FORMAT,
            "kind": "tool",
            "tool": tool_json(self.tool),
            "arguments": self.arguments,
            "use": {"name": self.use.name, "options": self.use.options},
            "policy": self.policy.to_json(),
            "limits": self.limits.to_json(),
            "workspace": self.workspace,
            "versions": self.versions,
            **({"path": self.path} if self.path else {}),
            **({"code": list(self.code)} if self.code else {}),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> CallPlan:
        """Read back what `to_json` wrote."""
        return cls(
            tool=tool_spec(value["tool"]),
            use=ToolUse(**value["use"]),
            policy=PolicyPlan.from_json(value["policy"]),
            limits=Limits(**value["limits"]),
            **{name: value[name] for name in ("arguments", "workspace", "versions")},
            path=value.get("path", ""),
            code=tuple(value.get("code", ())),
        )
