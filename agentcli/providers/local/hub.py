"""The model hub as a source: one file over HTTPS, resumed where it stopped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from agentcli.providers.local.catalog import EmbeddedModel
from agentcli.providers.local.partial import PartialFile
from agentcli.providers.local.progress import Meter, Phase

if TYPE_CHECKING:
    import httpx

MOST_REDIRECTS: Final = 5
_TRIES: Final = 3
_CONNECT_SECONDS: Final = 4.0
_READ_SECONDS: Final = 20.0
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class SourceError(Exception):
    """This source cannot give the model now; the next one may. The text says why."""


class HubSource:
    """Fetches from the hub. `url` replaces the catalog's address; plain HTTP is for this machine alone."""

    phase: Phase = "hub"

    def __init__(self, url: str | None = None) -> None:
        self._url = url

    async def fetch(self, model: EmbeddedModel, partial: PartialFile, meter: Meter) -> None:
        """Append what is missing. Raises SourceError, StorageError."""
        import httpx

        timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
        failure: Exception | None = None
        async with httpx.AsyncClient(timeout=timeout, follow_redirects=False) as client:
            for _ in range(_TRIES):
                before = partial.done
                try:
                    await self._once(client, model, partial, meter)
                except httpx.ConnectError as error:
                    raise SourceError(f"the model hub cannot be reached ({_text(error)})") from error
                except httpx.HTTPError as error:
                    failure = error
                    if partial.done == before:
                        break
                if partial.complete:
                    return
        raise SourceError(f"the model hub broke off ({_text(failure)})" if failure else "the model hub sent too little")

    async def _once(self, client: httpx.AsyncClient, model: EmbeddedModel, partial: PartialFile, meter: Meter) -> None:
        answer = await self._open(client, self._url or model.url, partial.done)
        try:
            if not self._goes_on(answer, model, partial.done):
                partial.restart()
            async for chunk in answer.aiter_raw():
                try:
                    partial.append(chunk)
                except ValueError as error:
                    partial.restart()
                    raise SourceError("the model hub sent more than the model has") from error
                meter.at(partial.done)
        finally:
            await answer.aclose()

    async def _open(self, client: httpx.AsyncClient, url: str, done: int) -> httpx.Response:
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={done}-"} if done else {})}
        origin = url
        for _ in range(MOST_REDIRECTS + 1):
            answer = await client.send(client.build_request("GET", url, headers=headers), stream=True)
            if not answer.has_redirect_location:
                return answer
            await answer.aclose()
            url = urljoin(url, answer.headers["location"])
            if not _may_go(origin, url):
                raise SourceError("the model hub redirects to an address that is not HTTPS")
        raise SourceError("the model hub redirects in circles")

    @staticmethod
    def _goes_on(answer: httpx.Response, model: EmbeddedModel, done: int) -> bool:
        """Whether the body goes on at `done`; False where it begins anew. Raises SourceError."""
        if answer.status_code == 206:
            found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
            if found and (int(found[1]), int(found[2])) == (done, model.size):
                return True
            raise SourceError("the model hub sent another range than it was asked for")
        if answer.status_code != 200:
            raise SourceError(f"the model hub answered {answer.status_code}")
        if answer.headers.get("content-length", str(model.size)) != str(model.size):
            raise SourceError("the file on the model hub has another size")
        return False


def _may_go(origin: str, target: str) -> bool:
    to = urlsplit(target)
    here = to.scheme == "http" and _is_loopback(origin) and _is_loopback(target)
    return to.scheme == "https" or here


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def _text(error: Exception | None) -> str:
    return str(error) or type(error).__name__
