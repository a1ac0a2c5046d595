"""The tool `http_request`: changing something at an address of the web."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from pydantic import Field

from agentcli.core.tools import ToolResult, ToolSpec
from agentcli.engine.ports import Admits
from agentcli.errors import ToolArgumentsError
from agentcli.sandbox.network.exchange import WebRequest
from agentcli.sandbox.network.fetching import Fetcher
from agentcli.sandbox.network.urls import parse_url
from agentcli.tools.arguments import Arguments, schema_of
from agentcli.tools.context import ToolContext
from agentcli.tools.web_result import result_of
from agentcli.tools.web_tool import WebOptions, WebTool

MAX_BODY: Final = 1_000_000
"""Characters that are sent."""

MAX_HEADERS: Final = 30

OURS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "cookie"}
    | {"accept-encoding", "keep-alive", "user-agent", "http2-settings"}
)
"""Headers that say how a message is framed, where it goes or who sends it: not for a model to set."""

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]{0,3998}[\x21-\x7e])?|")


class HttpRequestArguments(Arguments):
    """What is sent where."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(description="What is done there.")
    url: str = Field(description="Address, with https://.")
    headers: dict[str, str] = Field({}, description="Headers, such as content-type.")
    body: str = Field("", max_length=MAX_BODY, description="Text that is sent.")


OPTIONS = WebOptions


def spec() -> ToolSpec:
    """What models and people are told."""
    example = {
        "method": "POST",
        "url": "https://api.example.org/items",
        "headers": {"content-type": "application/json"},
        "body": '{"name": "lamp"}',
    }
    return ToolSpec(
        name="http_request",
        description="Send a request that changes something on the web.",
        parameters=schema_of(HttpRequestArguments),
        effects="irreversible",
        subject="url",
        subject_kind="host",
        examples=(example, {"method": "DELETE", "url": "https://api.example.org/items/7"}),
        returns="One line about the answer, then its text between marks. A redirect is told and not followed.",
    )


def build(context: ToolContext, options: WebOptions) -> WebTool[Any]:
    """The tool over a network."""

    def tidy(arguments: HttpRequestArguments) -> HttpRequestArguments:
        headers = {name.lower(): value.strip() for name, value in arguments.headers.items()}
        _check(headers, len(arguments.headers))
        return arguments.model_copy(update={"url": parse_url(arguments.url).text, "headers": headers})

    async def work(arguments: HttpRequestArguments, _admits: Admits) -> ToolResult:
        url = parse_url(arguments.url)
        headers = arguments.headers
        if context.secrets is not None:
            headers = context.secrets.filled(url, headers)
            _check(headers, len(headers))
        request = WebRequest(arguments.method, url, headers, arguments.body.encode())
        response = await Fetcher(context.network(), options.limits).fetch(request, lambda _: False)
        return await result_of(response, "raw", 1, options, context)

    fills = frozenset({"headers"} if context.secrets is not None else ())
    return WebTool(spec(), HttpRequestArguments, tidy, work, fills)


def _check(headers: dict[str, str], given: int) -> None:
    if len(headers) < given:
        raise _refused("A header stands there twice.")
    if given > MAX_HEADERS:
        raise _refused(f"There are more than {MAX_HEADERS}.")
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise _refused("A name holds something else than letters, digits and hyphens.")
        if name in OURS or name.startswith(("proxy-", "sec-")):
            raise _refused(f"`{name}` is not set by tools.")
        if not _VALUE.fullmatch(value):
            raise _refused(f"The value of `{name}` holds a line break or another character that no header may.")


def _refused(why: str) -> ToolArgumentsError:
    return ToolArgumentsError(
        "E-TOOL-ARGUMENTS",
        "The headers cannot be sent.",
        why=why,
        fix="Leave out what is not needed.",
    )
