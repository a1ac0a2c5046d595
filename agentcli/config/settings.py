"""Every setting: what it is for, its bounds and its default. `config.example.yaml` is made from this."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from agentcli.core.agents import Definition, LimitsSpec, Models, Name, Permissions, SettingsSpec

USER_ONLY: dict[str, Any] = {"user_only": True}
"""Marks a setting that is read from the user's own file, the environment or a flag, never from a project."""

_ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_URL = re.compile(r"https?://[^\s/@]+(?:/[^\s?#]*)?")


def _base_url(value: str) -> str:
    if _URL.fullmatch(value) is None:
        raise PydanticCustomError("base_url", "expected an address such as https://host/v1, without user or query")
    return value.rstrip("/")


def _pattern(value: str) -> str:
    """RE2, as `grep_file` has it: a project's file may bring a pattern, and no text may make it run for ever."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        matches_nothing = re2.compile(value, options).search("") is not None
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise PydanticCustomError("pattern", "expected a regular expression ({why})", {"why": why}) from error
    if matches_nothing:
        raise PydanticCustomError("pattern", "expected a regular expression that cannot match the empty text")
    return value


EnvName: TypeAlias = Annotated[str, Field(pattern=_ENV_NAME, max_length=200)]


class ProviderSettings(Definition):
    """How a provider is reached, where that differs from what is known of it."""

    base_url: Annotated[str, Field(max_length=2_000), AfterValidator(_base_url)] | None = Field(
        None, description="The address of its API, such as http://localhost:11434/v1."
    )
    api_key_env: EnvName | None = Field(
        None, description="The variable of the environment or `.env` that holds the key."
    )
    api_key: SecretStr | None = Field(None, description="The key itself. A warning: better name it with `api_key_env`.")
    headers: dict[str, str] = Field(default_factory=dict, description="Headers that go with every request.")
    wire: Literal["openai", "anthropic"] = Field("openai", description="The API that a provider of your own speaks.")


class RedactionSettings(Definition):
    """What is kept out of models, journal and output, beside the secrets that are found without being told."""

    patterns: Annotated[tuple[Annotated[str, AfterValidator(_pattern)], ...], Field(strict=False, max_length=100)] = (
        Field((), description="Regular expressions (RE2) of secrets. A project's are added to the user's.")
    )
    names: Annotated[tuple[EnvName, ...], Field(strict=False, max_length=100)] = Field(
        (), description="Variables of the environment or `.env` whose values are secrets whatever they are called."
    )
    personal: Annotated[
        tuple[Literal["email", "phone", "iban", "card", "ip"], ...], Field(strict=False, max_length=100)
    ] = Field(
        (),
        description="Kinds of personal data that are hidden as well: email, phone, iban, card, ip. A project's are "
        "added to the user's.",
    )


def _opened(value: str) -> str:
    from agentcli.sandbox.network.private import Opened

    try:
        Opened.parse(value)
    except ValueError as error:
        raise PydanticCustomError(
            "opened", "expected an address, a network or a host, such as 127.0.0.1:8080 ({why})", {"why": str(error)}
        ) from error
    return value


def _granted(value: str) -> str:
    from agentcli.sandbox.network.grants import Grant

    try:
        Grant.parse(value)
    except ValueError as error:
        raise PydanticCustomError(
            "granted", "expected NAME@HOST, such as GITHUB_TOKEN@api.github.com ({why})", {"why": str(error)}
        ) from error
    return value


class NetworkSettings(Definition):
    """What tools may reach beside the public internet, and what they may take there."""

    private: Annotated[tuple[Annotated[str, AfterValidator(_opened)], ...], Field(strict=False, max_length=100)] = (
        Field(
            (),
            description="Addresses, networks and hosts of this machine's network that tools may reach: 127.0.0.1:8080, "
            "10.0.0.0/8, wiki.corp:8443. Without a port, 80 and 443. `--allow-private` adds to it.",
        )
    )
    grants: Annotated[tuple[Annotated[str, AfterValidator(_granted)], ...], Field(strict=False, max_length=100)] = (
        Field(
            (),
            description="Secrets that `http_request` may send, each a variable and the one host it may be sent to: "
            "GITHUB_TOKEN@api.github.com, KEY@api.example.org:8443. In a header $GITHUB_TOKEN stands for it.",
        )
    )


class SandboxSettings(Definition):
    """How programs are confined."""

    backend: Literal["auto", "bubblewrap", "builtin", "landlock"] = Field(
        "auto",
        description="auto is the best that works here: bubblewrap, else builtin, on macOS sandbox-exec. landlock is "
        "weaker and only used if it is named. None of them can be switched off.",
    )


class Overlay(Definition):
    """The settings that every file, and every profile in it, may have."""

    agent: Name = Field("assistant", description="The agent of `agentcli run TASK`.")
    model: Models | None = Field(
        None,
        description="`provider:model`, or a list that is tried in order, for agents that name none. Without it: the "
        "first of a key in the environment, a local Ollama, a pulled embedded model.",
    )
    models_dir: Annotated[str, Field(min_length=1, max_length=4_000)] | None = Field(
        None,
        description="Where embedded models are kept; without it the user's cache. Not read from a project.",
        json_schema_extra=USER_ONLY,
    )
    limits: LimitsSpec = Field(
        default_factory=lambda: LimitsSpec(turns=20, tool_seconds=30.0),
        description="What one run may use up. A project can only lower what the user's own file sets.",
    )
    settings: SettingsSpec = Field(
        default_factory=lambda: SettingsSpec(timeout=60.0, stream=True), description="How models are asked."
    )
    permissions: Permissions = Field(
        default_factory=Permissions,
        description="What tools may do without asking, after asking, and never. A project's rules are added to the "
        "user's: it cannot lift an ask or a deny.",
    )
    providers: dict[Name, ProviderSettings] = Field(
        default_factory=dict, description="Providers by name: well-known ones with another address, or your own."
    )
    sandbox: SandboxSettings = Field(
        default_factory=SandboxSettings,
        description="What programs are confined by. Not read from a project.",
        json_schema_extra=USER_ONLY,
    )
    tool_environment: Annotated[tuple[EnvName, ...], Field(strict=False, max_length=100)] | None = Field(
        None,
        description="Variables of the environment that your own Python tools may see, beside PATH, HOME and the like. "
        "Not read from a project.",
        json_schema_extra=USER_ONLY,
    )
    redaction: RedactionSettings = Field(
        default_factory=RedactionSettings, description="Secrets to keep out of records."
    )
    network: NetworkSettings = Field(
        default_factory=NetworkSettings,
        description="What tools may reach beside the public internet, and which secrets they may send. Not read from a "
        "project.",
        json_schema_extra=USER_ONLY,
    )
    color: Literal["auto", "always", "never"] = Field(
        "auto", description="Colours: auto asks whether it is a terminal."
    )


class Settings(Overlay):
    """A configuration file: `agentcli.yaml` of a project, `config.yaml` of the user."""

    version: Literal[1] = Field(1, description="The version of this format.")
    name: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="What a project is called; without it, its folder's name."
    )
    profiles: dict[Name, Overlay] = Field(
        default_factory=dict,
        description="Settings that lie over the rest of this file when chosen with `--profile` or AGENTCLI_PROFILE.",
    )

    @field_validator("profiles", mode="before")
    @classmethod
    def _no_empty_profile(cls, value: Any) -> Any:
        """`dev:` with nothing under it is a profile without settings."""
        if isinstance(value, dict):
            return {name: {} if inner is None else inner for name, inner in value.items()}
        return value
