"""Secrets that nobody named: by the key they stand under, and by their form."""

from __future__ import annotations

import json as stdlib_json
import time

import pytest

from agentcli.journal.patterns import names_secret
from agentcli.journal.placeholders import PLACEHOLDER
from agentcli.journal.redaction import SecretRedactor

KEY = b"k" * 32
SECRETS = {
    "OPENAI_API_KEY": "sk-proj-abc123DEF456ghi789",
    "DB_PASSWORD": 'pa"ss/wo+rd ünd&more',
    "DEPLOY_TOKEN": "correct-horse-battery",
    "PREFIX": "correct-horse",
}
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA04up8hoqzS1+APIB0RhjXyObwHQnOzhAk5Bd7mhkSbPkyhP1\n" * 1
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def redactor(**known: str) -> SecretRedactor:
    return SecretRedactor(KEY, known or SECRETS)


@pytest.mark.parametrize(
    "name",
    [
        "password", "Password", "userPassword", "DB_PASSWORD", "api_key", "apiKey", "X-API-Key", "apikey",
        "OPENAI_API_KEY", "authorization", "Proxy-Authorization", "token", "access_token", "refreshToken", "secret",
        "client_secret",
        "private_key", "passphrase", "credentials", "Set-Cookie", "password2", "api_key_value", "newPassword",
        "secretAccessKey",
    ],
)  # fmt: skip
def test_these_names_say_that_a_value_is_secret(name: str) -> None:
    assert names_secret(name)
    hidden = redactor().redact({name: "hunter2"})[name]
    assert PLACEHOLDER.fullmatch(hidden)


@pytest.mark.parametrize(
    "name",
    [
        "tokens", "max_output_tokens", "token_count", "next_page_token", "pageToken", "eos_token", "password_policy",
        "keyboard", "key", "monkey", "secretary", "author", "api_key_env", "tokenizer", "cookies_enabled", "", "2",
        "public_key",
    ],
)  # fmt: skip
def test_these_names_do_not(name: str) -> None:
    value = {name: "hunter2"}
    assert redactor().redact(value) is value


@pytest.mark.parametrize("value", ["", "  ", "${API_KEY}", "$TOKEN", "{{ inputs.key }}", "****", "none", "null"])
def test_what_only_points_to_a_secret_stays(value: str) -> None:
    given = {"password": value}
    assert redactor().redact(given) is given


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key sk-ant-api03-AbCdEf0123456789xyz end", "sk-ant-api03-AbCdEf0123456789xyz"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("x ghp_0123456789abcdefghijABCDEFGHIJ012345 y", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
        ("glpat-abcdefghij0123456789", "glpat-abcdefghij0123456789"),
        ("xoxb-1234567890-abcdefghij", "xoxb-1234567890-abcdefghij"),
        ("AIza" + "Sy0123456789abcdefghijklmnopqrstuvw", "AIzaSy0123456789abcdefghijklmnopqrstuvw"),
        ("hf_abcdefghij0123456789abcdefghij01", "hf_abcdefghij0123456789abcdefghij01"),
        ("sk_live_0123456789abcdefghij", "sk_live_0123456789abcdefghij"),
        (f"jwt={JWT};", JWT),
        (f"{PEM}-----END RSA PRIVATE KEY-----\nafter", "MIIEowIBAAKCAQEA04up8hoqzS1"),
        (f"first lines: {PEM}", "MIIEowIBAAKCAQEA04up8hoqzS1"),
        (stdlib_json.dumps({"k": PEM}), "MIIEowIBAAKCAQEA04up8hoqzS1"),
        ("Authorization: Bearer abc.def-123_456~789", "abc.def-123_456~789"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ('{"Authorization": "token abcdef123"}', "abcdef123"),
        ("use bearer abcdef0123456789abcdef now", "abcdef0123456789abcdef"),
        ("postgres://bob:s3cr3t@db.example/x", "s3cr3t"),
        ("redis://:s3cr3t@db.example", "s3cr3t"),
        ("export SERVICE_API_KEY=abc123def456", "abc123def456"),
        ("API_KEY_PROD: 'abc123'", "abc123"),
        ('{"password": "hunter2"}', "hunter2"),
        ('{\\"password\\": \\"hunter2\\"}', "hunter2"),
        ("client_secret => abc123def456", "abc123def456"),
        ("password = correct.horse-battery+staple", "correct.horse-battery+staple"),
        ("curl --token abc123def --url x", "abc123def"),
        ("mysql --password=hunter22 db", "hunter22"),
    ],
)
def test_forms_of_secrets_are_found_without_knowing_them(text: str, secret: str) -> None:
    made = redactor()
    hidden = made.redact(text)
    assert secret not in hidden
    assert "<secret:" in hidden
    assert made.restore(hidden) == text
    assert made.redact(hidden) == hidden
    assert made.holds_secret(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=1024 and token_count: 12",
        "token = get_token()",
        "password: str | None = None",
        "password=${DB_PASSWORD}",
        "The secret: nobody knows it",
        "see https://example.org/a:b/c@d and http://host:8080/x",
        "Bearer authentication is described below",
        "sk-short task-management-and-other-long-words",
        "ghp_notlongenough",
        "light github_pattern",
        "-----BEGIN CERTIFICATE-----\nMIIB",
        "digest " + "0123456789abcdef" * 4,
        "tokens: 12345678",
    ],
)
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    assert redactor().redact(text) is text


def test_patterns_of_the_users_own() -> None:
    made = SecretRedactor(KEY, {}, [r"ACME-\d{6}"])
    assert made.redact("id ACME-123456").startswith("id <secret:custom:")


@pytest.mark.parametrize(
    "text",
    ["a" * 300_000, "sk-" * 100_000, "eyJ" * 100_000, "token" * 60_000, "://" * 100_000, "bearer " * 40_000,
     "-----BEGIN PRIVATE KEY-----" * 10_000, "secret=a" * 30_000, "--token" * 40_000],
)  # fmt: skip
def test_hostile_texts_take_no_longer_than_their_length(text: str) -> None:
    begun = time.process_time()
    redactor().redact(text)
    assert time.process_time() - begun < 2
