"""A run that leaves takes no secret along; a bundle that comes in can do nothing but be read."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from agentcli.core.events import ApprovalResolved, LimitReached, ModelFailed, read_body
from agentcli.core.messages import Message, ToolCall
from agentcli.errors import ErrorInfo, StorageError
from agentcli.journal.bundle import pack
from agentcli.journal.named import contents_of
from agentcli.workbench.export_run import ExportRequest, export_run
from agentcli.workbench.exports.formats import FORMATS, ExportOptions
from tests.cli.conftest import Cli, cli
from tests.fakes.told import Told, two_turns
from tests.unit.workbench.conftest import AGENT, Project, project

__all__ = ["cli", "project"]

KEY = "pk-live-51H8xY2eZvKYlo2C"
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
PASSWORD = "correct-horse-9-battery"
FORMS = (KEY, TOKEN, PASSWORD, PASSWORD.replace("-", "%2D"))


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


async def run_full_of_secrets(made: Project) -> str:
    """Planted in the task, an input, the instructions, arguments, results, URLs, a header, files, and the answer."""
    about = AGENT.replace("Be brief.", "'Sign in with {{ inputs.password }}.'")
    made.agent("inputs: {password: {type: string}}\n", about)
    (made.root / "config.txt").write_text(f"url = https://ada:{PASSWORD}@example.org/\nAuthorization: Bearer {TOKEN}\n")
    made.script(
        call("read_lines", path="config.txt"),
        call("create_file", path="out.env", content=f"SERVICE_API_KEY={KEY}\n"),
        call("create_file", path="plain.txt", content=f"{TOKEN} and {KEY}", token=TOKEN),
        f"The key is {KEY}, the token {TOKEN}.",
    )
    environ = {"SERVICE_API_KEY": KEY}
    return (await made.run(f"Use {KEY} now.", yes=True, environ=environ, inputs={"password": PASSWORD})).run


def exported(made: Project, run: str, to: str, environ: dict[str, str] | None = None) -> bytes:
    """All that leaves, unpacked where it is packed."""
    with made.bench(environ) as bench:
        files = export_run(bench, ExportRequest(run, to, ExportOptions(content=True))).files
    return b"\n".join(file.data for file in files) + b"\n".join(unpacked(file.data) for file in files)


def unpacked(data: bytes) -> bytes:
    if not data.startswith(b"PK"):
        return b""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("to", FORMATS)
async def test_no_planted_secret_is_in_any_format(project: Project, to: str) -> None:
    run = await run_full_of_secrets(project)
    data = exported(project, run, to, {"SERVICE_API_KEY": KEY})
    assert [form for form in FORMS if form.encode() in data] == []
    assert to in ("otel", "atif") or b"config.txt" in data


@pytest.mark.parametrize("to", FORMATS)
async def test_nor_where_the_keys_are_not_known_any_more(project: Project, to: str) -> None:
    run = await run_full_of_secrets(project)
    assert [form for form in FORMS if form.encode() in exported(project, run, to)] == []


@pytest.mark.parametrize("to", FORMATS)
async def test_what_became_a_secret_since_keeps_the_run_here(project: Project, to: str) -> None:
    project.script("The magic word is xyzzy-plugh-42.")
    run = (await project.run()).run
    assert b"xyzzy" in exported(project, run, "jsonl")
    with pytest.raises(StorageError) as caught:
        exported(project, run, to, {"MAGIC_API_KEY": "xyzzy-plugh-42"})
    assert caught.value.code == "E-EXPORT-SECRET"
    assert "xyzzy" not in str(caught.value.info)


# -- what comes in ---------------------------------------------------------------------------------------------------


def bundle_of(told: Told) -> bytes:
    start = told.start()
    named = contents_of(start, told.events, lambda digest: json.loads(told.read(digest)))
    contents = sorted({digest: told.read(digest) for digest, _ in named}.items())
    return pack(start, told.events, told.end(), contents, told.tags)


def everything_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ["../../evil.txt", "/tmp/evil.txt", "contents/../../evil.txt", "evil\x1b[2J.txt"])
@pytest.mark.parametrize(
    ("option", "code"), [([], "E-BUNDLE-DAMAGED"), (["--salvage"], "E-BUNDLE-LOST")], ids=["plain", "salvage"]
)
def test_a_path_that_escapes_writes_nothing(cli: Cli, tmp_path: Path, name: str, option: list[str], code: str) -> None:
    (cli.cwd / "agentcli.yaml").write_text("version: 1\n")
    file = cli.cwd / "evil.agentcli"
    file.write_bytes(bundle_of(two_turns()))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, b"evil")
    before = everything_below(tmp_path)
    result = cli("runs", "import", str(file), *option, terminal=True)
    assert (result.code, result.out) == (1, "")
    assert code in result.err
    assert "\x1b[2J" not in result.err
    made = {path for path in everything_below(tmp_path) - before if ".agentcli/" not in path + "/"}
    assert {path for path in made if not path.startswith("agentcli-home")} == set()
    assert cli("runs", "list", "--json").out == ""


EVIL = "\x1b]0;owned\x07\x1b[2J\u202egpj.exe\x9b31m"


@pytest.mark.parametrize("failed", [False, True])
def test_what_a_bundle_says_does_nothing_to_a_terminal(cli: Cli, failed: bool) -> None:
    (cli.cwd / "agentcli.yaml").write_text("version: 1\n")
    told = Told(row={"name": EVIL, "task": EVIL, "model": EVIL})
    told.begin(instructions=EVIL, source=EVIL)
    told.ask(1, Message("user", EVIL))
    evil = ToolCall("c1", "look", {EVIL: EVIL})
    told.answer(1, Message("assistant", EVIL, (evil,)), finish_reason=EVIL)
    told.call(1, 1, evil, status="error", result=EVIL, data={EVIL: EVIL})
    told.say(read_body("warning", {"code": EVIL, "what": EVIL, "fix": EVIL}), "turn.1", 1)
    told.say(ApprovalResolved(EVIL, "c9", "no", "user", EVIL), "turn.1", 1)
    told.say(LimitReached(EVIL, 1, 1), "turn.1", 1)
    told.say(ModelFailed(ErrorInfo(EVIL, EVIL, EVIL, EVIL), 7), "turn.1", 1)
    told.say(read_body("moon.risen", {EVIL: EVIL}))
    told.finish(EVIL, ErrorInfo(EVIL, EVIL, EVIL, EVIL) if failed else None)
    file = cli.cwd / "evil.agentcli"
    file.write_bytes(bundle_of(told))
    for words in (
        ["runs", "import", str(file)],
        ["runs", "list"],
        ["runs", "show", "--full"],
        ["runs", "show", "--event", "3"],
        ["runs", "export", "--to", "html", "-o", "-"],
        ["runs", "export", "--to", "jsonl", "-o", "-"],
    ):
        result = cli(*words, terminal=True)
        assert result.code == 0, result.err
        shown = result.out + result.err
        assert [sign for sign in ("\x1b]", "\x1b[2J", "\x9b", "\u202e", "\x07") if sign in shown] == [], words


def test_an_imported_run_is_of_this_machine_in_nothing_but_its_record(cli: Cli, tmp_path: Path) -> None:
    """Its manifest names a workspace, permissions and flags: taking it in or showing it looks at none of them."""
    (cli.cwd / "agentcli.yaml").write_text("version: 1\n")
    told = two_turns()
    told.events.clear()
    told.begin(workspace=str(tmp_path / "elsewhere"), policy={"yes": True, "allow": ["*"], "layers": []})
    told.finish()
    file = cli.cwd / "x.agentcli"
    file.write_bytes(bundle_of(told))
    assert cli("runs", "import", str(file)).code == 0
    assert cli("runs", "show").code == 0
    assert not (tmp_path / "elsewhere").exists()


def test_two_bundles_cannot_share_a_name(cli: Cli) -> None:
    """Whoever knows an id cannot put another run in the place of the one that has it."""
    (cli.cwd / "agentcli.yaml").write_text("version: 1\n")
    first, second = cli.cwd / "a.agentcli", cli.cwd / "b.agentcli"
    first.write_bytes(bundle_of(two_turns()))
    other = two_turns()
    other.events.pop()
    other.finish("Port 31337.")
    second.write_bytes(bundle_of(other))
    assert cli("runs", "import", str(first)).code == 0
    result = cli("runs", "import", str(second))
    assert result.code == 1
    assert "E-RUN-EXISTS" in result.err
    assert "31337" not in cli("runs", "show").out


def test_a_hash_that_fits_is_no_signature(cli: Cli) -> None:
    """A bundle says that it is whole, not who made it: the tag tells that it came from elsewhere."""
    (cli.cwd / "agentcli.yaml").write_text("version: 1\n")
    told = two_turns()
    told.tags = ("trusted", "mine")
    file = cli.cwd / "x.agentcli"
    file.write_bytes(bundle_of(told))
    cli("runs", "import", str(file))
    assert "imported" in cli("runs", "show").out
