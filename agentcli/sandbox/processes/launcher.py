"""The helper program: carries out the steps of a plan, one after the other, and ends as the confined program.

It is started for each program with nothing but a descriptor of the plan (`steps`), decides nothing, and imports next
to nothing: its start is most of what the built-in backend costs. What it has to say goes to the status descriptor, one
line each: `init PID`, then `exit CODE` or `signal NUMBER`, or `failed STEP: WHY`.
"""

from __future__ import annotations

import os
import resource
import stat

from agentcli.sandbox.processes.forks import bound_child, open_gate, status_of, told
from agentcli.sandbox.processes.kernel import NO_DEV, NO_SUID, READ_ONLY, Kernel, user_namespace, write_text
from agentcli.sandbox.processes.steps import Step, unpacked_steps

EMPTY_FOLDER, EMPTY_FILE = "/run/empty/folder", "/run/empty/file"
"""What stands in for what is hidden; a plan that hides makes them."""

NOT_EXECUTED = 127
"""The exit code of a program that cannot be executed, as a shell has it."""

_SIGKILL, _SIGPIPE, _SIGXFSZ = 9, 13, 25


def main(plan: int, kernel: Kernel | None = None) -> None:
    """Carry out the plan that is open as `plan`. A step that fails is told, and nothing is run."""
    with open(plan, "rb") as file:
        steps = unpacked_steps(file.read())
    launcher = Launcher(kernel or Kernel())
    for step in steps:
        try:
            launcher.do(step)
        except Exception as error:
            launcher.fail(step[0], error)


