from __future__ import annotations

import os
from pathlib import Path

from agentcli.providers.local.prefix_cache import PrefixCache


class Engine:
    """Saves and restores as llama.cpp does: by a file's name in the folder that it was given."""

    def __init__(self, folder: Path, size: int = 100) -> None:
        self.folder, self.size, self.restored, self.works = folder, size, list[bytes](), True

    async def save(self, name: str) -> bool:
        (self.folder / name).write_bytes(os.urandom(self.size))
        return self.works

    async def restore(self, name: str) -> bool:
        self.restored.append((self.folder / name).read_bytes())
        return self.works


def cache(folder: Path, depends_on: str = "model", most: int = 1000) -> PrefixCache:
    made = PrefixCache(folder / "states", depends_on, most)
    assert made.prepare()
    return made


def states(made: PrefixCache) -> list[Path]:
    return list(made.folder.glob("*.state"))


async def test_a_saved_state_is_restored_for_the_same_prefix_and_model_only(tmp_path: Path) -> None:
    made = cache(tmp_path)
    engine = Engine(made.folder)
    assert not await made.restore("prefix", engine.restore)
    await made.save("prefix", engine.save)
    assert await cache(tmp_path).restore("prefix", engine.restore)
    assert not await made.restore("another", engine.restore)
    assert not await cache(tmp_path, "other model").restore("prefix", engine.restore)
    assert len(engine.restored) == 1


async def test_a_damaged_state_never_reaches_the_engine_and_is_removed(tmp_path: Path) -> None:
    made = cache(tmp_path)
    engine = Engine(made.folder)
    for damage in (b"", b"x" * 100):
        await made.save("prefix", engine.save)
        states(made)[0].write_bytes(damage)
        assert not await made.restore("prefix", engine.restore)
        assert list(made.folder.iterdir()) == []
    assert engine.restored == []


async def test_a_state_that_the_engine_refuses_is_removed(tmp_path: Path) -> None:
    made = cache(tmp_path)
    engine = Engine(made.folder)
    await made.save("prefix", engine.save)
    engine.works = False
    assert not await made.restore("prefix", engine.restore)
    assert states(made) == []


async def test_a_save_that_failed_leaves_nothing(tmp_path: Path) -> None:
    made = cache(tmp_path)
    engine = Engine(made.folder)
    engine.works = False
    await made.save("prefix", engine.save)
    assert list(made.folder.iterdir()) == []


async def test_the_least_recently_used_states_go_when_room_is_short(tmp_path: Path) -> None:
    made = cache(tmp_path, most=250)
    engine = Engine(made.folder)
    for age, prefix in ((300, "a"), (200, "b")):
        before = set(states(made))
        await made.save(prefix, engine.save)
        (new,) = set(states(made)) - before
        os.utime(new, (1e9 - age, 1e9 - age))
    assert await made.restore("a", engine.restore)  # now the newest
    await made.save("c", engine.save)
    assert await made.restore("a", engine.restore)
    assert await made.restore("c", engine.restore)
    assert not await made.restore("b", engine.restore)
    assert len(list(made.folder.iterdir())) == 4


def test_the_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    assert cache(tmp_path).folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not PrefixCache(tmp_path / "file" / "states", "m").prepare()
