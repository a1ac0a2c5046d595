"""A file's commits, read with git in such a way that nothing of the project is executed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from agentcli.core.values import value
from agentcli.errors import UsageError

HARMLESS: Final = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager", "--literal-pathspecs")
"""What keeps git from running programs that a repository's own settings name."""


@value(frozen=True, slots=True)
class Commit:
    """A commit: whole id, the author's date (RFC 3339), the first line of its message."""

    id: str
    date: str
    subject: str

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {"id": self.id, "date": self.date, "subject": self.subject}


@value(frozen=True, slots=True)
class History:
    """One file's history in the repository that it is in."""

    file: Path
    environ: Mapping[str, str]

    async def commits(self, good: str, bad: str) -> tuple[Commit, list[Commit]]:
        """The commit `good`, and those after it up to `bad` that changed the file, oldest first.

        Raises UsageError E-BISECT-COMMITS.
        """
        first, last = await self._commit(good), await self._commit(bad)
        listed = await self._git("rev-list", "--reverse", f"{first}..{last}", "--", self.file.name)
        return await self._described(first), [await self._described(one) for one in listed.split()]

    async def text(self, commit: str) -> str:
        """The file as it was then. Raises UsageError E-BISECT-COMMITS where it was not there."""
        return await self._git("show", "--no-textconv", "--no-ext-diff", f"{commit}:./{self.file.name}")

    async def _commit(self, revision: str) -> str:
        found = await self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return found.strip()

    async def _described(self, commit: str) -> Commit:
        shown = await self._git("show", "--no-patch", "--no-show-signature", "--format=%H%x00%aI%x00%s", commit)
        return Commit(*shown.rstrip("\n").split("\0", 2))

    async def _git(self, *words: str) -> str:
        kept = {name: self.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in self.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *HARMLESS,
                *words,
                cwd=self.file.parent,
                env={**kept, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise _failed(words[0], error.strerror or str(error)) from error
        out, err = await process.communicate()
        if process.returncode:
            raise _failed(words[0], err.decode(errors="replace").strip() or "There is no such commit or file.")
        return out.decode(errors="replace")


def _failed(what: str, why: str) -> UsageError:
    return UsageError(
        "E-BISECT-COMMITS",
        f"The template's history cannot be read: `git {what}` failed.",
        why=why.splitlines()[0],
        fix="Name two commits, such as `--commits v1..HEAD`, and the file with --template where it has moved.",
    )
