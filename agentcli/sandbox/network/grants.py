"""Which secrets of the user's may be sent where, as the user's own file grants it: `GITHUB_TOKEN@api.example.org`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from agentcli.core.values import value
from agentcli.errors import ToolError
from agentcli.sandbox.network.urls import WebUrl, parse_url

_FORM: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)@(?P<place>[^/?#@]+)")


@value(frozen=True, slots=True)
class Grant:
    """One entry: a variable's name, and the one host and port that its value may be sent to."""

    name: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Grant:
        """Read `NAME@HOST` or `NAME@HOST:PORT`; without a port, 443. Raises ValueError."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("it is no NAME@HOST")
        try:
            url = parse_url(f"https://{match['place']}/")
        except ToolError as error:
            raise ValueError("it names no host") from error
        return cls(match["name"], url.host, url.port)

    def holds_for(self, url: WebUrl) -> bool:
        """Whether the value may go there: to this very host and port, and over no wire that others read."""
        private = url.scheme == "https" or (url.address is not None and url.address.is_loopback)
        return private and (url.host, url.port) == (self.host, self.port)


class Grants:
    """All that the user granted."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._grants = tuple(Grant.parse(text) for text in entries)
        self.names = frozenset(grant.name for grant in self._grants)

    def names_for(self, url: WebUrl) -> frozenset[str]:
        """The variables whose values may be sent there."""
        return frozenset(grant.name for grant in self._grants if grant.holds_for(url))
