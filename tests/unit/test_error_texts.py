"""The voice of errors: whole sentences, a way out with each, and every code in the reference."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentcli import errors
from agentcli.core.limits import Limits

REPO = Path(__file__).resolve().parents[2]
PACKAGE = REPO / "agentcli"
REFERENCE = REPO / "docs" / "errors.md"
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}

TEXTS = ("what", "why", "fix")
TOLD_TO_PEOPLE = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.AgentcliError) and not issubclass(kind, errors.ToolError)
} - {"AgentcliError"}
TOLD_TO_MODELS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.ToolError)
}
COMMAND = re.compile(r"(agentcli|pip|uv|cd|export) |Write agentcli ")
UNKNOWN = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands in a text for what is only known when it is shown."""

FAMILIES = {"definitions": ("TEMPLATE", "CONFIG", "SCRIPT"), "catalog": ("TEMPLATE",), "config": ("CONFIG",)}
"""The rooms that end codes with a kind (`UNKNOWN-KEY`), and the families that those codes begin with."""

BUILT = {
    f"{UNKNOWN}-{UNKNOWN}": set[str](),
    f"{UNKNOWN}-LITERAL-SECRET": {"E-TEMPLATE-LITERAL-SECRET", "E-CONFIG-LITERAL-SECRET"},
    f"{UNKNOWN}-USER-ONLY": {"E-CONFIG-USER-ONLY"},
}
"""Codes that are put together where they are given, and what comes of it; a kind is told by the call that names it."""

OTHER_WORDS = {"cli/approver.py", "cli/render/progress_lines.py", "sandbox/walking.py", "tools/create_file.py"}
"""Files whose `why`, `what` and `fix` are parts of other lines, and no texts of errors."""


@dataclass(frozen=True)
class Said:
    """A text in the source. `UNKNOWN` stands for what is filled in."""

    place: str
    line: int
    part: str
    text: str


