"""Processes that are killed with SIGKILL, in small; `python -m benchmarks killing` does it a hundred times."""

from __future__ import annotations

import random
from pathlib import Path

from tests.fakes.killed import Killing, compact, delete_files, write_files
from tests.fakes.killed_graphs import tidy


def nothing_is_wrong(killing: Killing) -> bool:
    """Said with what is."""
    assert killing.problems == []
    return (killing.lost, killing.repeated, killing.stuck) == (0, 0, 0)


def test_what_must_not_be_done_twice_is_done_once_however_often_the_process_is_killed(tmp_path: Path) -> None:
    killing = Killing(tmp_path, random.Random(20261121), most=5)
    delete_files(killing)
    assert killing.kills >= 3
    assert nothing_is_wrong(killing)


def test_a_step_graph_does_each_of_its_calls_once_however_often_it_is_killed(tmp_path: Path) -> None:
    killing = Killing(tmp_path, random.Random(20261129), most=6)
    tidy(killing)
    assert killing.kills >= 3
    assert nothing_is_wrong(killing)


def test_a_call_that_may_be_repeated_is_so_without_anybody_being_asked(tmp_path: Path) -> None:
    killing = Killing(tmp_path, random.Random(20261121), most=4)
    write_files(killing)
    assert killing.kills >= 2
    assert nothing_is_wrong(killing)


def test_a_run_killed_while_it_is_made_small_has_ended_and_is_whole(tmp_path: Path) -> None:
    killing = Killing(tmp_path, random.Random(20261121), most=2)
    compact(killing, turns=60, longest_wait=0.0)
    compact(killing, turns=60, longest_wait=0.02)
    assert killing.kills >= 1
    assert nothing_is_wrong(killing)
