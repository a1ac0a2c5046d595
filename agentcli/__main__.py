"""`agentcli`, and `python -m agentcli`."""

import gc
import os
import sys

from agentcli.cli.app import main as carry_out


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    # Starting makes some 60,000 objects that live to the end: the collector need not go over them again and again.
    gc.set_threshold(50_000, 20, 20)
    # Pydantic would read the metadata of every installed package in search of plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    return carry_out()


if __name__ == "__main__":
    sys.exit(main())
