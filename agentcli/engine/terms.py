"""What a run goes by, and from which event on.

A run has one set of terms until it is resumed or forked: from that event on it may have others (another model, higher
limits, the permissions of whoever goes on with it). What is on record before stays under the terms it was made under,
so that it can be checked against them.
"""

from __future__ import annotations

from agentcli.core.events import CodeStarted
from agentcli.core.limits import Limits
from agentcli.core.messages import Message
from agentcli.core.models import RequestHead
from agentcli.core.policies import Policy
from agentcli.core.values import value
from agentcli.engine.output import OutputSchema


@value(frozen=True, slots=True)
class Terms:
    """The terms of one era of a run. `opening` is what the conversation begins with, up to the task.

    Of a custom agent it is what every conversation of its code begins with, and `begins` what the code is given first.
    `whole` are the limits of the run that the conversation is a part of; None where it is the run.
    """

    head: RequestHead
    opening: tuple[Message, ...]
    limits: Limits
    policy: Policy
    output: OutputSchema | None = None
    begins: CodeStarted | None = None
    whole: Limits | None = None
