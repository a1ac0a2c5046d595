"""Which backend is in force: the best that is there and proven."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agentcli.core.processes import Job
from agentcli.errors import DeniedError
from agentcli.sandbox.processes.choosing import AUTOMATIC, BACKENDS, ConfinedPrograms
from agentcli.sandbox.processes.identity import Identity, Machine
from agentcli.sandbox.processes.launching import Backend, Handles, Launch
from agentcli.sandbox.processes.reports import StartError
from agentcli.sandbox.processes.selftest import Proofs, flaws

MACHINE = Machine("6.18", 7, b"", Identity(1000, 1000))
ECHO = Job(("/bin/echo", "hi"))


@dataclass
class Scripted:
    """A backend that runs a line of shell instead of the program."""

    name: str = "builtin"
    line: str = "echo hi"
    lacks: tuple[str, str] | None = None
    fingerprint: str = "1"
    other: Scripted | None = None
    started: list[Job] = field(default_factory=list)

    def staying(self) -> Scripted | None:
        return self.other

    def missing(self) -> tuple[str, str] | None:
        return self.lacks

    def launch(self, job: Job, handles: Handles) -> Launch:
        self.started.append(job)
        if self.line in ("status", "other"):
            status, theirs = handles.from_program()
            os.write(theirs, b"failed tree: no such owners\n" if self.line == "status" else b"failed init: odd\n")
            return Launch(("/bin/true",), status=status)
        return Launch(("/bin/sh", "-c", self.line, *job.argv), ending="group", exits="command", folder="/")


class Proven(Proofs):
    """As if all had been proven before."""

    def has(self, backend: Backend, machine: Machine) -> bool:
        return True


def choice(*backends: Scripted, wanted: str = "auto", proofs: Proofs | None = None) -> ConfinedPrograms:
    known: Mapping[str, Callable[[], Backend]] = {
        name: (lambda name=name: next((one for one in backends if one.name == name), Scripted(name, lacks=("No.", ""))))  # type: ignore[misc]
        for name in BACKENDS
    }
    return ConfinedPrograms(wanted, proofs or Proven(None), known, lambda: MACHINE)


async def test_the_best_that_is_there_is_used() -> None:
    sandbox = choice(Scripted("bubblewrap", lacks=("It is not installed.", "Install it.")), Scripted("builtin"))
    assert sandbox.name == "none"
    assert (await sandbox.run(ECHO)).stdout == b"hi\n"
    assert sandbox.name == "builtin"
    assert [(one.name, one.state) for one in await sandbox.examine()] == [
        ("bubblewrap", "missing"),
        ("builtin", "proven"),
    ]


async def test_what_is_weaker_is_used_only_if_it_is_named() -> None:
    assert "landlock" not in AUTOMATIC
    assert "landlock" in BACKENDS
    with pytest.raises(DeniedError):
        await choice(Scripted("landlock")).run(ECHO)
    sandbox = choice(Scripted("landlock"), Scripted("builtin"), wanted="landlock")
    await sandbox.run(ECHO)
    assert sandbox.name == "landlock"


async def test_where_none_works_nothing_runs_and_each_says_why() -> None:
    backend = Scripted("builtin", line="echo it does not work >&2; exit 1")
    with pytest.raises(DeniedError) as caught:
        await choice(backend, proofs=Proofs(None)).run(ECHO)
    error = caught.value
    assert (error.code, error.exit_code) == ("E-SANDBOX-NONE", 5)
    assert "bubblewrap: No;" in error.info.why
    assert "it does not work" in error.info.why
    assert [job.argv != ECHO.argv for job in backend.started] == [True]


async def test_a_proof_is_kept_for_this_backend_and_kernel_alone(tmp_path: Path) -> None:
    proofs = Proofs(tmp_path / "cache")
    assert not proofs.has(Scripted(), MACHINE)
    proofs.keep(Scripted(), MACHINE)
    assert proofs.has(Scripted(), MACHINE)
    assert not proofs.has(Scripted("bubblewrap"), MACHINE)
    assert not proofs.has(Scripted(fingerprint="2"), MACHINE)
    assert not proofs.has(Scripted(), Machine("6.19", 7, b"", Identity(1000, 1000)))


async def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    Proofs(tmp_path / "file").keep(Scripted(), MACHINE)
    Proofs(None).keep(Scripted(), MACHINE)
    assert not Proofs(None).has(Scripted(), MACHINE)


GOOD = '{"write": false, "connect": false, "core_pattern": false, "hidden": false, "environ": ["PATH"], "work": true}'


async def test_a_backend_that_holds_is_proven_once(tmp_path: Path) -> None:
    backend = Scripted(line=f"echo '{GOOD}'")
    for _ in range(2):
        sandbox = choice(backend, proofs=Proofs(tmp_path))
        assert [one.state for one in await sandbox.examine()] == ["missing", "proven"]
    assert len(backend.started) == 1


@pytest.mark.parametrize(
    ("good", "flawed", "said"),
    [
        ('"write": false', '"write": true', "write outside"),
        ('"connect": false', '"connect": true', "connect"),
        ('"core_pattern": false', '"core_pattern": true', "core_pattern"),
        ('"hidden": false', '"hidden": true', "hidden"),
        ('["PATH"]', '["PATH", "AWS_KEY"]', "environment of others: AWS_KEY"),
        ('"work": true', '"work": false', "cannot write in its workspace"),
        (GOOD, "no JSON", "It said nothing."),
    ],
)
async def test_each_flaw_is_told(good: str, flawed: str, said: str) -> None:
    (found,) = await flaws(Scripted(line=f"echo '{GOOD.replace(good, flawed)}'"))
    assert said in found


async def test_a_sandbox_that_cannot_be_set_up_is_flawed() -> None:
    assert "no such owners" in (await flaws(Scripted(line="status")))[0]


async def test_files_that_cannot_be_shown_to_another_user_are_shown_to_root_if_that_is_proven() -> None:
    second = Scripted("builtin", line=f"echo '{GOOD}'")
    sandbox = choice(Scripted("builtin", line="status", other=second))
    for _ in range(2):
        assert (await sandbox.run(ECHO)).stdout.decode() == f"{GOOD}\n"
    assert len(second.started) == 3  # the proof, and two programs
    for other in (None, Scripted("builtin", line="echo no")):
        with pytest.raises(StartError):
            await choice(Scripted("builtin", line="status", other=other)).run(ECHO)


async def test_another_failure_of_the_start_is_told() -> None:
    with pytest.raises(StartError):
        await choice(Scripted("builtin", line="other", other=Scripted())).run(ECHO)


def test_nothing_is_world_writable_in_the_cache(tmp_path: Path) -> None:
    Proofs(tmp_path / "cache").keep(Scripted(), MACHINE)
    (proof,) = (tmp_path / "cache").iterdir()
    assert not proof.stat().st_mode & stat.S_IWOTH
