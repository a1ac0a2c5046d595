"""The environment that people's tools see: what programs need to run, and what the user granted by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

_PROGRAMS = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM")
_PYTHON = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONUTF8", "PYTHONWARNINGS", "PYTHONHASHSEED")
_NETWORK = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NO_PROXY", "no_proxy")

PASSED: Final = frozenset((*_PROGRAMS, *_PYTHON, *_NETWORK))
"""A short list of what is let through, and no list of what is kept back: nobody knows what a secret may be called."""

_PROXIES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"})


def worker_environ(environ: Mapping[str, str], granted: Iterable[str]) -> dict[str, str]:
    """The whole environment of a worker. A proxy's address is passed on unless a password stands in it."""
    names = {*PASSED, *granted}
    found = {name: value for name, value in environ.items() if name in names or name.startswith("LC_")}
    proxies = {name: environ[name] for name in _PROXIES if name in environ and not _holds_password(environ[name])}
    return {**found, **proxies}


def _holds_password(address: str) -> bool:
    try:
        return "@" in urlsplit(address).netloc or "@" in address
    except ValueError:
        return True
