"""The settings in force: every layer, the strongest last, and the source of each value.

Flag > environment > project profile > project `agentcli.yaml` > user profile > user `config.yaml` > default. A project
can add rules and lower limits; it cannot take away what the user's own file says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentcli.config.environment import nested, settings_of, typed
from agentcli.config.files import FAMILY, ConfigFile, find_file, read_file, without_user_only
from agentcli.config.guard import withhold_keys
from agentcli.config.merging import Merged
from agentcli.config.places import Places
from agentcli.config.settings import Overlay, Settings
from agentcli.config.sources import DEFAULT, FLAG, Source
from agentcli.core.agents import LimitsSpec, Permissions
from agentcli.core.canonical import Json
from agentcli.core.limits import Limits
from agentcli.core.policies import Layer, LayerName, PermissionLists
from agentcli.core.values import value
from agentcli.definitions.nearest import listed, suggestion
from agentcli.definitions.problems import Problems
from agentcli.definitions.validation import dotted, keys_at, report, type_at
from agentcli.definitions.yaml_source import unplaced
from agentcli.errors import DefinitionError, ErrorInfo, UsageError


@value(frozen=True, slots=True)
class Loaded:
    """The settings in force and where they come from.

    `sources` has every value by its dotted name. `permissions` are the layers of rules, each with its trust. `secrets`
    are literal secrets of the files by dotted name. `texts` are the files as they were read, for the manifest.
    """

    settings: Settings
    sources: dict[str, Source]
    files: tuple[Path, ...]
    warnings: tuple[ErrorInfo, ...]
    permissions: tuple[Layer, ...]
    profile: str | None
    trusted: bool
    texts: dict[Path, str] = field(repr=False)
    secrets: dict[str, str] = field(repr=False)
    user_limits: dict[str, float]

    def source(self, name: str) -> Source:
        """Where a setting's value comes from."""
        return self.sources.get(name, DEFAULT)

    @property
    def user_permissions(self) -> Permissions:
        """The rules of the user's file, of the environment and of flags."""
        return self._rules_of("user")

    @property
    def project_permissions(self) -> Permissions:
        """The project's rules, as they are written: its layer says whether they are trusted."""
        return self._rules_of("project")

    def may_have_key(self, provider: str) -> bool:
        """Whether a provider may be given a key from outside the project: not one whose address it set untrusted."""
        return self.trusted or not self.source(f"providers.{provider}.base_url").of_project

    def _rules_of(self, name: LayerName) -> Permissions:
        found = [layer.permissions for layer in self.permissions if layer.name == name]
        return _joined(found)

    def limits(self, template: LimitsSpec, *, of_project: bool) -> Limits:
        """The limits of a run: a template's over the settings'. A project's template only lowers what the user's file
        sets.
        """
        given = template.given()
        if of_project:
            given = {name: min(value, self.user_limits.get(name, value)) for name, value in given.items()}
        return LimitsSpec(**given).to_limits(self.settings.limits.to_limits())

    def no_more_than_mine(self, limits: Limits) -> Limits:
        """Limits that a record brings along, lowered to those that the user sets."""
        found = limits.to_json()
        lower = {name: mine for name, mine in self.user_limits.items() if found[name] is None or found[name] > mine}
        return LimitsSpec.model_validate(lower).to_limits(limits)


def load_settings(
    places: Places,
    project: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    profile: str | None = None,
    trusted: bool = False,
) -> Loaded:
    """The settings for a project's folder (None: outside any), an environment, and flags by dotted name or nested.

    Raises DefinitionError for an invalid file or variable, UsageError for an invalid flag (E-CONFIG-SETTING-UNKNOWN,
    E-CONFIG-FLAG) or a profile that no file has (E-CONFIG-PROFILE-UNKNOWN).
    """
    files = _files(places, project)
    profile = profile or environ.get("AGENTCLI_PROFILE") or None
    _check_profile(profile, files)
    loading = _Loading()
    for file in files:
        loading.file(file, profile)
    loading.environment(environ)
    loading.flags(flags or {})
    if not trusted:
        loading.warnings += withhold_keys(loading.merged)
    return Loaded(
        settings=loading.settings(),
        sources=loading.merged.sources,
        files=tuple(file.path for file in files),
        warnings=tuple(loading.warnings),
        permissions=loading.permissions(trusted),
        profile=profile,
        trusted=trusted,
        texts={file.path: file.text for file in files},
        secrets={dotted(secret.path): secret.value for file in files for secret in file.secrets()},
        user_limits=loading.merged.user_limits,
    )


