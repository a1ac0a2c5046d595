"""Secrets in every place from which one could get onto the disk, and the commands that meet them there."""

from __future__ import annotations

import json
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

from agentcli.core.runs import RunQuery
from agentcli.journal.store import SqliteJournal
from agentcli.workbench.exports.formats import FORMATS
from tests.fakes.scanned import Found, secrets_below
from tests.fakes.scripted_project import CLI, called, environment

SECRETS = {
    "key in the environment": "pk-live-51H8xY2eZvKYlo2C/+8w==",
    "key of a provider": "sk-proj-Zr8Qm2Lk9Vt4Xw7Yp3Bn6",
    "password in .env": "s3a horse, battery & staple-9",
    "header of a provider": "thing-v4lue-112233-zz",
    "token in a text": "ghp_" + "a1B2c3D4e5F6" * 3,
    "password in a URL": "uRl-pa55-w0rd-77q",
    "password in an Authorization header": "YWxhZGRpbjpvcGVuc2VzYW1lMTIz",
    "bearer token": "b3ar3r.t0k3n.a1b2c3d4e5f6",
    "password of an input": "correct-horse-9-battery",
    "password of an argument": "arg-Pa55phrase-4711x",
    "password that is assigned": "hunter2-hunter2-hunter2",
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "key of a cloud": "AKIA2E0A8F3B244C9986",
    "line of a private key": "MIIEowIBAAKCAQEA04up8hoqzS1x",
}
"""By the place that each has first; most of them stand in others too."""

PEM = f"-----BEGIN PRIVATE KEY-----\n{SECRETS['line of a private key']}\n-----END PRIVATE KEY-----\n"

NO_SECRET = "words that nobody hides"
"""Stands beside the secrets wherever they do: where this is not found either, nobody has looked."""

TEXT = f"""POST https://ada:{SECRETS["password in a URL"]}@example.org/login?x=1
Authorization: Basic {SECRETS["password in an Authorization header"]}
X-Forwarded: Bearer {SECRETS["bearer token"]}
db_password = "{SECRETS["password that is assigned"]}"
{SECRETS["token in a text"]} {SECRETS["JSON web token"]} {SECRETS["key of a cloud"]}
{SECRETS["key in the environment"]} {SECRETS["key of a provider"]} {SECRETS["header of a provider"]}
as a query: {quote(SECRETS["key in the environment"], safe="")}&{quote(SECRETS["password in .env"])}
in base64: {b64encode(SECRETS["key in the environment"].encode()).decode()}
of a pair: {b64encode(("ada:" + SECRETS["password in .env"]).encode()).decode()}
{SECRETS["password in .env"]}
{NO_SECRET}
{PEM}
"""
"""Most of the secrets, each as it is met with; where one is known, also as it is encoded."""

AGENT = """version: 1
kind: agent
name: tester
instructions: Sign in with {{ inputs.password }}.
inputs: {password: {type: string, default: none}}
tools: [read_lines, grep_file, list_files, create_file, delete_file]
"""

STRICT = """version: 1
kind: agent
name: strict
instructions: Answer.
output: {schema: {type: object, required: [n]}}
"""

CONFIG = f"""version: 1
name: planted
providers: {{mine: {{base_url: 'http://127.0.0.1:9/v1', headers: {{X-Thing: {SECRETS["header of a provider"]}}}}}}}
"""


