"""`agentcli completion`: what a shell loads to complete our words."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from agentcli.cli.session import session_of

EXAMPLES = (
    ('eval "$(agentcli completion bash)"', "in ~/.bashrc"),
    ('eval "$(agentcli completion zsh)"', "in ~/.zshrc, after compinit"),
    ("agentcli completion fish > ~/.config/fish/completions/agentcli.fish", "once"),
)


def command(
    ctx: typer.Context,
    shell: Annotated[
        Literal["bash", "zsh", "fish", "powershell"],
        typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell."),
    ],
) -> None:
    """Print the completion script for a shell.

    It completes commands, options, and the names of agents, tools, runs and models.
    """
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name="agentcli", complete_var="_AGENTCLI_COMPLETE", shell=shell)
    session_of(ctx).out.line(script)
