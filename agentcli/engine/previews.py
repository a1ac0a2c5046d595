"""What a call would change, for whoever is asked about it: free of secrets, like all that the record holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcli.engine.admission import Admission
from agentcli.engine.ports import Previewing, Tool
from agentcli.errors import AgentcliError

MAX_CHARS = 100_000
"""More than this is not kept of a preview, whatever the tool says."""


async def preview_of(tool: Tool, arguments: Mapping[str, Any], admission: Admission) -> str | None:
    """The tool's preview of a call with these arguments; where it cannot be had, why the call would not work.

    Never raises: the question must be asked all the same.
    """
    if not isinstance(tool, Previewing):
        return None
    try:
        preview = await tool.preview(admission.redactor.restore(dict(arguments)))
    except AgentcliError as error:
        return str(admission.admit(f"({error.info.what})"))
    except Exception as error:  # a tool is other people's code
        return str(admission.admit(f"(No preview: {type(error).__name__}: {error})"))
    if preview is None:
        return None
    for content in preview.contents:  # a key that is seen whole there is known by its lines in the preview
        admission.redactor.holds_secret(content)
    return str(admission.admit(preview.text))[:MAX_CHARS]
