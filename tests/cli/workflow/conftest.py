"""A project with two workflows."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTES = """\
name: notes
description: From commits to notes.
inputs: {since: {type: string, required: true, description: A tag}}
agent: writer
limits: {turns: 100, cost_usd: 0.5}
steps:
  - List what changed since {{ inputs.since }}.
  - id: draft
    prompt: Write notes from {{ steps.step_1.output }}
    until: {condition: "{{ output | length > 20 }}", rounds: 3, otherwise: keep}
    retry: {attempts: 3, delay: 1}
    timeout: 60
    limits: {turns: 5}
    on_error: {fallback: plain}
  - {id: plain, prompt: "Say that {{ steps.draft.error }}"}
  - id: check_links
    name: Look at every link
    foreach: "{{ steps.draft.output | links }}"
    tool: fetch_url
    with: {url: "{{ item }}"}
    when: "{{ inputs.since != 'never' }}"
    on_error: continue
  - id: end
    switch: "{{ steps.draft.output }}"
    needs: [draft, check_links]
    cases: {bug: Look at it closely., "true": {tool: fetch_url, with: {url: x}}}
    default: {workflow: small}
output: "{{ steps.draft.output }}"
"""
SMALL = "name: small\nsteps: [Say hello., {prompt: Count., foreach: {range: [2, 9]}}]\n"
WRITER = "name: writer\ninstructions: Write.\n"


@pytest.fixture
def project(isolated: Path) -> Path:
    for path, text in {
        "agentcli.yaml": "version: 1\n",
        "workflows/notes.yaml": NOTES,
        "workflows/small.yml": SMALL,
        "agents/writer.yaml": WRITER,
    }.items():
        (isolated / path).parent.mkdir(exist_ok=True)
        (isolated / path).write_text(text)
    return isolated
