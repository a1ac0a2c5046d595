"""Contents of a pack, read one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.journal.packing import Coding
from tests.fakes.journals import change, opened
from tests.unit.journal.test_compacting import long_run, rows


def members(folder: Path) -> list[bytes]:
    """The digests of what lies in packs, in the order in which it was put."""
    return [row[0] for row in rows(folder, f"SELECT digest FROM blobs WHERE coding = {Coding.MEMBER} ORDER BY n")]  # type: ignore[misc]


async def test_who_reads_two_contents_of_a_pack_has_looked_up_those_behind_them(tmp_path: Path) -> None:
    await long_run(tmp_path)
    with opened(tmp_path) as journal:
        reader = journal._reading().blobs
        asked: list[str] = []
        reader.database.set_trace_callback(asked.append)
        for digest in members(tmp_path):
            reader.read(digest)
        assert len(members(tmp_path)) == 82
        assert len(asked) == 4  # two contents, their pack, and what lies behind the second


async def test_a_content_that_lies_elsewhere_by_now_is_looked_up_anew(tmp_path: Path) -> None:
    await long_run(tmp_path)
    one, two, three, *_ = members(tmp_path)
    with opened(tmp_path) as journal:
        reader = journal._reading().blobs
        wanted = reader.read(three)
        reader.forget()
        reader.read(one)
        reader.read(two)
        assert three in reader._next
        reader._next[three] = (*reader._next[three][:2], b"\x00", *reader._next[three][3:])
        assert reader.read(three) == wanted


@pytest.mark.parametrize("as_long", [True, False])
async def test_a_pack_that_was_put_in_anothers_place_is_read_anew(tmp_path: Path, *, as_long: bool) -> None:
    await long_run(tmp_path)
    ((digest,),) = rows(tmp_path, f"SELECT digest FROM blobs WHERE coding = {Coding.MEMBER} ORDER BY n LIMIT 1")
    with opened(tmp_path) as journal:
        reader = journal._reading().blobs
        content = reader.read(digest)  # type: ignore[arg-type]
        reader._known.clear()
        n, pack = reader._pack or (0, b"")
        reader._pack = n, bytes(len(pack) if as_long else 1)
        assert reader.read(digest) == content  # type: ignore[arg-type]


async def test_a_content_whose_pack_is_gone_is_named(tmp_path: Path) -> None:
    await long_run(tmp_path)
    change(tmp_path, f"DELETE FROM blobs WHERE coding = {Coding.PACK}")
    with opened(tmp_path) as journal:
        problems = journal.verify("last").problems
        assert problems
        assert all("the pack that it is in is gone" in problem.what for problem in problems)
