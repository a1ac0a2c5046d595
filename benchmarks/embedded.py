"""What the embedded models can do: real agents, real tools, a real journal, on cases that they were not tuned on.

`python -m benchmarks.embedded [--model NAME]... [--split held-out|dev] [--failures]` prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agentcli.cli.approver import Nobody
from agentcli.config.places import user_places
from agentcli.core.events import Event, ModelCompleted, ToolStarted
from agentcli.core.messages import Conversation, Message
from agentcli.core.models import ModelReply, ModelRequest, ModelSettings, RequestHead
from agentcli.providers.local.catalog import MODELS
from agentcli.providers.local.pull import known_model, pull
from agentcli.providers.local.runtime import LocalModel
from agentcli.workbench.run_agent import RunRequest, run_agent
from agentcli.workbench.wiring import Options, Workbench, open_workbench

CASES = Path(__file__).with_name("embedded_cases.yaml")
WITH_TOOLS = ("look-up", "no-tool")
CATEGORIES = ("look-up", "no-tool", "routing", "extraction")
AIM = {"coder-1.5b": 0.9}
"""The share of cases that a model should get right."""


@dataclass
class Watch:
    """Counts what happens in a run."""

    calls: list[str] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        if isinstance(event.body, ToolStarted):
            self.calls.append(f"{event.body.tool}{json.dumps(event.body.arguments)}")
        elif isinstance(event.body, ModelCompleted):
            self.turns.append(event.body.duration_s)


@dataclass
class Score:
    """Results of one model."""

    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    turns: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    reading: float = 0.0
    writing: float = 0.0

    def share(self) -> float:
        every = [ok for oks in self.right.values() for ok in oks]
        return sum(every) / len(every)


def template(case: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The agent that the case is for."""
    category = case["category"]
    agent: dict[str, Any] = {
        "version": 1,
        "kind": "agent",
        "name": category,
        "description": "A case of the benchmark.",
        "instructions": told["instructions"][category],
        "limits": {"turns": 10, "seconds": 300},
    }
    if category in WITH_TOOLS:
        return {**agent, "tools": told["tools"]}
    schema = case.get("schema") or {
        "type": "object",
        "required": ["label"],
        "properties": {"label": {"enum": case["labels"]}},
    }
    return {**agent, "output": {"schema": schema}}


def is_right(case: dict[str, Any], output: Any, calls: list[str]) -> bool:
    """Whether the run's output, and whether it looked or not, are as the case wants them."""
    if case["category"] == "routing":
        return bool(output == {"label": case["equals"]})
    if case["category"] == "extraction":
        return bool(output == case["equals"])
    if bool(calls) != (case["category"] == "look-up"):
        return False
    wanted = [[text] if isinstance(text, str) else text for text in case["contains"]]
    return all(any(text.lower() in str(output).lower() for text in texts) for texts in wanted)


async def run_case(bench: Workbench, place: Path, case: dict[str, Any], told: dict[str, Any], score: Score) -> str:
    """Run one case; returns what went wrong, or nothing."""
    file = place / "agents" / f"{case['category']}.yaml"
    file.write_text(yaml.safe_dump(template(case, told)), encoding="utf-8")
    watch = Watch()
    request = RunRequest(task=case["task"], agent=str(file))
    outcome = await run_agent(bench, request, approver=Nobody(), sinks=[watch])
    output = outcome.output
    if case["category"] not in WITH_TOOLS and isinstance(output, str):
        with contextlib.suppress(ValueError):
            output = json.loads(output)
    ok = outcome.status == "completed" and is_right(case, output, watch.calls)
    score.right[case["category"]].append(ok)
    score.turns += watch.turns
    score.runs.append(outcome.duration_s)
    return "" if ok else f"{case['task']}\n    {' '.join(watch.calls)} -> {output!r} {outcome.error or ''}"


