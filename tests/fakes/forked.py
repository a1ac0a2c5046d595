"""A part of a test that changes its process for good, done in a fork of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def in_child(do: Callable[[], object]) -> int:
    """The exit code of a forked process that does it: 0, or the number of its OSError. What it ran through is measured
    as the rest is: a fork that ends by `_exit` would keep that to itself.
    """
    child = os.fork()
    if child == 0:
        code = 254
        try:
            do()
            code = 0
        except OSError as error:
            code = error.errno or 255
        finally:
            _save_coverage()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _save_coverage() -> None:
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage else None
    if measuring is not None:
        measuring.stop()
        measuring.save()
