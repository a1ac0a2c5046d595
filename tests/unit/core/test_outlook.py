"""Rules for tools with more than one path, and what rules say of a tool before there is a call."""

from __future__ import annotations

from agentcli.core.policies import Policy
from agentcli.core.tools import ToolSpec
from tests.unit.core.test_policies import CREATE, DELETE, decide, layer

MOVE = ToolSpec(
    "move_file",
    "",
    {"type": "object", "properties": {"from": {}, "to": {}, "overwrite": {}}},
    "idempotent",
    subject="from",
    also=("to",),
)


def test_a_restriction_holds_for_either_path_and_an_allowance_for_both_alone() -> None:
    deny = Policy([layer(deny=["move_file(keys/**)"])], yes=True)
    assert decide(deny, MOVE, **{"from": "keys/a", "to": "b"}) == "deny"
    assert decide(deny, MOVE, **{"from": "a", "to": "KEYS/b"}) == "deny"
    assert decide(deny, MOVE, **{"from": "a", "to": "b"}) == "allow"
    allow = Policy([layer(allow=["move_file(out/*)"])])
    assert decide(allow, MOVE, **{"from": "out/a", "to": "out/b"}) == "allow"
    assert decide(allow, MOVE, **{"from": "out/a", "to": "b"}) == "ask"
    assert decide(allow, MOVE, **{"from": "a", "to": "out/b"}) == "ask"
    one = Policy([layer(deny=["move_file(to=keys/**)"])], yes=True)
    assert decide(one, MOVE, **{"from": "keys/a", "to": "b"}) == "allow"
    assert decide(one, MOVE, **{"from": "a", "to": "keys/b"}) == "deny"
    assert not one.problems([MOVE])
    assert len(Policy([layer(deny=["move_file(../x)", "move_file(too=x)"])]).problems([MOVE])) == 2


def test_the_outlook_tells_general_rules_and_patterns_apart() -> None:
    rules = layer(
        allow=["create_file"], ask=["create_file(src/**)", "read_lines(x)"], deny=["create_file(*.db)", "*(z)"]
    )
    general, special = Policy([rules]).outlook(CREATE)
    assert (general.decision, general.rule) == ("allow", "create_file")
    assert [(one.decision, one.rule) for one in special] == [
        ("deny", "create_file(*.db)"),
        ("deny", "*(z)"),
        ("ask", "create_file(src/**)"),
    ]
    assert Policy([rules]).outlook(DELETE)[0].rule == "default: irreversible"


def test_the_outlook_counts_flags_and_trust() -> None:
    untrusted = layer("project", trusted=False, allow=["create_file"])
    assert Policy([untrusted]).outlook(CREATE)[0].rule == "create_file (not trusted)"
    assert Policy([untrusted], yes=True).outlook(CREATE)[0].rule == "--yes"
    assert Policy(allow=["create_file(a)"]).outlook(CREATE)[0].decision == "ask"
