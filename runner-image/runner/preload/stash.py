"""Modules that were imported beforehand, and that nobody sees until they are imported.

While a module is hidden it isn't in `sys.modules`, and its parent package doesn't have it as an attribute, unless it
had bound the name itself. When it is imported, a finder in front of all others brings it back: the same objects, not
executed again. What the execution did then is done again: it imported other modules, in this order, and in between
changed the state of the process. So after any sequence of imports, what is there is what executing would have left.

A module that a program brings along under the name of a hidden one is found first, as it would be without any of this.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any

from preload.aspects import MISSING
from preload.warned import Warned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from types import ModuleType

    from preload.aspects import Effect

    Event = str | Effect | Warned

#: Where the import system calls finders from in order to import; others only want to know.
IMPORTING = "_find_and_load_unlocked"


#: Names that packages bind when they are first asked for them, importing a module of theirs.
LAZY_NAMES = {"concurrent.futures": ("ProcessPoolExecutor", "ThreadPoolExecutor")}

#: The stash of this process, once there is one.
current: Stash | None = None


def find_module(name: str) -> Any:
    """Return a module, hidden or not, or None."""
    return current.find(name) if current else sys.modules.get(name)


class Record:
    """What executing a module did.

    Args:
        events: Names of modules that it needed, effects and warnings, in the order in which they came.
        entry: For a module of no package, the entry of `sys.path` where it was found, or None.
        previous: What its parent package had under its name before.

    Attributes:
        module: What `sys.modules` had when it was hidden; usually a module.
        bound: Whether hiding took it off its parent package.
    """

    __slots__ = ("bound", "entry", "events", "module", "previous")

    def __init__(self, events: Sequence[Event] = (), entry: str | None = None, previous: Any = MISSING) -> None:
        self.module: Any = None
        self.events = tuple(events)
        self.entry = entry
        self.previous = previous
        self.bound = False


class Stash:
    """The hidden modules, and the finder that brings them back.

    Args:
        visible: Names of modules that are never hidden.
        trusted: Entries of `sys.path` that hold now what they will hold when something is imported.
    """

    def __init__(self, visible: Iterable[str], trusted: Collection[str]) -> None:
        self.visible = frozenset(visible)
        self.shared: set[str] = set()
        self.records: dict[str, Record] = {}
        self._trusted = frozenset(trusted)
        self._hidden: dict[str, Record] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._hidden

    def find(self, name: str) -> Any:
        """Return a module, hidden or not, or None."""
        record = self._hidden.get(name)
        return record.module if record else sys.modules.get(name)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """Return how to bring back a hidden module, to the import system alone; others are told of the original."""
        if name not in self._hidden or not is_importing(2) or self._is_shadowed(name):
            return None
        return spec_of(name, Reviver(self))

    def hide(self) -> set[str]:
        """Hide every module that has a record and isn't to be seen.

        Returns:
            Names of modules without a record, which are forgotten: they will be executed when they are imported.
        """
        forgotten = set()
        kept = self.visible | self.shared
        taken = {name: sys.modules.pop(name) for name in list(sys.modules) if name not in kept}
        for name, module in taken.items():
            record = self.records.get(name)
            if record is None:
                forgotten.add(name)
                continue
            record.module = module
            self._hidden[name] = record
            parent_name, _, child = name.rpartition(".")
            attributes = getattr(taken.get(parent_name) or sys.modules.get(parent_name), "__dict__", {})
            record.bound = attributes.get(child, MISSING) is module
            if not record.bound:
                continue
            if record.previous is MISSING:
                del attributes[child]
            else:
                attributes[child] = record.previous
        for name, lazy in LAZY_NAMES.items():
            for each in lazy:
                getattr(taken.get(name), "__dict__", {}).pop(each, None)
        return forgotten

    def revive(self, name: str, importer: str | None = None) -> None:
        """Bring back a hidden module, and do what its execution did.

        As with an execution, what fails along the way leaves the module itself out.

        Args:
            name: Its name.
            importer: The hidden module that needs it; None: code that runs does.
        """
        record = self._hidden.pop(name)
        sys.modules[name] = record.module
        try:
            for event in record.events:
                if isinstance(event, Warned):
                    event.again(importer)
                elif not isinstance(event, str):
                    event()
                elif event not in sys.modules:
                    self._import(event, name)
        except BaseException:
            self._hidden[name] = record
            sys.modules.pop(name, None)
            raise
        sys.modules[name] = sys.modules.pop(name)  # to the end, as the import system does when an execution is over
        if record.bound:
            parent_name, _, child = name.rpartition(".")
            parent = sys.modules.get(parent_name)
            if parent is not None:
                setattr(parent, child, record.module)

    def _import(self, name: str, importer: str) -> None:
        if name in self._hidden:
            if self._is_shadowed(name):
                __import__(name)
            else:
                self.revive(name, importer)

    def _is_shadowed(self, name: str) -> bool:
        """Return whether something else is found under the name, in a place that could have changed."""
        entry = self._hidden[name].entry
        if entry is None:
            return False
        for each in sys.path:
            if each == entry:
                return False
            if each not in self._trusted:
                spec = PathFinder.find_spec(name, [each])
                if spec is not None and spec.loader is not None:  # without a loader, it's a folder with nothing to run
                    return True
        return False


class Reviver:
    """The loader of a hidden module."""

    def __init__(self, stash: Stash) -> None:
        self._stash = stash

    def create_module(self, spec: ModuleSpec) -> None:
        """Let the import system make a module that will be thrown away: the hidden one stays as it is."""

    def exec_module(self, module: ModuleType) -> None:
        """Put the hidden module in its place."""
        name = module.__name__
        if name in self._stash:
            self._stash.revive(name)
        else:  # another thread was faster
            sys.modules[name] = self._stash.records[name].module


def spec_of(name: str, loader: Reviver) -> ModuleSpec:
    """Return how to import a module with a loader."""
    return ModuleSpec(name, loader)  # type: ignore[arg-type] # a loader without the base class


def is_importing(depth: int) -> bool:
    """Return whether a finder is asked by the import system.

    Args:
        depth: How many calls below the finder's caller this is called.

    Source: CPython, Lib/importlib/_bootstrap.py, ``_find_and_load_unlocked`` and ``_find_spec``.
    """
    code = sys._getframe(depth + 1).f_code
    return code.co_name == IMPORTING and code.co_filename == "<frozen importlib._bootstrap>"
