"""Programs that try, inside a container, what one line of its specification forbids.

Each assigns what it finds to `answer`; what they have at hand is `containers.HARNESS`.
"""

from __future__ import annotations

#: Interfaces, and whether there are sockets: the program itself has none, the host has some even where it has no
#: interface that a container could show.
NETWORK = """
answer = [line.split(":")[0].strip() for line in read("/proc/net/dev").splitlines()[2:]]
if len(read("/proc/net/unix").splitlines()) > 1:
    answer.append("sockets of others")
"""


#: The process id of the parent; the call that tells it is refused.
PARENT = r"int(read('/proc/self/status').partition('\nPPid:')[2].split()[0])"


def limit(name: str) -> str:
    """Return what reads a hard resource limit."""
    return f"answer = resource.getrlimit(resource.RLIMIT_{name})[1]"


def write(path: str) -> str:
    """Return what opens a file to write it."""
    return f"answer = fails(open, {path!r}, 'w')"


#: Copies the interpreter as a setuid program of root's, becomes another user, runs it.
SETUID = """
import shutil, subprocess
shutil.copyfile(os.path.realpath("/proc/self/exe"), "/tmp/python")
os.chmod("/tmp/python", 0o4755)
os.setgid(1000)
os.setuid(1000)
found = subprocess.run(["/tmp/python", "-c", "import os; print(os.geteuid())"], capture_output=True, text=True)
answer = found.stdout.strip() or found.stderr
"""

#: `cpu.max` of cgroup v2, or the two files of v1.
CPU_LIMIT = """
try:
    quota, period = read("/sys/fs/cgroup/cpu.max").split()
except FileNotFoundError:
    quota, period = (read(f"/sys/fs/cgroup/cpu/cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
answer = "none" if quota in ("max", "-1") else int(quota) / int(period)
"""
CPU_WEIGHT = """
try:
    weight, usual = int(read("/sys/fs/cgroup/cpu.weight")), 100
except FileNotFoundError:
    weight, usual = int(read("/sys/fs/cgroup/cpu/cpu.shares")), 1024
answer = "low" if weight < usual / 4 else "usual"
"""
SWAP = """
try:
    swap = read("/sys/fs/cgroup/memory.swap.max")
except FileNotFoundError:
    folder = "/sys/fs/cgroup/memory/memory."
    swap = int(read(folder + "memsw.limit_in_bytes")) - int(read(folder + "limit_in_bytes"))
answer = "none" if int(swap) == 0 else "some"
"""
THREADS = """
import threading
answer = "ok"
try:
    for _ in range(40):
        threading.Thread(target=signal.pause, daemon=True).start()
except RuntimeError as error:
    answer = str(error)
"""
FILES = """
def fill():
    for number in range(5):
        with open(f"/tmp/{number}", "wb") as file:
            file.write(bytes(2 << 20))
answer = fails(fill)
"""
INODES = """
def fill():
    for number in range(100):
        open(f"/tmp/{number}", "w").close()
answer = fails(fill)
"""
EXECUTABLE = """
import mmap
with open("/tmp/x", "w+b") as file:
    file.truncate(4096)
    answer = fails(mmap.mmap, file.fileno(), 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)
"""
DEVICE = """
os.mknod("/tmp/null", 0o20666, os.makedev(1, 3))
answer = fails(open, "/tmp/null")
"""
#: 20 is `getpid` of the 32-bit table. Source: Linux, arch/x86/entry/syscalls/syscall_32.tbl.
INT80 = """
import mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20; int 0x80; ret
answer = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
"""
CALLS = """
import socket
answer = {
    "socket": fails(socket.socket),
    "memfd_create": fails(os.memfd_create, "x"),
    "chmod": fails(os.chmod, "/tmp", 0o1777) if os.getuid() == 0 else "",
    "symlink": fails(os.symlink, "x", "/tmp/link"),
    "splice": fails(os.splice, *os.pipe(), 0),
}
"""
SPIN = """
while sum(os.times()[:2]) < 1.4:
    pass
answer = "went on"
"""
LOCKED = """
locked = libc.mlock(ctypes.create_string_buffer(64), 64) == 0
answer = "ok" if locked else errno.errorcode[ctypes.get_errno()]
"""
DESCRIPTORS = """
kept = []
def fill():
    for _ in range(300):
        kept.append(open("/dev/null"))
answer = fails(fill)
"""
SIGNALS = """
import ctypes
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
answer = "ok"
for _ in range(300):
    if libc.sigqueue(os.getpid(), int(signal.SIGRTMIN), ctypes.c_void_p(0)) == -1:
        answer = errno.errorcode[ctypes.get_errno()]
"""
STACK = """
(stack,) = (line.split()[0] for line in read("/proc/self/maps").splitlines() if line.endswith("[stack]"))
end = int(stack.split("-")[1], 16)
ctypes.memset(end - (12 << 20), 0, 1)
answer = "grew"
"""
MASKS = """
def visible(path):
    try:
        return bool(os.listdir(path) if os.path.isdir(path) else read(path))
    except UnicodeDecodeError:
        return True
    except OSError:
        return False
answer = [path for path in %r if visible(path)]
"""
#: The one `clone` that the filter lets the supervisor make. 56 is `clone` on x86-64, 220 on ARM; 17 is SIGCHLD.
CLONE = """
child = libc.syscall(56 if os.uname().machine == "x86_64" else 220, 17, 0, 0, 0, 0)
if child == 0:
    os._exit(0)
answer = "ok" if child > 0 else errno.errorcode[ctypes.get_errno()]
"""
#: Lets go of all that it was given, in a process that nobody prepared, and stays.
STAY = """
stay = "import os, time; os.write(1, b'ready'); os.close(0); os.close(1); os.close(2); time.sleep(86400)"
os.execv("/proc/self/exe", ["python3", "-c", stay])
"""
#: A child that waits for the end of its parent, whose side of a pipe only the parent holds, and lives on.
ORPHAN = """
import time
inner, outer = os.pipe()
if os.fork() > 0:
    os._exit(0)
os.close(outer)
os.read(inner, 1)
time.sleep(0.3)
answer = "outlived"
"""
