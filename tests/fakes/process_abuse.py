"""What a confined program may try, and what must come of it: rows for every backend. Imports no test framework, so that
an ordinary user's interpreter can run it as well.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentcli.core.processes import MIB, Finished, Job, ProcessLimits
from agentcli.sandbox.processes.launching import Backend, interpreter, python_readable
from agentcli.sandbox.processes.running import run_confined
from agentcli.sandbox.processes.syscalls import MACHINES

LIMITS = ProcessLimits(
    seconds=15.0, cpu_seconds=5, memory_bytes=200 * MIB, processes=24, file_bytes=4 * MIB, output_bytes=4096
)

PRELUDE = """
import ctypes, errno, mmap, os, signal, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def raw(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]) < 0:
        raise OSError(ctypes.get_errno(), "refused")
def tried(do):
    try:
        do()
    except MemoryError:
        return "ENOMEM"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "done"
def write(path):
    with open(path, "w") as file:
        file.write("x")
"""

REFUSED = frozenset({"EPERM", "EACCES", "ENOSYS", "EROFS", "ENOENT", "EXDEV", "EAFNOSUPPORT"})


@dataclass(frozen=True)
class Row:
    """A program, what it may print (one of these words), and how it may end otherwise."""

    code: str
    says: frozenset[str] = REFUSED
    but: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By backend, where that differs."""
    stopped: frozenset[str] = frozenset({""})
    exits: frozenset[int] = frozenset({0})
    machines: tuple[str, ...] = ("x86_64", "aarch64")
    cpu_seconds: int = LIMITS.cpu_seconds


def _call(name: str, *arguments: object) -> Row:
    """A system call that must be refused by the filter itself: other refusals have other words."""
    words = ", ".join(repr(argument) for argument in arguments)
    number = "{numbers[" + name + "]}"
    return Row(f"print(tried(lambda: raw({number}, {words})))", frozenset({"EPERM", "ENOSYS"}))


def _expression(text: str, *says: str, **but: frozenset[str]) -> Row:
    return Row(f"print(tried(lambda: {text}))", frozenset(says) or REFUSED, but)


FAMILIES = {"unix": 1, "inet": 2, "inet6": 10, "netlink": 16, "packet": 17, "alg": 38, "bluetooth": 31, "vsock": 40}