@dataclass
class Planted:
    """A project full of secrets. `run` carries out a command; `codes` are the exit codes that there were."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    codes: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "agents").mkdir(parents=True)
        (self.root / "agentcli.yaml").write_text(CONFIG)
        (self.root / "agents" / "tester.yaml").write_text(AGENT)
        (self.root / "agents" / "strict.yaml").write_text(STRICT)
        (self.root / ".env").write_text(f'DATABASE_PASSWORD="{SECRETS["password in .env"]}"\n')
        (self.root / "config.txt").write_text(TEXT)
        (self.root / "key.pem").write_text(PEM)
        (self.root / "large.txt").write_text("words and more words\n" * 9000 + TEXT)
        keys = {
            "SERVICE_API_KEY": SECRETS["key in the environment"],
            "OPENAI_API_KEY": SECRETS["key of a provider"],
        }
        self.env = environment(self.root.parent, **keys)

    def run(self, *words: str, stdin: str = "", replies: Sequence[Any] = ()) -> int:
        """One command, with a script of its own where there are replies."""
        if replies:
            script = self.root / f"s{len(self.codes)}.json"
            script.write_text(json.dumps({"replies": list(replies)}))
            words = (*words, "-m", f"scripted:{script.name}")
        done = subprocess.run([*CLI, *words], cwd=self.root, env=self.env, input=stdin.encode(), capture_output=True)
        self.codes.append((" ".join(words)[:60], done.returncode))
        return done.returncode

    def kill(self, *replies: Any) -> None:
        """A run that is killed in its first call: what is on disk is as it was left."""
        script = self.root / "killed.json"
        script.write_text(json.dumps({"replies": list(replies)}))
        words = [*CLI, "run", "tester", TEXT, "-m", f"scripted:{script.name}", "--yes", "--json"]
        with subprocess.Popen(words, cwd=self.root, env=self.env, stdout=subprocess.PIPE) as one:
            assert one.stdout is not None
            for line in one.stdout:
                if json.loads(line)["type"] == "tool.started":
                    one.send_signal(signal.SIGKILL)
                    break

    def runs(self) -> list[str]:
        """The ids of all runs, oldest first."""
        with closing(SqliteJournal(self.root / ".agentcli")) as journal:
            return [row.start.id for row in reversed(journal.runs(RunQuery(limit=None, children=True)))]

    def found(self, secrets: Mapping[str, str] = SECRETS) -> tuple[list[Found], int]:
        """The secrets in what the program wrote, and how many bytes were looked at."""
        written = self.root / ".agentcli", self.root / "exports", self.root.parent / "home"
        mine = [path for path in self.root.rglob("*") if not any(path.is_relative_to(folder) for folder in written)]
        own = frozenset(path.read_bytes() for path in mine if path.is_file() and path.stat().st_size)
        return secrets_below([folder for folder in written if folder.exists()], secrets, own)


def letters(text: str) -> dict[str, Any]:
    """The text as a stream that is split everywhere."""
    return {"chunks": list(text)}


def use_everything(planted: Planted) -> None:
    """Every way that a secret can take into the journal."""
    _runs(planted)
    _failures(planted)
    _forks(planted)
    planted.kill(called("create_file", path="killed.txt", content=TEXT), "Done.")


def export(planted: Planted, runs: Sequence[str]) -> None:
    """Each of these runs in every form that there is."""
    for run in runs:
        for to in FORMATS:
            folder = planted.root / "exports" / f"{run}-{to}"
            folder.mkdir(parents=True)
            options = ["--content"] if to == "otel" else []
            planted.run("runs", "export", run, "--to", to, "-o", str(folder), *options)


def _runs(planted: Planted) -> None:
    """In the task, an input, instructions, arguments, results, files, their names, and what the model says."""
    argument = SECRETS["password of an argument"]
    replies = [
        called("read_lines", path="config.txt"),
        called("grep_file", path="large.txt", pattern="ghp_|MII|Bearer"),
        called("read_lines", path="key.pem", start=2, end=2),
        called("create_file", path="out.env", content=f"SERVICE_API_KEY={SECRETS['key in the environment']}\n"),
        called("create_file", path="config.txt", content=f"{TEXT}# more\n", overwrite=True),
        called("create_file", path="large.txt", content=f"{TEXT}\n" * 60, overwrite=True),
        called("create_file", path="x.txt", content="x", password=argument),
        called("create_file", path="y.txt", content=f"It was {argument}."),
        called("delete_file", path="key.pem"),
        {**letters(TEXT), "reasoning": TEXT, **called("list_files", pattern=f"{SECRETS['token in a text']}*")},
        {"text": TEXT, "usage": {"input": 5, "output": 7}},
    ]
    password = f"password={SECRETS['password of an input']}"
    planted.run("run", "tester", f"Use this:\n{TEXT}", "-i", password, "--yes", replies=replies)
    planted.run("run", "tester", "-", "-f", "config.txt", "--yes", stdin=TEXT, replies=[letters(TEXT)])
    planted.run("run", "strict", TEXT, replies=[f"No JSON: {TEXT}", f"Nor this: {TEXT}"])
    planted.run("run", "tester", "Go", replies=[called("create_file", path="asked.txt", content=TEXT)])


def _failures(planted: Planted) -> None:
    """In names of files and tools that are not there, in arguments that are none, and in what a provider says."""
    token, key = SECRETS["token in a text"], SECRETS["key in the environment"]
    replies = [
        called("read_lines", path=f"missing/{token}.txt"),
        called("read_lines", path=f"https://ada:{SECRETS['password in a URL']}@example.org/"),
        called(f"use_{token}", api_key=key),
        {"tool_calls": [{"name": "read_lines", "malformed": f'{{"path": "{TEXT}'}]},
        called("grep_file", path="config.txt", pattern=f"({key}"),
        called("create_file", path=f"{key}/z.txt", content="z"),
        {**letters(TEXT), "error": "server"},
    ]
    planted.run("run", "tester", "Go", "--yes", replies=replies)
    planted.run("resume", "--yes", replies=[*replies[:-1], letters(f"At last: {TEXT}")])
    with _server(TEXT) as address:
        planted.env["OPENAI_BASE_URL"] = f"{address}/v1"
        planted.run("run", "tester", TEXT, "-m", "openai:gpt-5-mini")
        del planted.env["OPENAI_BASE_URL"]


def _forks(planted: Planted) -> None:
    """In what replaces something that was on record."""
    replies = [called("read_lines", path="x.txt"), letters(TEXT)]
    planted.run("run", "tester", "Go", "--yes", replies=replies)
    shown = subprocess.run([*CLI, "runs", "show", "--json"], cwd=planted.root, env=planted.env, capture_output=True)
    seqs = {event["type"]: event["seq"] for event in reversed([json.loads(line) for line in shown.stdout.splitlines()])}
    last = ["last", "--files", "current", "--yes"]
    done, said = seqs["tool.completed"], seqs["model.completed"]
    planted.run("fork", *last, "--at", str(done), "--tool-result", f"{done}=@config.txt", replies=replies)
    planted.run("fork", "last~1", *last[1:], "--at", str(said), "--response", f"{said}=@config.txt", replies=replies)
    planted.run("fork", "last~2", *last[1:], "--at", "1", "--prompt", "@config.txt", replies=replies)
    planted.run("fork", "last~3", *last[1:], "--at", "1", "--instructions", "@config.txt", replies=replies)


@contextmanager
def _server(text: str) -> Iterator[str]:
    """A provider that refuses, and says what it was sent. Gives its address."""

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            message = f"Incorrect API key provided: {self.headers.get('authorization')}. {text}"
            body = json.dumps({"error": {"message": message, "code": "invalid_api_key"}}).encode()
            self.send_response(401)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
