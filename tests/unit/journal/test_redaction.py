"""Secrets in, placeholders out, and back."""

from __future__ import annotations

import json as stdlib_json
import re
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.errors import ToolError, ToolRefusedError
from agentcli.journal.placeholders import PLACEHOLDER
from agentcli.journal.redaction import SecretRedactor

KEY = b"k" * 32
SECRETS = {
    "OPENAI_API_KEY": "sk-proj-abc123DEF456ghi789",
    "DB_PASSWORD": 'pa"ss/wo+rd ünd&more',
    "DEPLOY_TOKEN": "correct-horse-battery",
    "PREFIX": "correct-horse",
}


def redactor(**known: str) -> SecretRedactor:
    return SecretRedactor(KEY, known or SECRETS)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
planted = st.builds(lambda a, secret, b: a + secret + b, texts, st.sampled_from(list(SECRETS.values())), texts)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | planted
names = texts | planted | st.sampled_from(["password", "apiKey", "Authorization", "tokens", "name", "value"])
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=15
)


def everything(value: Any) -> str:
    if isinstance(value, dict):
        return "\0".join(f"{everything(name)}\0{everything(held)}" for name, held in value.items())
    if isinstance(value, list):
        return "\0".join(map(everything, value))
    return str(value)


@given(values)
def test_no_planted_secret_is_left_anywhere(value: Any) -> None:
    left = everything(redactor().redact(value))
    assert [secret for secret in SECRETS.values() if secret in left] == []


@given(values)
def test_restoring_is_the_exact_inverse(value: Any) -> None:
    made = redactor()
    assert made.restore(made.redact(value)) == value


@given(values)
def test_redacting_twice_changes_nothing(value: Any) -> None:
    made = redactor()
    once = made.redact(value)
    assert made.redact(once) is once
    assert redactor().redact(once) == once


@given(st.text(max_size=60), st.sampled_from(["sk-", "token=", "://", "eyJ", "Bearer ", "<secret:", "password: "]))
def test_any_text_around_a_form_is_stable(text: str, form: str) -> None:
    made = redactor()
    once = made.redact(text + form + text + form)
    assert made.redact(once) == once
    assert made.restore(once) == text + form + text + form


@pytest.mark.parametrize("value", ["", "nothing here", 12, None, True, 1.5, [], {}, {"a": [1, "b"]}, [{"tokens": 12}]])
def test_the_same_object_comes_back_where_nothing_was_found(value: Any) -> None:
    assert redactor().redact(value) is value
    assert redactor().restore(value) is value


def test_a_placeholder_is_the_same_everywhere_and_survives_json() -> None:
    one, other = redactor(), redactor()
    placeholder = one.redact(SECRETS["DEPLOY_TOKEN"])
    assert PLACEHOLDER.fullmatch(placeholder)
    assert placeholder.startswith("<secret:deploy_token:")
    assert other.redact({"a": [f"x{SECRETS['DEPLOY_TOKEN']}y"]}) == {"a": [f"x{placeholder}y"]}
    assert stdlib_json.loads(stdlib_json.dumps(placeholder)) == placeholder
    assert SecretRedactor(b"o" * 32, SECRETS).redact(SECRETS["DEPLOY_TOKEN"]) != placeholder


def test_the_longest_known_value_wins() -> None:
    assert redactor().redact("correct-horse-battery").startswith("<secret:deploy_token:")
    assert redactor().redact("correct-horse-other").startswith("<secret:prefix:")


@pytest.mark.parametrize("secret", SECRETS.values())
@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: quote(text, safe=""),
        lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
        lambda text: stdlib_json.dumps(text)[1:-1],
        lambda text: stdlib_json.dumps(text, ensure_ascii=False)[1:-1],
        lambda text: b64encode(text.encode()).decode(),
        lambda text: urlsafe_b64encode(text.encode()).decode(),
    ],
)
def test_encoded_forms_of_a_known_value_are_found(secret: str, encoded: Any) -> None:
    made = redactor()
    text = f"x={encoded(secret)}&y"
    hidden = made.redact(text)
    assert encoded(secret) not in hidden
    assert made.restore(hidden) == text


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user"])
def test_a_known_value_inside_base64_is_found_at_any_place(user: str) -> None:
    made = redactor()
    text = b64encode(f"{user}:{SECRETS['DEPLOY_TOKEN']}:more".encode()).decode()
    hidden = made.redact(text)
    assert "<secret:deploy_token_base64:" in hidden
    assert made.restore(hidden) == text


