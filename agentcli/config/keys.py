"""Keys and other variables: the environment first, then the project's `.env`, which is never exported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from agentcli.definitions.files import read_definition
from agentcli.errors import ErrorInfo

MIN_SECRET = 8
"""Shorter values are not taken for secrets: they would be found everywhere."""

KeySource = Literal["environment", ".env"]

_SECRET = re.compile(
    r"(?:^|_)(?:API_?KEY|KEYS?|TOKENS?|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|PWD|CREDENTIALS?|AUTH|PRIVATE|DSN|COOKIE)(?:_|$)"
    r"|(?:APIKEY|TOKEN|SECRET|PASSWORD)$",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"_(?:FILE|PATH|DIR|SOCK|URL|ENV|NAME|ID)$|^(?:PWD|OLDPWD)$", re.IGNORECASE)
_ADDRESS = re.compile(r"_(?:BASE_URL|API_BASE|ENDPOINT|HOST|URL|PROXY)$", re.IGNORECASE)


class Keys:
    """Looks variables up. Of an untrusted project's `.env`, no address counts: a key would go where it points."""

    def __init__(
        self, environ: Mapping[str, str], dotenv: Mapping[str, str] | None = None, *, trusted: bool = True
    ) -> None:
        self._environ = {name: value for name, value in environ.items() if value}
        self._dotenv = {
            name: value for name, value in (dotenv or {}).items() if value and not name.startswith("AGENTCLI_")
        }
        if not trusted:
            self._dotenv = {name: value for name, value in self._dotenv.items() if not _ADDRESS.search(name)}

    def get(self, name: str) -> str | None:
        """The variable's value; None where it is not set, or empty."""
        return self._environ.get(name) or self._dotenv.get(name)

    def of_project(self, name: str) -> str | None:
        """The value that the project's own `.env` gives, whatever the environment says."""
        return self._dotenv.get(name)

    def source(self, name: str) -> KeySource | None:
        """Where `get` finds it."""
        if name in self._environ:
            return "environment"
        return ".env" if name in self._dotenv else None

    def secrets(self, also: Iterable[str] = ()) -> dict[str, str]:
        """The values that look secret by their variable's name, those named in `also`, and passwords inside addresses.

        By name; where the environment and `.env` differ, both are there, the latter as `NAME (.env)`.
        """
        named = set(also)
        found: dict[str, str] = {}
        for suffix, variables in (("", self._environ), (" (.env)", self._dotenv)):
            for name, value in variables.items():
                secret = _secret_in(name, value, named)
                if secret is not None and found.get(name) != secret:
                    found[name if name not in found else f"{name}{suffix}"] = secret
        return found


def read_dotenv(root: Path | None) -> tuple[dict[str, str], list[ErrorInfo]]:
    """The variables of a project's `.env`, and a warning for each that is not taken.

    Values are taken as they stand: nothing of the environment is filled into them. Raises DefinitionError for a file
    that cannot be read.
    """
    path = root / ".env" if root is not None else None
    if path is None or not path.is_file():
        return {}, []
    from dotenv import dotenv_values

    text = read_definition(path, "E-CONFIG", inside=root)
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    taken = {name: value for name, value in values.items() if value is not None and not name.startswith("AGENTCLI_")}
    refused = [name for name in values if name.startswith("AGENTCLI_")]
    return taken, [_refused(name, str(path)) for name in refused]


def _refused(name: str, file: str) -> ErrorInfo:
    fix = "Set it in the environment, or write the setting into agentcli.yaml."
    return ErrorInfo(
        "E-CONFIG-DOTENV", f"`{name}` in .env is ignored.", "A project's .env sets no AGENTCLI_*.", fix, file
    )


def _secret_in(name: str, value: str, named: set[str]) -> str | None:
    if len(value) < MIN_SECRET:
        return None
    if name in named or (_SECRET.search(name) and not _NO_SECRET.search(name)):
        return value
    password = _password(value) if "://" in value else None
    return password if password and len(password) >= MIN_SECRET else None


def _password(address: str) -> str | None:
    try:
        return urlsplit(address).password
    except ValueError:
        return None
