"""A bundle of a run that was really made, rewritten by somebody who knows the format: every hash fits again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentcli.core.canonical import digest, digest_bytes, encode
from tests.fakes.bundles import members_of, sealed, zipped


@dataclass
class Forgery:
    """What is in a bundle, free to be changed: its events as JSON, and the manifest that the run began with."""

    events: list[dict[str, Any]]
    manifest: dict[str, Any]

    def first(self, kind: str) -> dict[str, Any]:
        return next(event for event in self.events if event["type"] == kind)

    def change(self, kind: str, **body: Any) -> None:
        """Let the first event of this type say something else."""
        event = self.first(kind)
        event["body"].update(body)
        if "result" in event:
            event["result"] = digest(event["body"])

    def insert_before(self, kind: str, event: dict[str, Any]) -> None:
        """Put an event before the first of this type."""
        at = self.events.index(self.first(kind))
        self.events.insert(at, {**event, "time": self.events[at]["time"], "mono": self.events[at]["mono"]})

    def begun_call(self, **more: Any) -> dict[str, Any]:
        """The beginning of the call that was asked about."""
        asked = self.first("approval.requested")
        body = {name: asked["body"][name] for name in ("tool", "call_id", "arguments")}
        place = {name: asked[name] for name in ("lane", "turn", "step") if name in asked}
        return {"type": "tool.started", **place, "body": body, **more}

    def completed_call(self, **more: Any) -> dict[str, Any]:
        """The end of the call that was asked about."""
        begun = self.begun_call()
        body = {"tool": begun["body"]["tool"], "call_id": begun["body"]["call_id"], "status": "ok", "result": "done"}
        body |= {"data": None, "duration_s": 0.0, "files": []}
        return {**begun, "type": "tool.completed", "body": body, **more}


def forged(data: bytes, change: Callable[[Forgery], object]) -> bytes:
    """The bundle after the change."""
    members = members_of(data)
    header = json.loads(members["bundle.json"])
    old = f"contents/{header['run']['manifest']}"
    found = Forgery([json.loads(line) for line in members["events.jsonl"].splitlines()], json.loads(members.pop(old)))
    change(found)
    manifest = encode(found.manifest)
    name = digest_bytes(manifest)
    lines = []
    for seq, event in enumerate(found.events, 1):
        if event["type"] == "run.started":
            event["body"]["manifest"] = name
        lines.append(encode({**event, "seq": seq}) + b"\n")
    members = {**members, f"contents/{name}": manifest, "events.jsonl": b"".join(lines)}
    return zipped(sealed(members, run={**header["run"], "manifest": name}))
