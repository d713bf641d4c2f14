"""Makes new what must be new in each process although its memory was saved in another.

What was looked at: the standard library and every package of the images, for calls, while a module is executed, of
what gives random numbers, times, process ids, host names, users and processors; `tests/engine/test_preload.py` looks
for random numbers that anything else asks the system for. Found, and renewed here:

* ``random``: the generator behind its functions. ``numpy.random``: the one behind its functions, its cached second
  normal number included. SciPy, scikit-learn, statsmodels, pandas and networkx draw from these, or from generators
  made when they are called. What is drawn while a module is executed is drawn again when it is imported, and the one
  generator that is a default argument made anew (captures.py).
* ``tempfile``: the sequence of names, and ``multiprocessing.synchronize``'s own. Both compare process ids, which may
  be the same in each container.
* ``uuid``: node and last time stamp. ``platform``: host name. ``multiprocessing``: the key of connections.
* ``logging``: the time from which ``relativeCreated`` counts. ``threading``: the kernel's id of the main thread.
* ``ssl``: OpenSSL makes its generator when it is first used, which nothing does before; `tests/engine` compare what
  restored runners get. To give it fresh bytes would begin that: 3 MiB in each runner.
* The environment, and in it the host name.

Found, and the same in each process: ``secrets`` and ``random.SystemRandom`` keep nothing, and neither does what NumPy
takes seeds from; ``multiprocessing.ORIGINAL_DIR`` and user folders come from the image; hashes are not randomised
(PYTHONHASHSEED); processors are counted when asked, or are those of the same host.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import cheap_import

from preload.aspects import set_environment
from preload.stash import find_module

if TYPE_CHECKING:
    from collections.abc import Mapping


def renew(environment: Mapping[str, str]) -> None:
    """Make new what must be new; call it once in each restored process, before it serves anything.

    Args:
        environment: The environment of this process. Its variables are set where they are different.
    """
    set_environment(dict(environment))
    renew_random_numbers()
    renew_names()
    renew_times_and_threads()
    if find_module("matplotlib") is not None:
        cheap_import.lay_out_font_list()  # /tmp is this container's own


def renew_random_numbers() -> None:
    """Seed all generators from the system's entropy, as a new process does."""
    find_module("random").seed()
    mtrand = find_module("numpy.random.mtrand")
    if mtrand is not None:
        mtrand._rand.seed()


def renew_names() -> None:
    """Forget names that were made for this process alone."""
    tempfile = find_module("tempfile")
    if tempfile is not None:
        tempfile._name_sequence = None
    synchronize = find_module("multiprocessing.synchronize")
    if synchronize is not None:
        synchronize.SemLock._rand = tempfile._RandomNameSequence()
    process = find_module("multiprocessing.process")
    if process is not None:
        process._current_process._config["authkey"] = process.AuthenticationString(os.urandom(32))
    for name in ("_node", "_last_timestamp"):
        set_if_there("uuid", name, None)
    set_if_there("platform", "_uname_cache", None)


def renew_times_and_threads() -> None:
    """Take anew when this process began, and which of the kernel's threads it is."""
    logging = find_module("logging")
    if logging is not None:
        nanoseconds = sys.version_info >= (3, 13)
        logging._startTime = time.time_ns() if nanoseconds else time.time()
    threading = find_module("threading")
    if threading is not None:
        threading.main_thread()._set_native_id()


def set_if_there(module: str, name: str, value: Any) -> None:
    """Set a name of a module if the module, hidden or not, has it."""
    found = find_module(module)
    if found is not None and hasattr(found, name):
        setattr(found, name, value)
