"""Runs over many rows, killed with SIGKILL, in small; `python -m benchmarks rows` does it fifty times."""

from __future__ import annotations

import random
from pathlib import Path

from tests.fakes.killed_rows import Killing, place
from tests.fakes.model_server import openai_server

ROWS = 24


def test_every_row_comes_out_once_and_no_completed_call_is_made_again(tmp_path: Path) -> None:
    killing = Killing(random.Random(20261121), most=4)
    with openai_server("sorted", repeat=True) as server:

        def asked() -> list[int]:
            return [int(request.json["messages"][-1]["content"]) for request in server.requests]

        at = place(tmp_path, ROWS, server.base_url, asked)
        killing.one_run(at, ROWS)
        assert killing.problems == []
        assert (killing.kills, killing.repeated, killing.wrong) == (4, 0, 0)
        assert sorted(set(asked())) == list(range(ROWS))
