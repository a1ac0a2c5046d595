"""A workbench to fork in."""

from tests.fakes.forking import bench, work

__all__ = ["bench", "work"]
