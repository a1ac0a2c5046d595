"""Decide a run of an agent: template, inputs, model, tools, rules and limits become one plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agentcli.catalog.catalog import LoadedAgent
from agentcli.catalog.inputs import convert
from agentcli.catalog.rendering import render, resolve_schema
from agentcli.core.agents import AgentTemplate, Permissions
from agentcli.core.canonical import Digest
from agentcli.core.events import CodeAsked, CodeCompleted, ModelCompleted, ModelStarted, RunStarted
from agentcli.core.limits import Limits
from agentcli.core.messages import Conversation
from agentcli.core.models import ModelSettings
from agentcli.core.policies import Layer
from agentcli.core.runs import RunQuery
from agentcli.core.values import value
from agentcli.engine.admission import Admission
from agentcli.errors import DeniedError, UsageError
from agentcli.workbench.agent_plan import AgentPlan, PolicyPlan, versions
from agentcli.workbench.agents_code import refuse_conversation, runnable_code
from agentcli.workbench.choose_model import choose_models, choose_models_if_any
from agentcli.workbench.limits_given import limits_given

if TYPE_CHECKING:
    from agentcli.workbench.own_code import OwnCode
    from agentcli.workbench.run_agent import RunRequest
    from agentcli.workbench.wiring import Workbench


async def plan_agent(
    bench: Workbench, request: RunRequest, admission: Admission, code: OwnCode
) -> tuple[AgentPlan, str | None]:
    """The plan, free of secrets, and the run whose conversation it goes on with. Raises AgentcliError.

    The code of the agent's own tools is loaded: what they are is known only then.
    """
    said = last_conversation(bench) if request.continue_last else None
    loaded = bench.catalog.agent(request.agent or _who_goes_on(bench, said))
    template = loaded.template
    refuse_disabled(template)
    agent_code = runnable_code(bench, loaded, goes_on=request.continue_last)
    before = said.inputs if said is not None and said.agent == template.name else {}
    given = {**{name: value for name, value in before.items() if name in template.inputs}, **request.inputs}
    # Before anything is rendered: an input whose name says that it is secret is none by its look.
    inputs = admission.admit(convert(template.inputs, given))
    models, reason = await (choose_models_if_any if agent_code else choose_models)(bench, loaded)
    await code.load(template.tools, loaded.path, bench.workspace)
    tools = bench.tools.select(template.tools, code)
    plan = AgentPlan(
        agent=template.name,
        path=str(loaded.path),
        source=loaded.text,
        instructions=render(template.instructions or "", inputs=inputs),
        models=models,
        model_reason=reason,
        tools=tuple(tools.specs()),
        uses=template.tools,
        policy=_policy(bench, loaded),
        limits=_limits(bench, loaded, request),
        settings=settings_of(bench, template),
        output_schema=resolve_schema(template.output.schema_, inputs=inputs) if template.output else None,
        inputs=inputs,
        task=request.task,
        message=_message(request.task, request.attachments),
        history=said.messages if said else (),
        workspace=str(bench.workspace),
        versions=versions(),
        code=code.sources,
        agent_code=agent_code,
    )
    return AgentPlan.from_json(admission.admit(plan.to_json())), said.run if said else None


def refuse_disabled(template: AgentTemplate) -> None:
    """Raises DeniedError E-AGENT-DISABLED."""
    if not template.enabled:
        raise DeniedError(
            "E-AGENT-DISABLED",
            f"The agent `{template.name}` is disabled.",
            why="Its template says `enabled: false`.",
            fix="Set `enabled: true` in its template.",
        )


def _policy(bench: Workbench, loaded: LoadedAgent) -> PolicyPlan:
    """The rules of the user, of the project and of the template."""
    layers = (*bench.loaded.permissions, rules_of(bench, loaded))
    return PolicyPlan(layers, yes=bench.options.yes, allow=tuple(bench.options.allow))


def rules_of(bench: Workbench, loaded: LoadedAgent) -> Layer:
    """A template's own rules and those of its tools' options; a project's template is as trusted as the project.

    Raises DefinitionError E-TOOL-OPTION.
    """
    from agentcli.tools.registry import permissions_of

    own, of_tools = loaded.template.permissions, permissions_of(loaded.template.tools)
    rules = Permissions(**{name: (*mine, *getattr(of_tools, name)) for name, mine in own})
    return Layer("agent", rules, loaded.source != "project" or bench.loaded.trusted)


def _limits(bench: Workbench, loaded: LoadedAgent, request: RunRequest) -> Limits:
    """The template's limits over the settings', then those of the request."""
    return limits_given(request.limits, limits_of(bench, loaded))


def limits_of(bench: Workbench, loaded: LoadedAgent) -> Limits:
    """The template's limits over the settings'."""
    return bench.loaded.limits(loaded.template.limits, of_project=loaded.source == "project")


def settings_of(bench: Workbench, template: AgentTemplate) -> ModelSettings:
    """The template's settings of the model over the settings'."""
    return template.settings.to_settings(bench.settings.settings.to_settings())


def _message(task: str, attachments: Sequence[tuple[str, str]]) -> str:
    files = [f'<file name="{name}">\n{text.rstrip()}\n</file>' for name, text in attachments]
    return "\n\n".join([task, *files])


@value(frozen=True, slots=True)
class Said:
    """A conversation to go on with: the run that held it last, its agent and inputs, its messages by digest."""

    run: str
    agent: str
    inputs: dict[str, Any]
    messages: tuple[Digest, ...]


def last_conversation(bench: Workbench) -> Said:
    """The newest completed run of an agent; its messages are those after the instructions.

    Raises UsageError E-RUN-NONE, E-RUN-CONVERSATION.
    """
    rows = bench.journal.runs(RunQuery(kind="agent", status="completed", limit=1))
    if not rows:
        raise UsageError(
            "E-RUN-NONE",
            "There is no conversation to go on with.",
            why="No agent has completed a run here.",
            fix="Run it without -c first.",
        )
    start = rows[0].start
    bodies = [(event.seq, event.body) for event in bench.journal.events(start.id)]
    if any(isinstance(body, (CodeAsked, CodeCompleted)) for _, body in bodies):
        raise refuse_conversation(start.name)
    asked = [seq for seq, body in bodies if isinstance(body, ModelStarted)]
    answered = [body.message for _, body in bodies if isinstance(body, ModelCompleted)]
    inputs = next(body.inputs for _, body in bodies if isinstance(body, RunStarted))
    messages = Conversation([*bench.journal.conversation(start.id, asked[-1]), answered[-1]])
    return Said(start.id, start.name, inputs, tuple(messages.digests[1:]))


def _who_goes_on(bench: Workbench, said: Said | None) -> str:
    """Where no agent is named: the one that held the conversation, as long as it is there; else the settings' one."""
    return said.agent if said is not None and bench.catalog.is_agent(said.agent) else bench.settings.agent
