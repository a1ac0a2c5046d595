"""One remote model over a fake server, of either API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agentcli.engine.ports import ModelProvider
from agentcli.errors import ModelError
from tests.fakes.model_server import ModelServer, anthropic_server, openai_server
from tests.fakes.model_talk import Heard, request

SERVERS = {"openai": openai_server, "anthropic": anthropic_server}

Serving = Callable[..., tuple[ModelProvider, ModelServer]]
"""Starts a server with these replies; gives a model of it, and the server."""


async def failed(model: ModelProvider, heard: Heard | None = None, **settings: Any) -> ModelError:
    with pytest.raises(ModelError) as raised:
        await model.complete(request("hi", **settings), heard or Heard())
    return raised.value
