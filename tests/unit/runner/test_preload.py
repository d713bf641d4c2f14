"""What was imported beforehand is hidden, and whoever imports it can't tell the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.fake_packages import UNITS, compare

if TYPE_CHECKING:
    from pathlib import Path

OWN = "with open('helper.py', 'w') as file:\n    print('MINE = 1', file=file)"
GONE = "\nimport os\nos.remove('helper.py')"

#: Whatever is imported, in whatever order and way.
IMPORTS = (
    "",
    *(f"import {unit}" for unit in UNITS),
    "import pkg.late",
    "import pkg\nimport pkg.late",
    "import pkg.late\nimport pkg",
    "from pkg import late",
    "from pkg import name\nfound = name()",
    "import pkg.name\nfound = pkg.name()",
    "import user\nimport shadowed\nfound = shadowed.tool.TOOL",
    "import shadowed\nfound = shadowed.tool()",
    "import shadowed\nimport user\nfound = shadowed.tool.TOOL",
    "import circle_b\nimport circle_a",
    "import circle_a\nfound = circle_a.circle_b.B",
    "import deep\nfound = hasattr(deep, 'down')",
    "import deep.down.below\nfound = hasattr(deep.down, 'beside')",
    "from deep.down import beside",
    "import planting\nimport planted",
    "import alias\nimport alias_too",
    "import alias_too\nimport alias",
    "import replacing\nfound = replacing.replaced",
    "import lazy\nlazy.part",
    "from lazy import part",
    "import lazy\nfound = hasattr(lazy, 'other')",
    "import broken",
    "import nothing_like_it",
    "from pkg import nothing_like_it",
    "try:\n    import broken\nexcept RuntimeError:\n    found = 'caught'\nimport helper",
    "import importer_of_warning\nimport warning",
    "\n\nimport warning",
    "import warnings\nwarnings.simplefilter('error')\nimport warning",
    (
        "import warnings\nwarnings.simplefilter('error')\ntry:\n    import warning\nexcept Warning:\n    pass\n"
        "warnings.simplefilter('ignore')\nimport warning"
    ),
    "import warnings\nwarnings.simplefilter('ignore')\nimport warning_about_itself",
    (
        "import warnings\nwarnings.simplefilter('ignore', ResourceWarning)\n"
        "warnings.simplefilter('error', ResourceWarning)\nimport pkg"
    ),
    "import os\nos.environ['HELPER'] = 'mine'\nimport helper",
    "import logging\nlogging.getLogger('helper').setLevel(10)\nimport helper",
    "import logging\nlogging.getLogger('helper').addHandler(logging.StreamHandler())\nimport helper",
    "import sys\nimport helper\nfirst = helper\ndel sys.modules['helper']\nimport helper\nfound = first is helper",
    "import importlib\nimport helper\nfirst = helper.Thing\nimportlib.reload(helper)\nfound = helper.Thing is first",
    "import importlib.util\nfound = repr(importlib.util.find_spec('helper'))",
    "import importlib.util\nfound = repr(importlib.util.find_spec('pkg.late'))",
    "import importlib.util\nfound = repr(importlib.util.find_spec('namespace').loader)",
    "import helper\nfound = repr([helper.__spec__, type(helper.__loader__).__name__, helper.__spec__._initializing])",
    "import pkg\nfound = repr([pkg.__spec__, pkg.__path__, pkg.__file__])",
    "import importlib.resources as r\nfound = (r.files('pkg') / 'text.txt').read_text()",
    "import pickle\nimport helper\nfound = pickle.loads(pickle.dumps(helper.Thing())) == helper.Thing()",
    "import pickle\nfound = type(pickle.loads(b'chelper\\nThing\\n(tR.')).__module__",
    "import inspect\nimport helper\nfound = [inspect.getsource(helper.Thing), repr(inspect.getmodule(helper.Thing))]",
    "import pkgutil\nimport pkg\nfound = sorted(each.name for each in pkgutil.walk_packages(pkg.__path__, 'pkg.'))",
    (
        "import threading\ndef go():\n    import user\nall = [threading.Thread(target=go) for _ in range(4)]\n"
        "[each.start() for each in all]\n[each.join() for each in all]"
    ),
    # A program may bring along a module of that name: it comes first on the path.
    f"{OWN}\nimport helper\nfound = helper.MINE{GONE}",
    "import os\nos.mkdir('lazy')\nimport lazy\nfound = repr(lazy.__path__)\nos.rmdir('lazy')",
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what every code finds, one way and the other."""
    return compare(tmp_path_factory.mktemp("preload"), IMPORTS)


@pytest.mark.parametrize("code", IMPORTS)
def test_nobody_can_tell(found: dict[str, Any], code: str) -> None:
    """Modules, their names, filters, loggers, variables, settings and warnings are those of an import."""
    at = IMPORTS.index(code)
    assert found["hidden"][at] == found["fresh"][at]


def test_nothing_is_there_before_it_is_imported(found: dict[str, Any]) -> None:
    """Without an import there is no module more than before, and no variable, filter or finder."""
    state = found["hidden"][IMPORTS.index("")]
    assert state["modules"] == []
    assert "HELPER" not in state["environment"]
    assert "pkg" not in str(state["filters"])


def test_each_module_is_executed_once(found: dict[str, Any]) -> None:
    """However many units need a module, it is executed once; one that fails is tried again, as ever."""
    executed = [name for name in found["executed"] if name != "broken"]
    assert sorted(executed) == sorted(set(UNITS) - {"broken"})


def test_what_fails_is_told(found: dict[str, Any]) -> None:
    """A unit that fails is in the report with its error, and the others are imported nevertheless."""
    assert found["report"]["failed"] == {"broken": "RuntimeError: broken"}
    assert sorted(found["report"]["warned"]) == [
        "warning: DeprecationWarning: old",
        "warning_about_itself: UserWarning: mine",
    ]


def test_what_is_not_installed_is_left_out(tmp_path: Path) -> None:
    """A package or module that isn't there isn't an error."""
    found = compare(tmp_path, [], ["helper", "no_such_package", "no_such_package.part", "pkg.no_such_module"])
    assert (found["executed"], found["report"]["failed"]) == (["helper", "pkg", "pkg.core", "pkg.name"], {})
