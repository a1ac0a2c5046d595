"""What tools work with beside their options. A tool takes what it needs of it; whoever builds tools fills it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentcli.engine.ports import Sandbox
from agentcli.sandbox.artifacts import Artifacts
from agentcli.sandbox.missing import NoSandbox
from agentcli.sandbox.network.fetching import Network
from agentcli.sandbox.paths import Workspace

if TYPE_CHECKING:
    from agentcli.tools.granted_secrets import GrantedSecrets


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The workspace, and the ways out of it. The defaults reach as little as possible.

    `network` is the public web and what the user opened beyond it; `sandbox` runs programs that work on what strangers
    sent; `artifacts` keeps bodies for people to look at, None where nothing is kept; `secrets` are those that the user
    grants to hosts, None where there are none.
    """

    workspace: Workspace
    network: Network = field(default_factory=Network)
    sandbox: Sandbox = field(default_factory=NoSandbox)
    artifacts: Artifacts | None = None
    secrets: GrantedSecrets | None = None

    def hide(self, text: str) -> str:
        """What a server sent, without the secrets that it may have been sent."""
        return text if self.secrets is None else self.secrets.hide(text)
