from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from agentcli.core.messages import Message
from agentcli.core.models import ModelReply, ModelRequest, Usage
from agentcli.engine.ports import ModelObserver
from agentcli.errors import DefinitionError, ModelError, ModelTransientError
from agentcli.providers.fallback import Chain, Link
from tests.fakes.model_talk import Heard, request


@dataclass
class Model:
    """Retries so often, then fails with `error` or answers with its name."""

    name: str
    error: BaseException | None = None
    retries: int = 0
    asked: list[ModelRequest] = field(default_factory=list)
    closed: int = 0
    closing: Exception | None = None

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        self.asked.append(request)
        observer.delta(self.name[:1])
        for _ in range(self.retries):
            observer.retried("again", 1.0)
        if self.error is not None:
            raise self.error
        message = Message("assistant", self.name)
        return ModelReply(message, Usage(), "stop", self.name, 0.0, 0.0, attempts=1 + self.retries)

    async def aclose(self) -> None:
        self.closed += 1
        if self.closing is not None:
            raise self.closing


def chain(*models: Model) -> Chain:
    return Chain([Link(model.name, model) for model in models])


def failing(code: str) -> ModelError:
    return ModelError(code, f"{code} happened.", fix="Do something.")


async def test_the_first_model_answers_and_the_others_are_not_asked() -> None:
    second, heard = Model("b:2"), Heard()
    reply = await chain(Model("a:1"), second).complete(request(), heard)
    assert (reply.model, reply.attempts, heard.falls, second.asked) == ("a:1", 1, [], [])


@pytest.mark.parametrize(
    "code",
    [
        "E-MODEL-UNREACHABLE",
        "E-MODEL-UNAUTHORISED",
        "E-MODEL-KEY-MISSING",
        "E-MODEL-UNKNOWN",
        "E-MODEL-CONTEXT",
        "E-MODEL-REQUEST",
        "E-MODEL-EXTRA-MISSING",
    ],
)
async def test_whatever_one_model_fails_by_the_next_may_do_better(code: str) -> None:
    heard = Heard()
    reply = await chain(Model("a:1", failing(code)), Model("b:2")).complete(request(), heard)
    assert (reply.model, heard.falls) == ("b:2", [("b:2", f"{code} happened.")])


async def test_attempts_of_every_model_are_summed() -> None:
    exhausted = ModelTransientError("E-MODEL-RATE-LIMIT", "Slow.")
    models = (Model("a:1", exhausted, retries=3), Model("b:2", failing("E")), Model("c:3", retries=1))
    heard = Heard()
    reply = await chain(*models).complete(request(), heard)
    assert (reply.attempts, len(heard.retries)) == (4 + 1 + 2, 4)


async def test_when_all_fail_one_error_names_each_model_and_cause() -> None:
    models = (Model("a:1", failing("E-ONE")), Model("b:2", failing("E-TWO")))
    heard = Heard()
    with pytest.raises(ModelError) as raised:
        await chain(*models).complete(request(), heard)
    assert raised.value.code == "E-MODEL-ALL-FAILED"
    assert raised.value.info.why == "a:1: E-ONE happened. b:2: E-TWO happened."
    assert len(heard.falls) == 1


async def test_a_chain_of_one_fails_with_its_models_own_error() -> None:
    error = failing("E-MODEL-CONTEXT")
    with pytest.raises(ModelError) as raised:
        await chain(Model("a:1", error)).complete(request(), Heard())
    assert raised.value is error


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), DefinitionError("E-SCRIPT-VALUE", "Broken."), KeyError("bug")]
)
async def test_what_no_model_can_cure_ends_the_chain(error: BaseException) -> None:
    second = Model("b:2")
    with pytest.raises(type(error)):
        await chain(Model("a:1", error), second).complete(request(), Heard())
    assert second.asked == []


async def test_every_model_is_closed_also_when_one_cannot_be() -> None:
    models = (Model("a:1"), Model("b:2", closing=RuntimeError("stuck")), Model("c:3"))
    with pytest.raises(RuntimeError, match="stuck"):
        await chain(*models).aclose()
    assert [model.closed for model in models] == [1, 1, 1]


def test_a_chain_needs_a_model() -> None:
    with pytest.raises(ValueError, match="needs a model"):
        Chain([])
