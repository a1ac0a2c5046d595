"""Keeps keys away from addresses that a project without trust has set."""

from __future__ import annotations

from agentcli.config.merging import Merged
from agentcli.config.sources import Source
from agentcli.errors import ErrorInfo

_SECRET_FIELDS = ("api_key", "api_key_env")


def withhold_keys(merged: Merged) -> list[ErrorInfo]:
    """For an untrusted project: take keys from outside it away from the addresses it sets, and let it name no key.

    A header may hold a key, so headers count as one. Returns a warning for each provider that loses something.
    """
    warnings = []
    for name, provider in merged.data.get("providers", {}).items():
        prefix = f"providers.{name}."
        address = merged.sources.get(f"{prefix}base_url")
        foreign = address is not None and address.of_project
        lost = [field for field in _SECRET_FIELDS if _goes(merged, prefix + field, foreign)]
        headers = provider.get("headers") or {}
        lost_headers = [key for key in headers if foreign and not _of_project(merged, f"{prefix}headers.{key}")]
        for field in lost:
            del provider[field], merged.sources[prefix + field]
        for key in lost_headers:
            del headers[key], merged.sources[f"{prefix}headers.{key}"]
        if lost or lost_headers:
            warnings.append(_warning(name, address if foreign else None))
    return warnings


def _goes(merged: Merged, name: str, foreign: bool) -> bool:
    """Whether a key is withheld: one from outside where the address is the project's, or the other way round."""
    return name in merged.sources and _of_project(merged, name) != foreign


def _of_project(merged: Merged, name: str) -> bool:
    return merged.sources[name].of_project


def _warning(name: str, address: Source | None) -> ErrorInfo:
    what = f"The provider `{name}` gets no key."
    why = f"The project is not trusted, and {'sets its address' if address else 'names the key'}."
    file, line = (address.file, address.line) if address else (None, None)
    return ErrorInfo("E-CONFIG-UNTRUSTED", what, why, "Look at the project, then run `agentcli trust`.", file, line)
