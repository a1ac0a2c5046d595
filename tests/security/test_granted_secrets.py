"""A secret that the user grants to a host goes there in a header, and nowhere else: not elsewhere on the web, not to
the model, not on record, whatever a model, a project or a server does.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from agentcli.core.events import ToolCompleted
from agentcli.sandbox.network.fetching import Network
from agentcli.workbench.replay_run import replay_run
from tests.fakes.web import PUBLIC, answer, canned, dialled_by, redirect
from tests.fakes.web_server import WebServer, serving
from tests.security.test_secrets import call, on_record
from tests.unit.workbench.conftest import AGENT, Project, project
from tests.unit.workbench.test_web_runs import run

__all__ = ["project"]

TOKEN = "ghx-Zk3v9QpL2mWn8RtY5"
OTHER = "oth-Bq7c4HsD1xGj6KfV0"
ENVIRON = {"GITHUB_TOKEN": TOKEN, "OTHER_TOKEN": OTHER, "BUILD_NUMBER": "number-77-of-many", "PIN_TOKEN": "1234567"}
BEARER = {"authorization": "Bearer $GITHUB_TOKEN"}
TOOLS = "tools: [read_lines, create_file]"


@pytest.fixture
def granting(project: Project) -> Project:
    project.agent(text=AGENT.replace(TOOLS, "tools: [http_request, read_lines]"))
    return project


def grant(project: Project, *grants: str, private: str = "127.0.0.1") -> None:
    folder = project.root.parent / "agentcli-home" / "config"
    folder.mkdir(parents=True, exist_ok=True)
    network = {"grants": list(grants), "private": [private]}
    (folder / "config.yaml").write_text(json.dumps({"version": 1, "network": network}))


async def sent(project: Project, *calls: dict[str, Any], **environ: str) -> list[ToolCompleted]:
    """The results of these calls."""
    project.script(*(call("http_request", **{"method": "POST", **one}) for one in calls), "done")
    outcome = await project.run(yes=True, environ={**ENVIRON, **environ})
    assert outcome.status == "completed", outcome.error
    return [event.body for event in project.seen.events if isinstance(event.body, ToolCompleted)]


def kept(project: Project) -> str:
    """All that is on disk of the project, beside what is on record."""
    files = [path for path in (project.root / ".agentcli").rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode("latin-1") for path in files)


def told(project: Project) -> str:
    return on_record(project) + kept(project)


async def with_server(project: Project, answers: dict[str, Any], *calls: dict[str, Any]) -> tuple[WebServer, list[Any]]:
    async with serving(answers) as server:
        grant(project, f"GITHUB_TOKEN@127.0.0.1:{server.port}", private=f"127.0.0.1:{server.port}")
        return server, await sent(project, *({"url": server.url(one.pop("at", "/")), **one} for one in calls))


async def test_it_is_filled_in_when_it_is_sent_and_not_before(granting: Project) -> None:
    calls = [
        {"headers": BEARER},
        {"headers": {"X-Api-Key": "${GITHUB_TOKEN}", "x-note": "costs $5, $BUILD_NUMBER <see:below>"}},
    ]
    server, results = await with_server(granting, {"/": answer(b"fine")}, *calls)
    assert [result.status for result in results] == ["ok", "ok"]
    assert f"authorization: Bearer {TOKEN}\r\n" in server.heads[0]
    assert f"x-api-key: {TOKEN}\r\n" in server.heads[1]
    assert "x-note: costs $5, $BUILD_NUMBER <see:below>\r\n" in server.heads[1]
    assert TOKEN not in told(granting)
    assert "Bearer $GITHUB_TOKEN" in on_record(granting)


async def test_a_placeholder_that_the_model_was_shown_works_as_the_name_does(granting: Project) -> None:
    (granting.root / "a.txt").write_text(f"the key is {TOKEN}, the other one {OTHER}")
    async with serving({"/": answer(b"fine")}) as server:
        grant(granting, f"GITHUB_TOKEN@127.0.0.1:{server.port}", private=f"127.0.0.1:{server.port}")
        granting.script(call("read_lines", path="a.txt"), "done")
        await granting.run(environ=ENVIRON)
        (read,) = [event.body for event in granting.seen.events if isinstance(event.body, ToolCompleted)]
        mine, others = (word.strip(",") for word in read.result.split() if word.startswith("<secret:"))
        granting.seen.events.clear()
        results = await sent(
            granting,
            {"url": server.url(), "headers": {"authorization": f"Bearer {mine}"}},
            {"url": server.url(), "headers": {"authorization": f"Bearer {others}"}},
            {"url": server.url(), "headers": {"x": "<secret:github_token:0123456789ab>"}},
            {"url": server.url(), "body": mine},
        )
    assert [result.status for result in results] == ["ok", "denied", "denied", "denied"]
    assert [result.result.split(":")[0] for result in results[1:]] == ["E-TOOL-SECRET"] * 3
    assert (len(server.heads), f"authorization: Bearer {TOKEN}\r\n" in server.heads[0]) == (1, True)
    assert not [secret for secret in (TOKEN, OTHER) if secret in told(granting)]


async def test_no_other_host_port_or_open_wire_is_sent_it(granting: Project) -> None:
    async with serving({"/": answer(b"other")}) as server:
        grant(
            granting,
            "GITHUB_TOKEN@api.example.org",
            "GITHUB_TOKEN@127.0.0.1:9",
            "OTHER_TOKEN@127.0.0.1:1",
            private=f"127.0.0.1:{server.port}",
        )
        urls = [server.url(), "http://api.example.org/", "https://api.example.org:8443/", "https://example.org/"]
        results = await sent(granting, *({"url": url, "headers": BEARER} for url in urls))
        (unknown,) = (await sent(granting, {"url": server.url(), "headers": {"x": "$OTHER_TOKEN"}}))[-1:]
    assert [(result.status, result.result.split(":")[0]) for result in [*results, unknown]] == [
        ("denied", "E-NET-SECRET")
    ] * 5
    assert server.connections == 0
    assert TOKEN not in told(granting)


async def test_a_project_cannot_grant_anything(granting: Project) -> None:
    async with serving({"/": answer(b"fine")}) as server:
        grant(granting, private=f"127.0.0.1:{server.port}")
        (granting.root / "agentcli.yaml").write_text(
            f"version: 1\nnetwork: {{grants: ['GITHUB_TOKEN@127.0.0.1:{server.port}']}}\n"
        )
        granting.script(call("http_request", method="POST", url=server.url(), headers=BEARER), "done")
        with granting.bench(ENVIRON, trust=True) as bench:
            assert bench.settings.network.grants == ()
            assert [warning.code for warning in bench.warnings] == ["E-CONFIG-USER-ONLY"]
        await granting.run(yes=True, trust=True, environ=ENVIRON)
    assert "authorization: Bearer $GITHUB_TOKEN\r\n" in server.heads[0]
    assert TOKEN not in server.heads[0]


async def test_a_redirect_takes_it_nowhere(granting: Project) -> None:
    grant(granting, "GITHUB_TOKEN@api.example.org")
    for status in (301, 302, 303, 307, 308):
        granting.script(call("http_request", method="POST", url="https://api.example.org/", headers=BEARER), "done")
        network: Network = canned(
            {"api.example.org": [PUBLIC], "evil.example": [PUBLIC]},
            redirect(f"https://evil.example/?{TOKEN}", status),
            answer(b"gone astray"),
        )
        outcome = await run(granting, network, yes=True, environ=ENVIRON)
        assert (outcome.status, len(dialled_by(network))) == ("completed", 1)
    assert "gone astray" not in told(granting)
    assert TOKEN not in told(granting)


ECHOES = {
    "plain": TOKEN.encode(),
    "in JSON": json.dumps({"authorization": f"Bearer {TOKEN}"}).encode(),
    "base64": b64encode(f"user:{TOKEN}".encode()),
    "cut by the bytes of a result": b"x" * (16_000 - 10) + TOKEN.encode(),
    "cut by its lines": b"\n" * 198 + TOKEN.encode() + b"\n" + TOKEN.encode() + b"\n" + TOKEN.encode(),
    "UTF-16": TOKEN.encode("utf-16"),
}


@pytest.mark.parametrize("name", ECHOES)
@pytest.mark.parametrize("status", [200, 500])
async def test_a_server_that_sends_it_back_teaches_it_to_nobody(granting: Project, name: str, status: int) -> None:
    content_type = "text/plain; charset=utf-16" if name == "UTF-16" else "text/plain"
    echo = answer(ECHOES[name], status, content_type=content_type, location=f"/{TOKEN}", etag="e" * 490 + TOKEN)
    _, (result,) = await with_server(granting, {"/": echo}, {"headers": BEARER})
    assert result.artifacts == ()
    everything = told(granting)
    halves = (TOKEN, TOKEN[:9], TOKEN[-9:], b64encode(TOKEN.encode()).decode()[4:16])
    assert not [half for half in halves if half in everything]


async def test_a_broken_answer_does_not_put_it_into_an_error(granting: Project) -> None:
    for reply in (f"HTTP/1.1 {TOKEN}\r\n\r\n".encode(), b"", answer(b"x" * 10, content_length=TOKEN)):
        _, (result, *_) = await with_server(granting, {"/": reply}, {"headers": BEARER})
        assert result.status in ("error", "ok")
    assert TOKEN not in told(granting)


@pytest.mark.parametrize("value", ["", "tiny-7", f"{TOKEN}\r\nx-more: 1", f"{TOKEN}\n", "schlüssel-aus-übersee"])
async def test_a_value_that_cannot_be_hidden_or_sent_is_not_sent(granting: Project, value: str) -> None:
    async with serving({"/": answer(b"fine")}) as server:
        grant(granting, f"GITHUB_TOKEN@127.0.0.1:{server.port}", private=f"127.0.0.1:{server.port}")
        (result,) = await sent(granting, {"url": server.url(), "headers": BEARER}, GITHUB_TOKEN=value)
    assert (result.status, result.result.split(":")[0]) in [("error", "E-SECRET-GONE"), ("error", "E-TOOL-ARGUMENTS")]
    assert server.connections == 0
    assert not value or value not in told(granting)


async def test_what_is_granted_is_hidden_whatever_it_is_called(granting: Project) -> None:
    (granting.root / "a.txt").write_text("plain-looking-words-42")
    async with serving({"/": answer(b"you sent plain-looking-words-42")}) as server:
        grant(granting, f"BUILD_NUMBER@127.0.0.1:{server.port}", private=f"127.0.0.1:{server.port}")
        headers = {"x-build": "$BUILD_NUMBER"}
        (result,) = await sent(
            granting, {"url": server.url(), "headers": headers}, BUILD_NUMBER="plain-looking-words-42"
        )
    assert "x-build: plain-looking-words-42\r\n" in server.heads[0]
    assert "you sent <secret:build_number:" in result.result
    assert "plain-looking-words-42" not in told(granting)


async def test_a_replay_needs_neither_the_secret_nor_the_grant(granting: Project) -> None:
    await with_server(granting, {"/": answer(b"fine")}, {"headers": BEARER})
    grant(granting)
    with granting.bench() as bench:
        assert (await replay_run(bench, "last")).divergence is None
