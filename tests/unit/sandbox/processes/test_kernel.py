"""The system calls themselves: each is really made, where it must fail or changes nothing."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from agentcli.sandbox.processes.kernel import NEW_MOUNTS, Kernel, user_namespace
from tests.fakes.forked import in_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux")


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return Kernel()


CALLS = {
    "unshare": lambda k: k.unshare(0xFFFF),
    "set_hostname": lambda k: k.set_hostname(b"x" * 1000),
    "mount": lambda k: k.mount("no-such-kind", "/not-there", 0),
    "open_tree": lambda k: k.open_tree("/not-there"),
    "copy_tree": lambda k: k.copy_tree(-1),
    "set_attributes": lambda k: k.set_attributes(-1, 1),
    "set_attributes of owners": lambda k: k.set_attributes(-1, 1, 0, recursive=False),
    "attach": lambda k: k.attach(-1, -1),
    "landlock_ruleset": lambda k: k.landlock_ruleset(0, 0, 0),
    "landlock_allow": lambda k: k.landlock_allow(-1, 1, -1),
    "landlock_restrict": lambda k: k.landlock_restrict(-1),
    "filter_syscalls": lambda k: k.filter_syscalls(b""),
    "die_with_parent": lambda k: k.die_with_parent(1000),
    "set_dumpable": lambda k: k.set_dumpable(7),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_fails_raises_what_the_system_said(name: str, kernel: Kernel) -> None:
    with pytest.raises(OSError, match=r"\[Errno") as caught:
        CALLS[name](kernel)
    assert caught.value.errno
    assert caught.value.filename


CHANGES = {
    "no_new_privileges": lambda k: k.no_new_privileges(),
    "adopt_orphans": lambda k: k.adopt_orphans(),
    "drop_capabilities": lambda k: k.drop_capabilities(),
    "new_session": lambda k: (k.new_session(), k.new_session()),
    "default_signal": lambda k: k.default_signal(signal.SIGPIPE),
    "set_dumpable": lambda k: k.set_dumpable(0),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_call_that_changes_a_process_changes_a_child(name: str, kernel: Kernel) -> None:
    assert in_child(lambda: CHANGES[name](kernel)) == 0


def test_it_says_which_landlock_there_is(kernel: Kernel) -> None:
    assert 0 <= kernel.landlock_abi() < 100


def test_a_user_namespace_shows_one_owner_as_another(kernel: Kernel) -> None:
    if os.geteuid() != 0:
        pytest.skip("only for root")
    namespace = user_namespace(kernel, "0", "0", "65529", "65529")
    try:
        assert str(Path(f"/proc/self/fd/{namespace}").readlink()).startswith("user:[")
        assert os.fstat(namespace).st_ino != Path("/proc/self/ns/user").stat().st_ino
    finally:
        os.close(namespace)


def test_root_becomes_a_user(kernel: Kernel) -> None:
    expected = 0 if os.geteuid() == 0 else errno.EPERM
    assert in_child(lambda: kernel.become(os.geteuid(), os.getegid())) == expected


def test_a_tree_becomes_the_root_and_the_old_one_is_gone(kernel: Kernel, tmp_path: Path) -> None:
    """The new root shows the old one's files, so that what this ran through can be written down."""
    if os.geteuid() != 0:
        pytest.skip("only for root")

    def live_there() -> None:
        kernel.unshare(NEW_MOUNTS)
        kernel.make_private()
        kernel.attach(kernel.open_tree("/"), os.open(tmp_path, os.O_PATH))
        before = Path("/").stat().st_ino
        kernel.change_root(str(tmp_path))
        assert (Path("/").stat().st_ino, Path.cwd()) == (before, Path("/"))

    assert in_child(live_there) == 0
