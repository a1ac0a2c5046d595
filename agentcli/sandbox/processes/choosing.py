"""Which backend confines programs here: the best that is there and proven."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from agentcli.core.processes import Finished, Job
from agentcli.core.values import value
from agentcli.errors import DeniedError
from agentcli.sandbox.processes.bubblewrap import Bubblewrap
from agentcli.sandbox.processes.builtin import Builtin
from agentcli.sandbox.processes.identity import Machine, this_machine
from agentcli.sandbox.processes.landlock_only import LandlockOnly
from agentcli.sandbox.processes.launching import Backend
from agentcli.sandbox.processes.reports import StartError
from agentcli.sandbox.processes.running import run_confined
from agentcli.sandbox.processes.seatbelt import Seatbelt
from agentcli.sandbox.processes.selftest import Proofs, flaws

BACKENDS: Final[Mapping[str, Callable[[], Backend]]] = MappingProxyType(
    {"bubblewrap": Bubblewrap, "builtin": Builtin, "sandbox-exec": Seatbelt, "landlock": LandlockOnly}
)
"""All of them, the best first."""

AUTOMATIC: Final = ("bubblewrap", "builtin", "sandbox-exec")
"""Those that are used without being asked for; what is weaker is not."""


@value(frozen=True, slots=True)
class Finding:
    """What became of one backend here."""

    name: str
    state: Literal["proven", "missing", "flawed"]
    why: str = ""
    fix: str = ""


class ConfinedPrograms:
    """See `Sandbox`. `wanted` is the setting: auto, or the name of the one backend that may be used."""

    def __init__(
        self,
        wanted: str = "auto",
        proofs: Proofs | None = None,
        backends: Mapping[str, Callable[[], Backend]] = BACKENDS,
        machine: Callable[[], Machine] = this_machine,
    ) -> None:
        self._wanted = wanted
        self._proofs = proofs or Proofs(None)
        self._backends = backends
        self._machine = machine
        self._chosen: Backend | None = None
        self._second: Backend | None = None
        self._findings: list[Finding] = []
        self._choosing = asyncio.Lock()

    @property
    def name(self) -> str:
        """The backend in force; `none` until it is known, or where there is none."""
        return self._chosen.name if self._chosen else "none"

    async def run(self, job: Job) -> Finished:
        """Run it in the best sandbox there is. Raises DeniedError: E-SANDBOX-NONE, -START, -WORKSPACE."""
        async with self._choosing:
            await self.examine()
        if self._chosen is None:
            raise self._none()
        try:
            return await run_confined(self._chosen, job)
        except StartError as error:
            if error.step != "tree":
                raise
            return await run_confined(await self._staying(error), job)

    async def _staying(self, error: StartError) -> Backend:
        """For a file system that cannot show its files under another owner: root stays who it is, and the mounts,
        Landlock and the watch over the number of processes remain. Proven before it is used. Raises `error`.
        """
        async with self._choosing:
            second = self._second or (self._chosen.staying() if self._chosen else None)
            if second is None or (self._second is None and await flaws(second)):
                raise error
            self._second = second
        return second

    async def examine(self) -> list[Finding]:
        """Look for a backend until one is proven; what was found, in order. Asks only once."""
        if not self._findings:
            names = AUTOMATIC if self._wanted == "auto" else (self._wanted,)
            for name in names:
                backend = self._backends[name]()
                found = await self._found(backend)
                self._findings.append(found)
                if found.state == "proven":
                    self._chosen = backend
                    break
        return self._findings

    async def _found(self, backend: Backend) -> Finding:
        if missing := backend.missing():
            return Finding(backend.name, "missing", *missing)
        machine = self._machine()
        if not self._proofs.has(backend, machine):
            found = await flaws(backend)
            if found:
                return Finding(backend.name, "flawed", found[0], _FIXES.get(backend.name, ""))
            self._proofs.keep(backend, machine)
        return Finding(backend.name, "proven")

    def _none(self) -> DeniedError:
        tried = "; ".join(f"{found.name}: {found.why.rstrip('.')}" for found in self._findings)
        return DeniedError(
            "E-SANDBOX-NONE",
            "There is no sandbox on this machine to run a program in.",
            why=f"None of them works: {tried}.",
            fix="Run `agentcli doctor`: it says what is missing for each.",
        )


_FIXES: Final = {
    "bubblewrap": "Permit user namespaces: see `Where it does not work` in docs/sandbox.md.",
    "builtin": "Permit user namespaces: see `Where it does not work` in docs/sandbox.md.",
    "landlock": "Switch Landlock on at boot: `lsm=landlock,…` on the kernel's command line.",
}
