"""Everything that decides what a run of an agent will ask and may do, as data: the run's manifest.

A plan is made from the catalog, the settings and the command line once, when the run starts. From then on it alone
counts: the run, its resumption and its replay are built from the plan, never from the files again.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, Literal

from agentcli import __version__
from agentcli.core.agent_code import AgentCode
from agentcli.core.agents import Permissions, ToolUse
from agentcli.core.canonical import Digest
from agentcli.core.limits import Limits
from agentcli.core.models import ModelSettings, RequestHead
from agentcli.core.policies import Layer, LayerName, Policy
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value

FORMAT = 1


@value(frozen=True, slots=True)
class PolicyPlan:
    """The permission rules in force: each layer's lists, and the flags.

    `answered` are the tools that are not executed in this run, and how they are answered instead: `recorded`, `mocked`,
    `timeout`, `error`. No rule is asked about what does not happen.
    """

    layers: tuple[Layer, ...]
    yes: bool = False
    allow: tuple[str, ...] = ()
    answered: Mapping[str, str] = field(default_factory=dict)

    def to_policy(self) -> Policy:
        """The rules, ready to decide. Raises DefinitionError."""
        return Policy(self.layers, yes=self.yes, allow=self.allow, answered=self.answered)

    def to_json(self) -> dict[str, Any]:
        """All rules, by layer; `answered` only where there are any."""
        answered = {"answered": dict(self.answered)} if self.answered else {}
        return {
            **answered,
            "layers": [
                {
                    "name": layer.name,
                    "trusted": layer.trusted,
                    "allow": list(layer.permissions.allow),
                    "ask": list(layer.permissions.ask),
                    "deny": list(layer.permissions.deny),
                }
                for layer in self.layers
            ],
            "yes": self.yes,
            "allow": list(self.allow),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> PolicyPlan:
        """Read back what `to_json` wrote."""
        layers = tuple(
            _layer(item["name"], item["trusted"], item["allow"], item["ask"], item["deny"]) for item in value["layers"]
        )
        return cls(layers, value["yes"], tuple(value["allow"]), dict(value.get("answered", {})))


def _layer(name: LayerName, trusted: bool, allow: list[str], ask: list[str], deny: list[str]) -> Layer:
    return Layer(name, Permissions(allow=tuple(allow), ask=tuple(ask), deny=tuple(deny)), trusted)


@value(frozen=True, slots=True)
class AgentPlan:
    """A run of one agent, decided.

    `source` is the template file's text and `path` where it was read; `tools` what the model is told of the tools and
    `uses` how the template sets them up; `history` are the digests of the messages of the
    conversation that goes on; `message` is the user's message with its attachments. `model_reason` says where the
    models come from. `unpriced` are the models whose price is not known although the cost is limited. `code` are the
    files of people's own tools: `name` and `text` of each; `agent_code` is that of a custom agent.
    """

    agent: str
    path: str
    source: str
    instructions: str
    models: tuple[str, ...]
    model_reason: str
    tools: tuple[ToolSpec, ...]
    uses: tuple[ToolUse, ...]
    policy: PolicyPlan
    limits: Limits
    settings: ModelSettings
    output_schema: dict[str, Any] | None
    inputs: dict[str, Any]
    task: str
    message: str
    history: tuple[Digest, ...]
    workspace: str
    versions: dict[str, str]
    unpriced: tuple[str, ...] = ()
    code: tuple[dict[str, str], ...] = ()
    agent_code: AgentCode | None = None

    @property
    def kind(self) -> Literal["agent"]:
        """What the run is one of."""
        return "agent"

    @property
    def name(self) -> str:
        """What the run is called: its agent."""
        return self.agent

    @property
    def changes_files(self) -> bool:
        """Whether the run may change files of its workspace."""
        return bool(self.tools) or self.agent_code is not None

    def in_workspace(self, folder: str) -> AgentPlan:
        """The plan at work in another folder."""
        return replace(self, workspace=folder)

    def head(self) -> RequestHead:
        """What every request of the run begins with."""
        # A custom agent's code gives the output, and says for each of its questions what the answer must look like.
        schema = self.output_schema if self.agent_code is None else None
        return RequestHead(self.models, self.tools, self.settings, schema)

    def to_json(self) -> dict[str, Any]:
        """The manifest."""
        return {
            "format": FORMAT,
            "agent": self.agent,
            "path": self.path,
            "source": self.source,
            "instructions": self.instructions,
            "models": list(self.models),
            "model_reason": self.model_reason,
            "tools": [tool_json(spec) for spec in self.tools],
            "uses": [{"name": use.name, "options": use.options} for use in self.uses],
            "policy": self.policy.to_json(),
            "limits": self.limits.to_json(),
            "settings": {**self.settings.to_json(), "timeout": self.settings.timeout, "stream": self.settings.stream},
            "output_schema": self.output_schema,
            "inputs": self.inputs,
            "task": self.task,
            "message": self.message,
            "history": list(self.history),
            "workspace": self.workspace,
            "versions": self.versions,
            "unpriced": list(self.unpriced),
            **({"code": list(self.code)} if self.code else {}),
            **({"agent_code": self.agent_code.to_json()} if self.agent_code else {}),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> AgentPlan:
        """Read back what `to_json` wrote."""
        settings = dict(value["settings"])
        settings["stop"] = tuple(settings.get("stop", ()))
        same = ("agent", "path", "source", "instructions", "model_reason", "output_schema", "inputs", "task", "message")
        return cls(
            **{name: value[name] for name in (*same, "workspace", "versions")},
            models=tuple(value["models"]),
            tools=tuple(tool_spec(item) for item in value["tools"]),
            uses=tuple(ToolUse(**use) for use in value["uses"]),
            policy=PolicyPlan.from_json(value["policy"]),
            limits=Limits(**value["limits"]),
            settings=ModelSettings(**settings),
            history=tuple(value["history"]),
            unpriced=tuple(value.get("unpriced", ())),
            code=tuple(value.get("code", ())),
            agent_code=AgentCode.from_json(value["agent_code"]) if value.get("agent_code") else None,
        )


def versions() -> dict[str, str]:
    """What the run was made with: asked of a `diff` that looks for a cause."""
    return {"agentcli": __version__, "python": platform.python_version()}


def tool_json(spec: ToolSpec) -> dict[str, Any]:
    """All that a tool said of itself."""
    out = {name: getattr(spec, name) for name in spec.__dataclass_fields__}
    out["examples"], out["also"] = list(spec.examples), list(spec.also)
    if not spec.source:
        del out["source"]
    return out


def tool_spec(value: dict[str, Any]) -> ToolSpec:
    """Read back what `tool_json` wrote, by whatever version."""
    known = {name: value[name] for name in ToolSpec.__dataclass_fields__ if name in value}
    return ToolSpec(**{**known, "examples": tuple(value.get("examples", ())), "also": tuple(value.get("also", ()))})
