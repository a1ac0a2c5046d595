"""The plan of a recorded run as it would be under an edited template.

What the edit leaves alone stays as it was recorded, whatever today's settings say: a difference that a replay then
finds is the edit's. What it changes is decided as for a new run, with the recorded inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcli.catalog.catalog import LoadedAgent, parse_agent
from agentcli.catalog.inputs import convert
from agentcli.catalog.rendering import render, resolve_schema
from agentcli.core.agent_code import AgentCode
from agentcli.core.agents import AgentTemplate, Definition, InputSpec, ToolUse
from agentcli.core.canonical import Json
from agentcli.core.tools import ToolSpec
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.errors import UsageError
from agentcli.workbench.agent_plan import AgentPlan, PolicyPlan
from agentcli.workbench.agents_code import read_agent_code
from agentcli.workbench.choose_model import BY_FLAG, named_by
from agentcli.workbench.plan_agent import limits_of, refuse_disabled, rules_of, settings_of

if TYPE_CHECKING:
    from agentcli.workbench.wiring import Workbench


async def replan(
    bench: Workbench, plan: AgentPlan, template: Path | LoadedAgent, edit: type[Edit] | None = None
) -> AgentPlan:
    """The plan under another template. Needs no key, no network and no workspace. `edit` is by default an `Edit`.

    Raises UsageError E-AGENT-UNKNOWN for a file that is not there, E-INPUT-… where the recorded inputs do not do;
    DefinitionError for what is wrong in the file, DeniedError E-AGENT-DISABLED.
    """
    loaded = bench.catalog.edited_agent(template) if isinstance(template, Path) else template
    refuse_disabled(loaded.template)
    admission = Admission(bench.redactor)
    code = _code(bench, loaded, admission)
    if loaded.text == plan.source and _text(code) == _text(plan.agent_code):
        return replace(plan, path=str(loaded.path))
    recorded = parse_agent(plan.source, f"{plan.path} (as recorded)")
    edited = (edit or Edit)(bench, plan, recorded, _admitted(loaded, admission)).parts()
    edited["agent_code"] = plan.agent_code if _text(code) == _text(plan.agent_code) else code
    changes = {name: value for name, value in edited.items() if value != getattr(plan, name)}
    changed = replace(plan, **changes).to_json()
    # Only what is new is let in: what is on record was let in then, by the secrets of that time.
    changed.update(admission.admit({name: changed.get(name) for name in changes}))
    return await _priced(bench, plan, AgentPlan.from_json(changed))


def _code(bench: Workbench, loaded: LoadedAgent, admission: Admission) -> AgentCode | None:
    """The code that the template has now, as a record would have it; nothing of it is run."""
    code = read_agent_code(bench, loaded)
    return None if code is None else AgentCode.from_json(admission.admit(code.to_json()))


def _text(code: AgentCode | None) -> str | None:
    return code.text if code is not None else None


def _admitted(loaded: LoadedAgent, admission: Admission) -> LoadedAgent:
    """The template as a record would have it: with placeholders for secrets."""
    text: str = admission.admit(loaded.text)
    return loaded if text == loaded.text else replace(loaded, text=text, template=parse_agent(text, str(loaded.path)))


async def _priced(bench: Workbench, before: AgentPlan, after: AgentPlan) -> AgentPlan:
    """With what is known of the prices, where the edit makes other prices matter."""
    if (before.models, before.limits.cost_usd) == (after.models, after.limits.cost_usd):
        return after
    from agentcli.workbench.run_agent import unpriced

    return replace(after, unpriced=await unpriced(bench.open_providers(), after))


@value(frozen=True, slots=True)
class Edit:
    """One edit: the recorded plan and template, and the template as it is now."""

    bench: Workbench
    plan: AgentPlan
    old: AgentTemplate
    loaded: LoadedAgent

    @property
    def new(self) -> AgentTemplate:
        """The template as it is now."""
        return self.loaded.template

    def parts(self) -> dict[str, Any]:
        """Every field of the plan that a template decides, by name."""
        inputs = self._inputs()
        models, reason = self._models()
        return {
            "agent": self.new.name,
            "path": str(self.loaded.path),
            "source": self.loaded.text,
            "inputs": inputs,
            "instructions": self._instructions(inputs),
            "models": models,
            "model_reason": reason,
            "tools": self._tools(),
            "uses": self.plan.uses if self._keeps("tools") else self.new.tools,
            "policy": self._policy(),
            "limits": self._with("limits", limits_of(self.bench, self.loaded)),
            "settings": self._with("settings", settings_of(self.bench, self.new)),
            "output_schema": self._output_schema(inputs),
        }

    def _keeps(self, name: str) -> bool:
        """Whether the edit leaves a field of the template alone."""
        return bool(getattr(self.old, name) == getattr(self.new, name))

    def _with(self, name: str, now: Any) -> Any:
        """A block of the plan, with what the template sets otherwise than it did, as it holds `now`."""
        return replace(getattr(self.plan, name), **newly_set(getattr(self.old, name), getattr(self.new, name), now))

    def _inputs(self) -> dict[str, Json]:
        return inputs_under(self.plan.inputs, self.old.inputs, self.new.inputs)

    def _instructions(self, inputs: dict[str, Json]) -> str:
        if self._keeps("instructions") and inputs == self.plan.inputs:
            return self.plan.instructions
        return render(self.new.instructions or "", inputs=inputs)

    def _output_schema(self, inputs: dict[str, Json]) -> dict[str, Json] | None:
        output = self.new.output
        if self._keeps("output") and (output is None or isinstance(output.schema_, dict) or inputs == self.plan.inputs):
            return self.plan.output_schema
        return resolve_schema(output.schema_, inputs=inputs) if output is not None else None

    def _models(self) -> tuple[tuple[str, ...], str]:
        """Those that the template names, unless they are the same or the command line named others."""
        recorded = (self.plan.models, self.plan.model_reason)
        if self._keeps("model") or self.plan.model_reason == BY_FLAG:
            return recorded
        return named_by(self.bench, self.loaded) or recorded

    def _tools(self) -> tuple[ToolSpec, ...]:
        if self._keeps("tools"):
            return self.plan.tools
        return tools_under(self.new.tools, self.plan.tools, self.plan.workspace)

    def _policy(self) -> PolicyPlan:
        """The recorded rules, with the template's own as they are now."""
        if self._keeps("permissions") and self._keeps("tools"):
            return self.plan.policy
        others = (layer for layer in self.plan.policy.layers if layer.name != "agent")
        return replace(self.plan.policy, layers=(*others, rules_of(self.bench, self.loaded)))


