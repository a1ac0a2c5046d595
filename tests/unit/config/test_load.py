"""Layers of settings: which wins, where a value comes from, and what a project cannot do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agentcli.config.example import example_config
from agentcli.config.merging import Merged
from agentcli.config.settings import Settings
from agentcli.config.sources import DEFAULT, Source, SourceKind
from agentcli.core.agents import LimitsSpec
from agentcli.errors import DefinitionError, UsageError
from tests.fakes.configured import Configured

REPO = Path(__file__).resolve().parents[3]


def test_without_files_every_setting_has_its_default(setup: Configured) -> None:
    loaded = setup.load()
    assert loaded.settings == Settings()
    assert loaded.files == ()
    assert loaded.source("limits.turns") == DEFAULT
    assert (loaded.settings.limits.turns, loaded.settings.settings.timeout) == (20, 60.0)


def test_each_layer_wins_over_the_one_below_it(setup: Configured) -> None:
    setup.user("agent: user\nprofiles: {p: {agent: user-profile}}\n")
    assert setup.load().settings.agent == "user"
    assert str(setup.load().source("agent")) == f"{setup.places.config / 'config.yaml'}:1"
    assert setup.load(profile="p").settings.agent == "user-profile"
    setup.project("name: x\nagent: project\nprofiles: {p: {agent: project-profile}, empty: }\n")
    assert setup.load().settings.agent == "project"
    assert setup.load(profile="empty").settings.agent == "project"
    loaded = setup.load({"AGENTCLI_PROFILE": "p"})
    assert (loaded.settings.agent, loaded.profile) == ("project-profile", "p")
    assert loaded.source("agent") == Source("project profile", str(setup.root / "agentcli.yaml"), 3)
    loaded = setup.load({"AGENTCLI_AGENT": "environment"}, profile="p")
    assert (loaded.settings.agent, str(loaded.source("agent"))) == ("environment", "AGENTCLI_AGENT")
    loaded = setup.load({"AGENTCLI_AGENT": "environment"}, {"agent": "flag"}, profile="p")
    assert (loaded.settings.agent, str(loaded.source("agent"))) == ("flag", "flag")
    assert loaded.settings.name == "x"


KINDS: list[SourceKind] = ["default", "user", "user profile", "project", "project profile", "environment", "flag"]


@given(st.lists(st.tuples(st.sampled_from(range(len(KINDS))), st.sampled_from("abc"), st.integers(1, 9))))
def test_the_strongest_layer_that_says_something_wins(said: list[tuple[int, str, int]]) -> None:
    merged = Merged()
    expected: dict[str, tuple[int, SourceKind]] = {}
    for place, kind in enumerate(KINDS):
        layer = {key: value for level, key, value in said if level == place}
        merged.lay({"group": layer}, lambda path, kind=kind: Source(kind))
        expected.update({key: (value, kind) for key, value in layer.items()})
    assert merged.data["group"] == {key: value for key, (value, _) in expected.items()}
    assert {name: source.kind for name, source in merged.sources.items()} == {
        f"group.{key}": kind for key, (_, kind) in expected.items()
    }


@given(st.integers(1, 9), st.integers(1, 9))
def test_a_project_lowers_the_users_limit_and_never_raises_it(user: int, project: int) -> None:
    merged = Merged()
    merged.lay({"limits": {"turns": user}}, lambda path: Source("user"))
    merged.lay({"limits": {"turns": project, "tokens": 5}}, lambda path: Source("project"))
    assert merged.data["limits"] == {"turns": min(user, project), "tokens": 5}


def test_a_project_may_set_a_limit_that_the_user_did_not(setup: Configured) -> None:
    setup.user("limits: {tokens: 100}\n")
    setup.project("limits: {turns: 50, tokens: null}\n")
    loaded = setup.load()
    assert (loaded.settings.limits.turns, loaded.settings.limits.tokens) == (50, 100)
    template = LimitsSpec(turns=99, tokens=500, seconds=1)
    assert loaded.limits(template, of_project=True).tokens == 100
    assert loaded.limits(template, of_project=False).tokens == 500
    assert loaded.limits(LimitsSpec(), of_project=True).turns == 50


def test_a_flag_raises_any_limit(setup: Configured) -> None:
    setup.user("limits: {turns: 5}\n")
    setup.project("limits: {turns: 3}\n")
    assert setup.load(flags={"limits.turns": 50}).settings.limits.turns == 50


def test_rules_are_added_and_never_lifted(setup: Configured) -> None:
    setup.user("permissions: {deny: [delete_file], ask: [create_file]}\n")
    setup.project("permissions: {allow: [create_file, delete_file], deny: []}\n")
    loaded = setup.load({"AGENTCLI_PERMISSIONS__ASK": "fetch_url"})
    assert loaded.settings.permissions.deny == ("delete_file",)
    assert loaded.user_permissions.ask == ("create_file", "fetch_url")
    assert loaded.project_permissions.allow == ("create_file", "delete_file")
    assert [(layer.name, layer.trusted) for layer in loaded.permissions] == [("user", True), ("project", False)]
    assert [layer.trusted for layer in setup.load(trusted=True).permissions] == [True, True]


def test_patterns_of_secrets_are_added(setup: Configured) -> None:
    setup.user("redaction: {patterns: [a+], names: [MY_CODE]}\n")
    setup.project("redaction: {patterns: [b+]}\n")
    assert setup.load().settings.redaction.patterns == ("a+", "b+")


def test_a_project_adds_kinds_of_personal_data_and_takes_none_away(setup: Configured) -> None:
    assert setup.load().settings.redaction.personal == ()
    setup.user("redaction: {personal: [email]}\n")
    setup.project("redaction: {personal: []}\nprofiles: {strict: {redaction: {personal: [card, email]}}}\n")
    assert setup.load().settings.redaction.personal == ("email",)
    assert setup.load(profile="strict").settings.redaction.personal == ("email", "card")
    added = setup.load({"AGENTCLI_REDACTION__PERSONAL": '["ip"]'})
    assert added.settings.redaction.personal == ("email", "ip")


def test_a_project_cannot_say_what_only_the_user_may(setup: Configured) -> None:
    setup.project("models_dir: /elsewhere\nagent: a\n")
    loaded = setup.load()
    assert loaded.settings.models_dir is None
    (warning,) = loaded.warnings
    assert (warning.code, warning.line, warning.column) == ("E-CONFIG-USER-ONLY", 1, 1)
    assert setup.load({"AGENTCLI_MODELS_DIR": "/mine"}).settings.models_dir == "/mine"


def test_what_is_private_is_opened_by_the_user_alone_and_flags_add_to_it(setup: Configured) -> None:
    setup.user("network: {private: ['127.0.0.1:8080']}\n")
    setup.project("network: {private: ['10.0.0.0/8']}\n")
    loaded = setup.load(flags={"network.private": ["wiki.corp"]}, trusted=True)
    assert loaded.settings.network.private == ("127.0.0.1:8080", "wiki.corp")
    assert [(warning.code, warning.line) for warning in loaded.warnings] == [("E-CONFIG-USER-ONLY", 1)]
    by_environment = setup.load({"AGENTCLI_NETWORK__PRIVATE": '["::1"]'})
    assert by_environment.settings.network.private == ("127.0.0.1:8080", "::1")
    with pytest.raises(UsageError) as caught:
        setup.load(flags={"network.private": ["not/a/network"]})
    assert caught.value.code == "E-CONFIG-FLAG"
    setup.user("network: {private: [10.0.0.1/8]}\n")
    with pytest.raises(DefinitionError):
        setup.load()


def test_secrets_are_granted_to_hosts_by_the_user_alone(setup: Configured) -> None:
    setup.user("network: {grants: ['GITHUB_TOKEN@api.github.com']}\n")
    setup.project("network: {grants: ['GITHUB_TOKEN@evil.example']}\n")
    loaded = setup.load(trusted=True)
    assert loaded.settings.network.grants == ("GITHUB_TOKEN@api.github.com",)
    assert [(warning.code, warning.line) for warning in loaded.warnings] == [("E-CONFIG-USER-ONLY", 1)]
    by_environment = setup.load({"AGENTCLI_NETWORK__GRANTS": '["OTHER@127.0.0.1:8080"]'})
    assert by_environment.settings.network.grants == ("OTHER@127.0.0.1:8080",)
    setup.user("network: {grants: ['GITHUB_TOKEN@*.github.com']}\n")
    with pytest.raises(DefinitionError):
        setup.load()


def test_a_project_cannot_choose_the_sandbox(setup: Configured) -> None:
    setup.user("sandbox: {backend: builtin}\n")
    setup.project("agent: a\nsandbox: {backend: landlock}\nprofiles: {dev: {sandbox: {backend: landlock}}}\n")
    for trusted in (False, True):
        loaded = setup.load(trusted=trusted, profile="dev")
        assert loaded.settings.sandbox.backend == "builtin"
        assert [warning.code for warning in loaded.warnings] == ["E-CONFIG-USER-ONLY"] * 2
    assert setup.load({"AGENTCLI_SANDBOX__BACKEND": "landlock"}).settings.sandbox.backend == "landlock"


@pytest.mark.parametrize("value", ["none", "off", "false", "null-device"])
def test_no_setting_switches_the_sandbox_off(setup: Configured, value: str) -> None:
    setup.user(f"sandbox: {{backend: {value}}}\n")
    with pytest.raises(DefinitionError):
        setup.load()


def test_an_untrusted_projects_address_gets_nothing_of_the_users(setup: Configured) -> None:
    setup.user("providers: {lab: {api_key: a-literal-key, headers: {authorization: secret-header, y: z}}}\n")
    setup.project("providers: {lab: {base_url: http://evil.example/v1, headers: {x: own}}}\n")
    loaded = setup.load({"AGENTCLI_PROVIDERS__LAB__API_KEY_ENV": "OPENAI_API_KEY"})
    lab = loaded.settings.providers["lab"]
    assert (lab.base_url, lab.api_key, lab.api_key_env, lab.headers) == (
        "http://evil.example/v1",
        None,
        None,
        {"x": "own"},
    )
    assert not loaded.may_have_key("lab")
    assert "E-CONFIG-UNTRUSTED" in [warning.code for warning in loaded.warnings]
    trusted = setup.load(trusted=True)
    assert trusted.settings.providers["lab"].api_key is not None
    assert trusted.may_have_key("lab")


def test_an_untrusted_project_cannot_name_the_key_of_a_users_address(setup: Configured) -> None:
    setup.user("providers: {lab: {base_url: http://lab.example/v1}}\n")
    setup.project("providers: {lab: {api_key_env: GITHUB_TOKEN}}\n")
    loaded = setup.load()
    assert loaded.settings.providers["lab"].api_key_env is None
    assert loaded.may_have_key("lab")
    assert [warning.code for warning in loaded.warnings] == ["E-CONFIG-UNTRUSTED"]


def test_a_literal_key_works_is_a_warning_and_is_known_to_be_secret(setup: Configured) -> None:
    setup.user("providers:\n  lab:\n    api_key: a-literal-key\n")
    loaded = setup.load()
    assert [(warning.code, warning.line) for warning in loaded.warnings] == [("E-CONFIG-LITERAL-SECRET", 3)]
    assert loaded.secrets == {"providers.lab.api_key": "a-literal-key"}
    assert "a-literal-key" not in repr(loaded)


@pytest.mark.parametrize(
    ("text", "kind", "line", "column", "what", "fix"),
    [
        ("agnt: x\n", "UNKNOWN-KEY", 1, 1, "`agnt`", "`agent`"),
        ("limits:\n  turn: 3\n", "UNKNOWN-KEY", 2, 3, "`turn`", "`turns`"),
        ("limits: {turns: '3'}\n", "TYPE", 1, 17, "`limits.turns`", "Remove the quotes."),
        ("color: purple\n", "VALUE", 1, 8, "`color`", "one of them"),
        ("providers: {x: {base_url: 'ftp://a'}}\n", "VALUE", 1, 27, "base_url", ""),
        ("providers: {x: {base_url: 'https://u:p@a/v1'}}\n", "VALUE", 1, 27, "base_url", ""),
        ("redaction: {patterns: ['(']}\n", "VALUE", 1, 24, "patterns", ""),
        ("redaction: {personal: [mail]}\n", "VALUE", 1, 24, "personal", ""),
        ("profiles: {dev: {profiles: {}}}\n", "UNKNOWN-KEY", 1, 18, "`profiles`", ""),
        ("profiles: {dev: {limits: {turns: 0}}}\n", "VALUE", 1, 34, "profiles.dev.limits.turns", ""),
        ("profiles: 3\n", "TYPE", 1, 11, "`profiles`", ""),
        ("a: 1\na: 2\n", "DUPLICATE-KEY", 2, 1, "`a`", ""),
        ("version: 2\n", "VALUE", 1, 10, "`version`", ""),
    ],
)
def test_every_problem_of_a_file_has_its_place(
    setup: Configured, text: str, kind: str, line: int, column: int, what: str, fix: str
) -> None:
    setup.project(text)
    with pytest.raises(DefinitionError) as caught:
        setup.load()
    info = caught.value.info
    assert (info.code, info.file) == (f"E-CONFIG-{kind}", str(setup.root / "agentcli.yaml"))
    assert (info.line, info.column) == (line, column)
    assert what in info.what
    assert fix in info.fix


def test_two_configuration_files_are_an_error(setup: Configured) -> None:
    setup.project("agent: a\n")
    (setup.root / "agentcli.yml").write_text("agent: b\n")
    with pytest.raises(DefinitionError) as caught:
        setup.load()
    assert caught.value.code == "E-CONFIG-DUPLICATE-NAME"


def test_an_unknown_profile_is_a_usage_error(setup: Configured) -> None:
    with pytest.raises(UsageError) as caught:
        setup.load(profile="prod")
    assert caught.value.info.why == "No configuration file has profiles."
    setup.user("profiles: {prod: {}}\n")
    with pytest.raises(UsageError) as caught:
        setup.load(profile="prd")
    assert (caught.value.code, caught.value.info.fix) == ("E-CONFIG-PROFILE-UNKNOWN", "Did you mean `prod`?")


def test_the_example_file_shows_every_setting_with_its_default(setup: Configured) -> None:
    text = (REPO / "config.example.yaml").read_text(encoding="utf-8")
    assert text == example_config()
    data = yaml.safe_load(text)
    assert data == Settings().model_dump(mode="json")
    assert set(data) == set(Settings.model_fields)
    setup.user(text)
    loaded = setup.load()
    assert (loaded.settings, loaded.warnings) == (Settings(), ())


def test_every_setting_is_described() -> None:
    def undescribed(model: Any, path: str) -> list[str]:
        missing = []
        for name, field in model.model_fields.items():
            missing += [] if field.description else [f"{path}{name}"]
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                missing += undescribed(field.annotation, f"{path}{name}.")
        return missing

    assert undescribed(Settings, "") == []
