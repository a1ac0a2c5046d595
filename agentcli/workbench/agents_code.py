"""The code of a custom agent for one run: what it is, whether it may run here, and the sandbox that runs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agentcli.errors import DefinitionError, DeniedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcli.catalog.catalog import LoadedAgent
    from agentcli.core.agent_code import AgentCode
    from agentcli.engine.ports import Code
    from agentcli.sandbox.paths import Workspace
    from agentcli.workbench.agent_plan import AgentPlan
    from agentcli.workbench.wiring import Workbench


def read_agent_code(bench: Workbench, loaded: LoadedAgent) -> AgentCode | None:
    """The code that a template holds or names, as text; None where it has none. Raises DefinitionError."""
    if loaded.template.code is None:
        return None
    from agentcli.definitions.agent_code import read_code
    from agentcli.definitions.yaml_source import read
    from agentcli.workbench.own_code import home_of

    home, _ = home_of(bench, loaded.path)
    return read_code(loaded.template.code, read(loaded.text, str(loaded.path), "E-TEMPLATE"), home)


def runnable_code(bench: Workbench, loaded: LoadedAgent, *, goes_on: bool = False) -> AgentCode | None:
    """The same, where it may run. Raises DeniedError E-CODE-UNTRUSTED; UsageError where it is to go on (`goes_on`)
    with a conversation.
    """
    code = read_agent_code(bench, loaded)
    if code is not None and goes_on:
        raise refuse_conversation(loaded.template.name)
    if code is None or loaded.source == "built-in":
        return code
    from agentcli.workbench.own_code import home_of

    home, trusted = home_of(bench, loaded.path)
    if not trusted:
        raise DeniedError(
            "E-CODE-UNTRUSTED",
            f"The code of the agent `{loaded.template.name}` does not run: nobody here has trusted it yet.",
            why="It comes from a folder that may be anybody's.",
            fix=f"Read it; then `agentcli trust {home}`, or pass `--trust` for this once.",
        )
    return code


def with_code_of_today(bench: Workbench, plan: AgentPlan) -> AgentPlan:
    """A recorded plan with its agent's code as its template has it now: what a record brings along is never run.

    Raises DeniedError E-CODE-UNTRUSTED, UsageError E-AGENT-UNKNOWN where the template is gone, DefinitionError.
    """
    if plan.agent_code is None:
        return plan
    loaded = bench.catalog.edited_agent(Path(plan.path))
    code = runnable_code(bench, loaded)
    if code is None:
        raise DefinitionError(
            "E-TEMPLATE-CODE",
            f"The agent `{plan.agent}` has no code any more.",
            why="The run was one of its code.",
            fix="Begin a new run.",
            file=plan.path,
            line=1,
            column=1,
        )
    return replace(plan, agent_code=code.from_json(bench.redactor.redact(code.to_json())))


def refuse_conversation(name: str) -> UsageError:
    """A custom agent does a task; it goes on with no conversation, and leaves none to go on with."""
    return UsageError(
        "E-RUN-CONVERSATION",
        f"The agent `{name}` holds no conversation.",
        why="Its code does one task at a time.",
        fix="Run it without -c, and say everything in the task.",
    )


def confined_code(bench: Workbench, workspace: Callable[[], Workspace]) -> Callable[[AgentPlan], Code]:
    """What gives the code of a custom agent, over a workspace; nothing runs before it is told its task."""

    def of(plan: AgentPlan) -> Code:
        from agentcli.tools.agent_code.confined import ConfinedCode

        if plan.agent_code is None:
            raise AssertionError(f"{plan.agent} has no code")
        return ConfinedCode(bench.tool_context(workspace()), plan.agent_code, plan.limits.tool_seconds)

    return of
