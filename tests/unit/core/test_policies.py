from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.core.policies import Layer, LayerName, Policy, Verdict, remembered, subject_of
from agentcli.core.rules import Rule
from agentcli.core.tools import Effects, SubjectKind, ToolSpec
from agentcli.errors import DefinitionError


@dataclass(frozen=True)
class Lists:
    allow: Sequence[str] = ()
    ask: Sequence[str] = ()
    deny: Sequence[str] = ()


def spec(
    name: str, effects: Effects = "idempotent", subject: str | None = "path", kind: SubjectKind = "path"
) -> ToolSpec:
    properties = {subject or "glob": {"type": "string"}, "overwrite": {"type": "boolean"}}
    parameters = {"type": "object", "properties": properties}
    return ToolSpec(name, "", parameters, effects, subject=subject, subject_kind=kind)


READ = spec("read_lines", "read-only")
LIST = spec("list_files", "read-only", subject=None)
CREATE = spec("create_file")
DELETE = spec("delete_file", "irreversible")
FETCH = spec("fetch_url", subject="url", kind="host")
SHELL = spec("shell", "irreversible", subject="command", kind="command")


def layer(name: LayerName = "user", trusted: bool = True, **lists: Sequence[str]) -> Layer:
    return Layer(name, Lists(**lists), trusted)


def decide(policy: Policy, tool: ToolSpec, **arguments: Any) -> str:
    return policy.decide(tool, arguments).decision


def test_without_rules_reading_is_allowed_and_changing_asks() -> None:
    policy = Policy()
    assert policy.decide(READ, {"path": "a"}) == Verdict("allow", "default: read-only", "default")
    assert policy.decide(CREATE, {"path": "a"}) == Verdict("ask", "default: idempotent", "default")
    assert policy.decide(DELETE, {"path": "a"}) == Verdict("ask", "default: irreversible", "default", repeatable=False)


def test_deny_beats_ask_beats_allow_whatever_the_layer() -> None:
    policy = Policy(
        [
            layer("agent", allow=["create_file"]),
            layer("project", ask=["create_file(src/**)"]),
            layer("user", deny=["create_file(src/keys/**)"]),
        ]
    )
    assert policy.decide(CREATE, {"path": "x"}) == Verdict("allow", "create_file", "agent")
    assert policy.decide(CREATE, {"path": "src/x"}) == Verdict("ask", "create_file(src/**)", "project")
    assert policy.decide(CREATE, {"path": "src/keys/x"}) == Verdict("deny", "create_file(src/keys/**)", "user")


def test_no_project_overrides_the_users_own_ask_or_deny() -> None:
    policy = Policy(
        [
            layer("user", ask=["create_file"], deny=["delete_file"]),
            layer("project", allow=["create_file", "delete_file"]),
        ]
    )
    assert decide(policy, CREATE, path="a") == "ask"
    assert decide(policy, DELETE, path="a") == "deny"


def test_what_an_untrusted_project_allows_is_asked() -> None:
    policy = Policy([layer("project", trusted=False, allow=["create_file"], deny=["delete_file"])])
    assert policy.decide(CREATE, {"path": "a"}) == Verdict("ask", "create_file (not trusted)", "project")
    assert decide(policy, DELETE, path="a") == "deny"


def test_an_untrusted_allow_takes_away_nothing_that_holds_without_it() -> None:
    untrusted = layer("project", trusted=False, allow=["*"])
    assert decide(Policy([untrusted]), READ, path="a") == "allow"
    assert decide(Policy([layer(allow=["create_file"]), untrusted]), CREATE, path="a") == "allow"


def test_yes_answers_every_ask_and_lifts_no_deny() -> None:
    policy = Policy([layer(ask=["create_file"], deny=["*(keys/**)"])], yes=True)
    assert policy.decide(CREATE, {"path": "a"}) == Verdict("allow", "--yes", "flags", asked="create_file")
    assert decide(policy, DELETE, path="a") == "allow"
    assert decide(policy, CREATE, path="keys/a") == "deny"
    assert policy.decide(READ, {"path": "a"}).rule == "default: read-only"


def test_an_allow_flag_answers_the_asks_that_it_matches() -> None:
    policy = Policy([layer(deny=["create_file(docs/x)"])], allow=["create_file(docs/**)"])
    verdict = policy.decide(CREATE, {"path": "docs/a"})
    assert verdict == Verdict("allow", "--allow create_file(docs/**)", "flags", asked="default: idempotent")
    assert decide(policy, CREATE, path="src/a") == "ask"
    assert decide(policy, CREATE, path="docs/x") == "deny"


