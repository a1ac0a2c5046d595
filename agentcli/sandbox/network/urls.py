"""Reading a URL so that nobody after us can read it otherwise.

Browsers (WHATWG) and libraries (RFC 3986) disagree about backslashes, whitespace, credentials, numbers as hosts and
more; what they disagree about is refused here. What is left has one spelling, the canonical one, and that is what the
permission rules, the record and the connection see.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote, urljoin

from agentcli.core.values import value
from agentcli.sandbox.network import refusals
from agentcli.sandbox.network.addresses import Address

MAX_URL: Final = 4_000
"""Characters of a URL."""

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_PARTS: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?"
)
_AUTHORITY: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOT: Final = re.compile(r"%2e", re.IGNORECASE)
_DOTS: Final = "\u3002\uff0e\uff61"
"""What IDNA reads as a full stop beside the full stop."""

_PATH_SAFE: Final = "/%:@!$&'()*+,;=-._~"
_QUERY_SAFE: Final = _PATH_SAFE + "?[]"


@value(frozen=True, slots=True)
class WebUrl:
    """A URL of the web. `host` is a lower-case name in ASCII, or an address without brackets; `target` what is asked
    of it: path and query.
    """

    scheme: str
    host: str
    port: int
    target: str
    address: Address | None = None

    @property
    def authority(self) -> str:
        """Host and port as a `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        """The one spelling of it."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> WebUrl:
    """Read a URL. Raises ToolArgumentsError E-URL-INVALID, E-URL-SCHEME, E-URL-HOST."""
    if len(text) > MAX_URL:
        raise refusals.invalid_url(text, f"It has more than {MAX_URL:,} characters.")
    if any(_is_unseen(char) for char in text):
        raise refusals.invalid_url(text, "It holds a space, a line break or an invisible character.")
    if "\\" in text:
        raise refusals.invalid_url(text, "It holds a backslash.")
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise refusals.invalid_url(text, "It does not begin with `https://` or `http://`.")
    scheme = parts["scheme"].lower()
    if scheme not in DEFAULT_PORTS:
        raise refusals.wrong_scheme(text, scheme)
    host, port, address = _authority(text, parts["authority"])
    target = _path(text, parts["path"]) + _query(text, parts["query"])
    return WebUrl(scheme, host, DEFAULT_PORTS[scheme] if port is None else port, target, address)


def join_url(base: WebUrl, reference: str) -> WebUrl:
    """Where a `Location` leads from `base`. Raises as `parse_url` does."""
    if len(reference) > MAX_URL or "\\" in reference or any(_is_unseen(char) for char in reference):
        return parse_url(reference)  # which says what is wrong with it; joining would drop some of that
    try:
        joined = urljoin(base.text, reference)
    except ValueError:
        raise refusals.invalid_url(reference, "It cannot be joined to the address that it came from.") from None
    return parse_url(joined)


def _is_unseen(char: str) -> bool:
    return not char.isprintable() or char.isspace()


def _authority(text: str, authority: str) -> tuple[str, int | None, Address | None]:
    if "@" in authority:
        raise refusals.invalid_url(text, "It holds a user name or a password before an `@`.")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise refusals.bad_host(text, "It is no host, or has something beside a host and a port.")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65_536:
        raise refusals.bad_host(text, "There is no such port.")
    if match["six"] is not None:
        six = _six(text, match["six"])
        return str(six), port, six
    host = _name(text, match["name"])
    if not _NUMERIC.fullmatch(host.rpartition(".")[2]):
        return host, port, None
    # A name that ends in a number is an address to browsers, in whatever form (0x7f.1, 2130706433, 017700000001).
    try:
        four = IPv4Address(host)
    except AddressValueError:
        raise refusals.bad_host(text, "It is an address, but not four decimal numbers.") from None
    return str(four), port, four


def _six(text: str, written: str) -> IPv6Address:
    try:
        return IPv6Address(written)
    except AddressValueError:
        raise refusals.bad_host(text, "What stands in brackets is no IPv6 address.") from None


def _name(text: str, written: str) -> str:
    """The host as DNS knows it. A spelling that only looks like ASCII is refused, not mapped to it."""
    if any(char in _DOTS or (not char.isascii() and _maps_to_ascii(char)) for char in written):
        raise refusals.bad_host(text, "It is written with lookalikes of plain letters, digits or dots.")
    name = written.lower()
    if not name.isascii() or "xn--" in name:
        name = _idna(text, name)
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise refusals.bad_host(text, "A host has letters, digits and hyphens between single dots.")
    return name


def _maps_to_ascii(char: str) -> bool:
    return any(mapped.isascii() for mapped in unicodedata.normalize("NFKC", char))


def _idna(text: str, name: str) -> str:
    import idna

    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError:
        raise refusals.bad_host(text, "It is no valid international name.") from None


def _path(text: str, path: str) -> str:
    """The path, absolute and without dot segments, so that a rule for `/a/` is not passed by `/b/../a/`."""
    _refuse_escapes(text, path)
    return quote("".join(f"/{name}" for name in _without_dots(path)) or "/", safe=_PATH_SAFE)


def _without_dots(path: str) -> Iterator[str]:
    kept: list[str] = []
    names = path.split("/")[1:]
    for place, name in enumerate(names):
        plain = _DOT.sub(".", name)
        if plain not in (".", ".."):
            kept.append(name)
            continue
        if plain == ".." and kept:
            kept.pop()
        if place == len(names) - 1:
            kept.append("")
    yield from kept


def _query(text: str, query: str | None) -> str:
    if query is None:
        return ""
    _refuse_escapes(text, query)
    return "?" + quote(query, safe=_QUERY_SAFE)


def _refuse_escapes(text: str, part: str) -> None:
    if "%00" in part:
        raise refusals.invalid_url(text, "It holds `%00`.")
    if _BAD_PERCENT.search(part):
        raise refusals.invalid_url(text, "It holds a `%` that is not followed by two hexadecimal digits.")
