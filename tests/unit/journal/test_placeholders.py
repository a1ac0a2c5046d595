"""Two placeholders of one secret are the same but for its name."""

from __future__ import annotations

from agentcli.journal.placeholders import PLACEHOLDER, mark_of, named_as, nameless
from agentcli.journal.redaction import SecretRedactor

TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
KEY = b"k" * 32


def test_a_secret_that_is_known_or_found_has_two_names_and_one_mark() -> None:
    known, found = (SecretRedactor(KEY, names).redact(TOKEN) for names in ({"DEPLOY_API_KEY": TOKEN}, {}))
    assert known != found
    assert mark_of(known) == mark_of(found)
    assert PLACEHOLDER.fullmatch(found)
    assert nameless(known) == nameless(found) == f"<secret:{mark_of(found)}>"


def test_values_are_equal_without_names_where_they_differ_in_nothing_else() -> None:
    one, other, third = (f"<secret:{name}:{mark * 12}>" for name, mark in (("a", "0"), ("b", "0"), ("a", "1")))

    def value(text: str) -> object:
        return {"x": [f"say {text}.", 5, None], text: (text, {"y": text})}

    assert nameless(value(one)) == nameless(value(other)) != nameless(value(third))
    assert named_as(value(one), value(other)) == value(other)
    assert named_as(value(one), value(third)) == value(one)


def test_what_holds_no_placeholder_stays_what_it_is() -> None:
    value = {"x": ["<secret:nothing>", 1]}
    assert nameless(value) == value
    plain = {"x": ["y"]}
    assert nameless(plain) is plain


def test_a_secret_is_restored_by_its_mark_whatever_name_it_had() -> None:
    found = SecretRedactor(KEY, {}).redact({"say": f"it is {TOKEN}", "token": TOKEN, "password": 12345678})
    knowing = SecretRedactor(KEY, {"DEPLOY_API_KEY": TOKEN})
    assert knowing.restore(found["say"]) == f"it is {TOKEN}"
    assert knowing.restore(found["token"]) == TOKEN
    finding = SecretRedactor(KEY, {})
    finding.redact({"api_key": 12345678})
    assert finding.restore(found["password"]) == 12345678


def test_a_value_is_restored_as_what_it_was_where_a_number_and_a_text_have_the_same_digits() -> None:
    made = SecretRedactor(KEY, {})
    hidden = made.redact({"api_key": 12345678, "password": "12345678"})
    assert made.restore(hidden) == {"api_key": 12345678, "password": "12345678"}
