"""A remote model, once for each API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from agentcli.engine.ports import ModelProvider
from agentcli.providers.remote import Surroundings
from tests.fakes.model_server import ModelServer
from tests.fakes.model_talk import patient, providers
from tests.fakes.remote_model import SERVERS, Serving


@pytest.fixture(params=list(SERVERS))
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def serving(wire: str) -> AsyncIterator[Serving]:
    async with AsyncExitStack() as stack:

        def open_(
            *replies: Any, around: Surroundings | None = None, **options: Any
        ) -> tuple[ModelProvider, ModelServer]:
            server = stack.enter_context(SERVERS[wire](*replies, **options))
            shared = providers({wire: server.base_url}, around=around or patient(attempts=2))
            stack.push_async_callback(shared.aclose)
            return shared.open([f"{wire}:m"]), server

        yield open_
