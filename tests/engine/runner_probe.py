"""Run as guest code: prints, as JSON, all that a runner has of its own, and all that a fresh interpreter would have.

What is called `new` must differ between any two runners; what is called `same` must not; `clocks` and `exe` are judged
by `test_restored_runner.py`.
"""

import gc
import logging
import sys
import warnings

FILTERS = repr(warnings.filters)
ROOT = logging.root
LOGGERS = sorted(
    (name, logger.level, repr(logger.handlers), logger.propagate)
    for name, logger in ROOT.manager.loggerDict.items()
    if isinstance(logger, logging.Logger) and (logger.level or logger.handlers or not logger.propagate)
)
LOGGING = repr([ROOT, ROOT.handlers, ROOT.manager.disable, logging.raiseExceptions, LOGGERS])
NAMES = sorted(vars(sys.modules["__main__"]).keys())
COLLECTOR = [gc.isenabled(), gc.get_threshold(), repr(gc.callbacks), gc.get_debug()]

import ctypes
import decimal
import email.utils
import errno
import faulthandler
import importlib
import json
import locale
import os
import platform
import random
import resource
import secrets
import signal
import sysconfig
import tempfile
import threading
import time
import traceback
import uuid
import weakref

import numpy as np

libc = ctypes.CDLL(None, use_errno=True)
libc.malloc.restype = libc.realloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.realloc.argtypes = [ctypes.c_size_t], [ctypes.c_void_p, ctypes.c_size_t]
libc.free.argtypes, libc.pthread_self.restype = [ctypes.c_void_p], ctypes.c_void_p
libc.getauxval.argtypes, libc.getauxval.restype = [ctypes.c_ulong], ctypes.c_ulong

X86 = platform.machine() == "x86_64"
CALL_CLOCK_GETTIME, CALL_RSEQ, RSEQ_SIGNATURE = (228, 334, 0x53053053) if X86 else (113, 293, 0xD428BC00)
AT_SYSINFO_EHDR = 33
THREADS = 50
STACK_MARGIN = 1 << 20


def random_bytes_of_ssl():
    try:
        import ssl
    except ImportError:
        return None
    return ssl.RAND_bytes(16).hex()


def new():
    import pandas as pd
    import scipy.stats

    folder = tempfile.mkdtemp()
    facts = {
        "random": random.random(),
        "random.Random": random.Random().random(),
        "random.SystemRandom": random.SystemRandom().random(),
        "os.urandom": os.urandom(16).hex(),
        "os.getrandom": os.getrandom(16).hex(),
        "secrets": secrets.token_hex(16),
        "uuid1": str(uuid.uuid1()),
        "uuid node": uuid.getnode(),
        "uuid4": str(uuid.uuid4()),
        "numpy global": np.random.random(),
        "numpy global integers": np.random.randint(1 << 62),
        "numpy state": np.random.get_state()[1].tolist()[:8],
        "numpy default_rng": np.random.default_rng().random(),
        "numpy RandomState": np.random.RandomState().random_sample(),
        "numpy SeedSequence": np.random.SeedSequence().entropy,
        "pandas sample": pd.Series(range(10**6)).sample(3).tolist(),
        "scipy normal": scipy.stats.norm.rvs(),
        "temporary folder": os.path.basename(folder),
        "message id": email.utils.make_msgid().split(".")[2],
        "arc4random": getattr(libc, "arc4random", lambda: os.urandom(4).hex())(),
    }
    if (drawn := random_bytes_of_ssl()) is not None:
        facts["ssl"] = drawn
    return facts


def signals():
    dispositions = {number: str(signal.getsignal(number)) for number in sorted(signal.valid_signals())}
    with open("/proc/self/status") as file:
        masks = [line for line in file if line.startswith("Sig") and not line.startswith("SigQ")]
    return [dispositions, masks, sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, [])))]


def signals_work():
    caught = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    except KeyboardInterrupt:
        caught.append("KeyboardInterrupt")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        os.write(writer, b"x")
    except BrokenPipeError:
        caught.append("BrokenPipeError")
    os.close(writer)
    alternate = (ctypes.c_uint64 * 3)()
    libc.sigaltstack(None, alternate)
    return [caught, alternate[0], alternate[2]]