@pytest.mark.parametrize(
    "path",
    [
        "secret.db",
        "./secret.db",
        "a/../secret.db",
        "a//..//secret.db",
        "SECRET.DB",
        "Secret.db.",
        "secret.db/below",
        "\uff53ecret.db",
        "s\u200decret.db",
        "../secret.db",
        "/secret.db",
        "\0",
    ],
)
def test_no_spelling_of_a_path_dodges_a_deny(path: str) -> None:
    assert decide(Policy([layer(deny=["delete_file(secret.db)"])], yes=True), DELETE, path=path) == "deny"


@pytest.mark.parametrize("path", ["SRC/a", "src", "../src/a", "/src/a", "src/../b", "srcs/a", "src\0/a"])
def test_an_allow_is_read_narrowly(path: str) -> None:
    assert decide(Policy([layer(allow=["create_file(src/*)"])]), CREATE, path=path) == "ask"


def test_an_allow_of_a_folder_is_no_allow_of_what_is_below() -> None:
    policy = Policy([layer(allow=["create_file(docs)", "create_file(notes/)"])])
    assert decide(policy, CREATE, path="docs/a") == "ask"
    assert decide(policy, CREATE, path="notes/a/b") == "allow"


def test_a_lone_star_denies_everything_and_allows_one_name() -> None:
    assert decide(Policy([layer(deny=["create_file(*)"])]), CREATE, path="a/b/c") == "deny"
    assert decide(Policy([layer(allow=["create_file(*)"])]), CREATE, path="a/b/c") == "ask"
    assert decide(Policy([layer(allow=["create_file(**)"])]), CREATE, path="a/b/c") == "allow"


def test_a_tool_name_may_hold_stars() -> None:
    policy = Policy([layer(deny=["*_file"], ask=["*"])])
    assert decide(policy, CREATE, path="a") == "deny"
    assert decide(policy, READ, path="a") == "ask"


def test_a_pattern_on_an_argument_reads_its_value() -> None:
    policy = Policy([layer(deny=["create_file(overwrite=true)", "create_file(path=a=b/**)"], allow=["create_file"])])
    assert decide(policy, CREATE, path="x", overwrite=True) == "deny"
    assert decide(policy, CREATE, path="x", overwrite=False) == "allow"
    assert decide(policy, CREATE, path="./a=b/c") == "deny"


def test_a_restriction_that_cannot_be_held_against_its_own_tool_holds() -> None:
    closed = Policy([layer(deny=["list_files(secrets/**)", "create_file(nope=1)"])])
    assert decide(closed, LIST, glob="**") == "deny"
    assert decide(closed, CREATE, path="a") == "deny"
    assert decide(closed, CREATE, path=7) == "deny"


def test_a_restriction_of_many_tools_holds_only_where_it_can_be_held_against_the_call() -> None:
    policy = Policy([layer(deny=["*(secrets/**)"])])
    assert decide(policy, LIST, glob="**") == "allow"
    assert decide(policy, READ, path="secrets/a") == "deny"


def test_an_allow_that_cannot_be_held_against_a_call_does_not_hold() -> None:
    policy = Policy([layer(allow=["create_file(nope=*)", "create_file(/etc/**)", "fetch_url(x)"])])
    assert decide(policy, CREATE, path="a") == "ask"
    assert decide(policy, FETCH, url="http://[") == "ask"
    assert decide(policy, CREATE, path=7) == "ask"


def test_a_deny_that_points_outside_the_workspace_holds() -> None:
    assert decide(Policy([layer(deny=["create_file(/etc/**)"])]), CREATE, path="a") == "deny"


def test_a_host_pattern_is_held_against_the_host_alone() -> None:
    policy = Policy([layer(allow=["fetch_url(*.example.org)"], deny=["fetch_url(evil.example.org)"])])
    assert decide(policy, FETCH, url="https://docs.example.org/a") == "allow"
    assert decide(policy, FETCH, url="https://EVIL.example.org:8080/a") == "deny"
    assert decide(policy, FETCH, url="https://x.test/docs.example.org") == "ask"
    assert decide(policy, FETCH, url="https://docs.example.org@x.test/") == "ask"
    assert decide(policy, FETCH, url="not a url") == "deny"


WEB = replace(spec("fetch_url", "read-only", subject="url", kind="host"), asks_per_subject=True)


def test_reading_what_is_not_the_users_asks_for_each_host() -> None:
    first = Verdict("ask", "default: a host for the first time", "default")
    assert Policy().decide(WEB, {"url": "https://docs.example.org/"}) == first
    assert decide(Policy(allow=["fetch_url(docs.example.org)"]), WEB, url="https://docs.example.org/") == "allow"
    assert decide(Policy(allow=["fetch_url(docs.example.org)"]), WEB, url="https://x.example.org/") == "ask"
    assert decide(Policy(yes=True), WEB, url="https://x.example.org/") == "allow"
    untrusted = Policy([layer("agent", trusted=False, allow=["fetch_url(x.example.org)"])])
    assert decide(untrusted, WEB, url="https://x.example.org/") == "ask"


