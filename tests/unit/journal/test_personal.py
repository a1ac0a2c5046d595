"""Personal data in, placeholders out, where it is switched on; and nothing at all where it is not."""

from __future__ import annotations

import random
import re
import string
import time
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentcli.errors import ToolError
from agentcli.journal.personal import PersonalData
from agentcli.journal.personal_checks import is_card, is_iban
from agentcli.journal.redaction import PLACEHOLDER, SecretRedactor
from tests.fakes.people import HARMLESS, PLANTED

KINDS = tuple(PLANTED)
EVERY = [(kind, value) for kind, values in PLANTED.items() for value in values]


def redactor(*kinds: str, **known: str) -> SecretRedactor:
    return SecretRedactor(b"k" * 32, known, personal=kinds or KINDS)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
numbers = st.text("0123456789 +-.()/:@%", max_size=40)
words = st.text("abc xyz,;!?'\"()<>|\n", max_size=30)
planted = st.sampled_from([value for _, value in EVERY])
around = st.tuples(words, planted, words)


def alone(before: str, after: str) -> bool:
    """Whether what stands between them is no part of a longer word or number."""
    return not (before[-1:].isalnum() or after[:1].isalnum())


@pytest.mark.parametrize(("kind", "value"), EVERY)
def test_every_spelling_is_hidden_under_its_kind_and_comes_back(kind: str, value: str) -> None:
    for made in (redactor(), redactor(kind)):
        for text in (value, f"It is {value}.", f'{{"a": "{value}"}}', f"x,{value},y", f"<{value}>"):
            hidden = made.redact(text)
            assert value not in hidden
            assert re.search(rf"<personal:{kind}:[0-9a-f]{{12}}>", hidden)
            assert made.restore(hidden) == text


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in HARMLESS.items() for value in values])
def test_what_only_looks_like_it_is_left_alone(kind: str, value: str) -> None:
    for text in (value, f"It is {value}, yes."):
        assert redactor(kind).redact(text) is text


@given(around)
def test_no_planted_value_is_left_anywhere(given: tuple[str, str, str]) -> None:
    before, value, after = given
    assume(alone(before, after))
    text, made = before + value + after, redactor()
    assert value not in made.redact(text)
    nested = made.redact({text: [text, {"a": text}]})
    assert not any(value in held for held in (*nested, *[nested[name][0] for name in nested]))


@given(texts | numbers | around.map("".join), texts | numbers)
def test_hiding_is_idempotent_exact_and_the_same_everywhere(one: str, other: str) -> None:
    made, text = redactor(), one + other
    once = made.redact(text)
    assert made.redact(once) is once
    assert redactor().redact(text) == once
    assert made.restore(once) == text


@given(texts | numbers | around.map("".join))
def test_nothing_is_touched_where_it_is_off(text: str) -> None:
    made = SecretRedactor(b"k" * 32, {})
    hidden = made.redact(text)
    assert "<personal:" not in hidden.replace(text, "")
    assert hidden is text or "<secret:" in hidden
    assert not made.may_go_on(text, len(text))


@pytest.mark.parametrize(("kind", "value"), EVERY)
def test_off_means_off(kind: str, value: str) -> None:
    made = SecretRedactor(b"k" * 32, {})
    assert made.redact(value) is value
    assert made.redact([4111111111111111]) == [4111111111111111]
    assert not made.holds_secret(value.encode())


@given(st.lists(planted, min_size=1, max_size=3), st.lists(st.integers(0, 200), max_size=40))
def test_however_a_text_is_cut_nothing_personal_is_shown_and_nothing_is_lost(given: list[str], cuts: list[int]) -> None:
    text = "Write to: " + " or\nto ".join(given) + " today, Anna."
    made, places = redactor(), sorted({0, len(text), *(cut % len(text) for cut in cuts)})
    stream = made.stream()
    shown = "".join(stream.feed(text[a:b]) for a, b in pairwise(places)) + stream.flush()
    assert [value for value in given if value in shown] == []
    assert shown == made.redact(text)
    assert made.restore(shown) == text


