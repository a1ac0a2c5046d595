"""A workbench for LLM agents: scaffold, run, record, rewind. `from agentcli import tool` makes a function a tool."""

TYPE_CHECKING = False  # not from `typing`: every confined program starts by importing this, and that takes 10 ms

if TYPE_CHECKING:
    from agentcli.core.declaring import tool as tool

__all__ = ["__version__", "tool"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`tool`, loaded when it is first asked for: importing agentcli costs next to nothing."""
    if name == "tool":
        from agentcli.core.declaring import tool

        return tool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
