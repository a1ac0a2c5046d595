"""Which runs go when a journal is pruned, and why the others stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentcli.core.runs import RunRow, RunStatus
from agentcli.core.values import value

Reason = Literal["running", "tagged", "interrupted", "needed", "part"]
"""Somebody owns it; a tag was not named; it can be resumed; a run that stays comes from it; another run's part."""

Fits = Callable[[Iterable[str], Iterable[Iterable[str]]], int]
"""How many groups of runs fit beside those that stay anyway."""


@value(frozen=True, slots=True)
class PruneRequest:
    """What is to go: the runs of which everything that is given here is true.

    `runs` are references as on the command line, `before` Unix seconds of a run's last sign of life, `tags` any of
    which it has, `status` its status. Of those, the `keep` newest stay, and so many of the newest as fit into
    `max_size` bytes. What has one of `keep_tags` stays. `workspaces` removes the workspaces of forks that are gone,
    `copies_before` the copies of what was fetched that are older than these Unix seconds, whatever run names them.
    """

    runs: tuple[str, ...] = ()
    before: float | None = None
    keep: int | None = None
    max_size: int | None = None
    tags: tuple[str, ...] = ()
    keep_tags: tuple[str, ...] = ()
    status: RunStatus | None = None
    workspaces: bool = False
    copies_before: float | None = None

    @property
    def says_what(self) -> bool:
        """Whether anything is chosen at all."""
        numbers = (self.before, self.keep, self.max_size)
        return bool(self.runs or self.tags or self.status or any(number is not None for number in numbers))


@value(frozen=True, slots=True)
class Kept:
    """A run that was asked to go and stays. `by` are its tags, or the id of the run that needs it or has it."""

    run: str
    reason: Reason
    by: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"run": self.run, "reason": self.reason, "by": list(self.by)}


@value(frozen=True, slots=True)
class Choice:
    """The runs that go, whatever comes from another one before it, and those that stay although they were chosen."""

    going: tuple[RunRow, ...]
    kept: tuple[Kept, ...]


@dataclass(slots=True)
class _Family:
    """A run and its children, which go with it or not at all."""

    top: RunRow
    members: list[RunRow] = field(default_factory=list)

    @property
    def last_seen(self) -> float:
        return max(row.end.ended if row.end else row.start.started for row in self.members)

    @property
    def tags(self) -> set[str]:
        return {tag for row in self.members for tag in row.tags}

    def has(self, status: RunStatus) -> bool:
        return any(row.status == status for row in self.members)

    def ids(self) -> list[str]:
        return [row.start.id for row in self.members]


class Chooser:
    """Chooses among all runs of a journal; `rows` are newest first. `named` are ids: those that `request.runs` name."""

    def __init__(self, rows: Sequence[RunRow], request: PruneRequest, named: frozenset[str]) -> None:
        self._request = request
        self._named = named
        self._rows = {row.start.id: row for row in rows}
        self._families: dict[str, _Family] = {}
        for row in rows:
            top = self._top(row)
            self._families.setdefault(top.start.id, _Family(top)).members.append(row)
        self._going: dict[str, _Family] = {}
        self._kept: dict[str, Kept] = {}

    def choose(self, fits: Fits) -> Choice:
        """Raises what `fits` raises."""
        wanted = [family for family in self._families.values() if self._is_wanted(family)]
        before = self._request.before
        for family in wanted[self._request.keep or 0 :]:
            if before is None or family.last_seen < before:
                kept = self._protected(family)
                if kept is None:
                    self._going[family.top.start.id] = family
                else:
                    self._kept[kept.run] = kept
        self._spare_parents()
        if self._going and self._request.max_size is not None:
            self._spare_newest(fits)
        self._kept.update((kept.run, kept) for kept in self._parts())
        rows = [row for family in self._going.values() for row in family.members]
        return Choice(tuple(self._youngest_first(rows)), tuple(self._kept.values()))

    def _top(self, row: RunRow) -> RunRow:
        seen = set()
        while row.start.relation == "child" and row.start.parent in self._rows and row.start.id not in seen:
            seen.add(row.start.id)
            row = self._rows[row.start.parent]
        return row

    def _is_wanted(self, family: _Family) -> bool:
        request = self._request
        return (
            (not request.runs or family.top.start.id in self._named)
            and (request.status is None or family.top.status == request.status)
            and (not request.tags or not family.tags.isdisjoint(request.tags))
        )

    def _protected(self, family: _Family) -> Kept | None:
        request, run, tags = self._request, family.top.start.id, family.tags
        if family.has("running"):
            return Kept(run, "running")
        if tags and (tags.isdisjoint(request.tags) or not tags.isdisjoint(request.keep_tags)):
            return Kept(run, "tagged", tuple(sorted(tags)))
        # It can be resumed: only who speaks of it, of such runs or of old ones means it.
        meant = request.runs or request.status == "interrupted" or request.before is not None
        return None if meant or not family.has("interrupted") else Kept(run, "interrupted")

    def _spare_parents(self) -> None:
        """What stays needs what it comes from: so that it can be compared with it, and counted."""
        waiting = [family for run, family in self._families.items() if run not in self._going]
        while waiting:
            family = waiting.pop()
            for parent, child in self._parents(family):
                spared = self._going.pop(parent.top.start.id, None)
                if spared is not None:
                    self._kept[spared.top.start.id] = Kept(spared.top.start.id, "needed", (child,))
                    waiting.append(spared)

    def _parents(self, family: _Family) -> Iterator[tuple[_Family, str]]:
        """The families that a family comes from, each with the member that does."""
        for row in family.members:
            parent = self._rows.get(row.start.parent or "")
            if parent is not None and (top := self._top(parent)) is not family.top:
                yield self._families[top.start.id], row.start.id

    def _spare_newest(self, fits: Fits) -> None:
        """Keep as many of the newest as fit, each with what it comes from."""
        staying = [run for top, family in self._families.items() if top not in self._going for run in family.ids()]
        groups, grouped = [], set[str]()
        for family in self._going.values():
            group = [one for one in self._line(family) if one.top.start.id not in grouped]
            grouped.update(one.top.start.id for one in group)
            groups.append(group)
        count = fits(staying, ([run for one in group for run in one.ids()] for group in groups))
        for group in groups[:count]:
            for family in group:
                del self._going[family.top.start.id]

    def _line(self, family: _Family) -> Iterator[_Family]:
        """A family that goes, and those that go of what it comes from."""
        waiting, seen = [family], set[str]()
        while waiting:
            one = waiting.pop()
            if one.top.start.id in self._going and one.top.start.id not in seen:
                seen.add(one.top.start.id)
                yield one
                waiting += [parent for parent, _ in self._parents(one)]

    def _parts(self) -> Iterator[Kept]:
        """Children that were named by themselves, and stay with the run that they are a part of."""
        for run in self._named - set(self._families):
            top = self._top(self._rows[run]).start.id
            if top not in self._going:
                yield Kept(run, "part", (top,))

    def _youngest_first(self, rows: Iterable[RunRow]) -> list[RunRow]:
        """Whatever comes from another run before it."""
        depths: dict[str, int] = {}

        def depth(row: RunRow | None) -> int:
            line: dict[str, None] = {}
            while row is not None and row.start.id not in depths and row.start.id not in line:
                line[row.start.id] = None
                row = self._rows.get(row.start.parent or "")
            known = depths.get(row.start.id, 0) if row is not None else -1
            for above, run in enumerate(reversed(line), 1):
                depths[run] = known + above
            return known + len(line)

        return sorted(rows, key=lambda row: -depth(row))
