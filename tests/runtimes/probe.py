"""Run as guest code: finds out what the sandbox is like, in the words of `docs/runtimes.md`.

It ends with its findings as the text of its own exception, between `<<` and `>>`.
"""

import contextlib
import ctypes
import errno
import os
import platform
import socket
import threading
import time

MANY = 600
libc = ctypes.CDLL(None, use_errno=True)


def fails(call, *arguments):
    """Tell whether a call is refused by the system."""
    try:
        call(*arguments)
    except (OSError, RuntimeError):
        return True
    return False


def refused(call, *arguments):
    """Return the same in words."""
    return "refused" if fails(call, *arguments) else "allowed"


def system_call(number, *arguments):
    """Make a raw system call."""
    if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(value) for value in arguments]) == -1:
        raise OSError(ctypes.get_errno(), errno.errorcode.get(ctypes.get_errno(), "?"))


def all_refused(*calls):
    """Tell whether each of several raw calls is refused."""
    answers = {refused(system_call, *call) for call in calls}
    return answers.pop() if len(answers) == 1 else "some allowed"


def fork():
    """Fork a child, which ends at once."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def fill():
    """Write more bytes than the working directory may hold, in several files."""
    try:
        for number in range(12):
            with open(f"bytes{number}", "wb") as file:
                file.write(bytes(1 << 20))
    finally:
        for number in range(12):
            with contextlib.suppress(OSError):
                os.unlink(f"bytes{number}")


def make_files():
    """Make more files than the working directory may hold."""
    try:
        for number in range(MANY):
            open(f"file{number}", "w").close()
    finally:
        for number in range(MANY):
            with contextlib.suppress(OSError):
                os.unlink(f"file{number}")


def make_sparse():
    """Make one huge file that needs no room."""
    with open("sparse", "wb") as file:
        file.truncate(1 << 40)


def open_many():
    """Open more files than a process may."""
    opened = []
    try:
        for _ in range(MANY):
            opened.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for descriptor in opened:
            os.close(descriptor)


def start_threads():
    """Have more threads than the container may."""
    done = threading.Event()
    try:
        for _ in range(100):
            threading.Thread(target=done.wait, daemon=True).start()
    finally:
        done.set()
        time.sleep(0.1)


def bounded(call):
    """Tell whether something comes to an end."""
    return "bounded" if fails(call) else "not bounded"


def text_of(path):
    """Return the beginning of a file; empty if it can't be read."""
    try:
        with open(path) as file:
            return file.read(2000)
    except OSError:
        return ""


def can_write(folder):
    """Tell whether a file can be made in a folder."""
    try:
        open(folder + "/probe", "w").close()
    except OSError:
        return False
    return True


status = dict(line.split(":\t", 1) for line in text_of("/proc/self/status").splitlines() if ":\t" in line)
capabilities = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")]
interfaces = [line.split(":")[0].strip() for line in text_of("/proc/net/dev").splitlines()[2:]]
elsewhere = ["", "/etc", "/opt/figbox", "/usr", "/var", "/home", "/root", "/run", "/dev", "/dev/shm", "/dev/mqueue"]
elsewhere += ["/sys", "/sys/fs/cgroup", "/proc/sys/kernel"]
tables = [f"/proc/{name}" for name in ("kallsyms", "modules", "interrupts", "keys", "kcore", "locks")]
with open("program", "w") as program:
    program.write("#!/bin/true")
found = {
    "Kernel that the code meets": "gVisor's" if "gvisor" in text_of("/proc/cmdline") else "the host's",
    "Filter of system calls": "on" if status.get("Seccomp") == "2" else "none",
    "Gaining privileges": "ruled out" if status.get("NoNewPrivs") == "1" else "not shown",
    "Capabilities": "none" if not any(capabilities) else "some",
    "Network interfaces": ", ".join(interfaces) or "none",
    "Making a socket": refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()),
    "Forking": refused(fork),
    # io_uring_setup, mount, bpf, keyctl, chroot, setns, userfaultfd, pidfd_open
    "`io_uring`, `mount`, `bpf`, `keyctl` and their like": all_refused(
        (425, 0, 0), (165, 0, 0, 0, 0, 0), (321, 99, 0, 0), (250, 99, 0, 0, 0), (161, 0), (308, -1, 0), (323, 1 << 28)
    ),
    # unshare without a flag
    "`unshare`": refused(system_call, 272, 0),
    "Changing modes": refused(os.chmod, "program", 0o755),
    "Setting set-id bits": refused(os.chmod, "program", 0o4755),
    "Running a program of one's own": refused(os.execv, "program", ["program"]),
    "Writing outside the working directory": "allowed" if any(map(can_write, elsewhere)) else "refused",
    "Bytes in the working directory": bounded(fill),
    "Files in the working directory": bounded(make_files),
    "Size of one file": bounded(make_sparse),
    "Open files": bounded(open_many),
    "Threads": bounded(start_threads),
    "Tables of the host's kernel": "shown" if any(map(text_of, tables)) else "hidden",
    "User ids": "remapped" if "4294967295" not in text_of("/proc/self/uid_map") else "as they are",
}
assert platform.machine() == "x86_64", "these numbers are x86_64's"
raise SystemExit(f"<<{found!r}>>")