class Launcher:
    """One method a kind of step."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._status = -1
        self._root = ""
        self._trees: dict[str, int] = {}
        self._owners: dict[Step, int] = {}
        self._ruleset = -1

    def do(self, step: Step) -> None:
        """Carry out one step. Raises OSError."""
        getattr(self, f"step_{step[0]}")(*step[1:])

    def say(self, line: str) -> None:
        """Tell whoever started this."""
        if self._status >= 0:
            os.write(self._status, f"{line}\n".encode(errors="replace"))

    def fail(self, name: str, error: Exception) -> None:
        """Tell which step could not be done, and end."""
        self.say(f"failed {name}: {error}")
        self._kernel.exit(1)

    # -- who and where ------------------------------------------------------------------------------------------

    def step_status(self, descriptor: str) -> None:
        """Where to report to; no program that is executed inherits it."""
        self._status = int(descriptor)
        os.set_inheritable(self._status, False)

    def step_parent(self, pid: str, signal: str = str(_SIGKILL)) -> None:
        """End when the process does that started this one, also if it has ended already."""
        self._kernel.die_with_parent(int(signal))
        if os.getppid() != int(pid):
            self._kernel.exit(1)

    def step_limit(self, name: str, soft: str, hard: str) -> None:
        """A resource limit by its name, such as RLIMIT_CPU; never above what is in force already."""
        kind = getattr(resource, name)
        most = resource.getrlimit(kind)[1]
        values = [int(value) if most == resource.RLIM_INFINITY else min(int(value), most) for value in (soft, hard)]
        resource.setrlimit(kind, (values[0], values[1]))

    def step_idle(self) -> None:
        """Leave the processor to all others: whoever counts the processes from outside must not starve meanwhile."""
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    def step_become(self, uid: str, gid: str, pid: str) -> None:
        """Be an ordinary user from here on."""
        self._kernel.become(int(uid), int(gid))
        self._kernel.set_dumpable(1)  # the maps in /proc/self belong to root otherwise
        self.step_parent(pid)  # a change of identity forgets it

    def step_unshare(self, flags: str) -> None:
        """Enter new namespaces."""
        self._kernel.unshare(int(flags))

    def step_ids(self, uid: str, outside_uid: str, gid: str, outside_gid: str) -> None:
        """Who this is in the new user namespace."""
        write_text("/proc/self/setgroups", "deny")
        write_text("/proc/self/uid_map", f"{uid} {outside_uid} 1")
        write_text("/proc/self/gid_map", f"{gid} {outside_gid} 1")

    def step_init(self) -> None:
        """Go on as the first process of the new process namespace; the one before waits for it and ends with it."""
        child = bound_child(self._kernel)
        if child == 0:
            return
        self.say(f"init {child}")
        self._kernel.wait(child, 0)
        self._kernel.exit(0)

    def step_supervise(self) -> None:
        """Go on as a child; the one before ends all that it starts, with it or when it is sent TERM."""
        from agentcli.sandbox.processes import guardian

        self._kernel.adopt_orphans()
        self._kernel.set_dumpable(0)
        domain = guardian.Domain(self._kernel)
        guardian.hold_signals()
        child = bound_child(self._kernel)
        if child == 0:
            guardian.release_signals()
            return
        self.say(f"init {os.getpid()}")
        self.say(told(guardian.guard(child, domain)))
        self._kernel.exit(0)

    def step_gate(self, info: str, told_info: str, block: str, opens: str, *limits: str) -> None:
        """Go on as what will be bwrap; a child sets limits (name, soft, hard…) on the first process of its namespace,
        which it learns from `info`, and then lets it start the program. bwrap knows of children that are not its own.
        """
        parent = str(os.getpid())
        keeper = self._kernel.fork()
        for other in (info, opens) if keeper else (told_info, block):
            os.close(int(other))
        if keeper:
            return
        self.step_parent(parent)
        if first := open_gate(self._kernel, int(info), int(opens), limits):
            self.say(f"init {first}")
        self._kernel.exit(0)

    def step_hostname(self, name: str) -> None:
        """What the machine is called inside."""
        self._kernel.set_hostname(name.encode())

    # -- what is seen -------------------------------------------------------------------------------------------

    def step_tree(self, key: str, path: str, attributes: str, *owners: str) -> None:
        """Take hold of a folder or file as it is now. `owners`: uid and gid on disk, and whom they are seen as."""
        tree = self._kernel.open_tree(path)
        self._kernel.set_attributes(tree, int(attributes), self._owner(owners) if owners else -1)
        self._trees[key] = tree

    def _owner(self, owners: Step) -> int:
        if owners not in self._owners:
            self._owners[owners] = user_namespace(self._kernel, *owners)
        return self._owners[owners]

    def step_private(self) -> None:
        """Mounts from here on are this process's own."""
        self._kernel.make_private()

    def step_root(self, path: str, options: str) -> None:
        """Begin a new root at `path`; what follows is made below it."""
        self._kernel.mount("tmpfs", path, NO_SUID | NO_DEV, options)
        self._root = path

    def step_folder(self, path: str) -> None:
        """A folder, with those above it."""
        os.makedirs(self._root + path, 0o755, exist_ok=True)

    def step_link(self, path: str, target: str) -> None:
        """A symbolic link."""
        os.symlink(target, self._root + path)

    def step_file(self, path: str, text: str) -> None:
        """A small file."""
        write_text(self._root + path, text, os.O_CREAT | os.O_EXCL)

    def step_mount(self, kind: str, path: str, attributes: str, options: str) -> None:
        """A file system of its own, in a folder that is made for it."""
        self.step_folder(path)
        self._kernel.mount(kind, self._root + path, int(attributes), options)

    def step_attach(self, key: str, path: str) -> None:
        """What was taken hold of is seen at `path`."""
        tree, target = self._trees.pop(key), self._root + path
        if _is_folder(tree):
            self.step_folder(path)
        elif not os.path.lexists(target):
            self.step_folder(os.path.dirname(path))
            write_text(target, "", os.O_CREAT | os.O_EXCL)
        self._attach(tree, os.open(target, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC))

    def step_protect(self, base: str, *names: str) -> None:
        """What is at `names` below `base` can be read and not changed. Passes no link; gone meanwhile is fine."""
        target = beneath(self._root + base, names)
        if target >= 0:
            tree = self._kernel.copy_tree(target)
            self._kernel.set_attributes(tree, READ_ONLY)
            self._attach(tree, target)

    def step_hide(self, base: str, *names: str) -> None:
        """What is at `names` below `base` looks empty."""
        target = beneath(self._root + base, names)
        if target >= 0:
            tree = self._kernel.open_tree(self._root + (EMPTY_FOLDER if _is_folder(target) else EMPTY_FILE))
            self._kernel.set_attributes(tree, READ_ONLY)
            self._attach(tree, target)

    def step_pivot(self) -> None:
        """Live in the new root, where nothing can be added; the old one is gone."""
        self._kernel.change_root(self._root)
        self._root = ""
        here = os.open("/", os.O_PATH | os.O_CLOEXEC)
        self._kernel.set_attributes(here, READ_ONLY, recursive=False)
        os.close(here)

    def _attach(self, tree: int, target: int) -> None:
        self._kernel.attach(tree, target)
        os.close(tree)
        os.close(target)

    # -- what is refused ----------------------------------------------------------------------------------------

    def step_rules(self, fs: str, net: str, scoped: str) -> None:
        """Begin a Landlock ruleset."""
        self._ruleset = self._kernel.landlock_ruleset(int(fs), int(net), int(scoped))

    def step_allow(self, access: str, path: str) -> None:
        """A rule of it; what is not there needs none, and neither does a link."""
        try:
            parent = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return
        if not stat.S_ISLNK(os.fstat(parent).st_mode):
            self._kernel.landlock_allow(self._ruleset, int(access), parent)
        os.close(parent)

    def step_restrict(self) -> None:
        """Put the ruleset in force."""
        self._kernel.landlock_restrict(self._ruleset)
        os.close(self._ruleset)

    def step_privileges(self) -> None:
        """Give up all capabilities and the way to any other; nobody may look into this process."""
        self._kernel.no_new_privileges()
        self._kernel.drop_capabilities()
        self._kernel.set_dumpable(0)

    def step_filter(self, program: str) -> None:
        """Put a seccomp program in force, given in hexadecimal."""
        self._kernel.filter_syscalls(bytes.fromhex(program))

    # -- the end ------------------------------------------------------------------------------------------------

    def step_run(self, folder: str, count: str, *words: str) -> None:
        """Start the program: `count` arguments, then its environment. Ends when it has."""
        program = self._kernel.fork()
        if program == 0:
            self.step_execute(folder, count, *words)
        self.say(told(status_of(self._kernel, program)))
        self._kernel.exit(0)

    def step_execute(self, folder: str, count: str, *words: str) -> None:
        """Become the program."""
        arguments, environ = words[: int(count)], words[int(count) :]
        self._kernel.new_session()
        for signal in (_SIGPIPE, _SIGXFSZ):
            self._kernel.default_signal(signal)
        try:
            os.chdir(folder)
            self._kernel.execute(arguments[0], arguments, dict(word.split("=", 1) for word in environ))
        except OSError as error:
            os.write(2, f"{arguments[0]}: {error.strerror}\n".encode(errors="replace"))
            self._kernel.exit(NOT_EXECUTED)


def beneath(base: str, names: Step) -> int:
    """What is at `names` below `base`, open but not for reading. -1 where there is nothing, or a link."""
    at = os.open(base, os.O_PATH | os.O_CLOEXEC)
    for name in names:
        try:
            entered = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        except (FileNotFoundError, NotADirectoryError):
            entered = -1
        os.close(at)
        at = entered
        if at < 0:
            return -1
    if not stat.S_ISLNK(os.fstat(at).st_mode):
        return at
    os.close(at)
    return -1


def _is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)
