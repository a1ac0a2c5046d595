"""System calls that Python 3.11 does not have: namespaces, mounts, Landlock, seccomp. Each raises OSError.

Sources: the manual pages of the calls; include/uapi/linux/{mount,landlock,prctl,sched,capability}.h of Linux 6.18.
"""

from __future__ import annotations

import ctypes
import os
import resource

NEW_CGROUP, NEW_UTS, NEW_IPC, NEW_USER = 0x02000000, 0x04000000, 0x08000000, 0x10000000
NEW_PID, NEW_NET, NEW_MOUNTS = 0x20000000, 0x40000000, 0x00020000

READ_ONLY, NO_SUID, NO_DEV, NO_EXEC = 1, 2, 4, 8
"""Both MS_… of mount(2) and MOUNT_ATTR_… of mount_setattr(2)."""

_SHARED_MEMORY, _SIGCHLD, _SIGKILL = 0x00000100, 17, 9
_STACK, _SLEEPS = 64 * 1024, 5
"""Bytes that a C function needs at most, and seconds."""

_REC, _PRIVATE, _DETACH = 0x4000, 0x40000, 2
_AT_CWD, _AT_EMPTY_PATH, _AT_RECURSIVE, _AT_SYMLINK_NOFOLLOW = -100, 0x1000, 0x8000, 0x100
_TREE_CLONE, _TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_FROM_EMPTY, _MOVE_TO_EMPTY = 0x04, 0x40
_ATTR_IDMAP = 0x100000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 22, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR = 36, 38, 47, 4
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_VERSION, _LANDLOCK_PATH_BENEATH = 1, 1
_CAPABILITY_VERSION_3 = 0x20080522

# The C library has no name for these; since 5.1 a new call has one number on every machine.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns", ctypes.c_uint64),
    )


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