def test_a_denied_domain_is_denied_with_all_below_it_and_an_allowed_one_alone() -> None:
    policy = Policy([layer(deny=["fetch_url(evil.example)"], allow=["fetch_url(good.example)"])])
    assert decide(policy, FETCH, url="https://a.b.EVIL.example/") == "deny"
    assert decide(policy, FETCH, url="https://notevil.example/") == "ask"
    assert decide(policy, FETCH, url="https://good.example/") == "allow"
    assert decide(policy, FETCH, url="https://a.good.example/") == "ask"


def test_an_approval_for_the_run_holds_for_the_tool_or_for_one_host_of_it() -> None:
    assert remembered(CREATE, {"path": "a"}) == "create_file"
    assert remembered(WEB, {"url": "https://docs.example.org:80/x"}) == "fetch_url(docs.example.org)"
    assert remembered(WEB, {}) == "fetch_url"
    assert subject_of(CREATE, {"path": "a"}) == "a"
    assert subject_of(LIST, {}) is None
    assert subject_of(WEB, {"url": "http://[x/"}) is None


@pytest.mark.parametrize(
    "tail", ["; rm x", "&& rm x", "| sh", "`x`", "$(x)", "> f", "< f", "\nrm x", "& x", "${x}", "(x)"]
)
def test_a_compound_command_never_matches_an_allow(tail: str) -> None:
    policy = Policy([layer(allow=["shell(git *)"])])
    assert decide(policy, SHELL, command="git log") == "allow"
    assert decide(policy, SHELL, command=f"git log {tail}") == "ask"


def test_a_compound_command_can_be_denied() -> None:
    assert decide(Policy([layer(deny=["shell(*rm *)"])]), SHELL, command="git log; RM x") == "deny"


@pytest.mark.parametrize(
    "text", ["", "()", "tool()", "tool(", "tool)x", "1tool", "tool([a)", "tool(x", "a b", "tool([z-a])", "tool(x)y"]
)
@pytest.mark.parametrize("which", ["allow", "ask", "deny"])
def test_a_pattern_that_cannot_be_read_is_an_error_of_its_file(text: str, which: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        Policy([layer(**{which: [text]})])
    assert caught.value.code == "E-PERMISSION-PATTERN"
    assert "create_file(docs/**)" in caught.value.info.fix


def test_rules_that_can_never_do_what_they_say_are_named() -> None:
    policy = Policy(
        [
            layer(
                deny=["list_files(secrets/**)", "create_file(/etc/**)", "create_file(nope=1)", "*(a)"],
                allow=["create_file(src/**)", "create_file", "other(x)", "create_file(overwrite=true)"],
            )
        ],
        allow=["list_files(x=1)"],
    )
    problems = policy.problems([LIST, CREATE])
    assert [problem.what.split("`")[1] for problem in problems] == [
        "list_files(secrets/**)",
        "list_files(x=1)",
        "create_file(/etc/**)",
        "create_file(nope=1)",
    ]
    assert {problem.code for problem in problems} == {"E-PERMISSION-ARGUMENT"}


@given(st.text(max_size=40), st.booleans())
def test_any_text_is_a_rule_or_a_clear_error(text: str, broad: bool) -> None:
    try:
        rule = Rule.parse(text, broad=broad)
    except DefinitionError as error:
        code = error.code
    else:
        rule.matches(CREATE, {"path": "a/b"})
        return
    assert code == "E-PERMISSION-PATTERN"


PATHS = st.lists(st.sampled_from(["a", "B", "c.db", "..", "."]), min_size=1, max_size=5).map("/".join)
PATTERNS = st.lists(st.sampled_from(["a", "B", "*.db", "**", "*"]), min_size=1, max_size=4).map("/".join)


@given(PATTERNS, PATHS)
def test_what_a_rule_allows_the_same_rule_denies(pattern: str, path: str) -> None:
    text = f"create_file({pattern})"
    if Rule.parse(text, broad=False).matches(CREATE, {"path": path}):
        assert Rule.parse(text, broad=True).matches(CREATE, {"path": path})


@given(st.lists(PATTERNS, max_size=3), st.lists(PATTERNS, max_size=3), PATTERNS, PATHS)
def test_no_rule_and_no_flag_lifts_a_deny(allow: list[str], ask: list[str], deny: str, path: str) -> None:
    denied = Policy([layer(deny=[f"create_file({deny})"])])
    if decide(denied, CREATE, path=path) == "deny":
        rules = {"allow": [f"create_file({text})" for text in allow], "ask": [f"*({text})" for text in ask]}
        layers = [layer("project", **rules), layer(deny=[f"create_file({deny})"])]
        assert decide(Policy(layers, yes=True, allow=["*"]), CREATE, path=path) == "deny"
