"""A real terminal: tmux, driven from outside."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

DEADLINE = 20.0
"""Seconds until a condition must hold."""

POLL = 0.05


@dataclass
class Terminal:
    """One window with a plain shell in it. Nothing of this machine's tmux is touched: it has a server of its own."""

    folder: Path
    columns: int = 100
    lines: int = 30
    environ: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> Terminal:
        # A socket's path may have about 100 characters; a test's own folder can be deeper than that.
        self._place = tempfile.TemporaryDirectory(prefix="tmux-", dir="/tmp")
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "AGENTCLI_HOME") if name in os.environ}
        kept |= {"LANG": "C.UTF-8", "PS1": "$ ", **self.environ}
        shell = ["env", "-i", *(f"{name}={value}" for name, value in kept.items()), "TERM=screen-256color", "sh"]
        size = ("-x", str(self.columns), "-y", str(self.lines))
        self._tmux("-f", os.devnull, "new-session", "-d", "-s", "t", *size, "-c", str(self.folder), shlex.join(shell))
        self.until("$")
        # The word is not yet there while the line is typed, and gone when the screen is clear: an empty screen alone
        # could be the one from before.
        self.type(f"a() {{ {sys.executable} -m agentcli \"$@\"; }}; echo re''ady", "Enter")
        self.until("ready")
        self.type("clear", "Enter")
        self.until(lambda screen: screen.strip() == "$")

    def __exit__(self, *exc_info: object) -> None:
        with suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")
        self._place.cleanup()

    def _tmux(self, *words: str) -> str:
        tmux = ["tmux", "-S", f"{self._place.name}/socket", *words]
        return subprocess.run(tmux, capture_output=True, text=True, check=True, timeout=DEADLINE).stdout

    def run(self, words: str) -> None:
        """Type a command of ours and Enter; when it has ended, `[code]` is printed."""
        self.type(f'a {words}; echo "[$?]"', "Enter")

    def type(self, text: str, *keys: str) -> None:
        """Type the text, then press keys (`Enter`, `C-c`)."""
        if text:
            self._tmux("send-keys", "-t", "t", "-l", text)
        if keys:
            self._tmux("send-keys", "-t", "t", *keys)

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size."""
        self._tmux("resize-window", "-t", "t", "-x", str(columns), "-y", str(lines))

    def screen(self, *, colors: bool = False) -> str:
        """What stands on the screen now, without empty lines at its end."""
        return self._tmux("capture-pane", "-p", "-t", "t", *(["-e"] if colors else [])).rstrip("\n")

    def until(self, holds: Callable[[str], bool] | str, *, colors: bool = False) -> str:
        """The screen, as soon as it holds the text or fits the condition."""
        wanted = (lambda screen: holds in screen) if isinstance(holds, str) else holds
        deadline = time.monotonic() + DEADLINE
        while True:
            screen = self.screen(colors=colors)
            if wanted(screen):
                return screen
            assert time.monotonic() < deadline, f"not within {DEADLINE:g} s; on the screen:\n{screen}"
            time.sleep(POLL)

    def result(self) -> str:
        """The screen below the command line, once the command has ended."""
        screen = self.until(lambda text: any(line.startswith("[") for line in text.splitlines()))
        return screen.split('echo "[$?]"\n', 1)[1].rsplit("\n$", 1)[0]
