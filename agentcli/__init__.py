"""A workbench for LLM agents: scaffold, run, record, rewind."""

__version__ = "0.1.0"
