"""Workflows that carry out others: what they are given, cycles, depth, and mistakes in files that are named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from agentcli.catalog.catalog import Catalog, Root
from agentcli.catalog.others import Others
from agentcli.core.agents import InputSpec
from tests.unit.catalog.conftest import KNOWN, Files


def flow(name: str, *nested: str, more: str = "") -> str:
    steps = "".join(f"  - {{workflow: {word}}}\n" for word in nested) or "  - x\n"
    return f"name: {name}\n{more}steps:\n{steps}"


def told(files: Files, text: str) -> list[tuple[str, str, int | None, int | None]]:
    return [
        (info.code.removeprefix("E-TEMPLATE-"), Path(info.file or "").name, info.line, info.column)
        for info in files.problems(text)
    ]


INNER = "name: inner\ninputs: {a: {type: integer}, b: {default: x}}\nsteps: ['{{ inputs.a }}']\n"


@pytest.mark.parametrize(
    ("step", "problems"),
    [
        ("{workflow: inner, inputs: {a: 1}}", []),
        ("{workflow: workflows/inner.yaml, inputs: {a: '{{ now() }}'}}", []),
        ("{workflow: inner}", [("MISSING-INPUT", 3, 5)]),
        ("{workflow: inner, inputs: {a: x}}", [("INPUT-TYPE", 3, 35)]),
        ("{workflow: inner, inputs: {a: 1, c: x}}", [("UNKNOWN-INPUT", 3, 38)]),
        ("{workflow: iner}", [("UNKNOWN-WORKFLOW", 3, 16)]),
        ("{workflow: other/inner.yaml}", [("UNKNOWN-WORKFLOW", 3, 16)]),
        ("{workflow: ../inner.yaml}", [("UNKNOWN-WORKFLOW", 3, 16)]),
        ("{workflow: /etc/inner.yaml}", [("UNKNOWN-WORKFLOW", 3, 16)]),
        ("{switch: '{{ 1 }}', cases: {k: {workflow: inner}}}", [("MISSING-INPUT", 3, 36)]),
    ],
)
def test_what_a_nested_workflow_is_given(files: Files, step: str, problems: list[tuple[str, int, int]]) -> None:
    files.write("workflows/inner.yaml", INNER)
    (files.root.parent / "inner.yaml").write_text(INNER)
    assert told(files, f"name: w\nsteps:\n  - {step}\n") == [
        (kind, "w.yaml", line, column) for kind, line, column in problems
    ]


def test_a_link_out_of_the_project_is_no_workflow(files: Files, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    outside.write_text(INNER)
    (files.root / "workflows" / "linked.yaml").symlink_to(outside)
    assert told(files, flow("w", "workflows/linked.yaml")) == [("UNKNOWN-WORKFLOW", "w.yaml", 3, 16)]
    assert told(files, flow("w", "linked")) == [("UNREADABLE", "linked.yaml", 1, 1)]


def test_mistakes_in_files_that_are_named_have_their_place_there_and_are_told_once(files: Files) -> None:
    files.write("workflows/inner.yaml", "name: inner\nsteps:\n  - {prompt: x, agnt: y}\n")
    files.write("agents/writer.yaml", "name: writer\n")
    text = flow("w", "inner", "inner") + "  - {prompt: x, agent: writer}\n  - {prompt: y, agent: writer}\n"
    assert told(files, text) == [
        ("MISSING-KEY", "writer.yaml", 1, 1),
        ("UNKNOWN-KEY", "inner.yaml", 3, 17),
    ]


@pytest.mark.parametrize(
    ("others", "where", "way"),
    [
        ({}, ("w.yaml", 3), "`w`, and `w` again"),
        ({"v": ["w"]}, ("v.yaml", 3), "`w`, `v`, and `w` again"),
        ({"v": ["u"], "u": ["v"]}, ("u.yaml", 3), "`v`, `u`, and `v` again"),
        ({"v": ["u"], "u": ["workflows/w.yaml"]}, ("u.yaml", 3), "`w`, `v`, `u`, and `w` again"),
    ],
)
def test_a_workflow_does_not_carry_itself_out(
    files: Files, others: dict[str, list[str]], where: tuple[str, int], way: str
) -> None:
    for name, nested in others.items():
        files.write(f"workflows/{name}.yaml", flow(name, *nested))
    found = files.problems(flow("w", "v" if others else "w"))
    assert [(info.code, Path(info.file or "").name, info.line) for info in found] == [
        ("E-TEMPLATE-CYCLE-WORKFLOW", *where)
    ]
    assert way in found[0].why


@pytest.mark.parametrize(("depth", "deep"), [(10, False), (11, True), (40, True)])
def test_ten_workflows_may_be_inside_of_each_other(files: Files, depth: int, deep: bool) -> None:
    for number in range(1, depth + 1):
        files.write(f"workflows/n{number}.yaml", flow(f"n{number}", *([f"n{number + 1}"] if number < depth else [])))
    assert told(files, flow("w", "n1")) == ([("NESTING", "w.yaml", 3, 16)] if deep else [])


def test_a_deep_way_is_found_behind_one_that_was_looked_at(files: Files) -> None:
    for number in range(1, 9):
        files.write(f"workflows/n{number}.yaml", flow(f"n{number}", *([f"n{number + 1}"] if number < 8 else [])))
    for number in range(1, 4):
        files.write(f"workflows/m{number}.yaml", flow(f"m{number}", f"m{number + 1}" if number < 3 else "n1"))
    assert told(files, flow("w", "n1", "m2")) == []
    assert told(files, flow("w", "n1", "m1")) == [("NESTING", "w.yaml", 4, 16)]


def test_each_file_is_read_once_however_many_ways_lead_to_it(files: Files) -> None:
    """Twice in each of ten files would be a thousand times the last one."""
    for number in range(1, 11):
        nested = [f"n{number + 1}"] * 2 if number < 10 else []
        files.write(f"workflows/n{number}.yaml", flow(f"n{number}", *nested))
    asked: list[str] = []

    class Counting(Catalog):
        def workflow_inputs(self, path: Path, others: Others) -> Mapping[str, InputSpec]:
            asked.append(path.stem)
            return super().workflow_inputs(path, others)

    files.catalog = Counting([Root(files.root, "project")], KNOWN)
    assert files.problems(flow("w", "n1", "n1")) == []
    assert sorted(asked) == sorted(f"n{number}" for number in range(1, 11))


def test_a_workflow_that_is_no_part_of_a_project_names_files_beside_it(files: Files, tmp_path: Path) -> None:
    folder = tmp_path.parent / f"{tmp_path.name}-alone"
    folder.mkdir()
    (folder / "w.yaml").write_text(flow("w", "./inner.yaml"))
    (folder / "inner.yaml").write_text(flow("inner"))
    loaded = files.catalog.workflow(str(folder / "w.yaml"))
    nested = files.catalog.nested_workflow("./inner.yaml", files.catalog.home_of(loaded.path))
    assert nested is not None
    assert nested.template.name == "inner"
    assert files.catalog.nested_workflow("inner", folder) is None