ROWS: dict[str, Row] = {
    **{f"socket {name}": _call("socket", number, 3 if name == "packet" else 1, 0) for name, number in FAMILIES.items()},
    "a pair of datagram sockets": _expression("socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)", "EPERM"),
    "a pair of internet sockets": _call("socketpair", 2, 1, 0, "(ctypes.c_int * 2)()"),
    "connect": _call("connect", 0, 0, 0),
    "bind": _call("bind", 0, 0, 0),
    "mount": _call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
    "umount": _call("umount2", b"/proc", 2),
    "new mount calls": _call("fsopen", b"tmpfs", 0),
    "open_tree": _call("open_tree", -100, b"/", 1),
    "move_mount": _call("move_mount", -100, b"/tmp", -100, b"/", 0),
    "mount_setattr": _call("mount_setattr", -100, b"/", 0, 0, 0),
    "pivot_root": _call("pivot_root", b"/", b"/"),
    "chroot": _call("chroot", b"/tmp"),
    "unshare a user namespace": _call("unshare", 0x10000000),
    "unshare all": _call("unshare", 0x7E020080),
    "clone into a user namespace": _call("clone", 0x10000011, 0, 0, 0, 0),
    "clone3": _call("clone3", 0, 0),
    "setns": _call("setns", 0, 0),
    "ptrace": _call("ptrace", 0, 0, 0, 0),
    "process_vm_readv": _call("process_vm_readv", 1, 0, 0, 0, 0, 0),
    "pidfd_getfd": _call("pidfd_getfd", 0, 0, 0),
    "bpf": _call("bpf", 0, 0, 0),
    "keyctl": _call("keyctl", 0, -3, 0),
    "add_key": _call("add_key", b"user", b"k", b"v", 1, -3),
    "request_key": _call("request_key", b"user", b"k", 0, 0),
    "io_uring": _call("io_uring_setup", 1, b"\0" * 128),
    "perf_event_open": _call("perf_event_open", 0, 0, 0, 0, 0),
    "userfaultfd": _call("userfaultfd", 1),
    "kexec": _call("kexec_load", 0, 0, 0, 0),
    "a kernel module": _call("finit_module", 0, b"", 0),
    "name_to_handle_at": _call("name_to_handle_at", -100, b"/", 0, 0, 0),
    "open_by_handle_at": _call("open_by_handle_at", -100, 0, 0),
    "personality": _call("personality", 0x0040000),
    "limits of another": _call("prlimit64", 1, 7, 0, 0),
    "a call of the future": Row("print(tried(lambda: raw(4000)))", frozenset({"ENOSYS"})),
    "x32": Row("print(tried(lambda: raw(0x40000000 + 39)))", frozenset({"ENOSYS"}), machines=("x86_64",)),
    "32-bit calls": Row(
        "m = mmap.mmap(-1, 4096, prot=7)\n"
        "m.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))\n"
        "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()\nprint('done')",
        frozenset({""}),
        exits=frozenset({-31, -11}),
        machines=("x86_64",),
    ),
    "TIOCSTI": _call("ioctl", 0, 0x5412, b"x"),
    "TIOCSTI with high bits": _call("ioctl", 0, 0x5412 + (1 << 32), b"x"),
    "the terminal": _expression("os.open('/dev/tty', os.O_RDWR)", "ENOENT", "ENXIO", "EACCES"),
    "writes outside": _expression("write('{outside}/x')"),
    "reads outside": _expression("open('{outside}/secret').read()"),
    "writes to the system": _expression("write('/usr/x')"),
    "writes to /": _expression("write('/x')"),
    "writes to /etc": _expression("write('/etc/passwd')", "EACCES", "EROFS"),
    "reads hashes of passwords": _expression("open('/etc/shadow').read()"),
    "lists homes": _expression("os.listdir('/home')"),
    "lists processes of the machine": _expression("os.open('/proc/{host}/environ', os.O_RDONLY)"),
    "reads a hidden file": Row(
        "try: print('empty' if open('.env').read() == '' else 'done')\nexcept OSError: print('empty')",
        frozenset({"empty"}),
    ),
    "reads a hidden folder": Row(
        "try: print(len(os.listdir('private')) or 'empty')\nexcept OSError: print('empty')",
        frozenset({"empty"}),
        {"landlock": frozenset({"1"})},
    ),
    "reads in a hidden folder": _expression("open('private/key').read()"),
    "writes a hidden file": _expression("write('.env')"),
    "removes a hidden file": _expression("os.unlink('.env')", "EBUSY", "EACCES", "EROFS"),
    "writes in .git": _expression("write('.git/config')"),
    "makes a hook": _expression("write('.git/hooks')", "EROFS", "EACCES"),
    "moves .git away": _expression("os.rename('.git', 'other')", "EBUSY", "EACCES", "EXDEV"),
    "a link to outside": _expression(
        "(os.symlink('{outside}/secret', 'free/link'), open('free/link').read())", "ENOENT", "EACCES"
    ),
    "a link of the workspace to outside": _expression("open('leads-out').read()", "ENOENT", "EACCES"),
    "a hard link to outside": _expression("os.link('/etc/passwd', 'free/hard')", "EXDEV", "EPERM", "EACCES"),
    "a magic link to the root of the first process": _expression("os.listdir('/proc/1/root/{outside}')"),
    "a magic link to its own root": _expression("open('/proc/self/root{outside}/secret').read()"),
    "a device": _expression("os.mknod('free/disk', 0o60600, os.makedev(254, 0))", "EPERM", "EACCES"),
    "a file that runs as its owner": _expression("(write('free/tool'), os.chmod('free/tool', 0o4755))", "EPERM"),
    "a file that is made to run as its owner": _expression(
        "os.open('free/s', os.O_CREAT | os.O_WRONLY, 0o4755)", "EPERM"
    ),
    "the host's environment": Row(
        "def names(path):\n"
        "    try: return [p.split(b'=')[0].decode() for p in open(path, 'rb').read().split(bytes(1)) if p]\n"
        "    except OSError: return []\n"
        "ordinary = set('PATH HOME TMPDIR LANG PWD LC_CTYPE GIVEN'.split())\n"
        "seen = dict.fromkeys([*os.environ, *names('/proc/1/environ'), *names('/proc/{host}/environ')])\n"
        "print(sorted(set(seen) - ordinary) or 'clean')",
        frozenset({"clean"}),
    ),
    "inherited descriptors": Row(
        "found = []\nfor fd in range(3, 1024):\n"
        "    try: os.fstat(fd)\n    except OSError: continue\n    found.append(fd)\nprint(found or 'none')",
        frozenset({"none"}),
    ),
    "core_pattern": _expression("os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)", "EROFS", "EACCES"),
    "memory of the first process": _expression("os.open('/proc/1/mem', os.O_RDWR)"),
    "a socket of the workspace": _expression("socket.socket(socket.AF_UNIX).connect('host.sock')", "EPERM"),
    "its session is not agentcli's": Row("print(os.getsid(0) in (1, os.getpid()))", frozenset({"True"})),
    "it has no privileges": Row(
        "PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS = 23, 39\n"
        "header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\n"
        "libc.capget(header, data)\n"
        "print(libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), sum(data), libc.prctl(PR_CAPBSET_READ, 21, 0, 0, 0))",
        frozenset({"1 0 0"}),
        {"landlock": frozenset({"1 0 0", "1 0 1"})},  # an ordinary user cannot empty the bounding set, and needs not
    ),
    "a signal to agentcli": _expression("os.kill({host}, 0)", "ESRCH", "EPERM"),
    "600 MB": _expression("bytearray(600 << 20)", "ENOMEM"),
    "600 MB that are shared": Row(
        "m = mmap.mmap(-1, 600 << 20)\nfor at in range(0, len(m), 4096): m[at] = 1\ntime.sleep(9)",
        frozenset({""}),
        stopped=frozenset({"memory"}),
        exits=frozenset({-9}),
    ),
    "memory of many processes": Row(
        "for _ in range(4):\n    if os.fork() == 0:\n        x = bytearray(b'x') * (100 << 20)\n"
        "        signal.pause()\nsignal.pause()",
        frozenset({""}),
        stopped=frozenset({"memory"}),
        exits=frozenset({-9}),
    ),
    "a fork bomb": Row(
        "made = 0\ntry:\n    while made < 200:\n        if os.fork() == 0: signal.pause()\n        made += 1\n"
        "except OSError as error: print(errno.errorcode[error.errno], made < 24, flush=True)\n"
        "signal.alarm(0 if made < 24 else 9)\nif made >= 24: signal.pause()\n",
        frozenset({"EAGAIN True"}),
    ),
    "processes that fork and end": Row(
        "end = time.monotonic() + 1\nwhile time.monotonic() < end:\n"
        "    try: child = os.fork()\n    except OSError: continue\n"
        "    if child: os._exit(0)\nprint('outlived')",
        frozenset({"", "outlived"}),
    ),
    "a bomb of a shell": Row(
        "os.execv('/bin/bash', ['bash', '-c', ':(){ :|:& };: 2>/dev/null; exit'])", frozenset({""})
    ),
    "a file that fills the disk": _expression(
        "[os.write(f, bytes(1 << 20)) for f in [os.open('free/big', os.O_CREAT | os.O_WRONLY)] for _ in range(64)]",
        "EFBIG",
        "",
    ),
    "a full temporary folder": Row(
        "def fill():\n    for n in range(100):\n"
        "        with open(os.path.join(os.environ['TMPDIR'], str(n)), 'wb') as file: file.write(bytes(4 << 20))\n"
        "print(tried(fill))",
        frozenset({"ENOSPC"}),
        {"landlock": frozenset({"done"})},
    ),
    "a CPU spin": Row("while True: pass", frozenset({""}), exits=frozenset({-9, -24}), cpu_seconds=1),
    "a limit raised again": Row(
        "import resource\ntry: resource.setrlimit(resource.RLIMIT_DATA, (1 << 40, 1 << 40))\n"
        "except (ValueError, OSError): print('refused')",
        frozenset({"refused"}),
    ),
}


