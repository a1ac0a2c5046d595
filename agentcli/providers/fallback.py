"""A chain of models: the first that answers, in the template's order.

Whatever a model fails by, another may do better: it is up, has a key, knows the model, has a longer context, takes
the setting that the first refuses. So every ModelError falls to the next, and each fall is told to the observer, by
which it is in the journal and on the screen. What no model can cure is not a ModelError (a broken scripted file, a
cancellation) and ends the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from agentcli.core.models import ModelReply, ModelRequest
from agentcli.core.values import value
from agentcli.engine.ports import ModelObserver, ModelProvider
from agentcli.errors import ModelError


@value(frozen=True, slots=True)
class Link:
    """One model of a chain, by the name that the template gives it."""

    name: str
    provider: ModelProvider


class Chain:
    """A `ModelProvider` over one or more models."""

    def __init__(self, links: Sequence[Link]) -> None:
        if not links:
            raise ValueError("a chain needs a model")
        self._links = tuple(links)

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        """The first answer; `attempts` counts the requests to every model. Raises the error of a chain of one as it is,
        E-MODEL-ALL-FAILED with each model and its cause for a longer one.
        """
        counting = _Counting(observer)
        failed: list[tuple[str, ModelError]] = []
        for position, link in enumerate(self._links):
            counting.attempts += 1
            try:
                reply = await link.provider.complete(request, counting)
            except ModelError as error:
                failed.append((link.name, error))
                self._fall(position, error, observer)
            else:
                return replace(reply, attempts=counting.attempts)
        raise _all_failed(failed) from failed[-1][1]

    def _fall(self, position: int, error: ModelError, observer: ModelObserver) -> None:
        """Announce the next model. Raises the error where there never was another."""
        if len(self._links) == 1:
            raise error
        if position + 1 < len(self._links):
            observer.fell_back(self._links[position + 1].name, error.info.what)

    async def aclose(self) -> None:
        """Close every model, also when closing one fails."""
        async with AsyncExitStack() as stack:
            for link in self._links:
                stack.push_async_callback(link.provider.aclose)


class _Counting:
    """Passes everything on, and counts attempts: each retry is one more."""

    def __init__(self, observer: ModelObserver) -> None:
        self._observer = observer
        self.attempts = 0

    def delta(self, text: str) -> None:
        self._observer.delta(text)

    def retried(self, cause: str, wait_s: float) -> None:
        self.attempts += 1
        self._observer.retried(cause, wait_s)

    def fell_back(self, model: str, cause: str) -> None:
        self._observer.fell_back(model, cause)


def _all_failed(failed: Sequence[tuple[str, ModelError]]) -> ModelError:
    causes = " ".join(f"{name}: {error.info.what}" for name, error in failed)
    return ModelError(
        "E-MODEL-ALL-FAILED",
        f"None of the {len(failed)} models answered.",
        why=causes,
        fix=failed[0][1].info.fix,
    )
