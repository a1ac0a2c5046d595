"""Secrets that are planted everywhere, and the whole program: none of them is on disk but where the user put it."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.planted import NO_SECRET, Planted, export, use_everything
from tests.fakes.scanned import forms, unpacked


def test_of_planted_secrets_none_is_found_in_anything_that_the_program_wrote(tmp_path: Path) -> None:
    planted = Planted(tmp_path / "p")
    use_everything(planted)
    runs = planted.runs()
    export(planted, [runs[0], runs[7]])
    assert [code for _, code in planted.codes] == [0, 0, 1, 5, 7, 0, 7, 0, 0, 0, 0, 0] + [0] * 12
    found, size = planted.found()
    assert [f"{one.secret} ({one.form}): {one.where}" for one in found] == []
    assert size > 500_000
    looked, _ = planted.found({"none": NO_SECRET})
    places = {one.where.split(": ")[1].split(" ")[0] for one in looked}
    assert places >= {"bytes", "content", "event", "messages", "member", "unescaped"}
    restored = (planted.root / "out.env").read_text()
    assert restored.startswith("SERVICE_API_KEY=pk-live-"), "the tool that writes was given the real one"


def test_a_secret_is_found_in_every_form(tmp_path: Path) -> None:
    from base64 import b64encode
    from urllib.parse import quote

    secret = 'p@ss "w/ö+rd"&<x>'
    wanted = forms(secret)
    texts = [
        f"x{secret}y",
        quote(secret, safe=""),
        *(b64encode((b * "u" + secret).encode()).decode() for b in range(3)),
    ]
    for text in texts:
        assert any(form in text.encode() for form in wanted.values()), text
    page = tmp_path / "page.html"
    page.write_text("a &amp;&lt; b")
    assert [data for _, data in unpacked(page, page.read_bytes())] == [b"a &< b"]
