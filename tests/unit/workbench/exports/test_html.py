"""A run as a page: whole without scripts, harmless whatever is in it, and nothing is fetched."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from agentcli.core.events import ApprovalRequested, read_body
from agentcli.core.messages import Message, ToolCall
from agentcli.core.tools import FileTouch
from agentcli.workbench.exports.formats import ExportOptions
from agentcli.workbench.exports.html import render
from agentcli.workbench.exports.html_steps import MOST_TEXT
from tests.fakes.told import LOOK, RUN, Told, eventful, two_turns

VOID = {"meta", "link", "input", "rect", "br"}


class Page(HTMLParser):
    """What a browser makes of it: elements, their attributes, and the text outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID or tag == "rect":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] in (["style"], ["script"]):
            self.raw[self.open[-1]] = data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str, **attrs: str) -> list[dict[str, str]]:
        return [has for name, has in self.found if name == tag and attrs.items() <= has.items()]


def exported(told: Told) -> str:
    (file,) = render(told.record(), ExportOptions())
    assert file.name == f"{RUN}.html"
    return file.data.decode()


def page(told: Told) -> Page:
    made = Page(exported(told))
    assert made.open == []
    return made


def test_everything_of_a_run_is_there() -> None:
    text = page(two_turns()).text
    for words in (
        "completed reader 20261121-081532-k7f3qz",
        "Which port?",
        "Tokens 240 200 in, 40 out, 100 cached, 10 reasoning",
        "Tool calls 2 1 did not succeed",
        "Cost $0.02",
        "Asked with 2 new messages system Be brief. user Which port?",
        "Reasoning Ports are in a.py. I will look.",
        'edit (path="a.py", port=8080)',
        "Result changed a.py",
        "a.py changed +1 \N{MINUS SIGN}1",
        "Asked with 2 new messages tool the result of 5 tool the result of 7",
        "Answer Port 8080. exit code 0",
        "Instructions Be brief.",
        "edit Edit a file. (idempotent)",
        "Limits turns 20",
        "Template /home/ada/agents/reader.yaml name: reader",
    ):
        assert words in text, words


def test_what_is_rare_is_there_too() -> None:
    text = page(eventful()).text
    for words in (
        "Forked from 20261120-081532-aaaaaa after event 3",
        "Resumed: the run went on from here",
        "Tried again after 2.0 s: 429 Too Many Requests",
        "Went on with local:small: 503",
        "3 attempts",
        "price unknown",
        "ended by length",
        "edit was refused by user: not there",
        "new.bin created: It is no text: 0 B before, 3 B after.",
        "old.txt deleted +0 \N{MINUS SIGN}1",
        "key.pem changed: It holds a secret, so its content is not on record.",
        "read.txt read",
        "Asked whether edit may be called, by the rule edit",
        "Limit reached: turns, 3 of 3",
        "The answer was cut. (W-OUTPUT-CUT)",
        "moon.risen",
        "The server does not answer. E-MODEL-UNREACHABLE",
        "why Connection refused.",
        "fix Start it.",
        "tags keep",
        "≥ $0.02",
    ):
        assert words in text, words


def test_what_somebody_was_asked_about_is_shown_and_does_nothing() -> None:
    told = Told()
    told.begin()
    preview = "--- a.html\n+++ a.html\n-<b>\n+<script>alert(1)</script>"
    told.say(ApprovalRequested("edit", "c1", {}, "edit", preview), "turn.1.call.1", 1)
    made = page(told)
    assert "edit asked, and showed this +1 \N{MINUS SIGN}1" in made.text
    assert "<script>alert(1)</script>" in made.text
    assert "<script>alert(1)</script>" not in exported(told)


def test_every_link_leads_to_a_step_of_the_page() -> None:
    for told in (two_turns(), eventful()):
        made = page(told)
        ids = [has["id"] for _, has in made.found if "id" in has]
        assert len(ids) == len(set(ids))
        links = [has["href"] for has in made.all("a")]
        assert {link[1:] for link in links} <= set(ids)
        assert all(link.startswith("#") for link in links)


def test_nothing_is_fetched_and_nothing_can_be() -> None:
    made = page(eventful())
    loading = [
        (tag, name, value)
        for tag, has in made.found
        for name, value in has.items()
        if name in ("src", "srcset", "action", "background", "poster", "data", "xlink:href")
        or (name == "href" and not value.startswith("#"))
        or name == "style"
        or name.startswith("on")
    ]
    assert loading == [("link", "href", "data:,")]
    assert not re.search(r"url\(|@import|https?:", made.raw["style"])
    assert not re.search(r"fetch\(|XMLHttp|WebSocket|import\(|innerHTML|eval\(|https?:", made.raw["script"])


