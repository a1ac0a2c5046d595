"""What tools work with beside their options. A tool takes what it needs of it; whoever builds tools fills it."""

from __future__ import annotations

from dataclasses import dataclass, field

from agentcli.engine.ports import Sandbox
from agentcli.sandbox.artifacts import Artifacts
from agentcli.sandbox.missing import NoSandbox
from agentcli.sandbox.network.fetching import Network
from agentcli.sandbox.paths import Workspace


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The workspace, and the ways out of it. The defaults reach as little as possible.

    `network` is the public web and what the user opened beyond it; `sandbox` runs programs that work on what strangers
    sent; `artifacts` keeps bodies for people to look at, None where nothing is kept.
    """

    workspace: Workspace
    network: Network = field(default_factory=Network)
    sandbox: Sandbox = field(default_factory=NoSandbox)
    artifacts: Artifacts | None = None
