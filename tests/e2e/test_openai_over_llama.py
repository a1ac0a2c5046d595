"""The provider `openai` against a real OpenAI-compatible server: llama.cpp's own port, on this machine."""

from __future__ import annotations

import json

import pytest

from agentcli.core.messages import Message
from tests.fakes.model_talk import Heard, providers, request

pytestmark = [pytest.mark.model, pytest.mark.xdist_group("model")]

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("stream", [True, False])
async def test_a_real_server_answers_streaming_and_not(llama_server: str, stream: bool) -> None:
    opened = providers({"llamacpp": llama_server})
    heard = Heard()
    question = "What is the capital of France? One word."
    asked = request(question, temperature=0, max_output_tokens=16, stream=stream, timeout=120)
    try:
        reply = await opened.open(["llamacpp:coder-0.5b"]).complete(asked, heard)
    finally:
        await opened.aclose()
    assert "Paris" in reply.message.content
    assert heard.text == (reply.message.content if stream else "")
    assert reply.finish_reason == "stop"
    assert reply.usage.input > 0 < reply.usage.output
    assert reply.cost_usd == 0


async def test_a_real_server_holds_an_answer_to_its_schema(llama_server: str) -> None:
    opened = providers({"llamacpp": llama_server})
    said = (Message("system", "You extract data as JSON."), "Anna lives in Turin.")
    asked = request(*said, schema=CITY, temperature=0, max_output_tokens=32, timeout=120)
    try:
        reply = await opened.open(["llamacpp:coder-0.5b"]).complete(asked, Heard())
    finally:
        await opened.aclose()
    assert json.loads(reply.message.content) == {"city": "Turin"}