@contextmanager
def prey(place: Path) -> Iterator[tuple[Path, Path]]:
    """A workspace with what must not be reached in it and beside it. Gives the workspace and what is outside."""
    workspace, outside = place / "workspace", place / "outside"
    for folder in (workspace / "free", workspace / ".git", workspace / "private", outside):
        folder.mkdir(parents=True)
    for path in (workspace / ".env", workspace / ".git/config", workspace / "private/key", outside / "secret"):
        path.write_text("secret")
    (workspace / "leads-out").symlink_to(outside / "secret")
    yield workspace, outside


def confined(backend: Backend, code: str, workspace: Path, limits: ProcessLimits = LIMITS) -> Finished:
    """Run a program of Python in the workspace."""
    return asyncio.run(run_confined(backend, job(code, workspace, limits)))


def job(code: str, workspace: Path, limits: ProcessLimits = LIMITS) -> Job:
    """The job of a program of Python."""
    return Job(
        argv=(interpreter(), "-I", "-S", "-c", code),
        workspace=workspace,
        readable=python_readable(),
        protected=(workspace / ".git",),
        hidden=(workspace / ".env", workspace / "private"),
        environ={"GIVEN": "1"},
        limits=limits,
    )


def fault(name: str, backend: Backend, workspace: Path, outside: Path, host: int) -> str:
    """What is wrong with how the row ended; empty for nothing, or where it is of no meaning on this machine."""
    row = ROWS[name]
    machine = platform.machine()
    if machine not in row.machines:
        return ""
    numbers = MACHINES[machine].numbers
    code = row.code
    for word, number in numbers.items():
        code = code.replace("{numbers[" + word + "]}", str(number))
    code = code.replace("{outside}", str(outside)).replace("{host}", str(host))
    finished = confined(backend, PRELUDE + code, workspace, replace(LIMITS, cpu_seconds=row.cpu_seconds))
    said = finished.stdout.decode().strip()
    allowed = row.but.get(backend.name, row.says)
    if said in allowed and finished.stopped in row.stopped and finished.exit_code in row.exits:
        return ""
    return f"{name}: {said!r} {finished.exit_code} {finished.stopped!r} {finished.stderr.decode()[-300:]}"
