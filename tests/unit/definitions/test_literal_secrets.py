"""Secrets written into files."""

from __future__ import annotations

import pytest

from agentcli.definitions.literal_secrets import literal_secrets, warnings_about
from agentcli.definitions.nearest import listed, nearest, suggestion
from agentcli.definitions.yaml_source import read


@pytest.mark.parametrize(
    ("key", "value", "secret"),
    [
        ("api_key", "abcdefgh1", True),
        ("X-Api-Key", "abcdefgh1", True),
        ("Authorization", "Bearer something", True),
        ("password", "hunter22", True),
        ("api_key", "short", False),
        ("api_key", "${OPENAI_API_KEY}", False),
        ("token", "{{ inputs.token }}", False),
        ("api_key_env", "OPENAI_API_KEY", False),
        ("tokens_used", "abcdefgh1", False),
        ("note", "the key is sk-abcdefghijklmnop1234", True),
        ("note", "AKIAABCDEFGHIJKLMNOP", True),
        ("note", "ghp_abcdefghijklmnopqrstuvwx", True),
        ("note", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("note", "an ordinary text", False),
    ],
)
def test_a_secret_is_known_by_its_key_or_its_shape(key: str, value: str, secret: bool) -> None:
    assert bool(list(literal_secrets({"a": [{key: value}]}))) is secret


def test_the_warning_has_the_place_and_not_the_secret() -> None:
    (warning,) = warnings_about(read("a:\n  api_key: hunter2hunter2\n", "c.yaml", "E-CONFIG"), "E-CONFIG")
    assert (warning.code, warning.file, warning.line) == ("E-CONFIG-LITERAL-SECRET", "c.yaml", 2)
    assert "a.api_key" in warning.what
    assert "hunter2" not in f"{warning.what}{warning.why}{warning.fix}"


def test_only_the_secret_part_of_a_text_is_kept_out_of_records() -> None:
    (found,) = literal_secrets({"note": "use sk-abcdefghijklmnop1234 here"})
    assert found.value == "sk-abcdefghijklmnop1234"


def test_the_nearest_name_ignores_case_and_gives_up_on_what_is_no_slip() -> None:
    assert nearest("READ_LINE", ["read_lines", "grep_file"]) == "read_lines"
    assert nearest("zzz", ["read_lines"]) is None
    assert suggestion("zzz", ["read_lines"], "look around") == "look around"
    assert listed(map(str, range(20)), 3) == "0, 1, 10 and 17 more"
