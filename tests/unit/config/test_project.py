"""Finding the project and its workspace, and trusting it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentcli.config.places import Places, user_places
from agentcli.config.project import Project, find_project, workspace_of
from agentcli.config.trust import is_trusted, trust, trusted_projects, untrust
from agentcli.errors import DefinitionError, StorageError, UsageError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "agentcli.yml").write_text("version: 1\n")
    return root


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return user_places({"AGENTCLI_HOME": str(tmp_path / "user")})


def test_the_nearest_project_upwards_is_found(project: Path) -> None:
    found = find_project(project / "deep" / "er")
    assert found == Project(project, project / "agentcli.yml")
    assert (found.name, found.state) == ("project", project / ".agentcli")
    (project / "deep" / "agentcli.yaml").write_text("")
    nearer = find_project(project / "deep" / "er")
    assert nearer is not None
    assert nearer.root == project / "deep"
    assert find_project(Path("/")) is None


def test_a_project_may_be_named_by_its_folder_or_its_file(project: Path) -> None:
    assert find_project(Path("/"), project) == find_project(Path("/"), project / "agentcli.yml")
    for wrong in (project / "deep", project / "nowhere"):
        with pytest.raises(UsageError) as caught:
            find_project(project, wrong)
        assert caught.value.code == "E-PROJECT-UNKNOWN"


def test_two_files_in_one_folder_are_an_error(project: Path) -> None:
    (project / "agentcli.yaml").write_text("")
    with pytest.raises(DefinitionError) as caught:
        find_project(project)
    assert caught.value.code == "E-CONFIG-DUPLICATE-NAME"


def test_the_workspace_is_the_one_named_else_the_projects_else_the_current(project: Path) -> None:
    found = find_project(project)
    environ = {"HOME": "/somewhere"}
    assert workspace_of(project / "deep", found, project, environ) == project / "deep"
    assert workspace_of(Path("deep"), found, project, environ) == project / "deep"
    assert workspace_of(None, found, project / "deep", environ) == project
    assert workspace_of(None, None, project / "deep", environ) == project / "deep"
    with pytest.raises(UsageError) as caught:
        workspace_of(project / "nowhere", found, project, environ)
    assert caught.value.code == "E-WORKSPACE-UNKNOWN"


def test_home_and_root_are_a_workspace_only_when_named(project: Path) -> None:
    environ = {"HOME": str(project)}
    for folder in (project, Path("/")):
        with pytest.raises(UsageError) as caught:
            workspace_of(None, None, folder, environ)
        assert caught.value.code == "E-WORKSPACE-TOO-WIDE"
        assert workspace_of(folder, None, folder, environ) == folder
    with pytest.raises(UsageError):
        workspace_of(None, find_project(project), project / "deep", environ)


def test_trust_is_given_and_taken(project: Path, places: Places) -> None:
    assert not is_trusted(places, project)
    trust(places, project)
    trust(places, project)
    assert is_trusted(places, project)
    assert not is_trusted(places, project / "deep")
    assert trusted_projects(places) == [project]
    untrust(places, project)
    untrust(places, project)
    assert not is_trusted(places, project)


def test_trust_is_of_the_real_folder(tmp_path: Path, project: Path, places: Places) -> None:
    (tmp_path / "link").symlink_to(project)
    trust(places, tmp_path / "link")
    assert is_trusted(places, project)


def test_the_list_is_readable_by_its_user_alone(project: Path, places: Places) -> None:
    trust(places, project)
    assert stat.S_IMODE(places.trusted.stat().st_mode) == 0o600
    assert {path.name for path in places.data.iterdir()} == {"trusted.json", "trusted.lock"}


def test_trusts_given_at_the_same_time_all_count(tmp_path: Path, places: Places) -> None:
    folders = [tmp_path / str(number) for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda folder: trust(places, folder), folders))
    assert trusted_projects(places) == sorted(folders)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2, "projects": []}', '{"version": 1, "projects": [3]}'])
def test_a_damaged_list_trusts_nothing_and_is_not_overwritten(project: Path, places: Places, text: str) -> None:
    places.data.mkdir(parents=True)
    places.trusted.write_text(text)
    assert not is_trusted(places, project)
    with pytest.raises(StorageError) as caught:
        trust(places, project)
    assert caught.value.code == "E-TRUST-STORAGE"
    assert places.trusted.read_text() == text


def test_a_data_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path, project: Path) -> None:
    (tmp_path / "file").write_text("")
    places = Places(tmp_path / "c", tmp_path / "file" / "data", tmp_path / "k")
    with pytest.raises(StorageError):
        trust(places, project)
    assert not is_trusted(places, project)


def test_a_write_that_fails_leaves_the_list_as_it_was(project: Path, places: Places) -> None:
    trust(places, project)
    before = places.trusted.read_text()
    places.trusted.unlink()
    places.trusted.mkdir()
    with pytest.raises(StorageError):
        trust(places, project / "deep")
    places.trusted.rmdir()
    places.trusted.write_text(before)
    assert is_trusted(places, project)


def test_the_users_folders_move_together(tmp_path: Path) -> None:
    places = user_places({"AGENTCLI_HOME": str(tmp_path)})
    assert {places.config.parent, places.data.parent, places.cache.parent} == {tmp_path}
    assert user_places({}).config.name == "agentcli"
