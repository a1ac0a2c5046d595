"""`agentcli`, and `python -m agentcli`."""

import sys

from agentcli.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
