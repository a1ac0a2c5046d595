"""Words after a group that name none of its commands."""

from __future__ import annotations

import pytest
from typer._click import Context

from agentcli.cli.environment import Environment
from agentcli.cli.parsing import Group
from agentcli.cli.session import Session
from agentcli.cli.tree import Entry
from agentcli.errors import UsageError

CHILDREN = (Entry("list", "List.", "agents.list"), Entry("show", "Show.", "agents.show"))
OTHERWISE = Group(Entry("things", "Things.", children=CHILDREN, default="list", otherwise="show"))
PLAIN = Group(Entry("things", "Things.", children=CHILDREN, default="list"))


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        (["reader", "--json"], "show", ["reader", "--json"]),
        (["./reader.yaml"], "show", ["./reader.yaml"]),
        (["list", "x"], "list", ["x"]),
        (["show", "list"], "show", ["list"]),
    ],
)
def test_a_word_that_names_no_command_is_for_the_one_that_takes_names(
    words: list[str], name: str, rest: list[str]
) -> None:
    found, command, left = OTHERWISE.resolve_command(Context(OTHERWISE), words)
    assert (found, left) == (name, rest)
    assert command is not None
    assert command.name == name


def test_without_such_a_command_it_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="There is no command `reader`"):
        PLAIN.resolve_command(Context(PLAIN), ["reader"])
    entry = Entry("things", "Things.", children=CHILDREN, otherwise="run")
    with pytest.raises(UsageError, match="There is no command `reader`"):
        Group(entry).resolve_command(Context(Group(entry)), ["reader"])


def test_what_the_command_takes_is_offered_beside_the_commands() -> None:
    ctx = Context(OTHERWISE, obj=Session(Environment.of_process()))
    offered = [item.value for item in OTHERWISE.shell_complete(ctx, "")]
    assert offered[:2] == ["list", "show"]
    assert {"assistant", "reader"} <= set(offered)