async def measure(name: str, split: str, models_dir: Path, *, failures: bool) -> Score:
    """Run every case of a split with one model."""
    told = yaml.safe_load(CASES.read_text(encoding="utf-8"))
    score = Score()
    with tempfile.TemporaryDirectory() as folder:
        place, workspace = Path(folder) / "agents-of", Path(folder) / "workspace"
        (place / "agents").mkdir(parents=True)
        for path, text in told["workspaces"][split].items():
            (workspace / path).parent.mkdir(parents=True, exist_ok=True)
            (workspace / path).write_text(text, encoding="utf-8")
        environ = {**os.environ, "AGENTCLI_HOME": str(Path(folder) / "home")}
        for case in told["cases"]:
            if case["split"] != split:
                continue
            options = Options(
                cwd=workspace,
                environ=environ,
                workspace=workspace,
                model=[f"local:{name}"],
                flags={"models_dir": str(models_dir)},
            )
            with open_workbench(options) as bench:
                wrong = await run_case(bench, place, case, told, score)
            if wrong and failures:
                print(f"  {name} {case['category']}: {wrong}", flush=True)
    score.reading, score.writing = await speeds(name, models_dir)
    return score


class Silent:
    """An observer that does nothing."""

    def delta(self, text: str) -> None: ...
    def retried(self, cause: str, wait_s: float) -> None: ...
    def fell_back(self, model: str, cause: str) -> None: ...


async def speeds(name: str, models_dir: Path) -> tuple[float, float]:
    """Tokens a second that the loaded model reads and writes."""
    model = LocalModel(name, models_dir)

    async def ask(text: str, most: int) -> tuple[ModelReply, float]:
        head = RequestHead((f"local:{name}",), settings=ModelSettings(max_output_tokens=most))
        started = time.perf_counter()
        conversation = Conversation([Message("user", text)])
        reply = await model.complete(ModelRequest(head, conversation.view()), Silent())
        return reply, time.perf_counter() - started

    try:
        await ask("Hello.", 1)
        read, reading_s = await ask(" ".join(f"plot {n} has apples" for n in range(80)), 1)
        written, writing_s = await ask("List the numbers from one to one hundred in words.", 64)
    finally:
        await model.aclose()
    return (read.usage.input - read.usage.cached) / reading_s, written.usage.output / writing_s


def table(scores: dict[str, Score]) -> str:
    """The results as Markdown."""
    header = ["model", *CATEGORIES, "all", "s a turn", "s a run", "tokens/s in", "tokens/s out"]
    rows = [header, ["---"] * len(header)]
    for name, score in scores.items():
        rights = [f"{sum(score.right[category])}/{len(score.right[category])}" for category in CATEGORIES]
        turn, run = sum(score.turns) / len(score.turns), sum(score.runs) / len(score.runs)
        figures = [f"{turn:.1f}", f"{run:.1f}", f"{score.reading:.0f}", f"{score.writing:.0f}"]
        rows.append([name, *rights, f"{score.share():.0%}", *figures])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


async def measured(arguments: argparse.Namespace) -> dict[str, Score]:
    models_dir = user_places(os.environ).models
    scores = {}
    for name in arguments.model or MODELS:
        await pull(known_model(name), models_dir)
        scores[name] = await measure(name, arguments.split, models_dir, failures=arguments.failures)
    return scores


def main(argv: list[str] | None = None) -> int:
    """Returns 1 if a model missed its aim."""
    parser = argparse.ArgumentParser(description="Measure the embedded models.")
    parser.add_argument("--model", action="append", choices=list(MODELS))
    parser.add_argument("--split", choices=("held-out", "dev"), default="held-out")
    parser.add_argument("--failures", action="store_true", help="show the cases that failed")
    arguments = parser.parse_args(argv)
    scores = asyncio.run(measured(arguments))
    print(table(scores))
    return int(any(scores[name].share() < aim for name, aim in AIM.items() if name in scores))


if __name__ == "__main__":
    raise SystemExit(main())
