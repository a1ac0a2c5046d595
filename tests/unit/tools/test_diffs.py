"""A diff is right whatever the texts are, and short."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcli.tools.diffs import MOST_LINES, preview_of, unified


def applied(before: str, diff: str) -> str:
    """What a patch program would make of it."""
    old, out, at = before.split("\n"), [], 0
    for line in diff.splitlines()[2:]:
        head = re.fullmatch(r"@@ -(\d+),(\d+) \+\d+,\d+ @@", line)
        if head:
            start = int(head[1]) - (head[2] != "0")
            out += old[at:start]
            at = start
        elif line[0] == "+":
            out.append(line[1:])
        else:
            assert old[at] == line[1:]
            out += [old[at]] if line[0] == " " else []
            at += 1
    return "\n".join([*out, *old[at:]])


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "longer line"]), max_size=30)


@given(LINES, LINES)
def test_a_diff_leads_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    diff = unified("f", before, after, most=1000)
    assert (diff == "") is (before == after)
    assert applied(before, diff) == after


@pytest.mark.parametrize("count", [399, 401, 20_000])
def test_a_large_change_is_right_too_and_takes_no_time(count: int) -> None:
    before = "".join(f"line {number}\n" for number in range(count))
    after = "head\n" + "".join(f"line {number * 7 % count}\n" for number in range(count)) + "tail\n"
    began = time.process_time()
    diff = unified("f", before, after, most=10**6)
    assert time.process_time() - began < 2
    assert applied(before, diff) == after


def test_a_change_at_one_place_of_a_large_text_is_small() -> None:
    before = "".join(f"line {number}\n" for number in range(50_000))
    assert unified("f", before, before.replace("line 30000\n", "other\n")) == (
        "--- f\n+++ f\n@@ -29998,7 +29998,7 @@\n line 29997\n line 29998\n line 29999\n"
        "-line 30000\n+other\n line 30001\n line 30002\n line 30003"
    )


def test_a_long_diff_is_cut_and_says_so() -> None:
    diff = unified("f", "", "x\n" * 500)
    assert diff.endswith(f"\n[{501 - MOST_LINES} more lines of the diff]")
    assert len(diff.splitlines()) == MOST_LINES + 3


def test_a_long_line_is_cut() -> None:
    assert len(unified("f", "", "x" * 100_000)) < 700


def test_where_nothing_ends_the_last_line_is_told() -> None:
    assert unified("f", "a\n", "a").endswith("-a\n+a [no line end]")


def test_what_is_no_text_is_told_by_its_size() -> None:
    assert preview_of("f", b"\0\0", None).text == "f: from 2 bytes to nothing that are no text"
    assert preview_of("f", b"a", b"a").text == "f: its content stays the same"
