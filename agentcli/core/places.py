"""Where in a workflow's run something happens: the lane `step.check/item.3/step.fetch/turn.1` is in `check[3].fetch`.

Step ids hold no dots, so that nothing else reads like that.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """`path` is the step's, of nested workflows too (`check.fetch`); `within` what of its lane lies below the step."""

    path: str
    within: tuple[str, ...]

    @property
    def is_step(self) -> bool:
        """Whether it is the step as a whole."""
        return not self.within

    @property
    def is_item(self) -> bool:
        """Whether it is one item of the step's list, as a whole."""
        return len(self.within) == 1 and self.within[0].startswith("item.")

    def number(self, kind: str) -> int | None:
        """The number of the `kind` (round, attempt, item) that it is in, within the step."""
        found = (part.partition(".") for part in self.within)
        return next((int(number) for name, _, number in found if name == kind and number.isdecimal()), None)


def place_of(lane: str) -> Place | None:
    """The innermost step that a lane is in; None outside of any."""
    path: list[str] = []
    within: list[str] = []
    for part in lane.split("/"):
        name, _, rest = part.partition(".")
        if name == "step":
            path.append(rest)
            within = []
        else:
            within.append(part)
    return Place(".".join(path), tuple(within)) if path else None


def place_text(lane: str) -> str:
    """The same for people, each step with the item of its list; empty outside of any step."""
    text = ""
    for part in lane.split("/"):
        name, _, rest = part.partition(".")
        if name == "step":
            text += f".{rest}" if text else rest
        elif name == "item" and text:
            text += f"[{rest}]"
    return text
