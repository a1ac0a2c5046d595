"""What a sandbox tells of itself while a program runs, and how it ended."""

from __future__ import annotations

import re

from agentcli.errors import DeniedError, sentence

_FIRST = re.compile(r'init (\d+)|\s*"child-pid": (\d+),?')
_ENDED = re.compile(r"(exit|signal) (\d+)")
_FAILED = re.compile(r"failed (\w+): (.*)")
_SHELL_SIGNALS = 128
_KILLED = -9
_NOT_EXECUTED = 127


class StartError(DeniedError):
    """The sandbox could not be set up, and nothing was run. `step` is the one that failed, if that is known."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(
            "E-SANDBOX-START",
            "The program could not be confined, so it was not run.",
            why=sentence(why),
            fix="See `agentcli doctor` for which sandbox works here.",
        )
        self.step = step


class Report:
    """Collects the lines of the launcher (`init PID`, `exit CODE`, `signal N`, `failed STEP: WHY`) or of bwrap."""

    def __init__(self) -> None:
        self.first: int | None = None
        """The process, as the machine counts, that all of the program's are below."""
        self.code: int | None = None
        self.failed: StartError | None = None

    def take(self, line: str) -> None:
        """One line; what it does not know says nothing."""
        if found := _FIRST.fullmatch(line):
            self.first = int(found[1] or found[2])
        elif found := _ENDED.fullmatch(line):
            self.code = int(found[2]) * (1 if found[1] == "exit" else -1)
        elif found := _FAILED.fullmatch(line):
            self.failed = StartError(found[1], f"Setting up the sandbox failed at `{found[1]}`: {found[2]}")


def shell_code(code: int) -> int:
    """An exit code as a shell has it, as `subprocess` has it."""
    return _SHELL_SIGNALS - code if _SHELL_SIGNALS < code <= _SHELL_SIGNALS + 64 else code


def reported_code(report: Report, code: int) -> int:
    """The exit code of the report. Without one the sandbox was killed, or could not even begin: raises StartError."""
    if report.code is not None:
        return report.code
    if report.first is None:
        raise StartError("", f"The sandbox ended with exit code {code} before it was set up")
    return _KILLED


def bwrap_code(code: int, stderr: bytes | bytearray) -> int:
    """bwrap's exit code as `subprocess` has it. Raises StartError where bwrap says it could not set up the sandbox."""
    if code == 1 and stderr.startswith(b"bwrap: execvp "):
        return _NOT_EXECUTED
    if code == 1 and stderr.startswith(b"bwrap: "):
        raise StartError("", stderr.decode(errors="replace").splitlines()[0])
    return shell_code(code)
