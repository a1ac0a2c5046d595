"""Runs to record: what the benchmarks of the journal write."""

from __future__ import annotations

import argparse
import inspect
import itertools
import random
import time
from collections.abc import Sequence

from agentcli.core.canonical import digest, digest_bytes
from agentcli.core.events import (
    Body,
    EffectKey,
    Event,
    ModelCompleted,
    ModelStarted,
    RunCompleted,
    RunStarted,
    ToolCompleted,
    ToolStarted,
    TurnStarted,
)
from agentcli.core.ids import run_id
from agentcli.core.messages import Conversation, Message, ToolCall
from agentcli.core.models import RequestDelta, Usage
from agentcli.core.runs import RunEnd, RunStart
from agentcli.journal.store import SqliteJournal

SOURCE = inspect.getsource(argparse).splitlines()
MANIFEST_JSON = b'{"agent":"reader","models":["openai:gpt-5-mini"]}'
MANIFEST = digest_bytes(MANIFEST_JSON)
NOW = 1_795_000_000.0


def start(number: int, **changes: object) -> RunStart:
    values = {"kind": "agent", "name": "reader", "task": "What does it say?", "model": "openai:gpt-5-mini"}
    when = NOW + number
    return RunStart(run_id(when, number * 7919), started=when, **{**values, "manifest": MANIFEST, **changes})


def end(turns: int = 1) -> RunEnd:
    return RunEnd("completed", 0, NOW, turns, Usage(1000, 100), 0.01, 1.5)


class Recorder:
    """Appends a run's events as the engine does."""

    def __init__(self, journal: SqliteJournal, number: int, **changes: object) -> None:
        self.log = journal.begin(start(number, **changes))
        self.seq = 0

    def add(self, body: Body, kind: str | None = None, turn: int = 0, done: bool = False) -> int:
        self.seq += 1
        key = EffectKey("t", kind, getattr(body, "tool", "model"), turn) if kind else None
        request = digest([kind, turn]) if kind else None
        result = digest(body.to_json()) if done else None
        now = time.time()
        self.log.append(Event(self.log.run, self.seq, now, now, body, "t", None, turn, None, key, request, result))
        return self.seq


def file_lines(turn: int, source: Sequence[str] = SOURCE) -> str:
    """Some 2.4 KB of a file, another part of it every turn."""
    at = turn * 53 % (len(source) - 60)
    return "\n".join(f"{number}: {line}" for number, line in enumerate(source[at : at + 56], at))


PIECES = 40
"""How many pieces an answer comes in."""


def said_in_turn(turn: int, source: Sequence[str] = SOURCE) -> str:
    """Some 160 characters that nobody has said before."""
    line = source[turn * 31 % len(source)].strip()
    return f"I have read up to line {turn * 53}; `{line}` is next, then what {digest(turn)[:8]} calls it for."


def streamed(text: str, dice: random.Random) -> tuple[int, ...]:
    """How a model may have sent the text: pieces of a few characters, some 20 ms apart, now and then a pause."""
    cuts = sorted(dice.sample(range(1, len(text)), PIECES - 1))
    sizes = [end - begin for begin, end in itertools.pairwise((0, *cuts, len(text)))]
    waits = [round(dice.lognormvariate(3.0, 0.6)) for _ in sizes]
    waits[0] += 400
    return tuple(number for pair in zip(sizes, waits, strict=True) for number in pair)


async def growing_run(
    journal: SqliteJournal, number: int, turns: int, source: Sequence[str] = SOURCE, name: str = "argparse.py"
) -> int:
    """A run whose request grows every turn. Returns the bytes of all its requests in full."""
    recorder, conversation, naive, previous = Recorder(journal, number), Conversation(), 0, None
    recorder.log.put(MANIFEST_JSON)
    head = recorder.log.put(b'{"models":["openai:gpt-5-mini"]}')
    recorder.add(RunStarted("agent", "reader", None, "What does argparse do?", {}, MANIFEST))
    for message in (Message("system", "You answer questions about files. " * 12), Message("user", "What does it do?")):
        conversation.append(message)
    kept, dice = 0, random.Random(number)
    for turn in range(turns):
        recorder.add(TurnStarted(), turn=turn)
        for data in conversation.encoded[kept:]:
            recorder.log.put(data)
        added = tuple(conversation.digests[kept:])
        request = RequestDelta(previous, kept, added, head)
        previous, kept = recorder.add(ModelStarted("openai", "gpt-5-mini", request), "model", turn), len(conversation)
        naive += sum(map(len, conversation.encoded))
        call = ToolCall(
            f"call_{turn:04}_{digest([number, turn])[:12]}", "read_lines", {"path": name, "start": turn * 53}
        )
        said = Message("assistant", said_in_turn(turn, source), (call,))
        deltas = streamed(said.content, dice)
        usage = Usage(900 + 700 * turn, 60 + turn, 800 * turn)
        done = ModelCompleted(
            said, usage, "tool_calls", "openai:gpt-5-mini", 1.234567 + turn / 7, 0.00123 * turn, 1, deltas
        )
        recorder.add(done, "model", turn, done=True)
        recorder.add(ToolStarted("read_lines", call.id, call.arguments), "tool", turn)
        await recorder.log.barrier()
        text = file_lines(turn, source)
        recorder.add(ToolCompleted("read_lines", call.id, "ok", text, None, 0.001234), "tool", turn, done=True)
        for message in (said, Message("tool", text, tool_call_id=call.id)):
            conversation.append(message)
    recorder.add(RunCompleted("completed", "It parses.", None, Usage(1, 2), 0.1, 3.0, turns, 0))
    await recorder.log.end(end(turns))
    return naive
