"""`agentcli doctor`: is everything there, and does it work?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from agentcli.cli.session import Session, session_of

if TYPE_CHECKING:
    from agentcli.workbench.doctor import Check

EXAMPLES = (
    ("agentcli doctor", "what is ok, what is not, and what to do about it"),
    ("agentcli doctor --json", "one object a check; exit code 8 if one failed"),
)

CHECK_FAILED = 8


def command(ctx: typer.Context) -> None:
    """Check that everything needed is there and works."""
    from agentcli.workbench.doctor import doctor

    session = session_of(ctx)
    checks = [*doctor(session.options()), _terminal(session)]
    session.exit_code = CHECK_FAILED if any(check.status == "fail" for check in checks) else 0
    if session.flags.json:
        for check in checks:
            session.out.json(
                {"name": check.name, "status": check.status, "detail": check.detail, "fix": check.fix or None}
            )
    else:
        _print(session, checks)


def _terminal(session: Session) -> Check:
    from agentcli.cli.render.printer import UNICODE
    from agentcli.workbench.doctor import Check

    env = session.env
    if not env.stdout_tty:
        return Check("terminal", "ok", "Standard output is no terminal: plain text.")
    columns, lines = env.size
    facts = [f"{columns} by {lines}", "colour" if session.out.color else "no colour"]
    if session.out.glyphs is not UNICODE:
        fix = "Set LANG to a UTF-8 locale, such as C.UTF-8."
        return Check("terminal", "warn", f"{', '.join(facts)}, no Unicode", fix)
    return Check("terminal", "ok", ", ".join(facts))


def _print(session: Session, checks: list[Check]) -> None:
    from agentcli.cli.render.text import one_line, wrapped

    out = session.out
    signs = {
        "ok": out.style(out.glyphs.ok.ljust(2), "green"),
        "warn": out.style(out.glyphs.warn.ljust(2), "yellow"),
        "fail": out.style(out.glyphs.bad.ljust(2), "red"),
    }
    width = max(len(check.name) for check in checks)
    for check in checks:
        said = [check.detail, *([check.fix] if check.fix and check.status != "ok" else [])]
        first, *rest = [line for text in said for line in wrapped(one_line(text), out.width and out.width - width - 5)]
        out.line(f"{signs[check.status]} {out.style(check.name.ljust(width), 'bold')}  {first}")
        for line in rest:
            out.line(" " * (width + 5) + line)