def newly_set(old: Definition, new: Definition, now: Any) -> dict[str, Any]:
    """What a block of a template sets otherwise than it did, with the values that hold `now`."""
    return {key: getattr(now, key) for key in type(new).model_fields if getattr(old, key) != getattr(new, key)}


def inputs_under(
    recorded: Mapping[str, Json], old: Mapping[str, InputSpec], new: Mapping[str, InputSpec]
) -> dict[str, Json]:
    """The recorded inputs; those that are declared otherwise now are converted, new ones have their defaults.

    Raises UsageError E-INPUT-….
    """
    kept = {name: recorded[name] for name, spec in new.items() if name in recorded and old.get(name) == spec}
    others = {name: spec for name, spec in new.items() if name not in kept}
    given = {
        name: recorded[name]
        for name, spec in others.items()
        if recorded.get(name) is not None and (spec.must_be_given or not _is_default(recorded[name], old.get(name)))
    }
    _refuse_missing(others, given)
    try:
        values = {**kept, **convert(others, given)}
    except UsageError as error:
        why = f"{error.info.why} The value is the recorded one."
        raise UsageError(error.code, error.info.what, why=why, fix="Declare it so that the value fits.") from None
    return {name: values[name] for name in new}


def tools_under(uses: Sequence[ToolUse], recorded: Sequence[ToolSpec], workspace: str) -> tuple[ToolSpec, ...]:
    """What tools say of themselves: as recorded, where the run had them. Raises DefinitionError E-REPLAY-CODE."""
    from agentcli.sandbox.unopened import UnopenedWorkspace
    from agentcli.tools.context import ToolContext
    from agentcli.tools.recorded import RecordedCode
    from agentcli.tools.registry import ToolRegistry

    known = {spec.name: spec for spec in recorded}
    registry = ToolRegistry(ToolContext(UnopenedWorkspace(Path(workspace))))
    specs = registry.select(uses, RecordedCode(recorded)).specs()
    return tuple(known.get(spec.name, spec) for spec in specs)


def _is_default(value: Json, spec: InputSpec | None) -> bool:
    """Whether an input has the value that it had without being given."""
    return spec is not None and spec.default == value


def _refuse_missing(specs: Mapping[str, InputSpec], given: Mapping[str, Json]) -> None:
    for name, spec in specs.items():
        if spec.must_be_given and name not in given:
            raise UsageError(
                "E-INPUT-MISSING",
                f"The recorded run has no value for the input `{name}`.",
                why="The edited template requires it.",
                fix=f"Give it a default in the template: `{name}: {{default: …}}`.",
            )
