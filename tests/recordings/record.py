"""Records a sample of every kind of run, for good: `python -m tests.recordings.record FOLDER`.

Made once for each version of the journal's schema, with the code that writes that version, and never again. The folder
gets `journal/`, as it lay on disk, and `runs.jsonl`: each run as that code read it back. `agents/` and the other files
of the project are those that the first runs were recorded from.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from agentcli.core.canonical import digest_bytes, encode
from agentcli.core.event_reading import read_body
from agentcli.core.events import Body, EffectKey, Event
from agentcli.core.runs import RunRow
from agentcli.journal.store import SqliteJournal
from tests.fakes.recorded import completed, end, event, start, started

HERE = Path(__file__).parent

AGENT = """version: 1
kind: agent
name: {name}
model: scripted:{name}.yaml
instructions: You keep the notes of {{{{ inputs.whose }}}}. Be brief.
inputs: {{whose: {{type: string, default: a sample}}}}
tools: [read_lines, grep_file, create_file, delete_file]
{more}"""

READ = "- chunks: ['Let me ', 'look.']\n  tool_calls: [{name: read_lines, arguments: {path: notes.txt}}]\n"
SCRIPTS = {
    "keeper": (
        "",
        READ
        + """- tool_calls:
  - {name: grep_file, arguments: {path: notes.txt, pattern: four}}
  - {name: create_file, arguments: {path: new.txt, content: "one\\ntwo\\n"}}
  - {name: read_lines, arguments: {path: ../outside.txt}}
