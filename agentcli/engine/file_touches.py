"""The files of a call, as the record keeps them: digests always, contents only of what was changed and is no secret."""

from __future__ import annotations

from agentcli.core.canonical import digest_bytes
from agentcli.core.tools import FileChange, FileTouch
from agentcli.engine.admission import Admission
from agentcli.engine.ports import RunLog


def touch_of(change: FileChange, admission: Admission, log: RunLog) -> FileTouch:
    """Digests of a file before and after; snapshots of it only if it changed and holds no secret."""
    if change.digest is not None:
        return _unheld(change, change.digest, admission)
    redactor = admission.redactor
    contents = [data for data in (change.before, change.after) if data is not None]
    secret = [
        redactor.holds_secret(data) for data in contents
    ]  # each is looked at: what it holds is known from then on
    masked = any(secret)
    if masked:
        keep = redactor.keyed_digest
    elif change.changed:
        keep = log.put
    else:
        keep = digest_bytes
    before, after = (None if data is None else keep(data) for data in (change.before, change.after))
    mode = change.mode if change.changed and not masked else None
    return FileTouch(admission.admit(change.path), before, after, change.changed, masked, mode)


def _unheld(change: FileChange, digest: str, admission: Admission) -> FileTouch:
    """A file that was read and is too large to be looked through: its digest is keyed, as if it held a secret.

    What stands around the lines that are shown is looked at all the same, for a key is known by its lines from then on.
    """
    admission.redactor.holds_secret(change.near)
    keyed = admission.redactor.keyed_digest(digest.encode())
    return FileTouch(admission.admit(change.path), keyed, None, changed=False, masked=True)