class Kernel:
    """The calls. One object a process; the C library is loaded when it is made."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.syscall.restype = ctypes.c_long
        self.limit = resource.prlimit
        self.fork = os.fork
        self.wait = os.waitpid
        self.kill = os.kill
        self.execute = os.execve
        self.exit = os._exit

    def _checked(self, result: int, call: str) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), call)
        return result

    def _syscall(self, call: str, number: int, *arguments: object) -> int:
        return self._checked(self._libc.syscall(ctypes.c_long(number), *arguments), call)

    def _prctl(self, call: str, option: int, value: object = 0, more: object = 0) -> None:
        zero = ctypes.c_ulong(0)
        value, more = (ctypes.c_ulong(part) if isinstance(part, int) else part for part in (value, more))
        self._checked(self._libc.prctl(ctypes.c_int(option), value, more, zero, zero), call)

    # -- namespaces and identities ------------------------------------------------------------------------------

    def unshare(self, flags: int) -> None:
        """Enter new namespaces."""
        self._checked(self._libc.unshare(ctypes.c_int(flags)), "unshare")

    def sleeper(self, flags: int) -> int:
        """A process in new namespaces that does nothing: it shares this one's memory, where a fork would copy a
        millisecond's worth of it. Its caller kills it; if that one is killed before, it ends by itself.
        """
        self._sleeps_on = ctypes.create_string_buffer(_STACK)
        top = (ctypes.addressof(self._sleeps_on) + _STACK) & ~15
        sleep, seconds = ctypes.cast(self._libc.sleep, ctypes.c_void_p), ctypes.c_void_p(_SLEEPS)
        found = self._libc.clone(sleep, ctypes.c_void_p(top), ctypes.c_int(flags | _SHARED_MEMORY | _SIGCHLD), seconds)
        return self._checked(found, "clone")

    def become(self, uid: int, gid: int) -> None:
        """Be this user and no other, without a way back."""
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)

    def new_session(self) -> None:
        """Lead a session without a terminal. Leading one already is fine."""
        if os.getsid(0) != os.getpid():
            os.setsid()

    def set_hostname(self, name: bytes) -> None:
        """Of this UTS namespace."""
        self._checked(self._libc.sethostname(name, ctypes.c_size_t(len(name))), "sethostname")

    def drop_capabilities(self) -> None:
        """All of them, in every set; of the bounding set as many as there are."""
        capability = 0
        while self._libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) >= 0:
            capability += 1  # EINVAL past the last one, EPERM for a process that has none to give
        self._prctl("PR_CAP_AMBIENT", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR)
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        self._checked(self._libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")

    def no_new_privileges(self) -> None:
        """No program that it starts gains anything by set-user-ID or file capabilities."""
        self._prctl("PR_SET_NO_NEW_PRIVS", _PR_SET_NO_NEW_PRIVS, 1)

    def set_dumpable(self, value: int) -> None:
        """0 keeps other processes of the same user out of /proc/PID; a program that is executed is 1 again."""
        self._prctl("PR_SET_DUMPABLE", _PR_SET_DUMPABLE, value)

    def die_with_parent(self, signal: int) -> None:
        """Be sent `signal` when the thread that started this process ends."""
        self._prctl("PR_SET_PDEATHSIG", _PR_SET_PDEATHSIG, signal)

    def adopt_orphans(self) -> None:
        """Become the parent of descendants whose own parent ends."""
        self._prctl("PR_SET_CHILD_SUBREAPER", _PR_SET_CHILD_SUBREAPER, 1)

    def default_signal(self, number: int) -> None:
        """Undo what the interpreter does with a signal, without the import of `signal`, which takes milliseconds."""
        self._libc.signal(ctypes.c_int(number), ctypes.c_void_p(0))

    # -- mounts -------------------------------------------------------------------------------------------------

    def mount(self, kind: str, target: str, flags: int, options: str = "") -> None:
        """A new file system of this kind."""
        self._mount(kind.encode(), os.fsencode(target), kind.encode(), flags, options.encode())

    def make_private(self) -> None:
        """Nothing that is mounted here reaches any other namespace, and nothing of theirs comes in."""
        self._mount(None, b"/", None, _REC | _PRIVATE, None)

    def _mount(
        self, source: bytes | None, target: bytes, kind: bytes | None, flags: int, options: bytes | None
    ) -> None:
        found = self._libc.mount(source, target, kind, ctypes.c_ulong(flags), options)
        self._checked(found, f"mount {os.fsdecode(target)}")

    def open_tree(self, path: str) -> int:
        """A detached copy of the mounts at a path, as a descriptor; no link is followed at its end."""
        flags = _TREE_CLONE | _TREE_CLOEXEC | _AT_RECURSIVE | _AT_SYMLINK_NOFOLLOW
        cwd, name = ctypes.c_int(_AT_CWD), os.fsencode(path)
        return self._syscall(f"open_tree {path}", _OPEN_TREE, cwd, name, ctypes.c_uint(flags))

    def copy_tree(self, descriptor: int) -> int:
        """The same of an open file or folder."""
        flags = ctypes.c_uint(_TREE_CLONE | _TREE_CLOEXEC | _AT_RECURSIVE | _AT_EMPTY_PATH)
        return self._syscall("open_tree", _OPEN_TREE, ctypes.c_int(descriptor), b"", flags)

    def set_attributes(self, tree: int, attributes: int, userns: int = -1, *, recursive: bool = True) -> None:
        """Add attributes to all mounts of a tree. With a user namespace its owners are seen as that maps them."""
        idmap = _ATTR_IDMAP if userns >= 0 else 0
        wanted = _MountAttributes(attributes | idmap, 0, 0, max(userns, 0))
        flags = ctypes.c_uint(_AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0))
        size = ctypes.c_size_t(ctypes.sizeof(wanted))
        self._syscall("mount_setattr", _MOUNT_SETATTR, ctypes.c_int(tree), b"", flags, ctypes.byref(wanted), size)

    def attach(self, tree: int, target: int) -> None:
        """Mount a detached tree over an open file or folder."""
        flags = ctypes.c_uint(_MOVE_FROM_EMPTY | _MOVE_TO_EMPTY)
        self._syscall("move_mount", _MOVE_MOUNT, ctypes.c_int(tree), b"", ctypes.c_int(target), b"", flags)

    def change_root(self, path: str) -> None:
        """Make the mount at `path` the root, and let go of the old one with all that is below it."""
        os.chdir(path)
        self._checked(self._libc.pivot_root(b".", b"."), "pivot_root")
        self._checked(self._libc.umount2(b".", ctypes.c_int(_DETACH)), "umount2")
        os.chdir("/")

    # -- Landlock and seccomp -----------------------------------------------------------------------------------

    def landlock_abi(self) -> int:
        """The version that the kernel speaks; 0 where it has none, or it is switched off."""
        found = self._libc.syscall(
            ctypes.c_long(_LANDLOCK_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint(_LANDLOCK_VERSION)
        )
        return max(int(found), 0)

    def landlock_ruleset(self, fs: int, net: int, scoped: int) -> int:
        """A ruleset that refuses these accesses where no rule grants them, as a descriptor."""
        wanted = _Ruleset(fs, net, scoped)
        size = ctypes.c_size_t(ctypes.sizeof(wanted))
        return self._syscall("landlock_create_ruleset", _LANDLOCK_CREATE, ctypes.byref(wanted), size, ctypes.c_uint(0))

    def landlock_allow(self, ruleset: int, access: int, parent: int) -> None:
        """Grant accesses to an open file, or to a folder and all that is below it."""
        rule = _PathRule(access, parent)
        kind, none = ctypes.c_int(_LANDLOCK_PATH_BENEATH), ctypes.c_uint(0)
        self._syscall("landlock_add_rule", _LANDLOCK_ADD, ctypes.c_int(ruleset), kind, ctypes.byref(rule), none)

    def landlock_restrict(self, ruleset: int) -> None:
        """Put the ruleset in force for this thread and all that it starts."""
        self._syscall("landlock_restrict_self", _LANDLOCK_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint(0))

    def filter_syscalls(self, program: bytes) -> None:
        """Put a seccomp program in force for this thread and all that it starts."""
        wanted = _Filter(len(program) // 8, program)
        self._prctl("PR_SET_SECCOMP", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(wanted))


def user_namespace(kernel: Kernel, uid: str, gid: str, seen_uid: str, seen_gid: str) -> int:
    """A user namespace, open, that maps one user and group; a process that is in it lives as long as this takes."""
    child = kernel.sleeper(NEW_USER)
    try:
        write_text(f"/proc/{child}/uid_map", f"{uid} {seen_uid} 1")
        write_text(f"/proc/{child}/gid_map", f"{gid} {seen_gid} 1")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        kernel.kill(child, _SIGKILL)
        kernel.wait(child, 0)


def write_text(path: str, text: str, flags: int = 0) -> None:
    """Write a small file in one go, as those of /proc demand."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags, 0o644)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