def heap_grows():
    """Return what stands in memory of all sizes after it was taken, enlarged, freed, trimmed and taken again."""
    sums = []
    for _ in range(2):
        blocks = [(libc.malloc(size), size) for size in (8, 100, 5_000, 60_000, 130_000, 3 << 20) for _ in range(10)]
        for at, (address, size) in enumerate(blocks):
            ctypes.memset(address, at, size)
        grown = [(libc.realloc(address, 2 * size), size) for address, size in blocks]
        kept = [ctypes.string_at(address, size) == bytes([at]) * size for at, (address, size) in enumerate(grown)]
        sums.append(sum(kept))
        for address, _ in grown:
            libc.free(address)
        libc.malloc_trim(0)
    return [*sums, len([bytearray(1_000) for _ in range(50_000)])]


def threads_start():
    """Return how many threads were there at once, how many ids they had, and what they did in memory."""
    barrier, ids, sums = threading.Barrier(THREADS), set(), []

    def work():
        ids.add(threading.get_native_id())
        barrier.wait()
        sums.append(sum(map(len, [bytearray(size) for size in range(2_000)])))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [len(ids), len(sums), len(set(sums))]


def thread_ids():
    main = threading.main_thread()
    place = (ctypes.c_uint32 * 3).in_dll(libc, "_thread_db_pthread_tid")[2]  # what glibc tells debuggers
    libcs = ctypes.c_int.from_address(libc.pthread_self() + place).value
    return [
        *(os.getppid(), os.getpid() == threading.get_native_id() == main.native_id == libcs),
        *(main.name, threading.active_count()),
        *(main is threading.current_thread(), main.ident == threading.get_ident() == libc.pthread_self()),
    ]


def depth(level=0):
    try:
        return depth(level + 1)
    except RecursionError:
        return level


def depth_in_c():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    try:
        return len(repr(nested))
    except RecursionError as error:
        return str(error)


