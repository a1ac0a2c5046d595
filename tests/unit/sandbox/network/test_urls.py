"""URLs: one spelling, the same host to every reader, and no disguise."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentcli.errors import ToolArgumentsError, ToolError
from agentcli.sandbox.network.urls import MAX_URL, join_url, parse_url

WORDS = """http https HTTP :// : // / \\ @ a example.org . .. [::1] 127.0.0.1 0x7f %00 %2e % # ? x=1 é 。 ① xn-- :80
:443 xn--bcher-kva :99999 [ ] - _ B\u00fccher \u200d \u00ad fe80::1%25eth0 017700000001"""
PIECES = st.sampled_from([*WORDS.split(), " ", "\t", "\n"])
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(PIECES, max_size=8).map("".join),
    st.lists(PIECES, max_size=6).map(lambda pieces: "https://" + "".join(pieces)),
)


@given(TEXTS)
@example("https://example.org/%2e%2E/%2e/a/..")
@example("http://b\u00fccher.example/\u00fc?\u00fc")
def test_what_is_read_has_one_spelling_that_everybody_reads_alike(text: str) -> None:
    refused = ""
    try:
        url = parse_url(text)
    except ToolArgumentsError as error:
        refused = error.code
    if refused:
        assert refused in ("E-URL-INVALID", "E-URL-SCHEME", "E-URL-HOST")
        return
    assert parse_url(url.text) == url
    assert url.text.isascii()
    assert url.text.isprintable()
    assert " " not in url.text
    assert "/../" not in url.target.partition("?")[0]
    by_python = urlsplit(url.text)
    assert (by_python.scheme, by_python.hostname, by_python.username) == (url.scheme, url.host, None)
    assert (by_python.port or {"http": 80, "https": 443}[url.scheme]) == url.port
    by_httpx = httpx.URL(url.text)
    assert (by_httpx.raw_host.decode(), by_httpx.userinfo, by_httpx.scheme) == (url.host, b"", url.scheme)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://EXAMPLE.org:443/A", "https://example.org/A"),
        ("http://example.org:80/?q=a b".replace(" ", "+"), "http://example.org/?q=a+b"),
        ("http://example.org:8080", "http://example.org:8080/"),
        ("https://example.org/a/./b/../c/%2e%2e/d#part", "https://example.org/a/d"),
        ("https://example.org/a/..", "https://example.org/"),
        ("https://example.org/a/b/.", "https://example.org/a/b/"),
        ("https://example.org/../../x", "https://example.org/x"),
        ("https://example.org/ü?ü=1", "https://example.org/%C3%BC?%C3%BC=1"),
        ('https://example.org/"<>`{}|^', "https://example.org/%22%3C%3E%60%7B%7D%7C%5E"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://XN--BCHER-KVA.example/", "https://xn--bcher-kva.example/"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("http://[0:0:0:0:0:0:0:1]:8080/", "http://[::1]:8080/"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("http://localhost/", "http://localhost/"),
    ],
)
def test_a_url_is_brought_into_its_form(text: str, read: str) -> None:
    assert parse_url(text).text == read


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E-URL-INVALID"),
        ("example.org", "E-URL-INVALID"),
        ("//example.org/", "E-URL-INVALID"),
        ("http:example.org", "E-URL-INVALID"),
        ("http:/example.org", "E-URL-INVALID"),
        ("file:///etc/passwd", "E-URL-SCHEME"),
        ("gopher://example.org/", "E-URL-SCHEME"),
        ("ftp://example.org/", "E-URL-SCHEME"),
        ("data:text/html,hi", "E-URL-INVALID"),
        ("javascript:alert(1)", "E-URL-INVALID"),
        ("view-source:https://example.org", "E-URL-INVALID"),
        ("https://user@example.org/", "E-URL-INVALID"),
        ("https://user:word@example.org/", "E-URL-INVALID"),
        ("https://example.org@10.0.0.1/", "E-URL-INVALID"),
        ("https://example.org\\@10.0.0.1/", "E-URL-INVALID"),
        ("https:\\\\example.org/", "E-URL-INVALID"),
        ("https://example.org/a\r\nhost: x", "E-URL-INVALID"),
        ("https://exam\tple.org/", "E-URL-INVALID"),
        (" https://example.org/", "E-URL-INVALID"),
        ("https://example.org/a b", "E-URL-INVALID"),
        ("https://example.org/\u200b", "E-URL-INVALID"),
        ("https://example.org/\ud800", "E-URL-INVALID"),
        ("https://example.org/%00", "E-URL-INVALID"),
        ("https://example.org/?a=%00", "E-URL-INVALID"),
        ("https://example.org/%zz", "E-URL-INVALID"),
        ("https://example.org/" + "a" * MAX_URL, "E-URL-INVALID"),
        ("https://", "E-URL-HOST"),
        ("https:///path", "E-URL-HOST"),
        ("https://:80/", "E-URL-HOST"),
        ("https://example.org:/", "E-URL-HOST"),
        ("https://example.org:0/", "E-URL-HOST"),
        ("https://example.org:65536/", "E-URL-HOST"),
        ("https://example.org:80:80/", "E-URL-HOST"),
        ("https://example.org:\uff18\uff10/", "E-URL-HOST"),
        ("https://example.org./", "E-URL-HOST"),
        ("https://.example.org/", "E-URL-HOST"),
        ("https://a..b/", "E-URL-HOST"),
        ("https://-a.org/", "E-URL-HOST"),
        ("https://a%2eorg/", "E-URL-HOST"),
        ("https://a*b.org/", "E-URL-HOST"),
        ("https://" + "a" * 64 + ".org/", "E-URL-HOST"),
        ("https://" + "a." * 127 + "org/", "E-URL-HOST"),
        ("https://xn--a.example/", "E-URL-HOST"),
        ("https://xn--/", "E-URL-HOST"),
        ("http://[::1/", "E-URL-HOST"),
        ("http://[::1]x/", "E-URL-HOST"),
        ("http://[fe80::1%25eth0]/", "E-URL-HOST"),
        ("http://[fe80::1%eth0]/", "E-URL-HOST"),
        ("http://[:::]/", "E-URL-HOST"),
        ("http://[127.0.0.1]/", "E-URL-HOST"),
        ("http://::1/", "E-URL-HOST"),
        ("http://2130706433/", "E-URL-HOST"),
        ("http://0x7f000001/", "E-URL-HOST"),
        ("http://017700000001/", "E-URL-HOST"),
        ("http://0177.0.0.1/", "E-URL-HOST"),
        ("http://127.1/", "E-URL-HOST"),
        ("http://127.0.0.0x1/", "E-URL-HOST"),
        ("http://0x/", "E-URL-HOST"),
        ("http://127.0.0.1./", "E-URL-HOST"),
        ("http://127.0.0.256/", "E-URL-HOST"),
        ("http://\uff11\uff12\uff17.0.0.1/", "E-URL-HOST"),
        ("http://①②⑦.⓪.⓪.①/", "E-URL-HOST"),
        ("http://127。0。0。1/", "E-URL-HOST"),
        ("http://127\uff0e0\uff0e0\uff0e1/", "E-URL-HOST"),
        ("http://127｡0｡0｡1/", "E-URL-HOST"),
        ("http://ⓛocalhost/", "E-URL-HOST"),
        ("http://ﬁle.example/", "E-URL-HOST"),
    ],
)
def test_what_programs_read_differently_is_refused(text: str, code: str) -> None:
    with pytest.raises(ToolArgumentsError) as caught:
        parse_url(text)
    assert caught.value.code == code
    assert all(part.isprintable() for part in (caught.value.info.what, caught.value.info.why))


@pytest.mark.parametrize(
    ("reference", "joined"),
    [
        ("/b", "https://example.org/b"),
        ("c", "https://example.org/a/c"),
        ("?x", "https://example.org/a/b?x"),
        ("../../../c", "https://example.org/c"),
        ("//other.example/c", "https://other.example/c"),
        ("http://other.example", "http://other.example/"),
        ("#x", "https://example.org/a/b"),
    ],
)
def test_a_reference_is_joined(reference: str, joined: str) -> None:
    assert join_url(parse_url("https://example.org/a/b"), reference).text == joined


@pytest.mark.parametrize(
    "reference",
    [
        "file:///etc/passwd",
        "gopher://x.org/",
        "data:,x",
        "javascript:alert(1)",
        "\\\\evil.example",
        "/\\evil.example",
        "//u@h.example/",
        "/a\nb",
        "//10.1/",
        "http://[::1",
        "x" * 5000,
    ],
)
def test_a_reference_that_leads_out_of_the_web_is_refused(reference: str) -> None:
    with pytest.raises(ToolError):
        join_url(parse_url("https://example.org/a/b"), reference)
