"""Every form that a run can be exported in, by the name that `--to` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final, cast

from agentcli.core.values import value
from agentcli.workbench.exports.record import RunRecord


@value(frozen=True, slots=True)
class ExportOptions:
    """What can be chosen. `content`: the texts of messages, arguments and results too, where a form leaves them out."""

    content: bool = False


@value(frozen=True, slots=True)
class ExportedFile:
    """One file: the name that it has unless another is asked for, which may begin with a folder, and its bytes."""

    name: str
    data: bytes


Render = Callable[[RunRecord, ExportOptions], tuple[ExportedFile, ...]]
"""The files of a run, the main one first; others are to stand beside it."""


@value(frozen=True, slots=True)
class Format:
    """One form. `module` (below this package) has `render`; `text` says whether a terminal can show it.

    `next_step` is what to do with the file; `{file}` stands for its path. `is_record` says whether it is taken for the
    run itself: it is made of none whose record is not as it was written, since it would be intact again.
    """

    module: str
    text: bool
    next_step: str
    is_record: bool = False

    @property
    def render(self) -> Render:
        """The form's own code, loaded when it is asked for."""
        return cast("Render", import_module(f"{__package__}.{self.module}").render)


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "bundle": Format("bundle", False, "Take it in elsewhere: agentcli runs import {file}", is_record=True),
        "jsonl": Format("jsonl", True, "One event a line; `agentcli config schema events` describes them."),
        "html": Format("html", True, "Open it in a browser; it needs nothing else."),
        "atif": Format("atif", True, "Any reader of ATIF trajectories takes it."),
        "pytest": Format(
            "pytest_file", True, "Run it: pytest {file}, or all recordings: agentcli test", is_record=True
        ),
        "otel": Format("otel", True, "POST it as JSON to /v1/traces of an OpenTelemetry collector."),
    }
)
