"""`agentcli`, and `python -m agentcli`."""

import gc
import os
import sys

from agentcli.cli.app import main as carry_out


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    tune()
    try:
        return carry_out()
    finally:
        gc.freeze()  # the process is over: what is left need not be gone over once more


def tune() -> None:
    """Set this interpreter up for a short life with one busy thread beside the main one."""
    # Starting makes some 100,000 objects that live to the end: the collector need not go over them again and again.
    gc.set_threshold(200_000, 20, 20)
    # The thread that writes the journal gives way after 1 ms instead of 5: a turn waits for no more.
    sys.setswitchinterval(0.001)
    # Pydantic would read the metadata of every installed package in search of plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


if __name__ == "__main__":
    sys.exit(main())