def test_words_are_shown_as_soon_as_no_number_can_go_on() -> None:
    stream = redactor().stream()
    assert [stream.feed(piece) for piece in ("Call ", "+49 ", "170 ")] == ["Call ", "", ""]
    assert re.fullmatch(r"<personal:phone:\w+> or ", stream.feed("1234567 or "))
    assert [stream.feed(piece) for piece in ("DE89 ", "no ", "line\n", "Tel. ")] == ["", "", "DE89 no line\n", ""]
    assert stream.flush() == "Tel. "


def test_numbers_of_cards_that_are_numbers_are_hidden_too() -> None:
    made = redactor("card")
    hidden = made.redact({"card": 4111111111111111, "n": [12, True, 1700000000000000000, -4111111111111111]})
    assert PLACEHOLDER.fullmatch(hidden["card"])
    assert hidden["n"] == [12, True, 1700000000000000000, -4111111111111111]
    assert made.restore(hidden)["card"] == 4111111111111111
    assert redactor("email").redact([4111111111111111]) == [4111111111111111]


def test_what_is_next_to_another_number_is_found_all_the_same() -> None:
    text = "12 4111 1111 1111 1111 25, AB12 DE89 3704 0044 0532 0130 00 and +49 170 1234567 345678"
    hidden = redactor().redact(text)
    assert re.fullmatch(r"12 <personal:card:\w+> 25, AB12 <personal:iban:\w+> and <personal:phone:\w+> 345678", hidden)


@pytest.mark.parametrize("label", ["Tel.: ", "phone: ", "Mobile = ", '"telephone": "', "Fax:"])
def test_after_a_label_any_number_is_that_of_a_phone(label: str) -> None:
    hidden = redactor("phone").redact(f"{label}555 1234 ext")
    assert re.fullmatch(rf"{re.escape(label)}<personal:phone:\w+> ext", hidden)


def test_secrets_go_before_personal_data() -> None:
    made = redactor(DB_PASSWORD="anna@example.org-x9")
    hidden = made.redact("anna@example.org-x9 a@b.example")
    assert re.fullmatch(r"<secret:db_password:\w+> <personal:email:\w+>", hidden)
    assert re.fullmatch(r"https://u:<secret:url_password:\w+>@h\.example/", made.redact("https://u:pw@h.example/"))
    assert made.redact({"password": "anna@b.example"})["password"].startswith("<personal:email:")


@pytest.mark.parametrize(("kind", "value"), EVERY)
def test_no_snapshot_may_hold_personal_data(kind: str, value: str) -> None:
    made = redactor(kind)
    assert made.holds_secret(f"a {value} b".encode())
    assert not value.isascii() or made.holds_secret(f"a {value} b".encode("utf-16-le"))
    assert not made.holds_secret("nothing\0here".encode("utf-16-le"))


def test_a_value_that_was_forgotten_is_an_error_the_model_can_read() -> None:
    with pytest.raises(ToolError) as caught:
        redactor().restore({"to": "Dear <personal:email:0123456789ab>"})
    assert caught.value.code == "E-PERSONAL-GONE"
    assert "again" in caught.value.info.fix


@given(st.text(string.ascii_uppercase + string.digits, min_size=4, max_size=34))
def test_checks_take_any_text(text: str) -> None:
    assert is_iban(text) in (True, False)
    assert is_card("".join(char for char in text if char.isdigit())) in (True, False)


def test_one_wrong_digit_is_found_by_the_check_digit() -> None:
    for place in range(1, 16):
        for digit in "0123456789":
            wrong = "4111111111111111"[:place] + digit + "4111111111111111"[place + 1 :]
            assert is_card(wrong) == (wrong == "4111111111111111")
    assert not is_iban("de89370400440532013000")