class _Loading:
    """Lays one layer after the other."""

    def __init__(self) -> None:
        self.merged = Merged()
        self.warnings: list[ErrorInfo] = []
        self._name: str | None = None
        self._rules: dict[LayerName, list[Permissions]] = {"user": [], "project": []}
        self.merged.lay(Overlay().model_dump(mode="json"), lambda path: DEFAULT)

    def file(self, file: ConfigFile, profile: str | None) -> None:
        """Its settings, then those of the chosen profile."""
        self.warnings += file.warnings()
        if file.owner == "project":
            self._name = file.settings.name
        for name, said in ((None, file.layer()), (profile, file.profile(profile or ""))):
            layer, ignored = without_user_only(said, file) if file.owner == "project" else (said, [])
            self.warnings += ignored
            self.merged.lay(layer, partial(file.where, profile=name))
            self._add_rules(file.owner, layer)

    def environment(self, environ: Mapping[str, str]) -> None:
        """The variables that are settings."""
        values, names, unknown = settings_of(environ)
        self.warnings += unknown

        def source_of(path: tuple[str, ...]) -> Source:
            known = next(path[:length] for length in range(len(path), 0, -1) if path[:length] in names)
            return Source("environment", name=names[known])

        self._command(nested(values), source_of)

    def flags(self, flags: Mapping[str, Any]) -> None:
        """What the command line says."""
        values = {}
        for name, given in flags.items():
            path = tuple(name.split("."))
            kind = type_at(Overlay, path)
            if kind is None:
                why, fix = (
                    "No setting is called that.",
                    suggestion(name, keys_at(Overlay, ()), "See `agentcli config show`."),
                )
                raise UsageError("E-CONFIG-SETTING-UNKNOWN", f"There is no setting `{name}`.", why=why, fix=fix)
            values[path] = typed(given, kind) if isinstance(given, str) and kind is not str else given
        self._command(nested(values), lambda path: FLAG)

    def settings(self) -> Settings:
        """Everything laid so far, checked once more: values of the environment and of flags never were."""
        try:
            return Settings.model_validate({**self.merged.data, "name": self._name})
        except ValidationError as error:
            raise self._invalid(error) from None

    def permissions(self, trusted: bool) -> tuple[Layer, ...]:
        """The rules of the user (file, environment and flags) and of the project."""
        return tuple(
            Layer(name, _joined(rules), trusted=trusted or name == "user")
            for name, rules in self._rules.items()
            if rules
        )

    def _command(self, layer: dict[str, Json], source_of: Callable[[tuple[str, ...]], Source]) -> None:
        self.merged.lay(layer, source_of)
        self._add_rules("user", layer)

    def _add_rules(self, owner: LayerName, layer: Mapping[str, Json]) -> None:
        if isinstance(rules := layer.get("permissions"), dict) and rules:
            self._rules[owner].append(Permissions.model_construct(**rules))

    def _invalid(self, error: ValidationError) -> DefinitionError | UsageError:
        found = error.errors(include_url=False)[0]
        problems = Problems(FAMILY, "")
        report(found, Settings, unplaced(self.merged.data), problems)
        info = problems.error().info
        source = self._source_of(found["loc"])
        if source.kind == "flag":
            return UsageError("E-CONFIG-FLAG", info.what, why=info.why, fix=info.fix)
        return DefinitionError(info.code, f"{source}: {info.what}", why=info.why, fix=info.fix)

    def _source_of(self, loc: tuple[str | int, ...]) -> Source:
        names = [str(part) for part in loc]
        for length in range(len(names), 0, -1):
            if source := self.merged.sources.get(".".join(names[:length])):
                return source
        return DEFAULT


def _files(places: Places, project: Path | None) -> list[ConfigFile]:
    """The user's file, then the project's; those that are there."""
    files = []
    if path := find_file(places.config, "config"):
        files.append(read_file(path, "user"))
    if project is not None and (path := find_file(project, "agentcli")):
        files.append(read_file(path, "project"))
    return files


def _check_profile(profile: str | None, files: Sequence[ConfigFile]) -> None:
    names = sorted({name for file in files for name in file.profiles})
    if profile is None or profile in names:
        return
    why = f"There are: {listed(names)}." if names else "No configuration file has profiles."
    fix = suggestion(profile, names, "Add it under `profiles:`, or leave it out.")
    raise UsageError("E-CONFIG-PROFILE-UNKNOWN", f"There is no profile `{profile}`.", why=why, fix=fix)


def _joined(rules: Sequence[PermissionLists]) -> Permissions:
    return Permissions(**{name: tuple(p for r in rules for p in getattr(r, name)) for name in Permissions.model_fields})
