"""What a template declares as its inputs, for people."""

from __future__ import annotations

import json

from agentcli.core.agents import InputSpec


def input_text(name: str, spec: InputSpec) -> str:
    """One input on one line: its name, what it is for, its type and what else may be known of its value."""
    notes: list[str] = [spec.type]
    if spec.enum is not None:
        notes.append("one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in spec.enum))
    if spec.default is not None:
        notes.append(f"default {json.dumps(spec.default, ensure_ascii=False)}")
    elif spec.must_be_given:
        notes.append("required")
    return f"{name}  {spec.description} ({', '.join(notes)})".replace("   ", "  ")
