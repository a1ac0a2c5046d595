"""A recorded run's plan."""

from tests.fakes.replanned import bench, plan

__all__ = ["bench", "plan"]
