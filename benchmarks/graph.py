"""Reading and checking a large workflow, and filling in its texts: `python -m benchmarks graph`.

The workflow holds what large ones hold: prompts that use what earlier steps gave, lists over tools with arguments,
tries, routers and conditions; each text is another one. The floor is reading the same file with the YAML loader that is
written in C, which knows no places, checks nothing and makes no templates. What is measured is time of the processor,
in a process that is set up as the program's own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import yaml

from agentcli.__main__ import tune
from agentcli.catalog import rendering
from agentcli.catalog.catalog import Catalog, Root
from agentcli.catalog.checks import Known
from agentcli.catalog.template_language import Language
from agentcli.catalog.template_values import names_only
from agentcli.tools.registry import BUILT_IN, parameters_of
from benchmarks.table import Row, median, show

STEPS, MOST = 2_000, 10_000
AIM_MS = 300
AIM_GROWTH = 1.5
"""How much more a step may take in the largest graph than in the smaller one."""

AIM_NAMES_US, AIM_COMPILED_US = 15, 60
ROUNDS = 7
RENDERINGS = 2_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def step(number: int) -> str:
    """The step of that number as it is written; every fifth is another kind."""
    before, needs = f"steps.s{number - 1}.output", f"needs: [s{number - 1}, s{number // 2}]"
    head = f"  - id: s{number}\n    {needs}\n"
    prompt = f"Summarise {{{{ {before} }}}} for {{{{ inputs.reader }}}}."
    if number % 5 == 1:
        links = f'    foreach: "{{{{ {before} | links }}}}"\n    retry: {{attempts: 3, delay: 1}}\n'
        return f'{head}{links}    tool: fetch_url\n    with: {{url: "{{{{ item }}}}", start: 1}}\n'
    if number % 5 == 2:
        cases = f"    cases:\n      good: {prompt}\n      bad: {{prompt: Say what is wrong., agent: writer}}\n"
        return f'{head}    switch: "{{{{ {before}.kind }}}}"\n{cases}'
    if number % 5 == 3:
        return f"{head}    when: \"{{{{ {before} != 'none' }}}}\"\n    prompt: {prompt}\n"
    return f"{head}    prompt: {prompt}\n"


def workflow(steps: int) -> str:
    """A workflow of that many steps."""
    body = "".join(step(number) for number in range(1, steps))
    return f"name: large\ninputs: {{reader: {{default: me}}}}\nsteps:\n  - {{id: s0, prompt: Begin.}}\n{body}"


def seconds(action: Callable[[], object]) -> float:
    """What an action takes of the processor."""
    begin = time.process_time()
    action()
    return time.process_time() - begin


def forget() -> None:
    """Nothing that was read of any text is known."""
    rendering._language.cache_clear()
    names_only.cache_clear()


def checked(root: Path, steps: int) -> tuple[float, float]:
    """Seconds for reading, validating and checking, and for reading with the C loader: the middle of some rounds."""
    path = root / "workflows" / "large.yaml"
    path.write_text(workflow(steps), encoding="utf-8")
    (root / "agents" / "writer.yaml").write_text("name: writer\ninstructions: Write.\n", encoding="utf-8")
    known = Known(frozenset(BUILT_IN), frozenset({"openai"}), parameters=cache(parameters_of))
    catalog, text = Catalog([Root(root, "project")], known), path.read_text(encoding="utf-8")
    ours, floor = [], []
    for _ in range(ROUNDS):
        forget()
        ours.append(seconds(lambda: catalog.workflow("large")))
        floor.append(seconds(lambda: yaml.load(text, Loader=_LOADER)))
    return median(ours), median(floor)


TEXTS = {
    "a text with names": ("Summarise {{ steps.draft.output }} for {{ item }}.", AIM_NAMES_US),
    "a text with a filter": ("Summarise {{ steps.draft.output | upper }} for {{ item }}.", AIM_COMPILED_US),
    "a condition": ("{{ item != 'none' and inputs.reader }}", AIM_COMPILED_US),
}


def rendered(text: str) -> tuple[float, float]:
    """Microseconds for filling a text in, again and again, and for reading and compiling it anew each time."""
    data = {"steps": {"draft": {"output": "what happened"}}, "item": "a row"}
    values = {**data, "inputs": {"reader": "me"}}

    def again() -> None:
        for _ in range(RENDERINGS):
            rendering.evaluate(text, inputs={"reader": "me"}, data=data)

    def anew() -> None:
        for _ in range(RENDERINGS // 20):
            Language().evaluate(text, values)

    again()
    return seconds(again) / RENDERINGS * 1e6, seconds(anew) / (RENDERINGS // 20) * 1e6


def rows(root: Path) -> Iterator[Row]:
    """All of them."""
    (root / "workflows").mkdir()
    (root / "agents").mkdir()
    ours, floor = checked(root, STEPS)
    beside = f"the C loader alone: {floor * 1000:.0f} ms, {ours / floor:.1f} times as fast"
    name = f"reading, validating and checking {STEPS:,} steps"
    yield Row(name, f"{ours * 1000:.0f} ms", f"≤ {AIM_MS} ms", beside, ours * 1000 <= AIM_MS)
    most, most_floor = checked(root, MOST)
    growth = most / MOST / (ours / STEPS)
    beside = f"a step takes {growth:.2f} times as long; the C loader alone: {most_floor * 1000:.0f} ms"
    yield Row(f"the same with {MOST:,} steps", f"{most * 1000:.0f} ms", "linear", beside, growth <= AIM_GROWTH)
    for what, (text, aim) in TEXTS.items():
        again, anew = rendered(text)
        beside = f"read and compiled anew each time: {anew:.0f} µs"
        yield Row(f"filling in {what}", f"{again:.1f} µs", f"≤ {aim} µs", beside, again <= aim)


def main(_arguments: list[str]) -> int:
    """Measure and print. Returns 1 if a bound was missed."""
    tune()
    with tempfile.TemporaryDirectory() as folder:
        return show(rows(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
