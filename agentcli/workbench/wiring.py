"""The composition root: which parts work together, for one project and one user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcli.config.keys import MIN_SECRET, Keys, read_dotenv
from agentcli.config.load import Loaded, load_settings
from agentcli.config.places import Places, user_places
from agentcli.config.project import Project, find_project, workspace_of
from agentcli.config.settings import ProviderSettings, Settings
from agentcli.config.sources import Source
from agentcli.config.trust import is_trusted
from agentcli.core.values import value
from agentcli.errors import ErrorInfo

if TYPE_CHECKING:
    from agentcli.catalog.catalog import Catalog
    from agentcli.journal.redaction import SecretRedactor
    from agentcli.journal.store import SqliteJournal
    from agentcli.providers.registry import ProviderConfig, Providers
    from agentcli.sandbox.network.fetching import Network
    from agentcli.sandbox.paths import Workspace
    from agentcli.sandbox.processes.choosing import ConfinedPrograms
    from agentcli.tools.context import ToolContext
    from agentcli.tools.granted_secrets import GrantedSecrets
    from agentcli.tools.packages import PackageTools
    from agentcli.tools.registry import ToolRegistry
    from agentcli.workbench.estimate import PriceOf


@value(frozen=True, slots=True)
class Options:
    """What whoever calls (a command line, a server) has chosen. Paths are absolute or relative to `cwd`.

    `flags` are settings by dotted name, above every file; `yes` and `allow` answer asks and lift no deny.
    """

    cwd: Path
    environ: Mapping[str, str]
    project: Path | None = None
    profile: str | None = None
    trust: bool = False
    workspace: Path | None = None
    model: list[str] | None = None
    yes: bool = False
    allow: list[str] = field(default_factory=list)
    flags: dict[str, Any] = field(default_factory=dict)


class Workbench:
    """Everything a use case needs. Parts are made when they are first asked for, and closed with the workbench."""

    def __init__(
        self,
        options: Options,
        places: Places,
        project: Project | None,
        keys: Keys,
        loaded: Loaded,
        warnings: tuple[ErrorInfo, ...],
        journal_folder: Path | None = None,
    ) -> None:
        self.options = options
        self.places = places
        self.project = project
        self.keys = keys
        self.loaded = loaded
        self.warnings = warnings
        self._journal_folder = journal_folder

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the journal and the workspace. Raises StorageError if what was recorded cannot be written."""
        for name in ("journal", "workspace_view"):
            part = self.__dict__.pop(name, None)
            if part is not None:
                part.close()

    # -- settings -----------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    @property
    def sources(self) -> Mapping[str, Source]:
        """Where each setting that is not a default comes from, by dotted name."""
        return self.loaded.sources

    @property
    def journal_folder(self) -> Path:
        """Where runs are recorded: in the project, else with the user."""
        if self._journal_folder is not None:
            return self._journal_folder
        return self.project.state if self.project else self.places.journal

    def with_journal(self, folder: Path) -> Workbench:
        """The same project, settings and keys over another journal, which is made there. To be closed by itself."""
        return Workbench(self.options, self.places, self.project, self.keys, self.loaded, self.warnings, folder)

    @cached_property
    def workspace(self) -> Path:
        """The folder that tools work in."""
        return workspace_of(self.options.workspace, self.project, self.options.cwd, self.options.environ)

    @cached_property
    def models_dir(self) -> Path:
        """Where embedded models are."""
        chosen = self.settings.models_dir
        return Path(chosen).expanduser() if chosen else self.places.models

    @property
    def base(self) -> Path:
        """What files in a model's name are relative to: the project, else the current folder."""
        return self.project.root if self.project else self.options.cwd

    def from_here(self, model: str) -> str:
        """A model named on the command line: a file in its name is meant from the current folder."""
        written = self.file_of_model(model)
        if written is None:
            return model
        provider, path = model.partition(":")[0], self.options.cwd / written
        return f"{provider}:{path.relative_to(self.base) if path.is_relative_to(self.base) else path}"

    def file_of_model(self, model: str) -> Path | None:
        """The file that a `provider:model` names, as it is written; None for a model that is no file."""
        from agentcli.providers.registry import names_file

        provider, _, name = model.partition(":")
        is_file = provider == "scripted" or (provider == "local" and names_file(name))
        return Path(name).expanduser() if is_file else None

    # -- parts --------------------------------------------------------------------------------------------------

    @cached_property
    def catalog(self) -> Catalog:
        """Templates: the project's, the user's, the built-in ones."""
        from agentcli.catalog.builtin import templates_root
        from agentcli.catalog.catalog import Catalog, Root
        from agentcli.catalog.checks import Known
        from agentcli.providers.registry import EMBEDDED
        from agentcli.providers.servers import SERVERS
        from agentcli.tools.registry import BUILT_IN, parameters_of

        providers = frozenset({*SERVERS, *EMBEDDED, *self.settings.providers})
        roots = [Root(self.places.config, "user"), Root(templates_root(), "built-in")]
        if self.project is not None:
            roots.insert(0, Root(self.project.root, "project"))
        tools, parameters = frozenset(BUILT_IN), cache(parameters_of)
        return Catalog(roots, Known(tools, providers, self._package_names, parameters))

    @cached_property
    def journal(self) -> SqliteJournal:
        """The record of runs."""
        from agentcli.journal.store import SqliteJournal

        return SqliteJournal(self.journal_folder)

    @cached_property
    def redactor(self) -> SecretRedactor:
        """Keeps secrets out of models, journal and output."""
        from agentcli.journal.redaction import SecretRedactor
        from agentcli.journal.redaction_key import load_key

        redaction = self.settings.redaction
        granted = [entry.partition("@")[0] for entry in self.settings.network.grants]
        known = {**self.keys.secrets((*redaction.names, *granted)), **self.loaded.secrets, **self._headers()}
        return SecretRedactor(load_key(self.places.redaction_key), known, redaction.patterns, redaction.personal)

    def _headers(self) -> dict[str, str]:
        """Values of headers that may be keys, whatever the header is called."""
        from agentcli.journal.patterns import looks_random

        return {
            f"{name}_{header}": value
            for name, provider in self.settings.providers.items()
            for header, value in provider.headers.items()
            if len(value) >= MIN_SECRET and looks_random(value)
        }

    @cached_property
    def workspace_view(self) -> Workspace:
        """The confined view of the workspace that file tools share."""
        from agentcli.sandbox.paths import Workspace

        return Workspace(self.workspace, private=self.places.private)

    @cached_property
    def tools(self) -> ToolRegistry:
        """The tools of this workspace."""
        from agentcli.tools.registry import ToolRegistry

        return ToolRegistry(self.tool_context(self.workspace_view))

    @cached_property
    def network(self) -> Network:
        """The web as this user's settings open it to tools."""
        from agentcli.sandbox.network.fetching import Network

        return Network(private=self.settings.network.private)

    def tool_context(self, workspace: Workspace) -> ToolContext:
        """What tools over a workspace work with: this machine's network and sandbox, whenever the run was planned."""
        from agentcli.sandbox.artifacts import FOLDER, Artifacts
        from agentcli.tools.context import ToolContext

        def holds_secret(data: bytes) -> bool:
            return self.redactor.holds_secret(data)  # which makes its key when it is first needed

        artifacts = Artifacts(self.journal_folder / FOLDER, self.base, holds_secret)
        return ToolContext(workspace, lambda: self.network, lambda: self.sandbox, artifacts, self._granted())

    def _granted(self) -> GrantedSecrets | None:
        """Secrets for the hosts that the user's own settings grant them to."""
        if not self.settings.network.grants:
            return None
        from agentcli.sandbox.network.grants import Grants
        from agentcli.tools.granted_secrets import GrantedSecrets

        grants, redactor = Grants(self.settings.network.grants), self.redactor
        return GrantedSecrets(grants, self._long_enough, redactor.restore_one_of, redactor.redact)

    def _long_enough(self, name: str) -> str | None:
        value = self.keys.get(name)
        return value if value and len(value) >= MIN_SECRET else None

    @cached_property
    def sandbox(self) -> ConfinedPrograms:
        """Where programs run, confined."""
        from agentcli.sandbox.processes.choosing import ConfinedPrograms
        from agentcli.sandbox.processes.selftest import Proofs

        return ConfinedPrograms(self.settings.sandbox.backend, Proofs(self.places.sandbox))

    @cached_property
    def package_tools(self) -> PackageTools:
        """The tools that installed packages bring."""
        from agentcli.tools.packages import PackageTools
        from agentcli.tools.registry import BUILT_IN

        return PackageTools.installed(BUILT_IN)

    def _package_names(self) -> frozenset[str]:
        return frozenset(self.package_tools.names())

    def open_providers(self) -> Providers:
        """Models by name, for the event loop that is running; whoever opens them closes them."""
        from agentcli.providers.registry import Providers, with_environment

        declared = {name: self._provider(name, one) for name, one in self.settings.providers.items()}
        return Providers(with_environment(declared, self.keys.get), self.models_dir, self.base)

    @cached_property
    def price_of(self) -> PriceOf:
        """What a call to a `provider:model` costs, by the price table alone: no key and no network is needed."""
        return self.open_providers().price

    def _provider(self, name: str, one: ProviderSettings) -> ProviderConfig:
        """How to reach a provider. An address from an untrusted project's file never gets a key from outside it."""
        from agentcli.providers.registry import ProviderConfig

        key = one.api_key.get_secret_value() if one.api_key else None
        may_have_key = self.loaded.may_have_key(name)
        if not may_have_key and one.api_key_env:
            key = key or self.keys.of_project(one.api_key_env)
        return ProviderConfig(one.base_url, key, one.api_key_env, one.headers, one.wire, may_have_key)


def open_workbench(options: Options) -> Workbench:
    """Find the project and read the settings; nothing is made and nothing of the project is executed.

    Raises UsageError, DefinitionError.
    """
    places = user_places(options.environ)
    project = find_project(options.cwd, options.project)
    root = project.root if project else None
    trusted = options.trust or (root is not None and is_trusted(places, root))
    loaded = load_settings(places, root, options.environ, options.flags, options.profile, trusted)
    dotenv, refused = read_dotenv(root)
    keys = Keys(options.environ, dotenv, trusted=trusted)
    return Workbench(options, places, project, keys, loaded, (*loaded.warnings, *refused))
