"""Everything that decides what a run of a workflow will ask and may do, as data: the manifest of such a run.

It holds every workflow and agent that the run can reach, each by the name that templates call it. From the start on the
plan alone counts: the files are not read again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from agentcli.core.agents import ToolUse
from agentcli.core.canonical import Digest
from agentcli.core.limits import Limits
from agentcli.core.tools import ToolSpec
from agentcli.workbench.agent_plan import FORMAT, AgentPlan, PolicyPlan, tool_json, tool_spec

TASK_CHARS = 300
SHOWN_CHARS = 80
_OF_WHOLE = ("workspace", "versions")
"""What each part has in common with the whole: written once."""
_OF_TASK: dict[str, Any] = {
    "inputs": {},
    "task": "",
    "message": "",
    "history": [],
    "output_schema": None,
    "unpriced": [],
}
"""What an agent without a task does not have yet."""


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """One workflow of the run. `source` is its file's text; `uses`, `tools`, `policy` and `code` are for the tools that
    its steps call themselves, as in `AgentPlan`.
    """

    name: str
    path: str
    source: str
    tools: tuple[ToolSpec, ...]
    uses: tuple[ToolUse, ...]
    policy: PolicyPlan
    workspace: str
    code: tuple[dict[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As part of the manifest."""
        return {
            "name": self.name,
            "path": self.path,
            "source": self.source,
            "tools": [tool_json(spec) for spec in self.tools],
            "uses": [{"name": use.name, "options": use.options} for use in self.uses],
            "policy": self.policy.to_json(),
            "workspace": self.workspace,
            **({"code": list(self.code)} if self.code else {}),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> FlowPlan:
        """Read back what `to_json` wrote."""
        return cls(
            **{name: value[name] for name in ("name", "path", "source", "workspace")},
            tools=tuple(tool_spec(item) for item in value["tools"]),
            uses=tuple(ToolUse(**use) for use in value["uses"]),
            policy=PolicyPlan.from_json(value["policy"]),
            code=tuple(value.get("code", ())),
        )


@dataclass(frozen=True, slots=True)
class Each:
    """That the workflow is run for each row of a file, or of standard input (`-`): a run of its own for every row.

    `concurrency` rows are at work at a time; `limits` hold for all rows together.
    """

    source: str
    concurrency: int
    limits: Limits

    def to_json(self) -> dict[str, Any]:
        """As part of the manifest."""
        return {"source": self.source, "concurrency": self.concurrency, "limits": self.limits.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Each:
        """Read back what `to_json` wrote."""
        return cls(str(value["source"]), int(value["concurrency"]), Limits(**value["limits"]))


@dataclass(frozen=True, slots=True)
class WorkflowPlan:
    """A run of a workflow, decided.

    `workflow` is the key, in `flows`, of the one that is run; `agent` the name, in `agents`, of the one that answers
    where neither step nor workflow names any. The plans of agents are as for a run of their own, but that their
    `instructions` are not filled in yet, and there is no task. `models` are all that may be asked. `prompts` replaces
    prompts of steps, by `WORKFLOW/STEP`. `limits` hold for the whole run.

    With `each` it is the plan that the runs of all rows share: `inputs` are what they have in common, as it was given,
    and `limits` hold for one row. The plan of such a run has the number of its `row`.
    """

    workflow: str
    flows: Mapping[str, FlowPlan]
    agents: Mapping[str, AgentPlan]
    agent: str
    models: tuple[str, ...]
    limits: Limits
    inputs: dict[str, Any]
    workspace: str
    versions: dict[str, str]
    unpriced: tuple[str, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    each: Each | None = None
    row: int | None = None

    @property
    def kind(self) -> Literal["workflow", "row"]:
        """What the run is one of."""
        return "workflow" if self.row is None else "row"

    @property
    def name(self) -> str:
        """What the run is called: its workflow."""
        return self.flows[self.workflow].name

    @property
    def path(self) -> str:
        """Where the workflow's file was read."""
        return self.flows[self.workflow].path

    @property
    def task(self) -> str:
        """The inputs in one line, for listings; before them, where the rows come from."""
        source = f"each {self.each.source} " if self.each is not None else ""
        given = (f"{name}={_short(value)}" for name, value in self.inputs.items())
        return " ".join(f"{source}{' '.join(given)}".split())[:TASK_CHARS]

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """Every tool that an agent or a step may call, once."""
        return tuple({spec.name: spec for part in self.parts.values() for spec in part.tools}.values())

    @property
    def parts(self) -> dict[str, FlowPlan | AgentPlan]:
        """Whoever calls tools, by a key that tells them apart."""
        flows = {f"workflow:{key}": flow for key, flow in self.flows.items()}
        return {**flows, **{f"agent:{name}": agent for name, agent in self.agents.items()}}

    def with_parts(self, parts: Mapping[str, Any]) -> WorkflowPlan:
        """The plan with these parts, by the keys that `parts` has."""
        flows = {key: parts[f"workflow:{key}"] for key in self.flows}
        return replace(self, flows=flows, agents={name: parts[f"agent:{name}"] for name in self.agents})

    def in_workspace(self, folder: str) -> WorkflowPlan:
        """The plan at work in another folder."""
        moved = {key: replace(part, workspace=folder) for key, part in self.parts.items()}
        return replace(self.with_parts(moved), workspace=folder)

    def to_json(self) -> dict[str, Any]:
        """The manifest."""
        return {
            "format": FORMAT,
            "kind": "workflow",
            "workflow": self.workflow,
            "flows": {key: _without(flow.to_json(), _OF_WHOLE) for key, flow in self.flows.items()},
            "agents": {name: _without(agent.to_json(), _OF_WHOLE, _OF_TASK) for name, agent in self.agents.items()},
            "agent": self.agent,
            "models": list(self.models),
            "limits": self.limits.to_json(),
            "inputs": self.inputs,
            "workspace": self.workspace,
            "versions": self.versions,
            "unpriced": list(self.unpriced),
            **({"prompts": dict(self.prompts)} if self.prompts else {}),
            **({"each": self.each.to_json()} if self.each is not None else {}),
            **({"row": self.row} if self.row is not None else {}),
        }

    def of_row(self, row: int, inputs: dict[str, Any]) -> WorkflowPlan:
        """The plan of one row's run."""
        unpriced = self.unpriced if self.limits.cost_usd is not None else ()
        return replace(self, each=None, row=row, inputs=inputs, unpriced=unpriced)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> WorkflowPlan:
        """Read back what `to_json` wrote."""
        whole = {name: value[name] for name in _OF_WHOLE}
        return cls(
            **{name: value[name] for name in ("workflow", "agent", "inputs", "workspace", "versions")},
            flows={key: FlowPlan.from_json({**flow, **whole}) for key, flow in value["flows"].items()},
            agents={
                name: AgentPlan.from_json({**agent, **whole, **_OF_TASK}) for name, agent in value["agents"].items()
            },
            models=tuple(value["models"]),
            limits=Limits(**value["limits"]),
            unpriced=tuple(value.get("unpriced", ())),
            prompts=dict(value.get("prompts", {})),
            each=Each.from_json(value["each"]) if "each" in value else None,
            row=value.get("row"),
        )


def row_manifest(shared: Digest, row: int, inputs: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a row's run: the plan that it shares with the others, by content, and what it has of its own."""
    return {"format": FORMAT, "kind": "row", "plan": shared, "row": row, "inputs": inputs}


def whole_manifest(manifest: Any, read: Callable[[Digest], Any]) -> Any:
    """The manifest of a row's run with the plan that it shares; any other one as it is. `read` gives contents."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("plan"), str):
        return manifest
    shared = read(manifest["plan"])
    own = {name: value for name, value in manifest.items() if name not in ("plan", "kind")}
    return {**{name: value for name, value in shared.items() if name != "each"}, **own} if shared else own


def _without(value: dict[str, Any], *names: Iterable[str]) -> dict[str, Any]:
    left_out = {name for some in names for name in some}
    return {name: item for name, item in value.items() if name not in left_out}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
