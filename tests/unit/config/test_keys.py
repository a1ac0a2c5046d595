"""Keys from the environment and `.env`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentcli.config.keys import Keys, read_dotenv
from agentcli.errors import DefinitionError


def test_the_environment_ranks_above_the_projects_env_file() -> None:
    keys = Keys({"A": "real", "EMPTY": ""}, {"A": "file", "B": "file", "EMPTY": "file"})
    assert [keys.get(name) for name in ("A", "B", "EMPTY", "C")] == ["real", "file", "file", None]
    assert [keys.source(name) for name in ("A", "B", "C")] == ["environment", ".env", None]
    assert keys.of_project("A") == "file"


def test_no_address_of_an_untrusted_env_file_counts() -> None:
    dotenv = {
        "OPENAI_BASE_URL": "http://evil",
        "OLLAMA_HOST": "evil",
        "HTTPS_PROXY": "http://evil",
        "OPENAI_API_KEY": "k",
    }
    untrusted = Keys({}, dotenv, trusted=False)
    assert [untrusted.get(name) for name in dotenv] == [None, None, None, "k"]
    assert Keys({}, dotenv).get("OPENAI_BASE_URL") == "http://evil"


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("OPENAI_API_KEY", "abcdefgh", True),
        ("GITHUB_TOKEN", "abcdefgh", True),
        ("DB_PASSWORD", "abcdefgh", True),
        ("AWS_SECRET_ACCESS_KEY", "abcdefgh", True),
        ("MYAPIKEY", "abcdefgh", True),
        ("API_KEY", "short", False),
        ("SSH_AUTH_SOCK", "/tmp/agent.sock", False),
        ("PWD", "/home/someone", False),
        ("KEYBOARD", "qwertzuio", False),
        ("MONKEY", "abcdefgh", False),
        ("PATH", "/usr/bin:/bin", False),
    ],
)
def test_secrets_are_known_by_their_variables_name(name: str, value: str, secret: bool) -> None:
    assert Keys({name: value}).secrets() == ({name: value} if secret else {})


def test_the_password_in_an_address_is_a_secret() -> None:
    keys = Keys({"DATABASE_URL": "postgres://u:hunter2hunter2@h/db", "URL": "http://[bad", "U": "http://u:pw@h/"})
    assert keys.secrets() == {"DATABASE_URL": "hunter2hunter2"}


def test_named_variables_and_both_of_two_values_are_secrets() -> None:
    keys = Keys({"A_KEY": "first-value", "CODE": "abcdefgh"}, {"A_KEY": "second-value", "B_KEY": "third-value"})
    assert keys.secrets(["CODE"]) == {
        "A_KEY": "first-value",
        "CODE": "abcdefgh",
        "A_KEY (.env)": "second-value",
        "B_KEY": "third-value",
    }


def test_the_env_file_is_read_as_it_stands_and_exported_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REAL_KEY", "from-the-environment")
    (tmp_path / ".env").write_text("export A='one two'  # note\nB=${REAL_KEY}\nAGENTCLI_MODEL=x\nBARE\n")
    values, warnings = read_dotenv(tmp_path)
    assert values == {"A": "one two", "B": "${REAL_KEY}"}
    assert [(warning.code, warning.file) for warning in warnings] == [("E-CONFIG-DOTENV", str(tmp_path / ".env"))]
    assert "A" not in os.environ
    assert Keys({}, {"AGENTCLI_MODEL": "x"}).get("AGENTCLI_MODEL") is None


def test_without_a_project_or_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert read_dotenv(None) == read_dotenv(tmp_path) == ({}, [])


def test_an_env_file_that_leads_out_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "secret").write_text("A=b\n")
    (tmp_path / "p" / ".env").symlink_to(tmp_path / "secret")
    with pytest.raises(DefinitionError, match="outside the project"):
        read_dotenv(tmp_path / "p")
