"""`fetch_url`: formats, parts, what is kept, and what its options stand for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcli.core.processes import Finished, Job
from agentcli.core.tools import ToolResult
from agentcli.errors import DefinitionError, DeniedError, ToolArgumentsError, ToolError
from agentcli.sandbox.artifacts import Artifacts
from agentcli.sandbox.unopened import UnopenedWorkspace
from agentcli.tools.context import ToolContext
from agentcli.tools.registry import ToolRegistry, permissions_of
from tests.fakes.plain_processes import PlainProcesses
from tests.fakes.web import PUBLIC, answer, canned, dialled_by, page, redirect

HOSTS = {"docs.example.org": [PUBLIC], "b.example": ["8.8.8.8"]}
URL = "https://docs.example.org/guide"
GUIDE = page("<html><h1>Guide</h1><p>Read <a href='/more'>more</a>.</p><ul><li>one<li>two</ul>")

Fetch = Callable[..., ToolResult]


def use(name: str, **options: Any) -> SimpleNamespace:
    return SimpleNamespace(name=name, options=options)


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    """Fetch something from a web that gives the answers listed."""

    def do(*answers: bytes | Exception, options: dict[str, Any] | None = None, **arguments: Any) -> ToolResult:
        artifacts = Artifacts(tmp_path / "artifacts", tmp_path, lambda data: b"s3cr3t" in data)
        network = canned(HOSTS, *answers)
        context = ToolContext(UnopenedWorkspace(tmp_path), lambda: network, PlainProcesses, artifacts)
        tool = ToolRegistry(context).select([use("fetch_url", **(options or {}))]).get("fetch_url")
        assert tool is not None
        return asyncio.run(tool.call(tool.parse({"url": URL, **arguments})))

    return do


def text_of(result: ToolResult) -> str:
    """What stands between the marks."""
    lines = result.content.split("\n")
    begin = next(place for place, line in enumerate(lines) if line.startswith("<<< untrusted text "))
    end = next(place for place, line in enumerate(lines) if line.startswith("<<< end of untrusted text "))
    return "\n".join(lines[begin + 1 : end])


def test_a_page_comes_as_markdown_with_whole_links(fetch: Fetch) -> None:
    result = fetch(GUIDE)
    assert result.status == "ok"
    assert text_of(result) == "# Guide\n\nRead [more](https://docs.example.org/more).\n\n- one\n- two"
    head = result.content.splitlines()[0]
    assert head.startswith(f"{URL}: status 200, text/html, 80 bytes; saved as artifacts/")
    assert result.data["url"] == URL
    assert result.data["type"] == "text/html"


def test_a_page_comes_as_text_or_as_it_is(fetch: Fetch) -> None:
    assert text_of(fetch(GUIDE, format="text")).startswith("Guide\n\nRead more.")
    assert text_of(fetch(GUIDE, format="raw")).startswith("<html><h1>Guide</h1>")


def test_what_is_no_page_is_not_converted(fetch: Fetch) -> None:
    assert text_of(fetch(answer(b"a < b\n"))) == "a < b"
    assert text_of(fetch(answer(b"<p>hi", content_type="text/markdown"))) == "<p>hi"
    assert text_of(fetch(answer(b"<!doctype html><p>hi", content_type=""))) == "hi"


def test_json_is_read_and_laid_out(fetch: Fetch) -> None:
    result = fetch(answer(b'{"a":[1,"\xc3\xa9"]}', content_type="application/json"), format="json")
    assert json.loads(text_of(result)) == {"a": [1, "é"]}
    assert "\n" in text_of(result)


def test_headers_alone_are_shown_with_head(fetch: Fetch) -> None:
    result = fetch(answer(b"", content_length="12"), method="HEAD")
    assert text_of(result) == "content-type: text/plain\ncontent-length: 12"
    assert fetch(answer(b"", 404), method="HEAD").status == "error"


def test_an_error_of_the_server_is_one_of_the_call_and_its_words_are_shown(fetch: Fetch) -> None:
    result = fetch(answer(b"no such page", 404))
    assert (result.status, text_of(result)) == ("error", "no such page")
    result = fetch(answer(b"", 429, retry_after="3600"))
    assert (result.status, text_of(result)) == ("error", "retry-after: 3600")
    assert fetch(answer(b"", 204)).content == f"{URL}: status 204, text/plain, 0 bytes"


def test_a_long_text_is_read_part_by_part(fetch: Fetch) -> None:
    lines = [f"line {number}" for number in range(1, 501)]
    body = answer("\n".join(lines).encode())
    seen: list[str] = []
    start = 1
    for _ in range(10):
        result = fetch(body, start=start)
        seen += text_of(result).split("\n")
        note = result.content.splitlines()[-1]
        if "to read on" not in note:
            break
        start = int(note.rpartition("=")[2].rstrip("]"))
    assert seen == lines
    assert note == "[lines 401-500 of 500]"
    with pytest.raises(ToolArgumentsError, match="beyond the end"):
        fetch(body, start=501)


def test_one_long_line_is_read_part_by_part(fetch: Fetch) -> None:
    words = " ".join(f"word{number}" for number in range(4_000))
    result = fetch(answer(words.encode()), options={"max_bytes": 2_000})
    assert len(text_of(result)) < 2_100
    assert text_of(result).replace("\n", "") == words[: len(text_of(result).replace("\n", ""))]
    assert text_of(fetch(answer(b"x" * 1_200))) == "\n".join(["x" * 500, "x" * 500, "x" * 200])


def test_the_body_is_kept_under_its_content_and_a_secret_one_is_not(fetch: Fetch, tmp_path: Path) -> None:
    for _ in range(2):
        result = fetch(GUIDE)
    (kept,) = (tmp_path / "artifacts").iterdir()
    assert result.data["saved"] == f"artifacts/{kept.name}"
    assert kept.suffix == ".html"
    assert kept.read_bytes() in GUIDE
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "saved" not in fetch(answer(b"the s3cr3t")).data
    assert len(list((tmp_path / "artifacts").iterdir())) == 1
    assert fetch(answer(b"{}", content_type="application/json")).data["saved"].endswith(".json")
    assert fetch(answer(b"hi")).data["saved"].endswith(".txt")
    assert fetch(answer(b"\x7fELF\0", content_type="application/x-sh")).data["saved"].endswith(".bin")


def test_a_page_is_converted_by_a_confined_program_or_not_at_all(tmp_path: Path) -> None:
    context = ToolContext(UnopenedWorkspace(tmp_path), lambda: canned(HOSTS, GUIDE))
    tool = ToolRegistry(context).select([use("fetch_url")]).get("fetch_url")
    assert tool is not None
    with pytest.raises(DeniedError) as caught:
        asyncio.run(tool.call({"url": URL}))
    assert (caught.value.code, caught.value.exit_code) == ("E-SANDBOX-NONE", 5)
    assert asyncio.run(tool.call({"url": URL, "format": "raw"})).status == "ok"


@pytest.mark.parametrize("html", ["x" * 5_000_000, "<pre>" + "a\n" * 2_400_000])
def test_a_page_that_is_too_much_for_the_program_is_an_error_with_a_way_on(fetch: Fetch, html: str) -> None:
    with pytest.raises(ToolError) as caught:
        fetch(page(html))
    assert (caught.value.code, "`raw`" in caught.value.info.fix) == ("E-NET-CONVERT", True)


class Ending:
    """A sandbox in which every program ends alike."""

    name = "ending"

    def __init__(self, finished: Finished) -> None:
        self.finished = finished

    async def run(self, job: Job) -> Finished:
        assert job.workspace is None
        return self.finished


@pytest.mark.parametrize(
    ("finished", "why"),
    [
        (Finished(-9, b"", b"", 5.0, stopped="time"), "It took too long to convert."),
        (Finished(-11, b"part", b"", 0.1), "The converter failed on it."),
        (Finished(0, b"part", b"", 0.1, dropped=7), "Its text is too long."),
    ],
)
def test_a_program_that_does_not_end_well_has_converted_nothing(tmp_path: Path, finished: Finished, why: str) -> None:
    context = ToolContext(UnopenedWorkspace(tmp_path), lambda: canned(HOSTS, GUIDE), lambda: Ending(finished))
    tool = ToolRegistry(context).select([use("fetch_url")]).get("fetch_url")
    assert tool is not None
    with pytest.raises(ToolError) as caught:
        asyncio.run(tool.call({"url": URL}))
    assert (caught.value.code, caught.value.info.why) == ("E-NET-CONVERT", why)


def test_the_tool_by_itself_stays_on_the_host_that_was_allowed(fetch: Fetch) -> None:
    with pytest.raises(ToolError, match="redirects to another host"):
        fetch(redirect("https://b.example/"), GUIDE)
    assert fetch(redirect("/other"), GUIDE).data["url"] == "https://docs.example.org/other"


def test_where_the_call_may_go_is_for_the_engine_to_say(tmp_path: Path) -> None:
    network = canned(HOSTS, redirect("https://b.example/x"), answer(b"hi"))
    context = ToolContext(UnopenedWorkspace(tmp_path), lambda: network)
    tool: Any = ToolRegistry(context).select([use("fetch_url")])
    asked: list[str] = []
    within = tool.get("fetch_url").call_within({"url": URL}, lambda subject: asked.append(subject) is None)
    assert asyncio.run(within).status == "ok"
    assert asked == ["https://b.example/x"]
    assert dialled_by(network) == [(PUBLIC, 443), ("8.8.8.8", 443)]


def test_domains_of_a_template_are_rules_like_any_other() -> None:
    rules = permissions_of(
        [
            use("read_lines", max_lines=5),
            use("fetch_url", domains=["docs.example.org", "*.example.com"], deny=["evil.example.com"]),
            use("http_request"),
        ]
    )
    assert rules.allow == ("fetch_url(docs.example.org)", "fetch_url(*.example.com)")
    assert rules.deny == ("fetch_url(evil.example.com)",)
    assert rules.ask == ()


@pytest.mark.parametrize(
    "domain", ["https://x.org", "X.ORG", "a b", "", "x.org/", "x.org)", "{a,b}.org", "a=b", "*x.org"]
)
def test_a_domain_that_is_none_is_an_error_of_the_template(domain: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        permissions_of([use("fetch_url", domains=[domain])])
    assert caught.value.code == "E-TOOL-OPTION"


def test_an_answer_has_the_time_that_the_template_gives(fetch: Fetch) -> None:
    assert fetch(GUIDE, options={"seconds": 5}).status == "ok"
    with pytest.raises(DefinitionError):
        fetch(GUIDE, options={"seconds": 0})
