"""The provider `local`: an embedded model that answers requests."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agentcli.core.canonical import digest
from agentcli.core.models import ModelReply, ModelRequest, ModelSettings, Usage
from agentcli.engine.ports import ModelObserver
from agentcli.providers.local.catalog import EmbeddedModel
from agentcli.providers.local.child import Child
from agentcli.providers.local.constrained import Asked, Turn, asked
from agentcli.providers.local.llama_http import LlamaHttp
from agentcli.providers.local.prefix_cache import PrefixCache
from agentcli.providers.local.reply_reader import ReplyReader
from agentcli.providers.local.verify import check_gguf, find, stamp_of, verified

CONTEXT_TOKENS: Final = 8192
MAX_OUTPUT_TOKENS: Final = 512
"""Unless the settings say otherwise: a small model that is not stopped may repeat itself for ever."""

_BATCH_TOKENS: Final = 64
"""Tokens read between two looks at the connection: a cancelled request is given up within about a second."""

_SEED: Final = 1


@dataclass(slots=True)
class _Loaded:
    """A model in a running process, and the prefixes that its present state began with."""

    child: Child
    http: LlamaHttp
    states: PrefixCache | None
    warm: set[str] = field(default_factory=set)


class LocalModel:
    """One embedded model. Its process starts with the first request and answers one request at a time."""

    def __init__(self, name: str, models_dir: Path, states_dir: Path | None = None) -> None:
        """`name` is one of the catalog or a path; states of prefixes go to `states_dir` (beside the models)."""
        self._name = name
        self._models_dir = models_dir
        self._states_dir = states_dir or models_dir / "states"
        self._turn = asyncio.Lock()
        self._loaded: _Loaded | None = None

    async def complete(self, request: ModelRequest, observer: ModelObserver) -> ModelReply:
        """The answer. Raises ModelError. Cancelling it stops the generation."""
        started = time.monotonic()
        settings = request.head.settings
        ask = asked(request.head, request.conversation.messages)
        async with self._turn:
            loaded = await self._load()
            prompt = await loaded.http.prompt(ask.turns)
            await self._warm_up(loaded, ask, prompt)
            reader = ReplyReader(ask.form)
            last = await self._generate(loaded, _body(prompt, ask, settings), reader, settings, observer)
        # The same request gives the same id, so that a recording and its replay agree.
        call_id = f"call_{digest([len(ask.turns), prompt])[:12]}"
        message, finish = reader.message(call_id, cut=last.get("stop_type") == "limit")
        return ModelReply(
            message=message,
            usage=_usage(last),
            finish_reason=finish,
            model=f"local:{self._name}",
            cost_usd=0.0,
            duration_s=time.monotonic() - started,
        )

    async def aclose(self) -> None:
        """End the process and free its memory."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            await loaded.http.aclose()
            await loaded.child.stop()

    async def _load(self) -> _Loaded:
        if self._loaded is not None and not self._loaded.child.alive:
            await self.aclose()
        if self._loaded is None:
            path, model = find(self._name, self._models_dir)
            await asyncio.to_thread(_check, path, model)
            states = self._states(path, model)
            options: dict[str, Any] = {"context": CONTEXT_TOKENS, "batch": _BATCH_TOKENS}
            if states is not None:
                options |= {"states": f"{states.folder}{os.sep}"}
            child = await Child.start(path, options)
            self._loaded = _Loaded(child, LlamaHttp(child.socket), states)
        return self._loaded

    def _states(self, path: Path, model: EmbeddedModel | None) -> PrefixCache | None:
        from importlib.metadata import version

        identity: Any = model.sha256 if model is not None else [str(path), stamp_of(path)]
        cache = PrefixCache(
            self._states_dir, digest([version("xllamacpp"), identity, CONTEXT_TOKENS, os.uname().machine])
        )
        return cache if cache.prepare() else None

    async def _warm_up(self, loaded: _Loaded, ask: Asked, prompt: str) -> None:
        """Bring the model into the state after the fixed part of the prompt, from a file if there is one."""
        if loaded.states is None or not ask.fixed:
            return
        prefix = _common(prompt, await loaded.http.prompt([*ask.turns[: ask.fixed], _OTHER]))
        if prefix in loaded.warm or not prefix:
            return
        loaded.warm.add(prefix)
        http = loaded.http
        if not await loaded.states.restore(prefix, lambda name: http.state("restore", name)):
            await http.read(prefix)
            await loaded.states.save(prefix, lambda name: http.state("save", name))

    async def _generate(
        self,
        loaded: _Loaded,
        body: dict[str, Any],
        reader: ReplyReader,
        settings: ModelSettings,
        observer: ModelObserver,
    ) -> Mapping[str, Any]:
        last: Mapping[str, Any] = {}
        async with aclosing(loaded.http.completion(body, settings.timeout)) as pieces:
            async for piece in pieces:
                last = piece
                shown = reader.feed(piece.get("content", ""))
                if shown and settings.stream:
                    observer.delta(shown)
        return last


_OTHER: Final[Turn] = {"role": "user", "content": "\u2400"}
"""A question unlike any other: what two prompts have in common before it is their fixed part."""


def _check(path: Path, model: EmbeddedModel | None) -> None:
    if model is not None:
        verified(path, model)
    check_gguf(path)


def _common(one: str, other: str) -> str:
    """What both texts begin with."""
    same = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        same += 1
    return one[:same]


def _body(prompt: str, ask: Asked, settings: ModelSettings) -> dict[str, Any]:
    body: dict[str, Any] = {
        "prompt": prompt,
        "n_predict": settings.max_output_tokens or MAX_OUTPUT_TOKENS,
        "temperature": settings.temperature or 0.0,
        "seed": _SEED if settings.seed is None else settings.seed,
        "stop": list(settings.stop),
        "id_slot": 0,
    }
    if settings.top_p is not None:
        body["top_p"] = settings.top_p
    if ask.schema is not None:
        body["json_schema"] = ask.schema
    return body


def _usage(last: Mapping[str, Any]) -> Usage:
    timings = last.get("timings", {})
    cached = int(timings.get("cache_n", 0))
    return Usage(input=int(last.get("tokens_evaluated", 0)), output=int(last.get("tokens_predicted", 0)), cached=cached)
