"""`agentcli config show`: every setting and where its value comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentcli.cli.session import session_of
from agentcli.errors import UsageError

if TYPE_CHECKING:
    from agentcli.config.sources import Source

EXAMPLES = (
    ("agentcli config", "every setting, its value, and the file and line that sets it"),
    ("agentcli config show limits", "only the settings that begin like this"),
    ("agentcli config show model --json", "one object a setting"),
)


def command(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A setting or a group of them, such as limits.")
    ] = None,
) -> None:
    """Show every setting, its value and its source."""
    from agentcli.cli.render.table import Cell, Column, print_table
    from agentcli.cli.render.text import one_line

    session = session_of(ctx)
    with session.open() as bench:
        values = dict(_flat(bench.settings.model_dump(mode="json", exclude={"profiles", "version"})))
        sources = bench.sources
    chosen = {key: value for key, value in values.items() if name is None or _is_below(key, name)}
    if not chosen:
        raise _unknown(str(name), values)
    if session.flags.json:
        for key, value in chosen.items():
            session.out.json({"name": key, "value": value, "source": _source_json(sources.get(key))})
        return
    columns = (Column("SETTING"), Column("VALUE", least=12), Column("SOURCE", least=12))
    rows: list[list[str | Cell]] = [
        [Cell(key, ("bold",)), one_line(_text(value)), Cell(_source_text(sources.get(key), session.env.cwd), ("dim",))]
        for key, value in chosen.items()
    ]
    print_table(session.out, columns, rows)


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not prefix):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


def _is_below(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name}.")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _source_text(source: Source | None, cwd: Path) -> str:
    text = str(source or "default")
    return text.removeprefix(f"{cwd}/")


def _source_json(source: Source | None) -> dict[str, Any]:
    if source is None:
        return {"kind": "default"}
    fields = {"kind": source.kind, "file": source.file, "line": source.line, "name": source.name}
    return {key: value for key, value in fields.items() if value is not None}


def _unknown(name: str, values: Mapping[str, Any]) -> UsageError:
    from agentcli.definitions.nearest import suggestion

    groups = {key.rpartition(".")[0] for key in values} - {""}
    return UsageError(
        "E-CONFIG-SETTING-UNKNOWN",
        f"There is no setting `{name}`.",
        why="No setting and no group of settings is called that.",
        fix=suggestion(name, [*values, *groups], "See `agentcli config show`."),
    )
