"""Nothing whose hash differs is loaded.

A model is hashed in full once; then a stamp beside it says which file that was (device, inode, size, times), so that
the next use costs a `stat`. The stamp guards against damage and against files that were replaced, not against
somebody who can write this user's files: they could write the stamp as well.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from agentcli.errors import ModelError
from agentcli.providers.local.catalog import MODELS, EmbeddedModel

CHUNK = 4 * 1024 * 1024
_MAGIC = b"GGUF"


def pulled(models_dir: Path) -> list[str]:
    """The embedded models that are there in full, best first. Their hash is checked when they are used."""
    return [model.name for model in MODELS.values() if _size(model.path(models_dir)) == model.size]


def find(name_or_path: str, models_dir: Path) -> tuple[Path, EmbeddedModel | None]:
    """The file of `local:NAME` or `local:/path/to/any.gguf`, and its entry in the catalog if it has one.

    Raises ModelError: E-MODEL-UNKNOWN, E-MODEL-MISSING.
    """
    model = MODELS.get(name_or_path)
    if model is not None:
        path = model.path(models_dir)
        if not path.is_file():
            raise ModelError(
                "E-MODEL-MISSING",
                f"The model {model.name} is not here yet.",
                why=f"It is fetched once ({model.size / 1e9:.1f} GB) and then runs without a network.",
                fix=f"agentcli models pull {model.name}",
            )
        return path, model
    if name_or_path.endswith(".gguf") or os.sep in name_or_path:
        return Path(name_or_path).expanduser().absolute(), None
    raise unknown(name_or_path)


def unknown(name: str) -> ModelError:
    """There is no such embedded model."""
    import difflib

    near = difflib.get_close_matches(name, MODELS, 1)
    return ModelError(
        "E-MODEL-UNKNOWN",
        f"There is no embedded model `{name}`.",
        why=f"There are: {', '.join(MODELS)}; or the path of a .gguf file.",
        fix=f"Did you mean `local:{near[0]}`?" if near else f"Use `local:{next(iter(MODELS))}`.",
    )


def verified(path: Path, model: EmbeddedModel) -> Path:
    """The path, once its content is known to be the catalog's. Blocks while hashing. Raises ModelError E-MODEL-HASH."""
    before = stamp_of(path)
    if before is not None and _stamped(path) == {"sha256": model.sha256, "stamp": before}:
        return path
    if _size(path) != model.size or sha256_of(path) != model.sha256 or stamp_of(path) != before:
        raise ModelError(
            "E-MODEL-HASH",
            f"The file of {model.name} is damaged or was changed; it is not loaded.",
            why=f"{path} has not the size and SHA-256 of the catalog.",
            fix=f"agentcli models pull {model.name} --force",
        )
    write_stamp(path, model)
    return path


def check_gguf(path: Path) -> None:
    """A cheap look before llama.cpp is asked. Raises ModelError E-MODEL-GGUF or E-MODEL-MISSING."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelError(
            "E-MODEL-MISSING",
            f"The model file {path} cannot be read.",
            why=f"{error.strerror}.",
            fix="Check the path after `local:`.",
        ) from error
    if magic != _MAGIC:
        raise not_loadable(path, "It does not begin like a GGUF file.")


def not_loadable(path: Path, why: str) -> ModelError:
    """llama.cpp cannot use the file."""
    return ModelError(
        "E-MODEL-GGUF",
        f"{path} is not a model that can be loaded.",
        why=why,
        fix="Download it again, or choose one of `agentcli models list`.",
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    hashing = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in chunks(file):
            hashing.update(chunk)
    return hashing.hexdigest()


def chunks(file: BinaryIO, told: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
    """The rest of a file, piece by piece; `told` gets the bytes so far."""
    done = 0
    while chunk := file.read(CHUNK):
        done += len(chunk)
        told(done)
        yield chunk


def stamp_of(path: Path) -> list[int] | None:
    """What changes when a file is replaced or written to; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def write_stamp(path: Path, model: EmbeddedModel) -> None:
    """Remember that this file was hashed. A folder that cannot be written costs the next use a hash."""
    place = _stamp_path(path)
    temporary = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps({"sha256": model.sha256, "stamp": stamp_of(path)}))
        temporary.replace(place)
    except OSError:
        return


def _stamped(path: Path) -> object:
    try:
        return json.loads(_stamp_path(path).read_bytes())
    except (OSError, ValueError):
        return None


def _stamp_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
