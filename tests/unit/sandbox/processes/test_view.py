"""What a program sees, as a list."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcli.core.processes import Job
from agentcli.errors import DeniedError
from agentcli.sandbox.processes.view import Bind, environment, view_of

PROGRAM = ("/bin/true",)


def machine(place: Path) -> Path:
    """A machine with merged /usr and not much in /etc."""
    for name in ("usr/bin", "lib64", "etc/alternatives", "home/alice"):
        (place / name).mkdir(parents=True)
    for name in ("etc/shadow", "etc/ld.so.cache"):
        (place / name).touch()
    (place / "bin").symlink_to("usr/bin")
    (place / "etc/localtime").symlink_to("/usr/share/zoneinfo/UTC")
    return place


def test_of_the_system_programs_are_seen_and_of_etc_what_they_need(tmp_path: Path) -> None:
    view = view_of(Job(PROGRAM), machine(tmp_path))
    assert [bind.target for bind in view.binds] == ["/usr", "/lib64", "/etc/alternatives", "/etc/ld.so.cache"]
    assert {(bind.writable, bind.system) for bind in view.binds} == {(False, True)}
    assert view.links == (("/bin", "usr/bin"), ("/etc/localtime", "/usr/share/zoneinfo/UTC"))
    assert (view.workspace, view.folder) == (None, "/tmp")


def test_what_lies_deeper_is_bound_later(tmp_path: Path) -> None:
    for name in ("a/b/c", "a/work"):
        (tmp_path / name).mkdir(parents=True)
    view = view_of(Job(PROGRAM, workspace=tmp_path / "a/work", readable=(tmp_path / "a/b/c", tmp_path / "a")))
    own = [bind.target for bind in view.binds if not bind.system]
    assert own == [str(tmp_path / name) for name in ("a", "a/work", "a/b/c")]


def test_a_link_that_may_be_read_shows_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    binds = view_of(Job(PROGRAM, readable=(tmp_path / "link",))).binds
    assert Bind(str(tmp_path / "real"), str(tmp_path / "link")) in binds


def test_what_is_seen_anyway_and_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    inside = tmp_path / "venv"
    inside.mkdir()
    view = view_of(Job(PROGRAM, workspace=tmp_path, readable=(inside, Path("/usr/lib"), Path("/not-there"))))
    assert [bind.target for bind in view.binds if not bind.system] == [str(tmp_path)]


@pytest.mark.parametrize("place", ["/", "/proc", "/tmp/.."])
def test_what_the_sandbox_makes_itself_cannot_be_readable(place: str) -> None:
    with pytest.raises(ValueError, match="cannot be shown"):
        view_of(Job(PROGRAM, readable=(Path(place),)))


def test_names_are_relative_and_of_links_both_ends_count(tmp_path: Path) -> None:
    for name in ("sub/real", "kept"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("sub/real")
    (tmp_path / "out").symlink_to("/etc/passwd")
    hidden = (tmp_path / "link", tmp_path / "out", tmp_path / "gone", Path("/etc/passwd"), tmp_path)
    view = view_of(Job(PROGRAM, workspace=tmp_path, hidden=hidden, protected=(tmp_path / "kept",)))
    assert (view.hidden, view.protected) == ((("sub", "real"),), (("kept",),))
    assert view_of(Job(PROGRAM, hidden=hidden)).hidden == ()


@pytest.mark.parametrize("place", ["/", "/tmp", "/usr", "/usr/lib", "/etc", "/proc/self", "/dev"])
def test_a_folder_of_the_system_is_no_workspace(place: str) -> None:
    with pytest.raises(DeniedError) as caught:
        view_of(Job(PROGRAM, workspace=Path(place)))
    assert caught.value.code == "E-SANDBOX-WORKSPACE"


def test_the_environment_can_be_said_otherwise() -> None:
    assert environment(Job(PROGRAM, environ={"LANG": "C", "A": "1"}), "/t") == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/t",
        "TMPDIR": "/t",
        "LANG": "C",
        "A": "1",
    }
