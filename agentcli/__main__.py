"""`agentcli`, and `python -m agentcli`."""

import gc
import os
import sys

from agentcli.cli.app import main as carry_out


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    # Starting makes some 100,000 objects that live to the end: the collector need not go over them again and again,
    # nor once more when the process is over.
    gc.set_threshold(200_000, 20, 20)
    # Pydantic would read the metadata of every installed package in search of plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        return carry_out()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
