"""Write docs/decisions/README.md: the index of the decision records, from their titles."""

from __future__ import annotations

from pathlib import Path

DECISIONS = Path(__file__).resolve().parent.parent / "docs" / "decisions"

HEAD = """# Decisions

Why things are as they are, where others would wonder. One file a decision: context, decision, consequences.
A decision that no longer holds keeps its file and says what took its place.
This list is written by `make format`.
"""


def index(folder: Path) -> str:
    """The index as Markdown: one line a record, in the order of their numbers."""
    records = sorted(folder.glob("[0-9][0-9][0-9][0-9]-*.md"))
    lines = [f"- [{record.name[:4]}]({record.name}) {title(record)}" for record in records]
    return HEAD + "\n" + "\n".join(lines) + "\n"


def title(record: Path) -> str:
    """The record's first heading, without its number."""
    first = record.read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("#").strip().removeprefix(record.name[:4]).lstrip(" .:—-")


if __name__ == "__main__":
    (DECISIONS / "README.md").write_text(index(DECISIONS), encoding="utf-8")
