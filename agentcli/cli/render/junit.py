"""Checked recordings as a JUnit report, as CI systems read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from agentcli.core.safe_text import safe
from agentcli.errors import ErrorInfo, StorageError, sentence
from agentcli.workbench.check_recordings import Checked
from agentcli.workbench.difference import difference

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def junit(checked: Sequence[Checked]) -> bytes:
    """One test suite; a test case for each recording, named by its file, its class the agent."""
    failed = sum(not one.same for one in checked)
    seconds = f"{sum(one.duration_s for one in checked):.3f}"
    counts = {"tests": str(len(checked)), "failures": str(failed), "errors": "0", "skipped": "0", "time": seconds}
    suites = Element("testsuites", counts)
    suite = SubElement(suites, "testsuite", {"name": "agentcli", **counts})
    for one in checked:
        _case(suite, one)
    indent(suites)
    report: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return report + b"\n"


def _case(suite: Element, one: Checked) -> None:
    name, agent = _text(one.file.name), _text(one.agent or "unknown")
    case = SubElement(suite, "testcase", {"classname": agent, "name": name, "time": f"{one.duration_s:.3f}"})
    if one.error is not None:
        place = f" ({one.divergence.path})" if one.divergence else ""
        message = _text(one.error.what + place)
        failure = SubElement(case, "failure", {"message": message, "type": one.error.code})
        failure.text = _text("\n".join(_details(one, one.error)))


def _details(one: Checked, error: ErrorInfo) -> list[str]:
    lines = [str(one.file), error.what, error.why, error.fix]
    return [line for line in lines if line] + list(difference(one.divergence) if one.divergence else ())


def _text(text: str) -> str:
    return _NO_XML.sub("", safe(text))


def write_junit(path: Path, checked: Sequence[Checked]) -> None:
    """Write the report, replacing an older one; folders are made. Raises StorageError E-TEST-REPORT."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(junit(checked))
    except OSError as error:
        raise StorageError(
            "E-TEST-REPORT",
            f"The report cannot be written: {path}.",
            why=sentence(error.strerror or str(error)),
            fix="Choose a file in a folder of yours with `--junit`.",
        ) from error