def test_short_known_values_are_not_looked_for() -> None:
    assert redactor(PIN="12345").redact("12345 is here") == "12345 is here"
    assert redactor(EMPTY="").redact("x") == "x"


def test_a_value_that_has_two_names_goes_by_the_first() -> None:
    made = redactor(FIRST_TOKEN="correct-horse-battery", SECOND_TOKEN="correct-horse-battery")
    hidden = made.redact("a correct-horse-battery b")
    assert "<secret:first_token:" in hidden
    assert made.restore(hidden) == "a correct-horse-battery b"


def test_a_known_value_with_a_lone_surrogate_is_found() -> None:
    assert "\udcff" not in redactor(ODD="secret\udcffvalue").redact("a secret\udcffvalue here")


def test_what_stands_under_a_secret_name() -> None:
    made = redactor()
    given = {
        "password": 12345678,
        "token": 12,
        "secret": {"type": "string", "description": "the password"},
        "api_keys_note": "x",
        "credentials": ["first1!", "second2!", True, None],
        "headers": [{"name": "Authorization", "value": "Basic dTpw"}, {"key": "Accept", "value": "text"}, {"value": 1}],
    }
    hidden = made.redact(given)
    assert PLACEHOLDER.fullmatch(hidden["password"])
    assert hidden["token"] == 12
    assert hidden["secret"] is given["secret"]
    assert [bool(PLACEHOLDER.fullmatch(str(item))) for item in hidden["credentials"]] == [True, True, False, False]
    assert PLACEHOLDER.fullmatch(hidden["headers"][0]["value"])
    assert hidden["headers"][1] is given["headers"][1]
    assert made.restore(hidden) == given
    assert made.restore(f"pin {hidden['password']}") == "pin 12345678"


def test_a_scheme_before_a_placeholder_under_a_secret_name_is_no_secret() -> None:
    made = redactor()
    placeholder = made.redact(SECRETS["OPENAI_API_KEY"])
    given = {"Authorization": f"Bearer {placeholder}"}
    assert made.redact(given) is given
    assert made.restore(given) == {"Authorization": f"Bearer {SECRETS['OPENAI_API_KEY']}"}
    mixed = made.redact({"password": f"{placeholder} and more"})
    assert made.restore(mixed) == {"password": f"{SECRETS['OPENAI_API_KEY']} and more"}


@pytest.mark.parametrize("text", ["$API_KEY", "Bearer $API_KEY", "token ${API_KEY}", "basic {{ key }}", "Bearer ***"])
def test_what_only_points_to_a_secret_is_none(text: str) -> None:
    given = {"authorization": text, "headers": [{"name": "X-Api-Key", "value": text}]}
    assert redactor().redact(given) is given


def test_a_placeholder_is_restored_alone_where_it_is_one_of_some() -> None:
    made = redactor()
    one, other = SECRETS["OPENAI_API_KEY"], SECRETS["DEPLOY_TOKEN"]
    placeholder = made.redact(one)
    assert made.restore_one_of(placeholder, [other, one]) == one
    assert made.restore_one_of("<see:below>", [one]) == "<see:below>"
    for values in ([other], []):
        with pytest.raises(ToolRefusedError) as caught:
            made.restore_one_of(placeholder, values)
        assert caught.value.code == "E-TOOL-SECRET"
        assert one not in str(caught.value.info)


def test_a_value_under_a_secret_name_is_hidden_wherever_else_it_stands() -> None:
    made = redactor()
    hidden = made.redact({"note": "it is s3cr3t-value!", "password": "s3cr3t-value!"})
    assert "s3cr3t" not in stdlib_json.dumps(hidden)
    assert "s3cr3t" not in made.redact("again: s3cr3t-value!")
    assert made.restore(hidden) == {"note": "it is s3cr3t-value!", "password": "s3cr3t-value!"}


