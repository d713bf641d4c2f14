"""Small packages that do at their import what large ones do, and a program that compares two ways to import them.

The program runs codes in children of its own, before and after it has imported everything beforehand, and prints what
each finds: a list with a pair of documents for each code.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.support.runner import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Sources by file. Each module writes its name into `executed`, a list that the program keeps in `sys`.
SOURCES = {
    "pkg/__init__.py": "from . import core\nfrom .name import name\nVALUE = 1",
    "pkg/core.py": "import helper\nimport warnings\nwarnings.simplefilter('ignore', ResourceWarning)",
    "pkg/name.py": "def name(): return 'a function with the name of its module'",
    "pkg/late.py": "from . import core\nimport os\nos.environ['PKG_LATE'] = 'yes'",
    "pkg/text.txt": "resource",
    "helper.py": (
        "import logging, os\nlogging.getLogger('helper').addHandler(logging.NullHandler())\n"
        "logging.getLogger('helper').setLevel(30)\nos.environ.setdefault('HELPER', 'default')\n"
        "class Thing:\n    def __eq__(self, other): return type(other) is Thing\n"
    ),
    "shadowed/__init__.py": "def tool(): return 'function'",
    "shadowed/tool.py": "TOOL = 1",
    "user.py": "import shadowed.tool\nfrom pkg import core",
    "circle_a.py": "import circle_b\nA = 1",
    "circle_b.py": "import circle_a\nB = 2",
    "deep/__init__.py": "",
    "deep/down/__init__.py": "",
    "deep/down/below.py": "import deep.down.beside",
    "deep/down/beside.py": "from pkg.late import os",
    "broken.py": "import helper\nimport deep.down\nraise RuntimeError('broken')",
    "tolerant.py": "try:\n    import broken\nexcept RuntimeError:\n    pass",
    "planting.py": "import sys, types\nsys.modules['planted'] = types.ModuleType('planted')",
    "alias.py": "import sys\nsys.modules.setdefault('other_name', sys.modules[__name__])",
    "alias_too.py": "import sys\nsys.modules.setdefault('other_name', sys.modules[__name__])",
    "replacing.py": "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(replaced=True)",
    "lazy/__init__.py": (
        "import importlib\ndef __getattr__(name):\n    if name == 'part':\n"
        "        return importlib.import_module('lazy.part')\n    raise AttributeError(name)\n"
    ),
    "lazy/part.py": "PART = 1",
    "lazy/uses_part.py": "import lazy\nlazy.part",
    "by_name.py": "import importlib\nimportlib.import_module('lazy.part')\nimportlib.import_module('.late', 'pkg')",
    "warning.py": "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)",
    "warning_about_itself.py": "import warnings\nwarnings.warn('mine', UserWarning)",
    "importer_of_warning.py": "import warning",
    "finder.py": (
        "import sys\nclass Finder:\n    def find_spec(self, name, path=None, target=None): return None\n"
        "sys.meta_path.insert(0, Finder())\nsys.path.append('/nowhere')\n"
    ),
    "settings.py": (
        "import decimal, gc, signal, sys\nsys.setrecursionlimit(1234)\ngc.set_threshold(600, 7, 8)\n"
        "signal.signal(signal.SIGUSR1, signal.SIG_IGN)\nsys.excepthook = lambda *_: None\n"
        "decimal.getcontext().prec = 9\n"
    ),
    "namespace/inner.py": "import helper",
}
LOG = "import sys\nsys.executed.append(__name__)\n"

UNITS = tuple(
    name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in SOURCES if name.endswith(".py")
)

PROGRAM = """
import gc, json, logging, os, signal, sys, traceback, warnings
sys.executed = []
folder, units, codes = json.load(sys.stdin)
sys.path[0] = {runner!r}
from preload import preloading
import decimal, importlib.resources, pickle, inspect, pkgutil, threading, types
sys.path[0] = os.getcwd()
sys.path.append(folder)

def in_child(code):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        names = {{"__name__": "__main__", "found": None}}
        error = None
        shown = []
        warnings.showwarning = lambda m, c, f, n, *_: shown.append([str(m), c.__name__, os.path.basename(f), n])
        usual = warnings.showwarning
        try:
            exec(compile(code, "code.py", "exec"), names)
        except BaseException as raised:
            error = f"{{type(raised).__name__}}: {{raised}}"
            if os.environ.get("TELL"):
                traceback.print_exc()
        modules = {{name: module for name, module in sys.modules.items() if name not in visible}}
        handlers = [type(each).__name__ for each in logging.getLogger("helper").handlers]
        state = {{
            "found": names["found"], "error": error, "warned": shown,
            "modules": list(modules),
            "attributes": {{
                name: {{key: repr(value) for key, value in getattr(module, '__dict__', {{}}).items()
                       if key not in ("__builtins__", "__warningregistry__")}}
                for name, module in modules.items()
            }},
            "filters": list(map(repr, warnings.filters)), "handlers": [handlers, logging.getLogger("helper").level],
            "environment": dict(os.environ), "path": sys.path,
            "finders": [repr(each) for each in sys.meta_path if type(each).__name__ != "Stash"],
            "limits": [sys.getrecursionlimit(), gc.get_threshold(), decimal.getcontext().prec],
            "hooks": [repr(sys.excepthook), repr(signal.getsignal(signal.SIGUSR1))],
        }}
        with os.fdopen(writing, "w") as file:
            json.dump(state, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text)

visible = {{*sys.modules}}
fresh = [in_child(code) for code in codes]
assert not sys.executed
report = preloading.preload(units, draw=False)
executed = list(sys.executed)
hidden = [in_child(code) for code in codes]
json.dump({{"fresh": fresh, "hidden": hidden, "report": report._asdict(), "executed": executed}}, sys.stdout)
"""


def compare(folder: Path, codes: Iterable[str], units: Iterable[str] = UNITS) -> dict[str, Any]:
    """Return what each code finds when it imports, and when everything was imported beforehand.

    Args:
        folder: An empty folder; the fake packages are put below it, and below it is the working directory.
        codes: What to run.
        units: What to import beforehand.
    """
    for name, source in SOURCES.items():
        file = folder / "packages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((LOG if name.endswith(".py") else "") + source)
    work_dir = folder / "work"
    work_dir.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(runner=str(FOLDER))],
        input=json.dumps([str(folder / "packages"), list(units), list(codes)]),
        capture_output=True,
        text=True,
        check=False,
        cwd=work_dir,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(re.sub(r" at 0x[0-9a-f]+", "", done.stdout))
    return found
