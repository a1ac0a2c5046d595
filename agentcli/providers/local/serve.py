"""The child process that runs llama.cpp: `python -m agentcli.providers.local.serve OPTIONS`, OPTIONS being JSON.

It opens an OpenAI-compatible port (a Unix socket, or host and port) and prints one line of JSON: `{"address": …}`, or
`{"error": …}` and exit 3. It ends when its standard input closes, so that it never outlives who started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

EXIT_NOT_LOADED = 3

_ERRORS_ONLY = 1
_PROMPT_CACHE_MIB = 256


def main(arguments: list[str]) -> int:
    """Serve until standard input ends. `listen` is a path that ends in .sock, or `port` a TCP port of 127.0.0.1."""
    options: dict[str, Any] = json.loads(arguments[0])
    try:
        import xllamacpp

        server = xllamacpp.Server(_params(xllamacpp, options))
    except Exception as error:  # whatever the binding raises is for the parent to report
        _say({"error": f"{type(error).__name__}: {error}"})
        return EXIT_NOT_LOADED
    _say({"address": server.listening_address})
    sys.stdin.buffer.read()
    _clear_away(options.get("listen", ""))
    return 0


def _clear_away(listen: str) -> None:
    """Remove the socket's folder: who made it may have been killed. It holds nothing but the socket and the log."""
    if not listen.endswith(".sock"):
        return
    folder = Path(listen).parent
    with contextlib.suppress(OSError):
        for path in (Path(listen), folder / "log"):
            path.unlink(missing_ok=True)
        folder.rmdir()


def _params(xllamacpp: Any, options: dict[str, Any]) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = options["model"]
    params.hostnames = [options.get("listen", "127.0.0.1")]
    params.port = options.get("port", 0)
    params.n_ctx = options["context"]
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = options["batch"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options["threads"]
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.slot_save_path = options.get("states", "")
    params.warmup = params.fit_params = params.ui = False
    params.verbosity = _ERRORS_ONLY
    return params


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if code:
        sys.exit(code)  # lets llama.cpp's log, which a thread of its own writes, come to its end
    os._exit(0)  # its other threads are not waited for: there is nothing of theirs to keep
