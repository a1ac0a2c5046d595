"""An answer from the web as the result of a call: what it is, where it was kept, and its text between marks."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, Literal, TypeAlias

from agentcli.core.tools import ToolResult
from agentcli.core.values import value
from agentcli.sandbox.network import charsets, refusals, sniffing
from agentcli.sandbox.network.exchange import WebResponse
from agentcli.tools.context import ToolContext
from agentcli.tools.pages import converted
from agentcli.tools.untrusted import marked, page_of
from agentcli.tools.web_tool import WebOptions

Format: TypeAlias = Literal["markdown", "text", "raw", "json"]

TOLD: Final = ("location", "retry-after", "etag", "last-modified")
"""Headers that a model can do something with."""


@value(frozen=True, slots=True)
class Body:
    """What a body is: its declared type, what of binary it is by its first bytes, and whether it is a page."""

    data: bytes
    content_type: str
    media: str
    binary: str | None
    is_html: bool

    @classmethod
    def of(cls, response: WebResponse) -> Body:
        """Look at it. Raises ToolRefusedError E-NET-CONTENT where it hides what it is."""
        content_type = response.header("content-type")
        media, binary = sniffing.media_type(content_type), sniffing.binary_kind(response.body)
        if binary is not None and sniffing.says_text(media):
            raise refusals.disguised(response.url.host, media, binary)
        undeclared = not media and sniffing.looks_like_html(response.body)
        return cls(response.body, content_type, media, binary, media in sniffing.HTML or undeclared)

    @property
    def suffix(self) -> str:
        """How the name of a kept copy ends. Never one that a system runs or opens by itself, except as text."""
        if self.binary is not None:
            return ".bin"
        return ".html" if self.is_html else ".json" if self.media.endswith("json") else ".txt"


async def result_of(
    response: WebResponse, form: Format, start: int, options: WebOptions, context: ToolContext
) -> ToolResult:
    """The result of a call. Raises ToolError E-NET-CONTENT, E-NET-CONVERT; DeniedError E-SANDBOX-NONE."""
    body = Body.of(response)
    copy = None
    if context.artifacts is not None and body.data:
        copy = await asyncio.to_thread(context.artifacts.keep, body.data, body.suffix)
    kept = copy.path if copy is not None else None
    parts = [_head(response, body, kept)]
    if body.binary is None and body.data:
        # Before the text is cut: of a secret that a server sends back, half would be left, and half is not known.
        text = await asyncio.to_thread(context.hide, await _text(response, body, form, context))
        # Megabytes take a while to lay out; other calls of the run go on meanwhile.
        page = await asyncio.to_thread(page_of, text, start, options.max_lines, options.max_bytes)
        parts += [marked(_told(response, context) + page.text), page.note]
    elif told := _told(response, context).strip("\n"):
        parts.append(marked(told))
    return ToolResult(
        "\n".join(part for part in parts if part),
        "error" if response.status >= 400 else "ok",
        data=_data(response, body, kept),
        artifacts=(copy.digest,) if copy is not None else (),
    )


def headers_result(response: WebResponse) -> ToolResult:
    """The result of asking for the headers alone."""
    text = "\n".join(f"{name}: {value}" for name, value in response.headers)
    page = page_of(text, 1, 100, 8_000)
    status: Literal["error", "ok"] = "error" if response.status >= 400 else "ok"
    data = {"url": response.url.text, "status": response.status}
    return ToolResult(f"{response.url.text}: status {response.status}\n{marked(page.text)}", status, data=data)


async def _text(response: WebResponse, body: Body, form: Format, context: ToolContext) -> str:
    host, text = response.url.host, await asyncio.to_thread(charsets.decode, body.data, body.content_type)
    if form == "json":
        return await asyncio.to_thread(_json, host, text)
    if not body.is_html or form == "raw":
        return text
    return await converted(
        text, "markdown" if form == "markdown" else "plain", response.url.text, host, context.sandbox()
    )


def _json(host: str, text: str) -> str:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise refusals.not_json(host, "It is nested too deep.") from None
    except ValueError:
        raise refusals.not_json(host, "It cannot be parsed.") from None
    return json.dumps(value, ensure_ascii=False, indent=1)


def _no_constant(name: str) -> Any:
    """`NaN` and its kin are no JSON."""
    raise ValueError(name)


def _told(response: WebResponse, context: ToolContext) -> str:
    """Headers that matter where the body is not all: with a redirect that was not followed, or a refusal."""
    if response.status < 300:
        return ""
    values = {name: context.hide(response.header(name)) for name in TOLD}
    lines = [f"{name}: {value[:500]}" for name, value in values.items() if value]
    return "".join(f"{line}\n" for line in lines) + ("\n" if lines else "")


def _head(response: WebResponse, body: Body, kept: str | None) -> str:
    described = (
        f"{body.binary}, not shown, {body.media or 'undeclared'}" if body.binary else body.media or "undeclared type"
    )
    saved = f"; saved as {kept}" if kept else ""
    return f"{response.url.text}: status {response.status}, {described}, {len(body.data):,} bytes{saved}"


def _data(response: WebResponse, body: Body, kept: str | None) -> dict[str, Any]:
    return {
        "url": response.url.text,
        "status": response.status,
        "type": body.media,
        "bytes": len(body.data),
        **({"saved": kept} if kept else {}),
    }