def test_a_value_under_two_secret_names_goes_by_the_first() -> None:
    made = redactor()
    made.redact({"password": "s3cr3t-value!", "token": "s3cr3t-value!"})
    assert made.redact("it is s3cr3t-value!").startswith("it is <secret:password:")


def test_only_so_many_values_are_learned() -> None:
    made = redactor()
    made.redact([{"password": f"value-number-{number:03}"} for number in range(400)])
    assert "value-number-001 " not in made.redact("value-number-001 ")
    assert made.redact("value-number-399") == "value-number-399"


def test_a_secret_that_is_gone_is_an_error_the_model_can_read() -> None:
    for value in ("<secret:openai_api_key:0123456789ab>", "x <secret:openai_api_key:0123456789ab>"):
        with pytest.raises(ToolError) as caught:
            redactor().restore({"a": [value]})
        assert caught.value.code == "E-SECRET-GONE"
        assert "openai_api_key" in caught.value.info.fix


def test_the_oldest_found_values_are_forgotten_but_known_ones_never() -> None:
    made = redactor()
    known = made.redact(SECRETS["DEPLOY_TOKEN"])
    first = made.redact("AKIA0000000000000000")
    for number in range(20_100):
        made.redact(f"AKIA{number:016}")
    assert made.restore(known) == SECRETS["DEPLOY_TOKEN"]
    with pytest.raises(ToolError):
        made.restore(first)


def test_contents_are_checked_in_the_usual_encodings() -> None:
    made = redactor()
    secret = SECRETS["DEPLOY_TOKEN"]
    for code in ("utf-8", "utf-16-le", "utf-16-be"):
        assert made.holds_secret(f"a {secret} b".encode(code))
    assert not made.holds_secret(b"\xff\xfe\0\0 nothing")
    assert not made.holds_secret(b"")


def test_a_keyed_digest_needs_the_key() -> None:
    assert redactor().keyed_digest(b"x") == redactor().keyed_digest(b"x")
    assert SecretRedactor(b"o" * 32, {}).keyed_digest(b"x") != redactor().keyed_digest(b"x")
    assert len(redactor().keyed_digest(b"x")) == 64


LINES = ["line-one-of-it-AAAA1111", "line-two-of-it-BBBB2222", "line-three-of-it-CCCC3333"]
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA04up8hoqzS\nAPIB0RhjXyObwHQnOzhAk5Bd7q\n-----END PRIVATE KEY-----\n"


def test_the_lines_of_a_known_secret_are_hidden_one_by_one() -> None:
    made = redactor(DEPLOY_KEY="\n".join(["{", *LINES, "}"]))
    shown = "\n".join(f"{number}: {line}" for number, line in enumerate(LINES, 1))
    clean = made.redact(shown)
    assert [line for line in LINES if line in clean] == []
    assert made.restore(clean) == shown
    assert made.redact("a { and a }") == "a { and a }"


def test_a_private_key_that_was_seen_whole_is_known_by_its_lines() -> None:
    made = redactor()
    assert made.holds_secret(PEM.encode())
    assert made.redact("2: MIIEowIBAAKCAQEA04up8hoqzS").startswith("2: <secret:private_key_line:")
    assert made.redact("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize("pattern", ["x*", r"\b", "(a+)+$"])
def test_a_pattern_of_ones_own_can_neither_loop_nor_backtrack_for_ever(pattern: str) -> None:
    made = SecretRedactor(KEY, {}, [pattern])
    assert made.restore(made.redact("b" + "a" * 60 + "b hello")) == "b" + "a" * 60 + "b hello"


def test_a_pattern_of_ones_own_may_have_groups_and_find_any_letters() -> None:
    made = SecretRedactor(KEY, {}, [r"Kennwort ist (\pL+)", "ACME-[0-9]+"])
    clean = made.redact("Das Kennwort ist Käse, und ACME-1234 — ende")
    assert re.fullmatch(r"Das Kennwort ist <secret:custom:\w+>, und <secret:custom:\w+> — ende", clean)
    assert made.restore(clean) == "Das Kennwort ist Käse, und ACME-1234 — ende"
