"""A workspace beside a secret, on both ways to open beneath a handle."""

from tests.fakes.workspace import opener, root, workspace

__all__ = ["opener", "root", "workspace"]
