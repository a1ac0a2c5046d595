"""The house rules that no linter knows. Exceptions stand in counted lists here, and the lists only shrink."""

from __future__ import annotations

import ast
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agentcli
from agentcli import errors

REPO = Path(__file__).resolve().parents[2]
PACKAGE = REPO / "agentcli"
SOURCES = sorted(PACKAGE.rglob("*.py"))
CHECKED = sorted(
    path for folder in ("agentcli", "tests", "benchmarks", "scripts") for path in (REPO / folder).rglob("*.py")
)

MOST_FILE_LINES = 300
MOST_FUNCTION_LINES = 40

LONG_FILES: dict[str, int] = {}
"""Files past 300 lines, with their lines."""

LONG_FUNCTIONS: dict[str, int] = {}
"""Functions whose body is past 40 lines (`path::qualified.name`), with its lines."""

SILENCED: dict[str, int] = {}
"""Files of the package that silence a checker (noqa, type: ignore, pragma: no cover), with how often."""

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common"}


def name_of(path: Path) -> str:
    return path.relative_to(REPO).as_posix()


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        yield from functions(node, f"{prefix}{node.name}." if named else prefix)


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, docstring included. A signature is a table of parameters: length is no sign there."""
    first = node.body[0].lineno
    return (node.end_lineno or first) - first + 1


def assert_only_shrinks(found: dict[str, int], listed: dict[str, int], what: str) -> None:
    grown = {name: count for name, count in found.items() if count > listed.get(name, 0)}
    assert not grown, f"{what}: make these smaller, the list of exceptions only shrinks: {grown}"
    eased = {name: found.get(name, 0) for name, count in listed.items() if found.get(name, 0) < count}
    assert not eased, f"{what}: these got better, so lower or remove their entry: {eased}"


def test_files_past_300_lines_are_listed() -> None:
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CHECKED}
    assert_only_shrinks({name: n for name, n in lines.items() if n > MOST_FILE_LINES}, LONG_FILES, "long files")


def test_functions_past_40_lines_are_listed() -> None:
    found = {
        f"{name_of(path)}::{name}": length(node)
        for path in CHECKED
        for name, node in functions(ast.parse(path.read_text(encoding="utf-8")))
        if length(node) > MOST_FUNCTION_LINES
    }
    assert_only_shrinks(found, LONG_FUNCTIONS, "long functions")


def test_silenced_checks_are_listed() -> None:
    silencer = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no)")
    counts = {name_of(path): len(silencer.findall(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert_only_shrinks({name: n for name, n in counts.items() if n}, SILENCED, "silenced checks")


def test_every_module_says_what_it_is_for() -> None:
    code = [path for path in CHECKED if path.stat().st_size and not path.name.startswith("test_")]
    silent = [name_of(path) for path in code if not has_docstring(path)]
    assert silent == []


def has_docstring(path: Path) -> bool:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is not None


def test_every_folder_of_the_package_is_a_package_with_a_docstring() -> None:
    folders = {path.parent for path in SOURCES}
    assert [name_of(folder) for folder in sorted(folders) if not has_docstring(folder / "__init__.py")] == []


def test_no_module_is_named_after_nothing() -> None:
    assert [
        name_of(path) for path in CHECKED if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES
    ] == []


def test_the_package_never_prints() -> None:
    printing = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def test_importing_any_module_leaves_no_trace(tmp_path: Path) -> None:
    modules = [name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in SOURCES]
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    place = tmp_path / "empty"
    place.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(place), "AGENTCLI_HOME": str(place / "home")}
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", program, *modules],
        cwd=place,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(place.iterdir()) == []


def test_the_tree_of_errors_is_drawn_whole() -> None:
    drawing = errors.__doc__ or ""
    classes = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AgentcliError)
    ]
    assert [kind.__name__ for kind in classes if not re.search(rf"\b{kind.__name__}\b", drawing)] == []
    for kind in classes:
        drawn = re.search(rf"─ {kind.__name__} +exit (\d)", drawing)
        assert drawn is None or int(drawn.group(1)) == kind.exit_code


def literals(tree: ast.AST) -> Iterator[str]:
    """The strings that stand in the code whole: not the pieces of f-strings."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif not isinstance(node, ast.JoinedStr):
            yield from literals(node)


def test_error_codes_have_one_form() -> None:
    found = {text for path in SOURCES for text in literals(ast.parse(path.read_text(encoding="utf-8")))}
    codes = {text for text in found if re.match(r"E-.", text) and " " not in text}
    assert {code for code in codes if not re.fullmatch(r"E(-[A-Z0-9]+)+", code)} == set()


def test_the_changelog_tells_of_this_version() -> None:
    changelog = (REPO / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{agentcli.__version__}]" in changelog


def test_every_decision_stands_in_the_index() -> None:
    script = runpy.run_path(str(REPO / "scripts" / "index_decisions.py"))
    folder = REPO / "docs" / "decisions"
    assert (folder / "README.md").read_text(encoding="utf-8") == script["index"](folder), "run `make format`"


def repository_files() -> list[Path]:
    """What is kept in the repository; in a source archive, which has no git, everything that it holds."""
    if not (REPO / ".git").exists():
        return [path for path in REPO.rglob("*") if path.is_file() and ".venv" not in path.parts]
    listed = subprocess.run(["git", "-C", str(REPO), "ls-files", "-z"], capture_output=True, check=True, text=True)
    return [REPO / name for name in listed.stdout.split("\0") if name and (REPO / name).is_file()]


def machine_words(environ: dict[str, str]) -> set[str]:
    """What belongs to this machine alone: the checkout's own place, and where its package clients were told to look."""
    words = {str(REPO)} if len(REPO.parts) > 2 else set()
    for name in (
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "UV_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
    ):
        words.update(word for word in environ.get(name, "").split() if len(word) > 1)
    return words


def test_no_file_knows_the_machine_that_it_was_written_on(real_environ: dict[str, str]) -> None:
    words = [word.encode() for word in machine_words(real_environ)]
    knowing = [name_of(path) for path in repository_files() if any(word in path.read_bytes() for word in words)]
    assert knowing == []


def test_the_lock_file_names_one_index_and_no_folder() -> None:
    lock = (REPO / "uv.lock").read_text(encoding="utf-8")
    kinds = {kind for kind, _ in re.findall(r'^source = \{ (\w+) = "([^"]*)" \}', lock, re.MULTILINE)}
    assert kinds == {"editable", "registry"}
    assert len(set(re.findall(r'registry = "([^"]*)"', lock))) == 1
    assert len(set(re.findall(r'url = "https://([^/"]+)', lock))) == 1
    assert not re.search(r'"(file|http)://', lock)


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config.example.yaml"])
def test_what_every_project_has_is_there(name: str) -> None:
    assert (REPO / name).stat().st_size > 0
