"""`http_request`: what is sent, what may not be, and that it is sent once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentcli.core.policies import Policy
from agentcli.errors import ToolArgumentsError, ToolError
from agentcli.sandbox.unopened import UnopenedWorkspace
from agentcli.tools.context import ToolContext
from agentcli.tools.http_request import OURS, build
from agentcli.tools.web_tool import WebOptions, WebTool
from tests.fakes.web import PUBLIC, answer, canned, dialled_by, redirect
from tests.fakes.web_server import network_of, serving

URL = "https://api.example.org/items"


def tool_over(network: Any) -> WebTool[Any]:
    return build(ToolContext(UnopenedWorkspace(Path("/nowhere")), lambda: network), WebOptions())


async def test_method_headers_and_body_arrive_as_they_were_given() -> None:
    async with serving({"/items": answer(b'{"id": 7}', 201, content_type="application/json")}) as server:
        tool = tool_over(network_of(server))
        headers = {"Content-Type": "application/json", "X-Trace": " a b "}
        result = await tool.call(
            tool.parse({"method": "PUT", "url": server.url("/items"), "headers": headers, "body": '{"é": 1}'})
        )
    (head,) = server.heads
    assert head.startswith("PUT /items HTTP/1.1\r\n")
    assert "content-type: application/json\r\n" in head
    assert "x-trace: a b\r\n" in head
    assert "content-length: 9\r\n" in head
    assert server.bodies == ['{"é": 1}'.encode()]
    assert "status 201, application/json, 9 bytes" in result.content
    assert '{"id": 7}' in result.content


async def test_a_redirect_is_told_and_not_followed_and_nothing_is_sent_twice() -> None:
    for reply in (redirect("https://evil.example/", 307), answer(b"", 503, retry_after="0")):
        network = canned({"api.example.org": [PUBLIC]}, reply, answer(b"again"))
        result = await tool_over(network).call({"method": "DELETE", "url": URL})
        assert len(dialled_by(network)) == 1
        assert "again" not in result.content
    assert result.status == "error"
    network = canned({"api.example.org": [PUBLIC]}, redirect("https://evil.example/", 307))
    told = await tool_over(network).call({"method": "POST", "url": URL, "body": "x"})
    assert "location: https://evil.example/" in told.content


async def test_the_path_is_the_guarded_one() -> None:
    with pytest.raises(ToolError) as caught:
        await tool_over(canned({"api.example.org": ["10.0.0.1"]}, answer())).call({"method": "POST", "url": URL})
    assert caught.value.code == "E-NET-PRIVATE"


@pytest.mark.parametrize(
    "name", [*sorted(OURS), "Host", "proxy-authorization", "Sec-Fetch-Mode", "a b", "", "x:y", "é"]
)
def test_headers_that_frame_or_redirect_a_message_are_not_set_by_tools(name: str) -> None:
    with pytest.raises(ToolArgumentsError, match="headers cannot be sent"):
        tool_over(canned({})).parse({"method": "POST", "url": URL, "headers": {name: "x"}})


@pytest.mark.parametrize("value", ["a\r\nhost: x", "a\nb", "a\0b", "é", "x" * 5_000, "\x7f"])
def test_values_that_no_header_may_have_are_refused(value: str) -> None:
    with pytest.raises(ToolArgumentsError, match="headers cannot be sent"):
        tool_over(canned({})).parse({"method": "POST", "url": URL, "headers": {"x": value}})


def test_headers_stand_there_once_and_are_not_too_many() -> None:
    tool = tool_over(canned({}))
    for headers in ({"X": "1", "x": "2"}, {f"x{number}": "1" for number in range(31)}):
        with pytest.raises(ToolArgumentsError, match="headers cannot be sent"):
            tool.parse({"method": "POST", "url": URL, "headers": headers})
    assert tool.parse({"method": "POST", "url": URL, "headers": {"X": ""}})["headers"] == {"x": ""}


@pytest.mark.parametrize("method", ["GET", "CONNECT", "post", "POST x", ""])
def test_only_methods_that_change_something_are_sent(method: str) -> None:
    with pytest.raises(ToolArgumentsError, match="must be one of POST, PUT, PATCH, DELETE"):
        tool_over(canned({})).parse({"method": method, "url": URL})


def test_it_asks_every_time_unless_a_rule_allows_the_host() -> None:
    spec = tool_over(canned({})).spec
    verdict = Policy().decide(spec, {"url": URL})
    assert (verdict.decision, verdict.repeatable) == ("ask", False)
    assert Policy(allow=["http_request(api.example.org)"]).decide(spec, {"url": URL}).decision == "allow"
