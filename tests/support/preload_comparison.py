"""A program for the runner image: does the same in processes that have imported beforehand and in others, and compares.

argv: the folder of the runner. stdin: JSON ``{"imports": [code, …], "jobs": [code, …]}``. stdout: JSON
``{"different": {code: [[what, fresh, preloaded], …]}, "errors": {code: error}, "report": {…}, "threads": number}``.

Each code runs in a child of its own, forked before and after the preloading. Code of `imports` is followed by a look at
the whole process, code of `jobs` is drawn.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

FOLDER = sys.argv[1]
sys.path[0] = FOLDER

import cheap_import  # noqa: E402 - the folder first
import job  # noqa: E402
import runner  # noqa: E402
from preload import preloading, renewal  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The kernel's own; the runner's import puts words in its place.
fork = os.fork

VALUES = (str, int, float, bool, bytes, type(None))
FORMATS = ("png", "svg", "pdf")

#: Names of modules that another process has, too, but bound to something else.
NOT_COMPARED = {"__builtins__", "__warningregistry__", "_startTime", "_uname_cache"}

#: Modules that bind names when they are asked for them, which makes no difference.
LAZY = re.compile(r"typing|concurrent\.futures|_cython_.*")

ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def in_child(task: Callable[[str], Any], code: str, *, renewed: bool) -> Any:
    """Return what a function returns in a child, as JSON has it."""
    reading, writing = os.pipe()
    child = fork()
    if not child:
        os.close(reading)
        try:
            if renewed:
                renewal.renew(dict(os.environ))
            answer = task(code)
        except BaseException as error:  # noqa: BLE001 - whatever code raises is compared
            answer = {"error": f"{type(error).__name__}: {error}"}
        with os.fdopen(writing, "w") as file:
            json.dump(answer, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(ADDRESS.sub("", text)) if text else {"error": "the process died"}


def state_after(code: str) -> dict[str, Any]:
    """Return the state of this process after running code."""
    import builtins
    import gc
    import locale
    import logging
    import signal
    import threading
    import warnings

    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import numpy as np
    from PIL import Image

    exec(code, {"__name__": "__main__"})  # noqa: S102 - a test's own
    modules = dict(sys.modules)
    decimal = modules.get("decimal")
    hooks = [repr(getattr(sys, name)) for name in ("excepthook", "displayhook", "unraisablehook")]
    return {
        "modules": sorted(modules),
        "filters": [repr(each) for each in warnings.filters],
        "once": repr(getattr(warnings, "onceregistry", None)),
        "show": repr(warnings.showwarning),
        "rcParams": {name: repr(value) for name, value in dict.items(mpl.rcParams)},
        "rcParamsDefault": {name: repr(value) for name, value in dict.items(mpl.rcParamsDefault)},
        "colormaps": list(mpl.colormaps),
        "colour sequences": list(mpl.color_sequences),
        "units": {repr(kind): type(converter).__qualname__ for kind, converter in mpl.units.registry.items()},
        "styles": [list(mpl.style.library), list(mpl.style.available)],
        "scales": mpl.scale.get_scale_names(),
        "projections": mpl.projections.get_projection_names(),
        "figures": plt.get_fignums(),
        "backend": repr(vars(plt)["_backend_mod"]),
        "formats": repr(mpl.backend_bases._default_backends),
        "loggers": loggers(),
        "levels": {name: logging.getLevelName(name) for name in range(60)},
        "environment": dict(os.environ),
        "path": sys.path,
        "finders": [repr(finder) for finder in sys.meta_path if type(finder).__name__ != "Stash"],
        "path hooks": [repr(hook) for hook in sys.path_hooks],
        "numpy": [np.geterr(), repr(np.get_printoptions()), repr(np.geterrcall())],
        "locale": locale.setlocale(locale.LC_ALL),
        "collector": [gc.isenabled(), gc.get_threshold()],
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval()],
        "signals": [repr(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "hooks": [*hooks, repr(threading.excepthook)],
        "threads": [threading.active_count(), len(os.listdir("/proc/self/task"))],
        "builtins": list(vars(builtins)),
        "plugins": [list(Image.OPEN), list(Image.SAVE), Image.ID, Image._initialized],
        "decimal": repr(decimal and decimal.getcontext()),
        "files": sorted(os.listdir(".")),
        "names": {name: names_of(module) for name, module in modules.items() if not LAZY.fullmatch(name)},
    }


def loggers() -> dict[str, Any]:
    """Return how loggers are set that have been set."""
    import logging

    found = {}
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            handlers = [[repr(each), each.level] for each in logger.handlers]
            fields = [logger.level, logger.propagate, logger.disabled, handlers, list(map(repr, logger.filters))]
            if fields != [0, True, False, [], []]:
                found[logger.name] = fields
    return found


def names_of(module: Any) -> dict[str, str]:
    """Return the names that a module has bound, and to what, as far as that can be compared."""
    found = {}
    for name, value in list(getattr(module, "__dict__", {}).items()):
        kind = type(value)
        told = f"{kind.__module__}.{kind.__qualname__}"
        if kind in VALUES:
            told += f" {value!r}"
        elif kind is type(sys):
            told += f" {value.__name__}, {sys.modules.get(value.__name__) is value}"
        elif isinstance(value, type):
            told += f" {value.__module__}.{value.__qualname__}"
        elif name in ("__spec__", "__loader__", "__path__"):
            told += f" {value!r}"
        if name not in NOT_COMPARED:
            found[name] = told
    return found


def drawn(code: str) -> dict[str, Any]:
    """Return digests of the pictures of a job, or its error."""
    options = job.SaveOptions(dpi=200.0, bbox_inches="tight", formats=FORMATS)
    result = runner.draw(job.Job(code, options, seed=7, collect=True))
    pictures = [[each.format, hashlib.sha256(each.data).hexdigest()] for each in result.pictures]
    return {"pictures": pictures, "error": result.error}


def differences(fresh: Any, other: Any, path: str = "") -> Iterator[list[Any]]:
    """Yield where two documents differ."""
    if isinstance(fresh, dict) and isinstance(other, dict):
        for key in {**fresh, **other}:
            yield from differences(fresh.get(key), other.get(key), f"{path}/{key}")
    elif path == "/modules" and isinstance(fresh, list) and isinstance(other, list):
        if fresh != other:
            yield [path, sorted(set(fresh) - set(other)), sorted(set(other) - set(fresh))]
    elif fresh != other:
        yield [path, fresh, other]


def main() -> None:
    """Compare."""
    wanted = json.load(sys.stdin)
    tasks = [(state_after, code) for code in wanted["imports"]] + [(drawn, code) for code in wanted["jobs"]]
    cheap_import.import_pyplot()
    fresh = [in_child(*task, renewed=False) for task in tasks]
    report = preloading.preload()
    other = [in_child(*task, renewed=True) for task in tasks]
    codes = [code for _, code in tasks]
    found = {code: list(differences(*pair)) for code, *pair in zip(codes, fresh, other, strict=True)}
    document = {
        "different": {code: each for code, each in found.items() if each},
        "errors": {code: state["error"] for code, state in zip(codes, fresh, strict=True) if state.get("error")},
        "report": report._asdict(),
        "threads": len(os.listdir("/proc/self/task")),
    }
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main()