def stack_bytes():
    """Return the size of the first thread's stack, after having written to nearly all of it."""
    attributes = (ctypes.c_char * 256)()
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), attributes)
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    ctypes.memset(address.value + STACK_MARGIN // 16, 1, size.value - STACK_MARGIN)
    return -(-size.value // STACK_MARGIN)


def tracebacks():
    texts = []
    for wrong in (lambda: json.loads("{"), lambda: np.zeros(2) @ np.zeros(3), lambda: {}["key"]):
        try:
            wrong()
        except Exception:
            texts.append(traceback.format_exc())
    return texts


def faulthandler_writes():
    """Tell whether stacks are written on a signal, and by the timer while C code holds everything up."""
    with open("stacks", "w+b") as file:
        faulthandler.register(signal.SIGUSR2, file=file, chain=False)
        os.kill(os.getpid(), signal.SIGUSR2)
        faulthandler.unregister(signal.SIGUSR2)
        on_signal = os.fstat(file.fileno()).st_size
        faulthandler.dump_traceback_later(0.01, file=file)
        while os.fstat(file.fileno()).st_size == on_signal:
            time.sleep(0.01)
        faulthandler.cancel_dump_traceback_later()
        file.seek(0)
        return [faulthandler.is_enabled(), file.read().count(b" in faulthandler_writes") == 2]


def garbage_goes():
    class Node:
        pass

    node = Node()
    node.itself, gone = node, weakref.ref(node)
    del node
    gc.collect()
    return [*COLLECTOR, gone() is None]


def streams():
    return [
        [repr(stream), stream.fileno(), stream.line_buffering, stream.write_through, stream.isatty(), stream.errors]
        for stream in (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__)
    ] + [sys.stdin.read(), type(sys.stdout.buffer).__name__]


def descriptors():
    """Return what is open, beside fonts."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:  # that of the list itself
            continue
        if not target.lower().endswith((".ttf", ".ttc", ".otf")):
            found[number] = [target.split(":")[0], os.get_inheritable(int(number))]
    return found


def sequences():
    """Return what the kernel says to registering the area for restartable sequences again: it is busy."""
    offset = ctypes.c_ssize_t.in_dll(libc, "__rseq_offset").value
    area = ctypes.c_void_p(libc.pthread_self() + offset) if X86 else None
    libc.syscall(CALL_RSEQ, area, 32, 0, RSEQ_SIGNATURE)
    return errno.errorcode.get(ctypes.get_errno())


def extensions_load():
    """Return the names of the standard library's compiled modules, or why one can't be imported."""
    found = {}
    for file in sorted(os.listdir(sysconfig.get_config_var("DESTSHARED"))):
        name = file.split(".")[0]
        if name.startswith(("_test", "_xx", "xx")):  # of Python's own tests
            continue
        try:
            found[name] = importlib.import_module(name).__name__
        except ImportError as error:
            found[name] = str(error)
    return found


def vdso_is_where_libc_looks():
    with open("/proc/self/maps") as file:
        lines = file.read().splitlines()
    # gVisor gives it no name: it is the executable mapping behind the data.
    places = [line for line, before in zip(lines[1:], lines, strict=False) if "[vdso]" in line or "[vvar" in before]
    return any(
        int(line.split("-")[0], 16) == libc.getauxval(AT_SYSINFO_EHDR) for line in places if "x" in line.split()[1]
    )


def clocks():
    """Return readings of each clock in the order in which they were made: by the C library, the kernel, and again."""

    def by_kernel(clock):
        pair = (ctypes.c_int64 * 2)()
        libc.syscall(CALL_CLOCK_GETTIME, clock, pair)
        return pair[0] + pair[1] / 1e9

    readings = {}
    for name, clock in (("wall", time.CLOCK_REALTIME), ("monotonic", time.CLOCK_MONOTONIC)):
        first, kernels = time.clock_gettime(clock), by_kernel(clock)
        while (last := time.clock_gettime(clock)) <= first:
            pass
        readings[name] = [first, kernels, last]
    return readings


def same():
    limits = {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")}
    with open("/proc/self/comm") as file:
        comm = file.read()
    with open("/proc/self/environ", "rb") as file:
        given = sorted(file.read().decode().split("\0"))
    return {
        "hash of text": hash("figbox"),
        "process and thread ids": thread_ids(),
        "environment": dict(sorted(os.environ.items())),
        "environment as given": given,
        "environment of libc": [libc.getenv(b"HOME") != 0, libc.getenv(b"figbox") != 0],
        "arguments": [sys.argv, sys.orig_argv],
        "working directory": [os.getcwd(), os.listdir()],
        "streams": streams(),
        "signals": signals(),
        "signals work": signals_work(),
        "umask": [os.umask(0o022), os.umask(0o022)],
        "time zone": [time.tzname, time.timezone, time.daylight, time.localtime(0)],
        "locale": [locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(), locale.localeconv()],
        "heap": heap_grows(),
        "threads": threads_start(),
        "recursion": [depth(), depth_in_c(), sys.getrecursionlimit()],
        "stack": stack_bytes(),
        "tracebacks": tracebacks(),
        "faulthandler": faulthandler_writes(),
        "flags": [str(sys.flags), sys.path, sys.executable, sys.prefix, sys.getswitchinterval()],
        "names": NAMES,
        "collector": garbage_goes(),
        "warnings": FILTERS,
        "logging": LOGGING,
        "limits": limits,
        "process name": comm,
        "descriptors": descriptors(),
        "numbers": [str(decimal.getcontext()), np.geterr(), 5e-324 * 1.0 > 0, libc.fegetround()],
        "cores": [os.cpu_count(), sorted(os.sched_getaffinity(0)), libc.sched_getcpu() in os.sched_getaffinity(0)],
        "restartable sequences": sequences(),
        "extensions": extensions_load(),
        "vdso": vdso_is_where_libc_looks(),
    }


facts = {"same": same(), "new": new(), "clocks": clocks(), "exe": os.readlink("/proc/self/exe")}
print(json.dumps(facts, default=str))
plt.figure(figsize=(3, 2)).text(0.1, 0.5, "ΩЖ§ê ‰ 測試 $\\varpi\\oint$")
