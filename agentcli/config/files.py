"""A configuration file: read, checked, and its parts as layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from agentcli.config.settings import Overlay, Settings
from agentcli.config.sources import Source, SourceKind
from agentcli.core.canonical import Json
from agentcli.core.values import value
from agentcli.definitions import yaml_source
from agentcli.definitions.files import both_endings, read_definition
from agentcli.definitions.literal_secrets import LiteralSecret, literal_secrets, warnings_about
from agentcli.definitions.problems import Problems
from agentcli.definitions.validation import validate
from agentcli.errors import ErrorInfo

FAMILY = "E-CONFIG"
_OF_FILE = ("version", "name", "profiles")
"""Keys that say something about the file and are no settings."""


@value(frozen=True, slots=True)
class ConfigFile:
    """A valid configuration file of the user or of a project. `text` is its content as it was read."""

    owner: Literal["user", "project"]
    path: Path
    text: str
    settings: Settings
    source: yaml_source.Source

    @property
    def profiles(self) -> list[str]:
        """The profiles that it has."""
        return sorted(self.source.data.get("profiles") or {})

    def layer(self) -> dict[str, Json]:
        """Its settings outside profiles."""
        return {key: value for key, value in self.source.data.items() if key not in _OF_FILE}

    def profile(self, name: str) -> dict[str, Json]:
        """The settings of one profile; none where it does not have it."""
        return (self.source.data.get("profiles") or {}).get(name) or {}

    def where(self, path: tuple[str, ...], profile: str | None = None) -> Source:
        """The source of a setting that this file says."""
        kind: SourceKind = self.owner
        if profile is not None:
            kind = "user profile" if self.owner == "user" else "project profile"
            path = ("profiles", profile, *path)
        return Source(kind, str(self.path), self.source.where_key(path)[0])

    def warnings(self) -> list[ErrorInfo]:
        """Secrets in it."""
        return warnings_about(self.source, FAMILY)

    def secrets(self) -> list[LiteralSecret]:
        """The values of those secrets, to be kept out of every record."""
        return literal_secrets(self.source.data)


def find_file(folder: Path, stem: str) -> Path | None:
    """`stem.yaml` or `stem.yml` in a folder. Raises DefinitionError E-CONFIG-DUPLICATE-NAME where both are there."""
    found = both_endings(folder, stem)
    if len(found) > 1:
        problems = Problems(FAMILY, str(found[0]))
        what, why = "There are two configuration files.", f"{found[1]} is there as well."
        problems.add("DUPLICATE-NAME", what, why=why, fix="Remove one of them.", at=(1, 1))
        problems.raise_any()
    return found[0] if found else None


def read_file(path: Path, owner: Literal["user", "project"]) -> ConfigFile:
    """Read and check a file. Raises DefinitionError with everything wrong in it."""
    text = read_definition(path, FAMILY, inside=path.parent if owner == "project" else None)
    source = yaml_source.read(text, str(path), FAMILY)
    return ConfigFile(owner, path, text, validate(Settings, source, Problems(FAMILY, str(path))), source)


def without_user_only(layer: Mapping[str, Json], file: ConfigFile) -> tuple[dict[str, Json], list[ErrorInfo]]:
    """A project's layer without what only the user may say, and a warning for each such setting."""
    kept, warnings = {}, []
    for key, given in layer.items():
        extra = Overlay.model_fields[key].json_schema_extra
        if not (isinstance(extra, dict) and extra.get("user_only")):
            kept[key] = given
            continue
        if _says_nothing(given) or given == _default(key):
            continue
        line, column = file.source.where_key((key,))
        why, fix = "A project cannot set it.", "Move it to your own configuration file."
        warnings.append(
            ErrorInfo(f"{FAMILY}-USER-ONLY", f"`{key}` is ignored here.", why, fix, str(file.path), line, column)
        )
    return kept, warnings


def _default(key: str) -> Json:
    value = Overlay.model_fields[key].get_default(call_default_factory=True)
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _says_nothing(value: Json) -> bool:
    """Whether a setting is written without a value, as a file that shows every default does."""
    return value in (None, []) or (isinstance(value, dict) and all(map(_says_nothing, value.values())))