def test_hardly_any_random_number_passes_for_that_of_a_card() -> None:
    dice = random.Random(1)
    drawn = [str(dice.randrange(10**15, 10**16)) for _ in range(5_000)]
    assert sum(map(is_card, drawn)) / len(drawn) < 0.05


@pytest.mark.parametrize(
    "piece",
    ["a@", "a.", "a-", "1 ", "1", "+1 ", "00 ", "DE89 ", "a", "1.1.", "a:", "tel", "(0123) ", "@a.", "anna@b.de "],
)
def test_time_grows_with_the_length_and_not_faster(piece: str) -> None:
    found = PersonalData(KINDS)

    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        begun = time.process_time()
        for kind in found.kinds:
            found.replaced(kind, text, str)
        return time.process_time() - begun

    short = min(seconds(10_000) for _ in range(3))
    assert min(seconds(160_000) for _ in range(2)) <= 16 * 4 * short + 0.05


NAMED = [
    ("phone", "phone", "555-2671"),
    ("phone", "workPhone", "12345"),
    ("phone", "tel_no", "(030) 1234"),
    ("phone", "mobile-number-2", 4917012),
    ("phone", "FAX", " 030 1234 ext. 5 "),
    ("phone", "telefon", "4711/08-15"),
    ("email", "email_address", "root@localhost"),
    ("email", "mail", "ann@büro"),
    ("iban", "iban", "DE00 0000 0000 0000 0000 00"),
    ("card", "card_number", "4111 1111 1111 1112"),
    ("card", "creditCard", 4111111111111112),
]


@pytest.mark.parametrize(("kind", "name", "value"), NAMED)
def test_a_value_under_a_name_that_says_what_it_is_is_hidden_whatever_its_form(
    kind: str, name: str, value: str | int
) -> None:
    for shape in ({name: value}, {"people": [{name: [value, None]}]}, {"name": name, "value": value}):
        made = redactor(kind)
        hidden = made.redact(shape)
        assert str(value).strip() not in str(hidden)
        assert f"<personal:{kind}:" in str(hidden)
        assert made.restore(hidden) == shape
        assert made.redact(hidden) is hidden
        assert SecretRedactor(b"k" * 32, {}).redact(shape) is shape


def test_a_number_of_a_card_is_found_under_any_name() -> None:
    made = redactor("card")
    hidden = made.redact({"n": [4111111111111111, 4111111111111112]})
    assert (hidden["n"][0].split(":")[1], hidden["n"][1]) == ("card", 4111111111111112)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone", "iPhone 12 Pro"),
        ("phone", "yes"),
        ("phone", "1234"),
        ("phone", True),
        ("phone", None),
        ("phone", 4.5),
        ("phone", {"type": 12345}),
        ("phone", ""),
        ("phone_type", "12345"),
        ("phoned", "12345"),
        ("microphone", "12345"),
        ("headphones", "12345"),
        ("mobile_app_version", "12345"),
        ("email", "none"),
        ("mail_count", 123456),
        ("card", "Ace of spades"),
        ("card", 7),
        ("iban", "none"),
        ("number", "123456"),
        ("", "123456"),
    ],
)
def test_what_only_stands_near_such_a_name_stays(name: str, value: object) -> None:
    given = {name: value}
    assert redactor().redact(given) is given


def test_one_kind_alone_leaves_the_names_of_others() -> None:
    given = {"phone": "12345", "card": "1234 5678 9012"}
    assert redactor("email").redact(given) is given
    assert list(redactor("phone").redact(given).values())[1] == "1234 5678 9012"


def test_a_long_value_under_a_telling_name_takes_no_time() -> None:
    for value in ("1 " * 50_000, "1-(" * 50_000, "a" * 100_000 + "@", "DE12 " + "A " * 50_000):
        assert PersonalData(KINDS).may_be("phone", value) is False
        assert not any(PersonalData(KINDS).may_be(kind, value) for kind in ("email", "iban", "card"))
