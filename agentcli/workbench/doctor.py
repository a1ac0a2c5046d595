"""Is everything there that is needed, and does it work? Each question is answered on its own."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agentcli import __version__
from agentcli.core.runs import RunQuery
from agentcli.core.values import value
from agentcli.errors import AgentcliError
from agentcli.workbench.check_config import check_config
from agentcli.workbench.list_models import list_models
from agentcli.workbench.wiring import Options, Workbench, open_workbench

if TYPE_CHECKING:
    from agentcli.errors import ErrorInfo
    from agentcli.sandbox.processes.choosing import Finding

LEAST_PYTHON = (3, 11)
LEAST_FREE = 200_000_000
"""Bytes free on the disk of the journal, below which there is a warning."""

_RESTORE = "Restore the journal's folder from a copy; the run can still be looked at."

VERIFIED_RUNS = 3
"""The newest runs whose record is checked whole."""


@value(frozen=True, slots=True)
class Check:
    """One question and its answer. `fix` says what to do where it is not ok."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    fix: str = ""


def doctor(options: Options) -> list[Check]:
    """All checks, in the order in which things depend on each other. Makes nothing and asks no model."""
    checks = [_python(), _package()]
    try:
        bench = open_workbench(options)
    except AgentcliError as error:
        return [*checks, _failed("settings", error.info)]
    with bench:
        for name, ask in _QUESTIONS:
            checks += _answers(name, ask, bench)
    return checks


def _answers(name: str, ask: Callable[[Workbench], Iterator[Check]], bench: Workbench) -> list[Check]:
    try:
        return list(ask(bench))
    except AgentcliError as error:
        return [_failed(name, error.info)]


def _failed(name: str, info: ErrorInfo) -> Check:
    place = f"{info.file}:{info.line}: " if info.file and info.line else ""
    return Check(name, "fail", f"{place}{info.what} {info.why}".strip(), info.fix)


def _python() -> Check:
    found = f"{platform.python_version()} ({platform.python_implementation()}, {platform.system()})"
    if sys.version_info[:2] >= LEAST_PYTHON:
        return Check("python", "ok", found)
    return Check("python", "fail", found, "Install Python 3.11 or newer.")


def _package() -> Check:
    return Check("agentcli", "ok", f"{__version__} in {Path(__file__).resolve().parents[1]}")


def _settings(bench: Workbench) -> Iterator[Check]:
    files = ", ".join(str(path) for path in bench.loaded.files) or "no files, only defaults"
    yield Check("settings", "ok", files)
    for warning in bench.warnings:
        yield Check("settings", "warn", warning.what, warning.fix)
    if bench.project is not None and not bench.loaded.trusted:
        fix = "Look at its agentcli.yaml, then run `agentcli trust`."
        yield Check("trust", "warn", f"{bench.project.root} is not trusted: what it allows is asked about.", fix)


def _templates(bench: Workbench) -> Iterator[Check]:
    report = check_config(bench)
    if report.problems:
        more = f" There are {len(report.problems)} problems in all." if len(report.problems) > 1 else ""
        yield Check("templates", "fail", f"{report.problems[0].what}{more}", "See `agentcli config check`.")
    else:
        yield Check("templates", "ok", f"{report.templates} load")


def _model(bench: Workbench) -> Iterator[Check]:
    view = asyncio.run(list_models(bench))
    if view.chosen:
        yield Check("model", "ok", f"{', then '.join(view.chosen)}: {view.reason}")
    else:
        fix = "Run `agentcli models pull coder-1.5b`, or export OPENAI_API_KEY."
        yield Check("model", "fail", view.reason, fix)


def _embedded(bench: Workbench) -> Iterator[Check]:
    from agentcli.providers.local import pulled
    from agentcli.providers.local.catalog import MODELS
    from agentcli.providers.local.verify import verified

    if find_spec("xllamacpp") is None:
        yield Check("embedded models", "warn", "Their runtime is not installed.", "pip install 'agentcli[local]'")
        return
    names = pulled(bench.models_dir)
    for name in names:
        verified(MODELS[name].path(bench.models_dir), MODELS[name])
    detail = f"{', '.join(names)}, verified" if names else "The runtime is installed; none is pulled."
    yield Check("embedded models", "ok", detail)


def _confinement(bench: Workbench) -> Iterator[Check]:
    from agentcli.sandbox.opening import Openat2, best_opener

    handle = os.open(bench.workspace, os.O_RDONLY | os.O_DIRECTORY)
    try:
        strong = isinstance(best_opener(handle), Openat2)
    finally:
        os.close(handle)
    how = "openat2" if strong else "a walk that follows no link (this system has no openat2)"
    yield Check("confinement", "ok", f"Files of {bench.workspace} are opened by {how}.")


def _sandbox(bench: Workbench) -> Iterator[Check]:
    findings = asyncio.run(bench.sandbox.examine())
    yield sandbox_check(bench.sandbox.name, findings)


def sandbox_check(name: str, findings: Sequence[Finding]) -> Check:
    """A backend that is not there is no fault while another one works; none at all stops only what runs programs."""
    lacking = [one for one in findings if one.state != "proven"]
    whys = "; ".join(f"{one.name}: {one.why.rstrip('.')}" for one in lacking)
    fixes = " ".join(one.fix for one in lacking if one.fix)
    if name == "none":
        return Check("sandbox", "warn", f"Programs cannot be confined, so none is run. {whys}.", fixes)
    if name == "landlock":
        detail = "Programs are confined by landlock, which is weaker: no view and no processes of their own."
        return Check("sandbox", "warn", detail, "Set `sandbox.backend: auto` where namespaces are permitted.")
    used = f"Programs are confined by {name}, proven on this machine."
    return Check("sandbox", "ok", f"{used} Not used: {whys}." if lacking else used)


def _journal(bench: Workbench) -> Iterator[Check]:
    rows = bench.journal.runs(RunQuery(children=True, limit=VERIFIED_RUNS))
    for row in rows:
        problems = bench.journal.verify(row.start.id).problems
        if problems:
            yield Check("journal", "fail", f"The record of {row.start.id} is damaged. {problems[0].what}", _RESTORE)
            return
    detail = f"{bench.journal_folder}, the newest {len(rows)} verified" if rows else f"{bench.journal_folder}, empty"
    yield Check("journal", "ok", detail)


def _disk(bench: Workbench) -> Iterator[Check]:
    place = next(folder for folder in (bench.journal_folder, *bench.journal_folder.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free in {place}"
    if not os.access(place, os.W_OK):
        yield Check("disk", "fail", f"{place} cannot be written.", "Give yourself the right to write there.")
    elif free < LEAST_FREE:
        yield Check("disk", "warn", detail, "Free some space: runs are recorded there.")
    else:
        yield Check("disk", "ok", detail)


_QUESTIONS: tuple[tuple[str, Callable[[Workbench], Iterator[Check]]], ...] = (
    ("settings", _settings),
    ("templates", _templates),
    ("model", _model),
    ("embedded models", _embedded),
    ("confinement", _confinement),
    ("sandbox", _sandbox),
    ("journal", _journal),
    ("disk", _disk),
)
