"""What tools work with beside their options. A tool takes what it needs of it; whoever builds tools fills it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agentcli.core.values import value

if TYPE_CHECKING:
    from agentcli.engine.ports import Sandbox
    from agentcli.sandbox.artifacts import Artifacts
    from agentcli.sandbox.network.fetching import Network
    from agentcli.sandbox.paths import Workspace

if TYPE_CHECKING:
    from agentcli.tools.granted_secrets import GrantedSecrets


def _public_web() -> Network:
    from agentcli.sandbox.network.fetching import Network

    return Network()


def _no_programs() -> Sandbox:
    from agentcli.sandbox.missing import NoSandbox

    return NoSandbox()


@value(frozen=True, slots=True)
class ToolContext:
    """The workspace, and the ways out of it. The defaults reach as little as possible.

    `network` gives the public web and what the user opened beyond it; `sandbox` gives what runs programs that work on
    what strangers sent. Both are asked for by the call that needs them: most runs never do. `artifacts` keeps bodies
    for people to look at, None where nothing is kept; `secrets` are those that the user grants to hosts, None where
    there are none.
    """

    workspace: Workspace
    network: Callable[[], Network] = _public_web
    sandbox: Callable[[], Sandbox] = _no_programs
    artifacts: Artifacts | None = None
    secrets: GrantedSecrets | None = None

    def hide(self, text: str) -> str:
        """What a server sent, without the secrets that it may have been sent."""
        return text if self.secrets is None else self.secrets.hide(text)
