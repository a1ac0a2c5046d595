"""What is said to llama.cpp over its socket, and what its refusals mean."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from agentcli.errors import ModelError, ModelStreamError, ModelTransientError, sentence
from agentcli.providers.local.constrained import Turn

_DATA: Final = "data: "
_SECONDS: Final = 30.0
"""For what costs no thinking: rendering a template, saving a state."""

_READING_SECONDS: Final = 600.0
"""For reading the fixed part of a prompt: a minute on the slowest machines."""


class LlamaHttp:
    """A client for one child process. One request at a time is its owner's business."""

    def __init__(self, socket: str) -> None:
        import httpx

        # A connection for each request: llama.cpp closes idle ones, and a race with that would look like a crash.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=socket, limits=limits),
            base_url="http://llama",
            timeout=_SECONDS,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def prompt(self, turns: Sequence[Turn]) -> str:
        """The turns as one text, by the model's own chat template."""
        value = await self._post("/apply-template", {"messages": list(turns)}, _SECONDS)
        return str(value["prompt"])

    async def read(self, prompt: str) -> None:
        """Have the model read a text without answering."""
        await self._post("/completion", {"prompt": prompt, "n_predict": 0, "cache_prompt": True}, _READING_SECONDS)

    async def state(self, action: str, filename: str) -> bool:
        """`save` or `restore` the model's state; whether that worked."""
        with _translated(_SECONDS):
            answer = await self._client.post(f"/slots/0?action={action}", json={"filename": filename})
        return answer.status_code == 200

    async def completion(self, body: dict[str, Any], silence: float) -> AsyncGenerator[dict[str, Any], None]:
        """The pieces of an answer; the last one has `stop`. Closing the iterator stops the generation.

        `silence` is how many seconds may pass without a sign of progress. Raises ModelError.
        """
        import httpx

        timeout = httpx.Timeout(silence)
        request = {**body, "stream": True, "return_progress": True, "cache_prompt": True}
        stopped = False
        with _translated(silence):
            async with self._client.stream("POST", "/completion", json=request, timeout=timeout) as answer:
                if answer.status_code != 200:
                    raise _refused(await answer.aread())
                async for line in answer.aiter_lines():
                    piece = _piece(line)
                    if piece is not None:
                        stopped = stopped or bool(piece.get("stop"))
                        yield piece
        if not stopped:
            raise ModelStreamError(
                "E-MODEL-STREAM",
                "The embedded model broke off in the middle of its answer.",
                why="Its stream ended before its end mark.",
                fix="Try again.",
            )

    async def _post(self, path: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        with _translated(seconds):
            answer = await self._client.post(path, json=body, timeout=seconds)
        if answer.status_code != 200:
            raise _refused(answer.content)
        value: dict[str, Any] = answer.json()
        return value


@contextmanager
def _translated(silence: float) -> Iterator[None]:
    """Failures of the connection, as what they mean: the process is local, so they are its own."""
    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise ModelTransientError(
            "E-MODEL-TIMEOUT",
            f"The embedded model made no progress for {silence:g} seconds.",
            why="Another program may use the processor, or the conversation is long.",
            fix="Raise settings.timeout, or stop what else is using the processor.",
        ) from error
    except httpx.HTTPError as error:
        raise ModelTransientError(
            "E-MODEL-CRASHED",
            "The embedded model's process ended unexpectedly.",
            why=f"It closed the connection ({type(error).__name__}); memory may have run out.",
            fix="Try again; if it happens again, use a smaller model: `-m local:coder-0.5b`.",
        ) from error


def _piece(line: str) -> dict[str, Any] | None:
    """A line of the stream; None for lines that keep it alive. Raises ModelError for a reported failure."""
    if line.startswith("error: "):
        raise _refused(line.removeprefix("error: ").encode())
    if not line.startswith(_DATA) or line == f"{_DATA}[DONE]":
        return None
    value: dict[str, Any] = json.loads(line.removeprefix(_DATA))
    if "error" in value:
        raise _refused(line.removeprefix(_DATA).encode())
    return value


def _refused(body: bytes) -> ModelError:
    try:
        error = json.loads(body)["error"]
        kind, message = str(error.get("type")), str(error.get("message"))
    except (ValueError, LookupError, TypeError, AttributeError):
        error, kind, message = {}, "", body[:200].decode(errors="replace")
    if kind == "exceed_context_size_error":
        return ModelError(
            "E-MODEL-CONTEXT",
            "The conversation is too long for the embedded model.",
            why=f"It has {error.get('n_prompt_tokens')} tokens, and {error.get('n_ctx')} fit.",
            fix="Ask about less at a time (a range of lines, a search), or use a larger model.",
        )
    return ModelError(
        "E-MODEL-REQUEST",
        "The embedded model refused the request.",
        why=sentence(message),
        fix="Check the settings and the output schema of the agent.",
    )
