"""Every name that an exported trace uses: OpenTelemetry's, and our own beside them.

The GenAI conventions are in development: names change between versions. This table is that of version 1.41, the last
that came out with OpenTelemetry's own conventions before the GenAI ones moved into a repository of their own, which has
released none yet. To follow a newer one, change this file alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.41.0"

SCOPE: Final = "agentcli"

# -- OpenTelemetry: resource, errors ---------------------------------------------------------------------------------

SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
ERROR_TYPE: Final = "error.type"

# -- OpenTelemetry: generative AI ------------------------------------------------------------------------------------

OPERATION_NAME: Final = "gen_ai.operation.name"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"
INVOKE_AGENT: Final = "invoke_agent"
INVOKE_WORKFLOW: Final = "invoke_workflow"

PROVIDER_NAME: Final = "gen_ai.provider.name"
PROVIDERS: Final[Mapping[str, str]] = MappingProxyType({"gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"})
"""The providers whose name here differs from the conventions'; any other goes by its own."""

AGENT_NAME: Final = "gen_ai.agent.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
OUTPUT_TYPE: Final = "gen_ai.output.type"

REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "temperature": "gen_ai.request.temperature",
        "top_p": "gen_ai.request.top_p",
        "max_output_tokens": "gen_ai.request.max_tokens",
        "seed": "gen_ai.request.seed",
        "stop": "gen_ai.request.stop_sequences",
    }
)
"""The settings of a template that the conventions know."""

RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"

USAGE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "input": "gen_ai.usage.input_tokens",
        "output": "gen_ai.usage.output_tokens",
        "cached": "gen_ai.usage.cache_read.input_tokens",
        "reasoning": "gen_ai.usage.reasoning.output_tokens",
    }
)
"""The fields of `usage`. As here, the cached tokens are part of the input and the reasoning ones of the output."""

TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_TYPE_FUNCTION: Final = "function"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"

# With content alone.
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"

# -- our own ---------------------------------------------------------------------------------------------------------

RUN_ID: Final = "agentcli.run.id"
RUN_KIND: Final = "agentcli.run.kind"
RUN_STATUS: Final = "agentcli.run.status"
RUN_TAGS: Final = "agentcli.run.tags"
RELATION: Final = "agentcli.run.relation"
TURNS: Final = "agentcli.run.turns"
EXIT_CODE: Final = "agentcli.run.exit_code"
MANIFEST: Final = "agentcli.manifest"
COST_USD: Final = "agentcli.cost_usd"
ATTEMPTS: Final = "agentcli.attempts"
SEQ: Final = "agentcli.event.seq"
LANE: Final = "agentcli.lane"
TURN: Final = "agentcli.turn"
STEP: Final = "agentcli.step"

STEP_ACTION: Final = "agentcli.step.action"

STEP_ITEMS: Final = "agentcli.step.items"

STEP_STATUS: Final = "agentcli.step.status"
TOOL_STATUS: Final = "agentcli.tool.status"
APPROVAL_DECISION: Final = "agentcli.approval.decision"
APPROVAL_BY: Final = "agentcli.approval.by"
LIMIT: Final = "agentcli.limit"
WARNING: Final = "agentcli.warning"
MODEL: Final = "agentcli.model"
WAIT_S: Final = "agentcli.wait_s"
EVENT_PREFIX: Final = "agentcli."
"""Goes before the type of a run's event where it becomes one of a span: `agentcli.model.retried`."""
