"""`python -m benchmarks [NAME…]`: run the named measurements, or all of them, one after the other."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "overhead",
    "journal",
    "sizes",
    "listing",
    "lanes",
    "rewind",
    "killing",
    "rows",
    "secrets",
    "pruning",
    "files",
    "sandbox",
    "tripwire",
    "embedded",
)


def main(names: list[str]) -> int:
    """Returns 1 if one of them missed its bounds, 2 for a name that is not there."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"There is no benchmark {unknown[0]}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    codes = []
    for name in names or NAMES:
        print(f"\n## {name}\n", flush=True)
        codes.append(importlib.import_module(f"benchmarks.{name}").main([]))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
