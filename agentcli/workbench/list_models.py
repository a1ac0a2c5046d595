"""Which model would be used and why, and the models that this machine can run by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcli.core.values import value
from agentcli.errors import ModelError
from agentcli.workbench.choose_model import choose_models, discover_model

if TYPE_CHECKING:
    from agentcli.providers.discovery import Considered
    from agentcli.providers.local.catalog import EmbeddedModel
    from agentcli.workbench.wiring import Workbench


@value(frozen=True, slots=True)
class Embedded:
    """A model of the catalog, and whether its file is here in full."""

    model: EmbeddedModel
    pulled: bool


@value(frozen=True, slots=True)
class ModelsView:
    """`chosen` in the order in which they are tried, empty where there is none; `reason` says why or why not.

    `considered` is what was looked for on this machine; empty where the model is configured.
    """

    chosen: tuple[str, ...]
    reason: str
    considered: tuple[Considered, ...]
    embedded: tuple[Embedded, ...]


async def list_models(bench: Workbench) -> ModelsView:
    """What an agent that names no model would use. Asks a local Ollama, nobody else."""
    from agentcli.providers.local import pulled
    from agentcli.providers.local.catalog import MODELS

    here = set(pulled(bench.models_dir))
    embedded = tuple(Embedded(model, model.name in here) for model in MODELS.values())
    if bench.settings.model:
        chosen, reason = await choose_models(bench)
        return ModelsView(chosen, reason, (), embedded)
    choice = await discover_model(bench)
    try:
        chosen = (choice.required(),)
    except ModelError:
        chosen = ()
    return ModelsView(chosen, choice.reason, choice.considered, embedded)
