"""Runs of a step graph that are killed with SIGKILL again and again, until they have ended."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.fakes.killed import FILES, LONGEST_WAIT, MOST_PROCESSES, Killing, Moment, Place
from tests.fakes.scripted_project import project

GRAPH = """\
version: 1
kind: workflow
name: tidy
concurrency: 3
on_error: continue
inputs: {names: {type: array}}
steps:
- {id: look, foreach: "{{ inputs.names }}", prompt: "What is in {{ item }}?"}
- id: wipe
  needs: []
  foreach: "{{ inputs.names }}"
  tool: delete_file
  with: {path: "{{ item }}"}
  retry: {attempts: 2}
- {id: broken, needs: [], tool: delete_file, with: {path: nothing.txt}, on_error: {fallback: instead}}
- {id: instead, prompt: "It is not there."}
- {id: sum, needs: [look, wipe, broken], prompt: "{{ steps.wipe.output | length }} and {{ steps.broken.output }}"}
output: "{{ steps.look.output | length }}, {{ steps.sum.output }}"
"""


def tidy(killing: Killing) -> None:
    """One run of a step graph that deletes files, several at a time."""
    root, files = killing.place(), [f"f{number}.txt" for number in range(FILES)]
    at = Place(root, project(root, [{"text": "Well.", "repeat": 1000}], tools=[]))
    (root / "workflows").mkdir()
    (root / "workflows" / "tidy.yaml").write_text(GRAPH)
    for name in files:
        (root / name).write_text("x")
    first = words = ["workflow", "run", "tidy", "-i", f"names:={json.dumps(files)}"]
    for _ in range(MOST_PROCESSES):
        killing.process(
            at, [*words, "--yes"], Moment(killing.dice.randint(1, 30), more=killing.dice.random() * LONGEST_WAIT)
        )
        events = at.events()
        if events and events[-1].body.type == "run.completed" and events[-1].body.status == "completed":
            done = [event for event in events if event.body.type == "tool.completed" and event.step == "wipe"]
            killing.repeated += sum(event.body.status != "ok" for event in done) + len(done) - FILES
            killing.stuck += events[-1].body.output != f"{FILES}, Well."
            killing.check(at, "tidy")
            return
        words = _way_on_with_all(killing, at, first)
    killing.stuck += 1
    killing.problems.append(f"no end after {MOST_PROCESSES} processes in {root}")


def _way_on_with_all(killing: Killing, at: Place, first: Sequence[str]) -> list[str]:
    """How a person goes on who looks at the file of every call in doubt."""
    if not at.events():
        return list(first)
    words = ["resume", "--in-doubt", "retry"]
    for event in at.in_doubt():
        killing.doubts += 1
        name = event.body.arguments["path"]
        if name != "nothing.txt" and not (at.root / name).exists():
            killing.settled += 1
            words += ["--tool-result", f"{event.seq}=Deleted."]
    return words