def spoken(node: ast.expr) -> Iterator[str]:
    """Every text that an expression may give, as far as the source tells."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(next(spoken(part), UNKNOWN) for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*spoken(node.body), *spoken(node.orelse))
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from spoken(value)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = ([*spoken(side)] or [UNKNOWN] for side in (node.left, node.right))
        yield from (a + b for a in left for b in right)
    elif isinstance(node, ast.Call) and name_of(node.func) == "suggestion":
        yield from spoken(node.args[2])


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def parameters() -> dict[str, list[str]]:
    """The parameters of everything that takes a `kind`, `code`, `what`, `why` or `fix`: by its name, and its file too
    where the name is private.
    """
    found = {name: ["code", "what"] for name in TOLD_TO_PEOPLE | TOLD_TO_MODELS}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [argument.arg for argument in node.args.args if argument.arg not in ("self", "cls")]
            elif isinstance(node, ast.ClassDef):
                fields = [statement for statement in node.body if isinstance(statement, ast.AnnAssign)]
                names = [field.target.id for field in fields if isinstance(field.target, ast.Name)]
            else:
                continue
            if {"code", "kind", *TEXTS} & set(names):
                found.setdefault(f"{path}:{node.name}" if node.name.startswith("_") else node.name, names)
    return found


def in_call(path: Path, node: ast.Call, known: Mapping[str, list[str]]) -> Iterator[tuple[str, ast.expr]]:
    name = name_of(node.func)
    yield from zip(known.get(f"{path}:{name}") or known.get(name) or [], node.args, strict=False)
    yield from ((word.arg, word.value) for word in node.keywords if word.arg is not None)


def in_assignment(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for part, one in zip(target.elts, value.elts, strict=True):
            yield from in_assignment(part, one)
    elif isinstance(target, ast.Name):
        yield target.id, value


def said() -> Iterator[Said]:
    """Every literal that is given to a call under one of the names, or kept under it on the way."""
    known = parameters()
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            found: Iterable[tuple[str, ast.expr]] = ()
            if isinstance(node, ast.Call):
                found = in_call(path, node, known)
            elif isinstance(node, ast.Assign):
                found = in_assignment(node.targets[0], node.value)
            for part, value in found:
                if part in ("code", "kind", *TEXTS):
                    place = path.relative_to(PACKAGE).as_posix()
                    yield from (Said(place, value.lineno, part, text) for text in spoken(value) if text)


def texts() -> list[Said]:
    return [one for one in said() if one.part in TEXTS and one.place not in OTHER_WORDS]


def is_sentence(text: str) -> bool:
    begins = text[0].isupper() or text[0] in f"`-{UNKNOWN}"
    return begins and text.endswith((".", "?", UNKNOWN)) and not text.endswith(" .") and "!" not in text


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(REPO).as_posix()}:{node.lineno}", node


def lacking(kinds: set[str], part: str) -> list[str]:
    """The places that raise an error of these kinds without this part."""
    return [
        place
        for place, node in calls()
        if name_of(node.func) in kinds and not any(word.arg in (part, None) for word in node.keywords)
    ]


def test_every_text_is_a_sentence_or_a_command() -> None:
    found = texts()
    assert len(found) > 400, "the texts are not found any more"
    wrong = [one for one in found if not is_sentence(one.text) and not (one.part == "fix" and COMMAND.match(one.text))]
    assert wrong == []


def test_every_text_is_one_line_and_short() -> None:
    assert [one for one in texts() if "\n" in one.text or len(one.text) > 140] == []


def test_no_text_shouts_blames_or_begs() -> None:
    words = re.compile(r"\b(please|sorry|oops|illegal|you must|you should|bad|failed to|unable to)\b", re.IGNORECASE)
    assert [one for one in texts() if words.search(one.text)] == []


@pytest.mark.parametrize("part", ["why", "fix"])
def test_every_error_that_people_see_says_why_and_what_to_do(part: str) -> None:
    assert lacking(TOLD_TO_PEOPLE, part) == []


def test_every_error_that_a_model_sees_says_what_to_do() -> None:
    assert lacking(TOLD_TO_MODELS, "fix") == []


def codes() -> set[str]:
    """Every code that the package can give: written whole, or a family and a kind."""
    constants = {
        node.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found = {text for text in constants if re.fullmatch(r"[EW](-[A-Z0-9]+)+", text)}
    found -= {f"E-{family}" for family in FAMILIES["definitions"]}
    for one in said():
        if one.part == "kind" and re.fullmatch(r"[A-Z]+(-[A-Z]+)*", one.text):
            found |= {f"E-{family}-{one.text}" for family in FAMILIES[one.place.partition("/")[0]]}
    built = {one.text for one in said() if one.part == "code" and UNKNOWN in one.text}
    assert built == {f"E-{UNKNOWN}-UNKNOWN", f"E-LIMIT-{UNKNOWN}", f"E-TEMPLATE-{UNKNOWN}", *BUILT}
    found |= {"E-AGENT-UNKNOWN", "E-WORKFLOW-UNKNOWN"} | {code for made in BUILT.values() for code in made}
    limits = set(Limits.__dataclass_fields__) - {"tool_seconds"}
    return found | {f"E-LIMIT-{limit.upper().replace('_', '-')}" for limit in limits}


def exits_of_codes() -> dict[str, set[int]]:
    """The exit codes that each literal code is raised with."""
    found: dict[str, set[int]] = defaultdict(set)
    for _, node in calls():
        if name_of(node.func) in TOLD_TO_PEOPLE and node.args and isinstance(node.args[0], ast.Constant):
            found[str(node.args[0].value)].add(getattr(errors, name_of(node.func)).exit_code)
    return found


def test_a_code_has_one_exit() -> None:
    assert {code: exits for code, exits in exits_of_codes().items() if len(exits) > 1} == {}


def table() -> dict[str, tuple[str, str, str]]:
    """Code to exit, meaning and what to do, as the reference has them."""
    rows: dict[str, tuple[str, str, str]] = {}
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        for code in re.findall(r"`([EW]-[A-Z0-9-]+)`", cells[0]) if line.startswith("| `") else ():
            assert code not in rows, f"{code} stands there twice"
            exit_code, meaning, fix = cells[1:]
            rows[code] = (exit_code, meaning, fix)
    return rows


def test_the_reference_has_every_code_and_no_other() -> None:
    assert set(table()) == codes()


def test_the_reference_has_the_right_exit_codes() -> None:
    rows, known = table(), exits_of_codes()
    assert {
        code: rows[code][0] for code in known if {rows[code][0].removesuffix(", -")} != set(map(str, known[code]))
    } == {}


def test_the_reference_says_what_each_code_means_and_what_to_do() -> None:
    rows = table()
    assert [code for code, (_, meaning, fix) in rows.items() if not (is_sentence(meaning) and is_sentence(fix))] == []
