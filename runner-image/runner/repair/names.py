"""Names, attributes and modules that aren't there: what is, and what replaced them."""

from __future__ import annotations

import re
import sys
import types
from typing import TYPE_CHECKING, Any

from repair import looking, replaced
from repair.near import nearest, offer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from repair.hints import Failure

#: How modules are imported by those who write of them.
IMPORTS = {
    "pd": ("pandas", "import pandas as pd"),
    "sns": ("seaborn", "import seaborn as sns"),
    "nx": ("networkx", "import networkx as nx"),
    "mpl": ("matplotlib", "import matplotlib as mpl"),
    "matplotlib": ("matplotlib", "import matplotlib"),
    "pandas": ("pandas", "import pandas"),
    "scipy": ("scipy", "import scipy"),
    "numpy": ("numpy", "import numpy"),
    "stats": ("scipy", "from scipy import stats"),
    "mdates": ("matplotlib", "import matplotlib.dates as mdates"),
    "mticker": ("matplotlib", "import matplotlib.ticker as mticker"),
    "mpatches": ("matplotlib", "import matplotlib.patches as mpatches"),
    "FuncAnimation": ("matplotlib", "from matplotlib.animation import FuncAnimation"),
}

#: Modules of Matplotlib whose public names are looked for when they are used without being imported.
HOMES = ("patches", "ticker", "lines", "collections", "colors", "gridspec", "dates", "cm", "path", "transforms", "text")

#: Parts of messages: what had no such attribute, and the attribute.
OF_MODULE = r"^module '([\w.]{1,100})' has no attribute '(\w{1,60})'"
OF_OBJECT = r"^(?:type object )?'([\w.]{1,100})' object (?:has no attribute|does not contain a) '(\w{1,60})'"
OF_CLASS = r"^type object '([\w.]{1,100})' has no attribute '(\w{1,60})'"
EXPIRED = r"^`np\.(\w{1,40})` was removed in the NumPy 2\.0 release\. Use (.{1,100}?) instead\."
NOT_IMPORTED = r"^cannot import name '(\w{1,60})' from (?:partially initialized module )?'([\w.]{1,100})'"


def about_names(failure: Failure) -> str:
    """Return what is said of a name that means nothing where it is used."""
    error, own = failure.error, failure.own
    if not isinstance(error, NameError) or own is None or failure.called:
        return ""
    if isinstance(error, UnboundLocalError):
        return _unbound(failure)
    name = error.name
    if type(name) is not str:
        return ""
    return (
        replaced.of_name(("builtins",), name)
        or _to_import(name)
        or _not(name, nearest(name, _in_scope(own.tb_frame)), "isn't defined")
    )


def _unbound(failure: Failure) -> str:
    found = re.match(r"cannot access local variable '(\w{1,60})'", failure.text)
    if found is None or failure.own is None or found[1] not in failure.own.tb_frame.f_globals:
        return ""
    return (
        f"The function gives `{found[1]}` a value further down, which makes it local: declare it `global {found[1]}`."
    )


def _in_scope(frame: types.FrameType) -> Iterable[str]:
    import builtins

    for names in (frame.f_locals, frame.f_globals, vars(builtins)):
        yield from (name for name in list(names)[: looking.NAMES_LIMIT] if type(name) is str and name[:1] != "_")


def _to_import(name: str) -> str:
    """Return how to import what a name usually stands for, if that is here."""
    from importlib.util import find_spec

    if name in IMPORTS:
        package, line = IMPORTS[name]
        return f"`{name}` isn't imported: did you forget `{line}`?" if find_spec(package) is not None else ""
    if name in sys.stdlib_module_names:
        return f"`{name}` isn't imported: did you forget `import {name}`?"
    for home in HOMES:
        module = sys.modules.get(f"matplotlib.{home}")
        thing = looking.static(module, name) if module is not None else looking.MISSING
        if thing is not looking.MISSING and not name.startswith("_") and _made_in(thing, f"matplotlib.{home}"):
            return f"`{name}` isn't imported: did you forget `from matplotlib.{home} import {name}`?"
    return ""


def _made_in(thing: Any, module: str) -> bool:
    return isinstance(thing, (type, types.FunctionType)) and getattr(thing, "__module__", "") == module


def about_attributes(failure: Failure) -> str:
    """Return what is said of an attribute that something hasn't."""
    error = failure.error
    if not isinstance(error, AttributeError):
        return ""
    if expired := re.match(EXPIRED, failure.text):
        return f"`np.{expired[1]}` is no longer there: use {expired[2]}."
    found = re.match(OF_MODULE, failure.text) or re.match(OF_OBJECT, failure.text) or re.match(OF_CLASS, failure.text)
    if found is None:
        return ""
    owner, name = found[1], found[2]
    if error.name != name or error.obj is None:
        return replaced.of_name((owner,), name)
    return _about_attribute(error.obj, owner, name)


def _about_attribute(thing: Any, owner: str, name: str) -> str:
    owners = [owner, *map(looking.name_of, looking.classes_of(thing))]
    return (
        replaced.of_name(owners, name)
        or _relatives(thing, name)
        or _held(thing, name)
        or _inside(thing, name)
        or _not(name, nearest(name, _attributes(thing)), f"is no attribute of {_shown(thing, owner)}")
    )


def _shown(thing: Any, owner: str) -> str:
    return f"the module {owner}" if isinstance(thing, types.ModuleType) else owner.rpartition(".")[2]


