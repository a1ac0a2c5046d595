"""The user's check: what it is given, what its end means, and that it ends when the search does."""

from __future__ import annotations

import asyncio
import json
import os
import select
from pathlib import Path
from typing import Any

import pytest

from agentcli.errors import UsageError
from agentcli.workbench.bisecting.checking import Passed, Subject, check, told


def checked(command: str, folder: Path, output: Any = "It is.") -> Passed:
    subject = Subject("r1", folder, "completed", output, {"AGENTCLI_TEMPLATE": "t.yaml"})
    return asyncio.run(check(command, subject, os.environ))


@pytest.mark.parametrize(("code", "passed"), [(0, True), (1, False), (124, False), (125, None), (127, False)])
def test_its_exit_code_is_its_verdict(tmp_path: Path, code: int, passed: Passed) -> None:
    assert checked(f"exit {code}", tmp_path) is passed


@pytest.mark.parametrize("command", ["exit 128", "exit 255", "kill -9 $$"])
def test_any_other_end_stops_the_search(tmp_path: Path, command: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked(command, tmp_path)
    assert caught.value.code == "E-BISECT-CHECK"


def test_it_gets_the_answer_and_what_it_is_an_answer_of(tmp_path: Path) -> None:
    words = '"$AGENTCLI_RUN $AGENTCLI_STATUS $AGENTCLI_TEMPLATE"'
    command = f'cat > in; echo {words} > env; cp "$AGENTCLI_OUTPUT_FILE" out; test "$PWD" -ef "$AGENTCLI_WORKSPACE"'
    assert checked(command, tmp_path, {"port": 8080, "name": "ü"}) is True
    assert json.loads((tmp_path / "in").read_text()) == {"port": 8080, "name": "ü"}
    assert json.loads((tmp_path / "out").read_text()) == {"port": 8080, "name": "ü"}
    assert (tmp_path / "env").read_text() == "r1 completed t.yaml\n"


def test_one_that_does_not_read_a_long_answer_is_no_error(tmp_path: Path) -> None:
    assert checked("exec 0<&-; true", tmp_path, "x" * 1_000_000) is True


@pytest.mark.parametrize(("output", "text"), [(None, ""), ("a", "a"), (["a"], '["a"]'), (0, "0")])
def test_a_text_is_told_as_it_is_and_all_else_as_json(output: Any, text: str) -> None:
    assert told(output) == text


@pytest.mark.parametrize("at_once", [False, True])
def test_when_the_search_is_stopped_it_is_ended_with_all_that_it_started(tmp_path: Path, *, at_once: bool) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    os.mkfifo(begun)
    os.mkfifo(ended)
    # The child holds `ended` open for writing: its reader gets the end of the file when no process is left.
    command = "exec 3>ended; (echo > begun; sleep 20; echo late >&3) & wait"

    async def stopped() -> bytes:
        held = asyncio.create_task(asyncio.to_thread(ended.read_bytes))
        work = asyncio.create_task(check(command, Subject("r1", tmp_path, "completed", "", {}), os.environ))
        if at_once:  # it has begun before the event loop, which stands still meanwhile, has heard of it
            for _ in range(2):
                await asyncio.sleep(0)
            with os.fdopen(os.open(begun, os.O_RDONLY | os.O_NONBLOCK)) as told_of:
                assert select.select([told_of], [], [], 20)[0]
        else:
            await asyncio.to_thread(begun.read_bytes)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        return await held

    assert asyncio.run(stopped()) == b""
