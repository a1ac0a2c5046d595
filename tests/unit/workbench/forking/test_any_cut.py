"""At any cut of any run the files of its fork are those that were there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentcli.workbench.files_at_cut import files_at
from agentcli.workbench.fork_files import make_workspace, workspace_folder
from agentcli.workbench.wiring import Workbench
from tests.fakes.forking import CONTENTS, contents, fill, fork
from tests.fakes.touched import changed, read, touched
from tests.unit.workbench.conftest import Project


async def test_the_files_of_a_real_run_are_as_they_were(project: Project) -> None:
    def call(name: str, **arguments: Any) -> dict[str, Any]:
        return {"tool_calls": [{"name": name, "arguments": arguments}]}

    project.script(
        call("read_lines", path="a.txt"),
        call("create_file", path="b.txt", content="first"),
        call("create_file", path="b.txt", content="second", overwrite=True),
        call("create_file", path="a.txt", content="changed", overwrite=True),
        "done",
    )
    outcome = await project.run(yes=True)
    assert (outcome.status, outcome.error) == ("completed", None)
    with project.bench() as bench:
        events = list(bench.journal.events(outcome.run))
        done = [event.seq for event in events if event.body.type == "tool.completed"]
        found = []
        for number, cut in enumerate((1, *done)):
            made = make_workspace(
                bench, bench.workspace, workspace_folder(bench, f"fork-{number}"), files_at(events, cut)
            )
            found.append({name: contents(made.target).get(name) for name in ("a.txt", "b.txt")})
    assert [(each["a.txt"], each["b.txt"]) for each in found] == [
        (b"hello\n", None),
        (b"hello\n", None),
        (b"hello\n", b"first"),
        (b"hello\n", b"second"),
        (b"changed", b"second"),
    ]


PATHS = ("a", "a/b", "a/b/c", "d.txt", "e/d.txt")
operations = st.lists(
    st.tuples(st.sampled_from(PATHS), st.sampled_from((*CONTENTS, None)), st.booleans()), min_size=1, max_size=8
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.dictionaries(st.sampled_from(PATHS), st.sampled_from(CONTENTS)), steps=operations, data=st.data())
def test_at_any_cut_the_files_are_exactly_as_they_were(
    bench: Workbench, work: Path, before: dict[str, bytes], steps: list[Any], data: st.DataObject
) -> None:
    state: dict[str, bytes] = {}
    for path, content in before.items():
        put(state, path, content)
    history, events = [dict(state)], []
    for seq, (path, content, looks) in enumerate(steps, start=1):
        old = state.get(path)
        if looks:
            touch = read(path, old)
        else:
            put(state, path, content)
            touch = changed(path, old, state.get(path))
        events.append(touched(seq, touch))
        history.append(dict(state))
    cut = data.draw(st.integers(0, len(steps)))
    shutil.rmtree(work)
    work.mkdir()
    fill(work, **state)
    made = fork(bench, files_at(events, cut))
    try:
        assert contents(made.target) == history[cut]
        assert made.drifted == ()
    finally:
        shutil.rmtree(made.target)


def put(state: dict[str, bytes], path: str, content: bytes | None) -> None:
    """Change a file where that can be: not below a file, not in the place of a folder with files."""
    parents = {str(parent) for parent in Path(path).parents}
    if parents & state.keys() or any(other.startswith(f"{path}/") for other in state):
        return
    if content is None:
        state.pop(path, None)
    else:
        state[path] = content
