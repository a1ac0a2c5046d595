"""Which model a run asks, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from agentcli.errors import DefinitionError, ModelError

if TYPE_CHECKING:
    from agentcli.catalog.catalog import LoadedAgent
    from agentcli.core.models import ModelRequest
    from agentcli.engine.ports import ModelObserver
    from agentcli.providers.discovery import Choice
    from agentcli.workbench.wiring import Workbench

BY_FLAG: Final = "chosen with -m"
"""Why a run asks the models that the command line names: what a template says of them does not count then."""


async def choose_models(bench: Workbench, loaded: LoadedAgent | None = None) -> tuple[tuple[str, ...], str]:
    """`provider:model` names in the order in which they are tried, and why these.

    The command line first, then the template, the settings, and what can be found on this machine. Raises ModelError
    E-MODEL-NONE where there is none, DefinitionError E-MODEL-UNTRUSTED.
    """
    if bench.options.model:
        return tuple(bench.from_here(name) for name in bench.options.model), BY_FLAG
    if loaded is not None and (named := named_by(bench, loaded)):
        return named
    if bench.settings.model:
        source = bench.loaded.source("model")
        refuse_foreign_files(bench, bench.settings.model, of_project=source.of_project)
        return bench.settings.model, f"set in {source}"
    choice = await discover_model(bench)
    return (choice.required(),), choice.reason


async def choose_models_if_any(bench: Workbench, loaded: LoadedAgent) -> tuple[tuple[str, ...], str]:
    """The same for an agent whose code may ask none: without a model, none. Raises DefinitionError."""
    try:
        return await choose_models(bench, loaded)
    except ModelError as error:
        return (), error.info.why


class NoModel:
    """What is asked where there is no model."""

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> NoReturn:
        """Never answers. Raises ModelError E-MODEL-NONE."""
        raise ModelError(
            "E-MODEL-NONE",
            "There is no model to use.",
            why="None was found when the run was begun.",
            fix="Run `agentcli models pull coder-1.5b`, or export OPENAI_API_KEY; then name a model with -m.",
        )

    async def aclose(self) -> None:
        """There is nothing to let go of."""


def named_by(bench: Workbench, loaded: LoadedAgent) -> tuple[tuple[str, ...], str] | None:
    """The models that a template names, and that it does; None where it names none. Raises E-MODEL-UNTRUSTED."""
    models = loaded.template.model
    if models is None:
        return None
    refuse_foreign_files(bench, models, of_project=loaded.source == "project")
    return models, f"named by the agent {loaded.template.name}"


def refuse_foreign_files(bench: Workbench, models: Sequence[str], *, of_project: bool) -> None:
    """An untrusted project's file names no file outside it as a model: its errors would tell what is in there."""
    if not of_project or bench.loaded.trusted or bench.project is None:
        return
    root = bench.project.root.resolve()
    for model in models:
        path = bench.file_of_model(model)
        if path is not None and not (root / path).resolve().is_relative_to(root):
            raise DefinitionError(
                "E-MODEL-UNTRUSTED",
                f"The model `{model}` is a file outside the project.",
                why="The project is not trusted, so it may not name files elsewhere.",
                fix="Look at the project, then run `agentcli trust`; or choose a model with -m.",
            )


async def discover_model(bench: Workbench) -> Choice:
    """What this machine has to offer where nothing is configured."""
    from agentcli.providers.discovery import discover

    return await discover(bench.keys.get, bench.models_dir)
