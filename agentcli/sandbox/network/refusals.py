"""What a tool says when an address may not be used, or what came from it cannot be."""

from __future__ import annotations

from agentcli.core.paths import shown
from agentcli.errors import ToolArgumentsError, ToolError, ToolRefusedError, ToolTimeoutError

MOST_OF_TARGET = 1_000
"""Characters of an address that the model is told to be able to use it."""


def told(url: str) -> str:
    """A text that was given as an address, as errors show it: one line, and not a page of it."""
    return shown(url)


# -- addresses --------------------------------------------------------------------------------------------------------


def invalid_url(url: str, why: str) -> ToolArgumentsError:
    """The error for a text that is no URL, or one that programs read differently."""
    return ToolArgumentsError(
        "E-URL-INVALID",
        f"`{told(url)}` cannot be used as an address.",
        why=why,
        fix="Write it in full, such as `https://docs.example.org/guide`.",
    )


def wrong_scheme(url: str, scheme: str) -> ToolArgumentsError:
    """The error for an address that is not of the web."""
    return ToolArgumentsError(
        "E-URL-SCHEME",
        f"`{told(url)}` is no address of the web.",
        why=f"It begins with `{shown(scheme[:40])}:`; only https and http are fetched.",
        fix="Use an address that begins with `https://`.",
    )


def bad_host(url: str, why: str) -> ToolArgumentsError:
    """The error for a host that cannot be one, or is one in disguise."""
    return ToolArgumentsError(
        "E-URL-HOST",
        f"The host of `{told(url)}` cannot be used.",
        why=why,
        fix="Use the name of the host as it is usually written.",
    )


def wrong_port(host: str, port: int) -> ToolRefusedError:
    """The refusal of a port that is not the web's."""
    return ToolRefusedError(
        "E-NET-PORT",
        f"Port {port} of `{host}` is not open to tools.",
        why="Only the ports 80 and 443 are.",
        fix="Leave the port out; the user can open another one with `network.private` in their own settings.",
    )


def not_public(host: str, kind: str) -> ToolRefusedError:
    """The refusal of an address inside a network. The address itself is not told: names may map what is inside."""
    return ToolRefusedError(
        "E-NET-PRIVATE",
        f"`{host}` is not on the public internet ({kind}).",
        why="Tools reach no address of this machine, of its network or of its cloud.",
        fix="Go on without it; the user can open it with `--allow-private` or `network.private` in their own settings.",
    )


def not_found(host: str) -> ToolError:
    """The error for a name without an address."""
    return ToolError(
        "E-NET-RESOLVE",
        f"The name `{host}` has no address.",
        why="The name does not exist, or the name server does not answer.",
        fix="Check the spelling of the host.",
    )


# -- connections ------------------------------------------------------------------------------------------------------


def no_connection(host: str, why: str) -> ToolError:
    """The error for a server that cannot be reached."""
    return ToolError(
        "E-NET-CONNECT",
        f"`{host}` could not be reached.",
        why=why,
        fix="Try another address, or tell the user.",
    )


def bad_certificate(host: str, why: str) -> ToolError:
    """The error for a server that cannot prove who it is."""
    return ToolError(
        "E-NET-TLS",
        f"`{host}` did not prove who it is.",
        why=why,
        fix="Do not use this server; tell the user.",
    )


def out_of_time(host: str, seconds: float, sent: bool) -> ToolError:
    """The error for an answer that was not whole in time. Before anything was sent, nothing can have happened."""
    what, why = f"`{host}` did not answer in full within {seconds:g} s.", "Connecting, waiting and reading count."
    if not sent:
        return no_connection(host, f"It took longer than {seconds:g} s.")
    return ToolTimeoutError("E-NET-TIMEOUT", what, why=why, fix="Try another address.")


def broken(host: str, why: str) -> ToolError:
    """The error for an answer that is none: cut off, contradictory, not HTTP."""
    return ToolError(
        "E-NET-PROTOCOL",
        f"The answer of `{host}` cannot be used.",
        why=why,
        fix="Try another address; if something was to be changed there, whether it was is not known.",
    )


def too_large(host: str, unit: str, limit: int) -> ToolError:
    """The error for an answer past a cap of so many units."""
    return ToolError(
        "E-NET-TOO-LARGE",
        f"The answer of `{host}` is too large.",
        why=f"The most is {limit:,} {unit}.",
        fix="Use an address that gives less.",
    )


# -- redirects --------------------------------------------------------------------------------------------------------


def elsewhere(host: str, target: str, target_host: str) -> ToolRefusedError:
    """The refusal to follow a redirect to a host that nobody allowed yet; a call that names it can be."""
    return ToolRefusedError(
        "E-NET-REDIRECT",
        f"`{host}` redirects to another host: `{target[:MOST_OF_TARGET]}`.",
        why=f"Whether `{target_host}` may be used has to be asked first.",
        fix="Call the tool again with that address if it is the right one.",
    )


def bad_redirect(host: str, why: str) -> ToolRefusedError:
    """The refusal of a redirect that leads nowhere good."""
    return ToolRefusedError(
        "E-NET-REDIRECT",
        f"The redirect of `{host}` is not followed.",
        why=why,
        fix="Use another address.",
    )


# -- content ----------------------------------------------------------------------------------------------------------


def disguised(host: str, declared: str, found: str) -> ToolRefusedError:
    """The refusal of content that is something else than it says."""
    return ToolRefusedError(
        "E-NET-CONTENT",
        f"`{host}` sent {found} and called it `{declared}`.",
        why="Content that hides what it is, is not used.",
        fix="Use another address.",
    )


def not_json(host: str, why: str) -> ToolError:
    """The error for a body that was asked for as JSON and is none."""
    return ToolError(
        "E-NET-CONTENT",
        f"What `{host}` sent is no JSON.",
        why=why,
        fix="Ask for it with format `text` or `raw`.",
    )


def not_converted(host: str, why: str) -> ToolError:
    """The error for a page that the converter could not manage within its limits."""
    return ToolError(
        "E-NET-CONVERT",
        f"The page of `{host}` could not be turned into text.",
        why=why,
        fix="Ask for it with format `raw`.",
    )
