"""Secrets that a request carries because the user's own file grants them to its host: filled in when it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from agentcli.core.values import value
from agentcli.errors import ToolError, ToolRefusedError
from agentcli.sandbox.network.grants import Grants
from agentcli.sandbox.network.urls import WebUrl

_NAMED: Final = re.compile(r"\$\{(?P<braced>[A-Za-z_]\w*)\}|\$(?P<plain>[A-Za-z_]\w*)|(?P<placeholder><[a-z]+:[^<>]*>)")


@value(frozen=True, slots=True)
class GrantedSecrets:
    """The grants, and where values come from.

    `value_of` gives a variable's value, None for one that is not set or too short to be hidden again. `restored` gives
    a placeholder's value if it is one of those given, and raises ToolRefusedError for any other's. `hide` takes the
    secrets out of a text.
    """

    grants: Grants
    value_of: Callable[[str], str | None]
    restored: Callable[[str, Collection[str]], str]
    hide: Callable[[str], str]

    def filled(self, url: WebUrl, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers with values for `$NAME`, `${NAME}` and placeholders of what is granted to the URL's host.

        What names no secret of a grant stays as it is. Raises ToolRefusedError E-NET-SECRET, ToolError E-SECRET-GONE.
        """
        granted = self.grants.names_for(url)

        def value(found: re.Match[str]) -> str:
            if found["placeholder"]:
                return self.restored(found[0], [known for name in granted if (known := self.value_of(name))])
            name = found["braced"] or found["plain"]
            return self._value(name, url) if name in granted else self._other(name, found[0], url)

        return {header: _NAMED.sub(value, text) for header, text in headers.items()}

    def _value(self, name: str, url: WebUrl) -> str:
        value = self.value_of(name)
        if value is None:
            raise ToolError(
                "E-SECRET-GONE",
                f"`{name}` cannot be sent to {url.host}: it has no value.",
                why="It is not set, or is so short that it could not be kept out of records.",
                fix=f"Set `{name}` in the environment or in .env.",
            )
        return value

    def _other(self, name: str, text: str, url: WebUrl) -> str:
        if name not in self.grants.names:
            return text
        raise ToolRefusedError(
            "E-NET-SECRET",
            f"`{name}` may not be sent to {url.authority}.",
            why="The user's own file does not grant it to this host and port, or the address is not https.",
            fix="Go on without it.",
        )