def test_the_policy_lets_in_its_own_style_and_script_alone() -> None:
    made = page(two_turns())
    (policy,) = (has["content"] for has in made.all("meta") if has.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    for name in ("style", "script"):
        expected = b64encode(sha256(made.raw[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{expected}'" in policy


HOSTILE = [
    "<script>alert(1)</script>",
    "</pre></article></main><img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!-- -->",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u2028\u2029\u202e evil",
    "\x1b]0;title\x07\x00\x9b31m",
    "&lt;b&gt;",
    "</style><style>*{display:none}",
]


def hostile(words: str) -> Told:
    """The words wherever somebody else's words can stand."""
    told = Told(row={"name": words, "task": words, "model": words}, tags=(words,))
    told.begin(
        instructions=words,
        source=words,
        path=words,
        tools=[{"name": words, "description": words}],
        extra={words: words},
    )
    told.ask(1, Message("user", words), Message("assistant", words, (ToolCall("c0", words, {words: words}),)))
    call = ToolCall(words, words, {words: words})
    told.answer(1, Message("assistant", words, (call,), reasoning=words), finish_reason=words)
    before, after = told.put(b"x\n"), told.put(words.replace("\0", "").encode() + b"\n")
    told.call(1, 1, call, result=words, data={words: words}, files=(FileTouch(words, before, after, True),))
    told.say(read_body("warning", {"code": words, "what": words, "fix": words}), words, 1)
    told.say(read_body("moon.risen", {words: words}))
    told.finish(words)
    return told


@pytest.mark.parametrize("words", HOSTILE)
def test_whatever_is_in_a_run_is_shown_and_does_nothing(words: str) -> None:
    made = page(hostile(words))
    usual = page(hostile("harmless"))
    assert [tag for tag, _ in made.found] == [tag for tag, _ in usual.found]
    assert made.raw == usual.raw
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", exported(hostile(words)))
    if words.isprintable():
        assert words in "".join(made.texts)


def test_half_a_character_is_shown_as_an_escape() -> None:
    told = two_turns()
    told.say(read_body("warning", {"code": "W", "what": "half \ud83d", "fix": ""}))
    assert "half \\ud83d" in page(told).text


def test_it_can_be_read_without_scripts() -> None:
    """What needs the script is hidden until the script shows that it runs."""
    made = page(two_turns())
    assert made.all("html") == [{"lang": "en"}]
    for tag in ("button", "select"):
        assert made.all(tag)
    assert "html:not(.scripted) .needs-script { display: none; }" in made.raw["style"]
    assert len(made.all("article")) == 5


def test_the_same_run_is_the_same_page() -> None:
    assert exported(eventful()) == exported(eventful())


def test_a_run_of_which_nothing_is_on_record_says_so() -> None:
    text = page(Told()).text
    assert "interrupted reader" in text
    assert "Nothing is on record." in text


def test_what_is_lost_leaves_gaps_alone() -> None:
    told = two_turns()
    record = told.record()
    told.contents.clear()
    made = Page(render(record, ExportOptions())[0].data.decode())
    assert "I will look." in made.text
    assert "a.py changed: Its content is not in the journal any more." in made.text


def test_a_run_that_is_not_over_shows_what_is_open() -> None:
    told = two_turns()
    del told.events[7:]
    made = page(told)
    assert "not finished" in made.text
    assert "Time - " in made.text


def test_a_fork_names_its_parent() -> None:
    told = two_turns()
    told.row = {"parent": "20261120-081532-aaaaaa", "relation": "fork", "cut": 3, "model": None}
    assert "fork of 20261120-081532-aaaaaa at 3" in page(told).text
    told.row = {"parent": "20261120-081532-aaaaaa"}
    assert "parent of 20261120-081532-aaaaaa" in page(told).text


def test_an_answer_that_is_no_text_is_shown_as_json() -> None:
    told = Told()
    told.begin()
    told.finish({"port": 8080})
    assert 'Answer { "port": 8080 }' in page(told).text


def test_a_thousand_turns_grow_by_their_turns() -> None:
    def size(turns: int) -> int:
        told = Told()
        told.begin()
        previous = None
        for turn in range(1, turns + 1):
            messages = [Message("tool", f"result {turn}", tool_call_id=f"c{turn - 1}")]
            previous = told.ask(turn, *messages, previous=previous)
            call = ToolCall(f"c{turn}", "look", {})
            told.answer(turn, Message("assistant", "I look.", (call,)))
            told.call(turn, 1, call)
        return len(exported(told))

    assert size(200) < 2.2 * size(100)


def test_a_long_text_is_cut_and_says_so() -> None:
    told = Told()
    told.begin()
    told.call(1, 1, LOOK, result="x" * (MOST_TEXT + 5))
    assert "… 5 more characters are not shown" in page(told).text