- tool_calls: [{name: delete_file, arguments: {path: large.txt}}, {name: nothing, arguments: {}}]
- {chunks: [The notes, ' say: ', 'one, two, three, four.'], usage: {input: 900, output: 12, cached: 300}}
- {text: As I said. One to four., usage: {input: 950, output: 6}}
""",
    ),
    "patient": ("", READ * 12 + "- {text: 'One, two, three, four, twelve times.'}\n"),
    "hasty": ("limits: {turns: 2}\n", READ.replace("- chunks", "- repeat: true\n  chunks")),
    "careful": (
        "permissions: {ask: [create_file]}\n",
        "- tool_calls: [{name: create_file, arguments: {path: b.txt, content: b}}]\n",
    ),
    "unlucky": ("", READ + "- {error: rate_limit}\n"),
}
RUNS = (
    (0, "keeper", "What do the notes say?", "--yes"),
    (0, "keeper", "Say it again.", "-c", "-i", "whose=somebody", "--yes"),
    (0, "patient", "Read it twelve times."),
    (4, "hasty", "Read it again and again."),
    (5, "careful", "Write something."),
    (7, "unlucky", "Read it, if you can."),
)


def make_project(folder: Path) -> None:
    (folder / "agents").mkdir(parents=True)
    (folder / "agentcli.yaml").write_text("version: 1\nname: sample\n")
    (folder / "notes.txt").write_text("".join(f"{word}\n" for word in ("one", "two", "three", "four")) * 40)
    (folder / "large.txt").write_text("".join(f"{number * 7919 % 10007}\n" for number in range(14_000)))
    for name, (more, replies) in SCRIPTS.items():
        (folder / "agents" / f"{name}.yaml").write_text(AGENT.format(name=name, more=more))
        (folder / f"{name}.yaml").write_text("replies:\n" + replies)


def run_agents(folder: Path, home: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "AGENTCLI_HOME": str(home), "PYTHONPATH": str(Path.cwd())}
    for code, *words in RUNS:
        command = [sys.executable, "-m", "agentcli", "run", *words, "--trust", "--project", str(folder)]
        done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == code, (words, done)


BODIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("model.retried", {"cause": "429 Too Many Requests", "wait_s": 1.5}),
    ("model.fallback", {"cause": "broken", "wait_s": 0.0, "model": "fake:other"}),
    ("approval.requested", {"tool": "t", "call_id": "c", "arguments": {"path": "a" * 200}, "rule": "create_file"}),
    ("approval.resolved", {"tool": "t", "call_id": "c", "decision": "no", "by": "user", "reason": "Grüße ✓\x7f"}),
    ("clock.read", {"value": 1_795_000_000.125}),
    ("random.drawn", {"value": 2**64 - 1}),
    ("input.read", {"source": "rows.jsonl", "value": [{"n": number} for number in range(50)]}),
    ("limit.reached", {"limit": "tokens", "used": 101, "allowed": 100}),
    ("warning", {"code": "W-SAMPLE", "what": "A sample.", "fix": ""}),
    ("model.failed", {"error": {"code": "E-SAMPLE", "what": "No.", "why": "", "fix": ""}, "exit_code": 7}),
    ("run.resumed", {"manifest": digest_bytes(b"{}"), "changes": {"limits": {"turns": 5}}}),
    ("run.forked", {"origin": "x", "cut": 3, "manifest": digest_bytes(b"{}"), "changes": {}}),
    ("sample.of.tomorrow", {"any": [1, None, "x" * 300], "digest": digest_bytes(b"any")}),
)


async def write_events(journal: SqliteJournal) -> None:
    """What no agent does by itself, and rows of every relation."""
    await _write(journal, 1, [read_body(kind, fields) for kind, fields in BODIES])
    parent = start(1).id
    await _write(journal, 2, [completed("x" * 70_000)], parent=parent, relation="fork", cut=4)
    await _write(journal, 3, [completed(None)], parent=parent, relation="child", kind="row", model=None)
    await _write(journal, 4, [completed()], parent=start(2).id, relation="session", task="long " * 100)
    log = journal.begin(start(5, kind="workflow", name="interrupted"))
    log.put(encode("manifest"))
    log.append(event(log, started()))
    await log.abandon()
    journal.tag(parent, ["baseline", "sample/1"])


async def _write(journal: SqliteJournal, number: int, bodies: list[Body], **changes: Any) -> None:
    log = journal.begin(start(number, **changes))
    log.put(b"{}")
    log.put(encode("manifest"))
    log.append(event(log, started("Sample? " * number)))
    for ordinal, body in enumerate(bodies):
        key = EffectKey("a.b", "tool", body.type, ordinal)
        place: dict[str, Any] = {"lane": "a.b", "turn": 1, "step": "first", "parent": log.run, "key": key}
        place |= {"request": digest_bytes(b"request"), "result": digest_bytes(b"result")}
        log.append(event(log, body, **(place if ordinal % 2 else {})))
    log.append(event(log, completed()))
    await log.end(end(cost_usd=None if number % 2 else 0.125))


def as_read(journal: SqliteJournal) -> list[dict[str, Any]]:
    """Every run with all that is on its record, oldest first."""
    from agentcli.core.runs import RunQuery

    return [_run(journal, row) for row in reversed(journal.runs(RunQuery(children=True, limit=None)))]


def _run(journal: SqliteJournal, row: RunRow) -> dict[str, Any]:
    checked = journal.verify(row.start.id)
    found = list(journal.events(row.start.id))
    requests = [item.seq for item in found if item.body.type == "model.started"]
    return {
        "start": {name: getattr(row.start, name) for name in row.start.__dataclass_fields__},
        "status": row.status,
        "end": row.end and {name: getattr(row.end, name) for name in row.end.__dataclass_fields__ if name != "usage"},
        "usage": row.end and row.end.usage.to_json(),
        "tags": list(row.tags),
        "events": [_event(item) for item in found],
        "conversations": [
            [message.to_json() for message in journal.conversation(row.start.id, seq)] for seq in requests
        ],
        "problems": [[problem.seq, problem.what] for problem in checked.problems],
    }


def _event(item: Event) -> dict[str, Any]:
    key = item.key and [item.key.lane, item.key.kind, item.key.name, item.key.ordinal]
    whole = {"time": item.time, "mono": item.mono, "key": key, "request": item.request, "result": item.result}
    return {**item.to_json(), **whole}


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        project = Path("/tmp/sample")
        make_project(project)
        try:
            shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".agentcli", "large.txt"))
            run_agents(project, Path(home))
            journal = SqliteJournal(project / ".agentcli")
            asyncio.run(write_events(journal))
            lines = [json.dumps(run, ensure_ascii=False) + "\n" for run in as_read(journal)]
            journal.close()
            (folder / "runs.jsonl").write_text("".join(lines))
            shutil.copytree(project / ".agentcli", folder / "journal", ignore=shutil.ignore_patterns("locks"))
        finally:
            shutil.rmtree(project)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
