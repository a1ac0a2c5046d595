"""How often something may be done: `10/min`."""

from __future__ import annotations

import re
from typing import Final

from agentcli.core.values import value

_RATE = re.compile(r"([1-9][0-9]{0,6})\s*/\s*([a-z]+)", re.IGNORECASE)
_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "second"), 1.0),
    **dict.fromkeys(("m", "min", "minute"), 60.0),
    **dict.fromkeys(("h", "hour"), 3_600.0),
    **dict.fromkeys(("d", "day"), 86_400.0),
}


@value(frozen=True, slots=True)
class Rate:
    """`count` times in `seconds`."""

    count: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `10/min`, `5/s`, `100/hour`, `1000/day`. Raises ValueError."""
        match = _RATE.fullmatch(text.strip())
        if match is None or match[2].lower() not in _SECONDS:
            raise ValueError("a rate is written as 10/min, 5/s, 100/hour or 1000/day")
        return cls(int(match[1]), _SECONDS[match[2].lower()])
