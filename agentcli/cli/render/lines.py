"""A line of text that is told about a run."""

from __future__ import annotations

from agentcli.cli.render.printer import Style

Line = tuple[str, tuple[Style, ...]]
"""Text and how it looks."""
