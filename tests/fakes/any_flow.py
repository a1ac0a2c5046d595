"""Workflows of any shape, and a world for them in which everything takes its time and some of it fails."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypothesis import strategies as st

from agentcli.core.limits import Limits
from agentcli.core.tools import ToolResult
from agentcli.errors import ModelError
from agentcli.workbench.workflow_plan import WorkflowPlan
from tests.fakes.engine import FunctionTool, answer
from tests.fakes.flows import Flow, Said, a_call, plan_of

EFFECTS: dict[str, Any] = {"read": "read-only", "write": "idempotent", "wipe": "irreversible"}


@dataclass(frozen=True)
class Shape:
    """A workflow with those that it carries out, the limit of turns of the whole, and the world's dice."""

    texts: tuple[str, ...]
    turns: int | None
    seed: int

    def plan(self) -> WorkflowPlan:
        return plan_of(*self.texts, tools=World(self, 0).tools(), limits=Limits(turns=self.turns))


@dataclass
class World:
    """A model and tools. Of what they do, `trouble` in a hundred come to nothing; what is done is counted."""

    shape: Shape
    trouble: int = 25
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.shape.seed)

    def flow(self, plan: WorkflowPlan | None = None) -> Flow:
        return Flow(plan or self.shape.plan(), self.says, self.tools())

    async def pause(self) -> None:
        for _ in range(self.dice.randint(0, 6)):
            await asyncio.sleep(0)

    async def says(self, prompt: str, _earlier: int) -> Said:
        await self.pause()
        self.done[prompt] += 1
        if self.dice.randrange(100) < self.trouble:
            return self.dice.choice([ModelError("E-MODEL-UNREACHABLE", "No server answers."), answer("")])
        if self.dice.randrange(100) < 20:
            return a_call(self.dice.choice(list(EFFECTS)), of="model")
        return self.dice.choice(["yes", "no", "[1, 2, 3]"])

    def tools(self) -> list[FunctionTool]:
        return [FunctionTool(name, partial(self._call, name), kind) for name, kind in EFFECTS.items()]

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        await self.pause()
        self.done[json.dumps([name, dict(arguments)])] += 1
        if self.dice.randrange(100) < self.trouble:
            raise RuntimeError("it is broken")
        return ToolResult(f"{name} {len(self.done)}")


class Dice(random.Random):
    """Dice for templates."""

    def chance(self, percent: int) -> bool:
        return self.randrange(100) < percent

    def action(self, needs: list[str], inner: Sequence[str], inside: bool) -> dict[str, Any]:
        """What a step does; what it is told may be what the steps before it came to."""
        seen = "".join(f" {{{{ steps.{need}.output }}}}" for need in needs) + (" {{ item }}" if inside else "")
        prompt = {"prompt": f"say{seen}"}
        tool = {"tool": self.choice(list(EFFECTS)), "with": {"of": f"step{seen}"}}
        if inner and self.chance(20):
            return {"workflow": self.choice(inner)}
        if self.chance(10):
            of = f"{{{{ steps.{needs[0]}.output }}}}" if needs else "{{ 'yes' }}"
            cases = {"yes": prompt, "no": tool} if self.chance(50) else {"yes": tool}
            return {"switch": of, "cases": cases, **({"default": "other"} if self.chance(50) else {})}
        return prompt if self.chance(60) else tool

    def around(self) -> dict[str, Any]:
        """How often it is done, and what follows where it fails."""
        out: dict[str, Any] = {}
        if self.chance(30):
            out["retry"] = {"attempts": self.randint(2, 3), "delay": self.choice([0, 0, 0.0001])}
        if self.chance(20):
            condition = f"{{{{ round >= {self.randint(1, 3)} }}}}"
            out["until"] = {"condition": condition, "rounds": 2, "otherwise": self.choice(["fail", "keep"])}
        if self.chance(40):
            out["on_error"] = self.choice(["stop", "continue"])
        if self.chance(20):
            out["limits"] = {"turns": self.randint(1, 4)}
        return out

    def template(self, name: str, inner: Sequence[str], steps: int) -> str:
        """The text of a workflow."""
        made: list[dict[str, Any]] = []
        ids: list[str] = []
        for number in range(steps):
            needs = self.sample(ids, min(len(ids), self.randint(0, 2)))
            inside = self.chance(35)
            step = {"id": f"s{number}", "needs": needs, **self.action(needs, inner, inside), **self.around()}
            if inside:
                few = [self.randint(1, 9) for _ in range(self.randint(0, 5))]
                step["foreach"] = few if self.chance(70) else {"range": [1, 3]}
            if needs and self.chance(20):
                step["when"] = f"{{{{ steps.{needs[0]}.output != 'no' }}}}"
            made.append(step)
            ids.append(step["id"])
            while self.chance(20):  # a step that stands in for it, and maybe one for that
                made[-1]["on_error"] = {"fallback": f"{made[-1]['id']}f"}
                made.append({"id": f"{made[-1]['id']}f", **self.action([], inner, False), **self.around()})
        top = {"concurrency": self.randint(1, 4), "on_error": self.choice(["stop", "continue", "continue"])}
        return json.dumps({"version": 1, "kind": "workflow", "name": name, **top, "steps": made})


def shape_of(seed: int, size: int) -> Shape:
    """A workflow of that many steps, which may carry out one of two others."""
    dice = Dice(seed)
    texts = (dice.template("main", ["one", "two"], size), dice.template("one", ["two"], 2), dice.template("two", (), 2))
    return Shape(texts, dice.choice([None, None, dice.randint(1, 12)]), seed)


SHAPES = st.builds(shape_of, st.integers(0, 2**32), st.integers(1, 6))