def _attributes(thing: Any) -> Iterable[str]:
    """Yield the names that something has, and that pandas' columns and Matplotlib's spines have as if they had."""
    if looking.is_a(thing, "pandas", "DataFrame"):
        yield from list(thing.columns[: looking.NAMES_LIMIT])
    elif looking.is_a(thing, "matplotlib", "Spines"):
        yield from list(thing._dict)[: looking.NAMES_LIMIT]
    yield from looking.names_of(thing)


def _relatives(thing: Any, name: str) -> str:
    """Return where an attribute is that pyplot, an Axes or a Figure hasn't, but another of them has."""
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

    kinds = looking.classes_of(thing)
    if thing is not plt and Axes not in kinds and Figure not in kinds:
        return ""
    if _has(thing, f"set_{name}"):
        return f"`{name}` is set by `set_{name}()` here."
    plain = name.removeprefix("set_")
    if plain != name and _is_method(type(thing), plain):
        return f"`{name}` is called `{plain}()` here."
    if _is_of_pyplot_alone(name):
        return f"`{name}` is a function of pyplot: call `plt.{name}()`."
    homes = (
        (Axes, f"`{name}` is a method of Axes: call it on one, such as `plt.gca()`."),
        (Figure, f"`{name}` is a method of Figure: call it on one, such as `plt.gcf()`."),
        (Axes3D, f"`{name}` is a method of axes in 3D: make them with `plt.subplot(projection='3d')`."),
    )
    return next((said for home, said in homes if home not in kinds and _is_method(home, name)), "")


def _is_of_pyplot_alone(name: str) -> bool:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    found = looking.static(plt, name)
    return isinstance(found, types.FunctionType) and not _has(Axes, name) and not _has(Figure, name)


def _is_method(kind: type, name: str) -> bool:
    return isinstance(looking.static(kind, name), types.FunctionType)


def _has(thing: Any, name: str) -> bool:
    return looking.static(thing, name) is not looking.MISSING


def _held(thing: Any, name: str) -> str:
    """Return what to do with an array of Axes, a list or a dictionary that was taken for one of what it holds."""
    import numpy as np
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    if type(thing) is dict:
        return f"This is a dictionary: read its key with `['{name}']`." if name in thing else ""
    if type(thing) is np.ndarray and thing.dtype == object and thing.size:
        first = thing.flat[0]
        if issubclass(type(first), Axes) and _has(first, name):
            place = ", ".join("0" * thing.ndim)
            return (
                f"This is an array of {thing.size} Axes, as `plt.subplots` returns for several: "
                f"take one of them, such as `[{place}]`, or loop over `.flat`."
            )
    if type(thing) is tuple and len(thing) == 2 and issubclass(type(thing[0]), Figure):  # noqa: PLR2004 - a pair
        return "This is a pair of a Figure and its Axes, as `plt.subplots` returns: write `fig, ax = plt.subplots()`."
    if type(thing) in (list, tuple) and thing and issubclass(type(thing[0]), Artist) and _has(thing[0], name):
        return f"This is a {looking.name_of(type(thing))}, and what it holds has `{name}`: take one, such as `[0]`."
    return ""


def _inside(thing: Any, name: str) -> str:
    """Return where a name is that was looked for in a class instead of its module, or the other way round."""
    if type(thing) is types.ModuleType:
        same = looking.static(thing, thing.__name__.rpartition(".")[2])
        inner = same if isinstance(same, type) else None
        if inner is not None and _has(inner, name):
            return f"`{name}` belongs to the class of the same name: `{thing.__name__}.{inner.__name__}.{name}`."
    elif isinstance(thing, type):
        home = sys.modules.get(thing.__module__)
        if type(home) is types.ModuleType and home.__name__ != "__main__" and _has(home, name) and name[:1] != "_":
            return f"`{name}` belongs to the module {home.__name__}: did you mean `from {home.__name__} import {name}`?"
    return ""


def about_imports(failure: Failure) -> str:
    """Return what is said of a name that a module hasn't, or of a module that a package hasn't."""
    error = failure.error
    if isinstance(error, ModuleNotFoundError):
        return _about_module(error)
    found = re.match(NOT_IMPORTED, failure.text) if isinstance(error, ImportError) else None
    module = sys.modules.get(found[2]) if found else None
    if found is None or type(module) is not types.ModuleType:
        return ""
    name, home = found[1], found[2]
    there = [*looking.names_of(module), *_modules_in(module)]
    return replaced.of_name((home,), name) or _not(name, nearest(name, there), f"is not in the module {home}")


def _about_module(error: ModuleNotFoundError) -> str:
    """Return the module of a package that was probably meant; which packages there are, the gateway says."""
    name = error.name
    if type(name) is not str or "." not in name:
        return ""
    package, _, last = name.rpartition(".")
    module = sys.modules.get(package)
    if type(module) is not types.ModuleType:
        return ""
    near = [f"{package}.{each}" for each in nearest(last, _modules_in(module))]
    return _not(name, near, f"is no module of {package}")


def _modules_in(package: types.ModuleType) -> list[str]:
    """Return the names of a package's modules."""
    import pkgutil

    path = vars(package).get("__path__")
    if type(path) is not list:
        return []
    return [each.name for each in pkgutil.iter_modules(path[:3]) if not each.name.startswith("_")]


def _not(name: str, near: Sequence[str], what: str) -> str:
    return f"`{name}` {what}: {offer(near)}" if near else ""
