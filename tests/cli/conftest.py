"""The command line in this process, in a world of its own."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentcli.cli.app import main
from agentcli.cli.environment import Environment


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Cli:
    """`asked` puts a person at a terminal, who answers what is in `stdin`."""

    cwd: Path

    def __call__(
        self,
        *words: str,
        stdin: bytes = b"",
        terminal: bool = False,
        asked: bool = False,
        columns: int = 100,
        environ: Mapping[str, str] | None = None,
        platform: str = "linux",
    ) -> Result:
        out, err = io.StringIO(), io.StringIO()
        env = Environment(
            stdin=io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"),
            stdout=out,
            stderr=err,
            environ={**os.environ, "COLUMNS": str(columns), "LINES": "24", **(environ or {})},
            cwd=self.cwd,
            stdin_tty=asked,
            stdout_tty=terminal,
            stderr_tty=terminal or asked,
            platform=platform,
        )
        return Result(main(list(words), env), out.getvalue(), err.getvalue())


@pytest.fixture
def cli(isolated: Path) -> Cli:
    return Cli(isolated)
