"""A workflow as a picture: one SVG file that needs nothing else and runs nothing.

Steps stand in layers, each below all that it waits for; within a layer they are put near the middle of what they need,
which takes one pass and leaves few crossings where a graph has few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from agentcli.core.safe_text import safe
from agentcli.core.values import value
from agentcli.core.workflows import ActionKind
from agentcli.workbench.workflow_views.labels import label, marks
from agentcli.workbench.workflow_views.steps import StepView

WIDTH, HEIGHT = 232, 48
GAP_X, GAP_Y = 24, 40
MARGIN = 20
_ASIDE = (WIDTH + GAP_X) / 2 / 0.75
"""How far the bends of a line are moved that goes by other layers: its middle then is between two boxes."""

_ROUND: dict[ActionKind, int] = {"prompt": 4, "tool": 24, "workflow": 0, "switch": 12}
_STYLE = (
    "rect{stroke-width:1.5}"
    "text{font:13px system-ui,sans-serif;text-anchor:middle;fill:#1b1f24}"
    ".what{font-size:11px;fill:#57606a}"
    ".prompt{fill:#eef4ff;stroke:#4573d2}.tool{fill:#eefaf0;stroke:#2f8f4e}"
    ".workflow{fill:#f6f0ff;stroke:#7d4cc9;stroke-width:3}.switch{fill:#fff6e5;stroke:#b7791f}"
    ".need{fill:none;stroke:#8c959f;stroke-width:1.5}.fails{stroke:#cf222e;stroke-dasharray:5 4}"
)


@value(frozen=True, slots=True)
class Box:
    """The upper left corner of a step's box, in pixels."""

    x: float
    y: float

    @property
    def middle(self) -> float:
        """Of its upper and lower edge."""
        return self.x + WIDTH / 2


def svg(views: Sequence[StepView], title: str) -> str:
    """The picture."""
    boxes = _placed(views)
    width = max(box.x for box in boxes.values()) + WIDTH + MARGIN
    height = max(box.y for box in boxes.values()) + HEIGHT + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img">'
    )
    back = f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>'
    parts = [head, f"<title>{_text(title)}</title>", f"<style>{_STYLE}</style>", _ARROW, back]
    return "\n".join([*parts, *_lines(views, boxes), *_boxes(views, boxes), "</svg>"]) + "\n"


_ARROW = (
    '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#8c959f"/></marker></defs>'
)


def _placed(views: Sequence[StepView]) -> dict[str, Box]:
    layers: dict[int, list[StepView]] = {}
    for view in views:
        layers.setdefault(view.layer, []).append(view)
    widest = max(map(len, layers.values()))
    boxes: dict[str, Box] = {}
    for number, layer in sorted(layers.items()):
        ordered = sorted(layer, key=lambda view: _pull(view, boxes))
        left = MARGIN + (widest - len(ordered)) * (WIDTH + GAP_X) / 2
        for place, view in enumerate(ordered):
            boxes[view.id] = Box(left + place * (WIDTH + GAP_X), MARGIN + number * (HEIGHT + GAP_Y))
    return boxes


def _pull(view: StepView, boxes: Mapping[str, Box]) -> float:
    """The middle of what a step needs; of nothing: the left."""
    return sum(boxes[need].middle for need in view.needs) / len(view.needs) if view.needs else 0.0


def _lines(views: Sequence[StepView], boxes: Mapping[str, Box]) -> Iterator[str]:
    for view in views:
        end = boxes[view.id]
        for need in view.needs:
            begin = boxes[need]
            y, bend = begin.y + HEIGHT, GAP_Y / 2
            aside = _ASIDE if end.y - y > GAP_Y else 0
            kind = "need fails" if need == view.stands_in else "need"
            bends = f"{begin.middle + aside:g} {y + bend:g} {end.middle + aside:g} {end.y - bend:g}"
            way = f"M{begin.middle:g} {y:g}C{bends} {end.middle:g} {end.y:g}"
            yield f'<path class="{kind}" marker-end="url(#end)" d="{way}"/>'


def _boxes(views: Sequence[StepView], boxes: Mapping[str, Box]) -> Iterator[str]:
    for view in views:
        box, kind = boxes[view.id], view.action.kind
        name, what = label(view)
        yield (
            f"<g><title>{_text(f'{view.id}: {marks(view)}')}</title>"
            f'<rect class="{kind}" x="{box.x:g}" y="{box.y:g}" width="{WIDTH}" height="{HEIGHT}" rx="{_ROUND[kind]}"/>'
            f'<text x="{box.middle:g}" y="{box.y + 20:g}">{_text(name)}</text>'
            f'<text class="what" x="{box.middle:g}" y="{box.y + 37:g}">{_text(what)}</text></g>'
        )


def _text(text: str) -> str:
    """As it may stand in XML, which has no way to write control characters."""
    return escape(safe(text)).replace("\ufffe", "").replace("\uffff", "")
