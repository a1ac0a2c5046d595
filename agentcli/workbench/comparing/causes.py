"""What went into two runs: their manifests field by field, what was said before, and the files that they found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agentcli.catalog.catalog import parse_workflow
from agentcli.core.canonical import Json
from agentcli.errors import DefinitionError
from agentcli.workbench.comparing.differences import Difference, Place, differences
from agentcli.workbench.comparing.files import file_differences, found_first
from agentcli.workbench.comparing.records import Records, RunRecord, content
from agentcli.workbench.comparing.requests import without_ids
from agentcli.workbench.comparing.texts import TextDiff

_FIELDS: dict[str, tuple[str, ...]] = {
    "agent": ("template", "name"),
    "path": ("template", "file"),
    "source": ("template",),
    "instructions": ("instructions",),
    "tools": ("tools",),
    "uses": ("tools",),
    "code": ("tools", "code"),
    "agent_code": ("code",),
    "policy": ("policy",),
    "models": ("model",),
    "model_reason": ("model", "chosen by"),
    "settings": ("settings",),
    "limits": ("limits",),
    "output_schema": ("output",),
    "inputs": ("inputs",),
    "task": ("task",),
    "message": ("message",),
    "history": ("history",),
}
"""A manifest's fields in the order in which they are told: what of a run each is part of, and what it is of that."""

_LAST: dict[str, tuple[str, ...]] = {"versions": ("versions",), "workspace": ("workspace",), "format": ("format",)}
"""Fields that explain the least."""

_ITEM = 2
"""Brackets in the path of an item of a list that is a field."""

_PROSE = frozenset({"instructions", "task", "message"})

_PARTS = {"flows": "workflow", "agents": "agent"}
"""Fields that hold what a workflow's run is made of, by name; each has fields of its own."""


def causes(records: Records, a: RunRecord, b: RunRecord) -> list[Difference]:
    """Everything that is not the same in what went in; manifests are compared where both are held."""
    files = list(file_differences(records, found_first(a.events), found_first(b.events)))
    if not a.manifest or not b.manifest:
        return files
    others = {key: (key,) for key in {**a.manifest, **b.manifest} if key not in _FIELDS and key not in _LAST}
    first = [one for key, names in {**_FIELDS, **others}.items() for one in _of_field(records, a, b, key, names)]
    last = [one for key, names in _LAST.items() for one in _of_field(records, a, b, key, names)]
    return [*first, *files, *last]


def _of_field(records: Records, a: RunRecord, b: RunRecord, key: str, names: tuple[str, ...]) -> Iterator[Difference]:
    left, right = a.manifest.get(key), b.manifest.get(key)
    place = replace(Place(names[0]).at(key), names=names[1:])
    if key in ("source", "code"):
        yield from _own_text(key, left, right, place)
    elif key == "agent_code":
        yield from _agent_code(left, right, place)
    elif key in _PARTS:
        yield from _parts(left, right, replace(place, aspect=_PARTS[key]))
    elif key == "prompts":
        yield from differences(_prompts(a, b), _prompts(b, a), replace(place, aspect="prompt"), prose=True)
    elif key == "history":
        yield from differences(_messages(records, left), _messages(records, right), place, prose=True)
    elif key == "uses":  # which tools there are is told by `tools`
        yield from (one for one in differences(left, right, place) if one.path.count("[") > _ITEM)
    elif key != "message" or not (_says_its_task(a) and _says_its_task(b)):
        yield from differences(left, right, place, prose=key in _PROSE)


def _agent_code(a: Json, b: Json, place: Place) -> Iterator[Difference]:
    """A custom agent's code, line by line; where it stands makes no difference."""
    left, right = (code.get("text") if isinstance(code, dict) else None for code in (a, b))
    if isinstance(left, str) and isinstance(right, str) and left != right:
        yield place.at("text").differs("changed", left, right, TextDiff(left, right, by="lines"))
    elif left != right:
        yield place.differs("added" if left is None else "removed", left, right)


def _own_text(key: str, left: Json, right: Json, place: Place) -> Iterator[Difference]:
    """A template's text, or the files of people's own tools: line by line."""
    if key == "code":
        yield from _code(_texts(left), _texts(right), place)
    elif isinstance(left, str) and isinstance(right, str):
        if left != right:
            yield place.differs("changed", left, right, TextDiff(left, right, by="lines"))
    else:
        yield from differences(left, right, place)


def _parts(a: Json, b: Json, place: Place) -> Iterator[Difference]:
    """The agents, or the workflows, of two runs: those of the same name field by field."""
    left, right = a if isinstance(a, dict) else {}, b if isinstance(b, dict) else {}
    for name in {**left, **right}:
        one, other, here = left.get(name), right.get(name), place.at(name)
        if not isinstance(one, dict) or not isinstance(other, dict):
            yield from differences(one, other, here)
            continue
        for key in {**one, **other}:
            at = here.at(key, "" if key != "source" else "template")
            if key in ("source", "code"):
                yield from _own_text(key, one.get(key), other.get(key), at)
            elif key == "agent_code":
                yield from _agent_code(one.get(key), other.get(key), at)
            else:
                yield from differences(one.get(key), other.get(key), at, prose=key in _PROSE)


def _prompts(run: RunRecord, other: RunRecord) -> dict[str, Json]:
    """The prompts of the steps that one of two runs was forked with others for: what each of them asks there."""
    given, others = run.manifest.get("prompts") or {}, other.manifest.get("prompts") or {}
    return {place: given[place] if place in given else _prompt(run, place) for place in sorted({*given, *others})}


def _prompt(run: RunRecord, place: str) -> Json:
    """The prompt of a step (`WORKFLOW/STEP`) as the template has it; None where there is none."""
    flow, _, step_id = place.rpartition("/")
    source = (run.manifest.get("flows") or {}).get(flow, {}).get("source")
    try:
        template = parse_workflow(str(source), flow)
    except DefinitionError:
        return None
    return dict(zip(template.step_ids(), (step.prompt for step in template.steps), strict=True)).get(step_id)


def _texts(code: Json) -> dict[str, tuple[int, Json]]:
    """The text of each file of tools, by its name, with its index."""
    files = code if isinstance(code, list) else []
    return {str(file.get("name")): (at, file.get("text")) for at, file in enumerate(files) if isinstance(file, dict)}


def _code(a: dict[str, tuple[int, Json]], b: dict[str, tuple[int, Json]], place: Place) -> Iterator[Difference]:
    """Files of people's own tools, line by line."""
    for name in {**a, **b}:
        (_, left), (index, right) = a.get(name, (0, None)), b.get(name) or (a[name][0], None)
        here = place.at(index, name)
        if left is None or right is None:
            yield here.differs("added" if left is None else "removed", left, right)
        elif left != right:
            text = TextDiff(left, right, by="lines") if isinstance(left, str) and isinstance(right, str) else None
            yield here.at("text", "text").differs("changed", left, right, text)


def _messages(records: Records, digests: Json) -> Json:
    """The messages of a history; one that is not held any more as its digest."""
    if not isinstance(digests, list):
        return digests
    return [_message(records, digest) for digest in digests]


def _message(records: Records, digest: Json) -> Json:
    message = content(records, digest) if isinstance(digest, str) else None
    return without_ids(message) if isinstance(message, dict) else {"digest": digest}


def _says_its_task(run: RunRecord) -> bool:
    """Whether the message is the task alone: then the task has been compared."""
    return bool(run.manifest.get("message") == run.manifest.get("task"))
