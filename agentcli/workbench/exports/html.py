"""A run as one page that needs nothing else: no other file, no network, and no script for reading it."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agentcli import __version__
from agentcli.core.events import ModelCompleted, RunCompleted, RunStarted, ToolCompleted, rfc3339
from agentcli.core.models import Usage
from agentcli.core.quantities import count, duration, money
from agentcli.core.safe_text import safe
from agentcli.core.values import value
from agentcli.workbench.exports.formats import ExportedFile, ExportOptions
from agentcli.workbench.exports.html_plan import sections_of
from agentcli.workbench.exports.html_steps import Text, pretty, steps_of
from agentcli.workbench.exports.html_timeline import timeline_of
from agentcli.workbench.exports.record import RunRecord

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER: Final = Path(__file__).parent


def render(record: RunRecord, options: ExportOptions) -> tuple[ExportedFile, ...]:
    """One HTML file. What the journal cannot give any more is missing in it."""
    # What a model wrote may hold half a character; no encoding takes that.
    page = _environment().get_template("run.html").render(_view(record)).encode("utf-8", "backslashreplace")
    return (ExportedFile(f"{record.row.start.id}.html", page),)


@value(frozen=True, slots=True)
class Fact:
    """A figure at the top of the page, and what it is made of."""

    label: str
    value: str
    detail: str = ""


def _view(record: RunRecord) -> dict[str, Any]:
    """Everything that the template shows."""
    style, script = _asset("run.css"), _asset("run.js")
    last = record.events[-1].body if record.events else None
    steps = steps_of(record)
    return {
        "style": style,
        "script": script,
        "policy": _policy(style, script),
        "version": __version__,
        "row": record.row,
        "started": next((event.body for event in record.events if isinstance(event.body, RunStarted)), None),
        "ended": last if isinstance(last, RunCompleted) else None,
        "answer": _answer(last.output) if isinstance(last, RunCompleted) and last.output is not None else None,
        "times": (rfc3339(record.row.start.started), _moment(record.row.start.started)),
        "facts": _facts(record),
        "steps": steps,
        "turns": sorted({step.turn for step in steps if step.turn is not None}),
        "tools": sorted({step.tool for step in steps if step.tool}),
        "timeline": timeline_of(record.events),
        "plan": sections_of(record),
    }


def _moment(unix_seconds: float) -> str:
    return rfc3339(unix_seconds)[:19].replace("T", " ") + " UTC"


def _answer(output: Any) -> Text:
    return Text.of(output if isinstance(output, str) else pretty(output))


def _facts(record: RunRecord) -> list[Fact]:
    answers = [event.body for event in record.events if isinstance(event.body, ModelCompleted)]
    calls = [event.body for event in record.events if isinstance(event.body, ToolCompleted)]
    usage = sum((answer.usage for answer in answers), Usage())
    costs = [answer.cost_usd for answer in answers]
    unknown = None in costs
    cost = sum(cost for cost in costs if cost is not None)
    bad = sum(call.status != "ok" for call in calls)
    end = record.row.end
    return [
        Fact("Time", duration(end.duration_s if end else None), _shares(answers, calls)),
        Fact("Turns", count(end.turns if end else len({event.turn for event in record.events if event.turn}))),
        Fact("Tokens", count(usage.total), _tokens(usage)),
        Fact("Cost", ("≥ " if unknown and cost else "") + money(None if unknown and not cost else cost)),
        Fact("Tool calls", count(len(calls)), f"{bad} did not succeed" if bad else ""),
    ]


def _shares(answers: list[ModelCompleted], calls: list[ToolCompleted]) -> str:
    model, tools = sum(one.duration_s for one in answers), sum(one.duration_s for one in calls)
    return f"{duration(model)} model, {duration(tools)} tools" if answers or calls else ""


def _tokens(usage: Usage) -> str:
    parts = [f"{usage.input:,} in", f"{usage.output:,} out"]
    parts += [
        f"{number:,} {name}" for name, number in (("cached", usage.cached), ("reasoning", usage.reasoning)) if number
    ]
    return ", ".join(parts)


# -- the template ----------------------------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "count": count, "money": money}
    return environment


def _harmless(value: Any) -> Any:
    """Every text that the template prints, before it is escaped: no control characters, nothing that reorders it."""
    return safe(value) if type(value) is str else value


@cache
def _asset(name: str) -> str:
    return _FOLDER.joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The page's content security policy: its own style and script, and nothing from anywhere."""
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
