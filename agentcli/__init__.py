"""A workbench for LLM agents: scaffold, run, record, rewind. `from agentcli import tool` makes a function a tool."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcli.core.declaring import tool as tool

__all__ = ["__version__", "tool"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`tool`, loaded when it is first asked for: importing agentcli costs next to nothing."""
    if name == "tool":
        from agentcli.core.declaring import tool

        return tool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
