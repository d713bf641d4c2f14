"""Importing modules one after the other, and writing down what the execution of each did."""

from __future__ import annotations

import builtins
import functools
import importlib
import importlib.util
import re
import sys
import warnings
from importlib import _bootstrap as bootstrap
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from preload.aspects import MISSING
from preload.captures import draw_again
from preload.process_state import ProcessState, forget_shown_warnings
from preload.stash import Record, is_importing, spec_of
from preload.warned import Warned
from preload.watched_loaders import WatchedLoader, WatchedReviver, entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec

    from preload.stash import Event, Stash

#: Filter that lets every warning of an import through, so that it can be written down.
#: The pattern makes it unlike any that a library adds.
ALL_WARNINGS = ("always", re.compile(""), Warning, None, 0)


class Execution:
    """A module that is being executed; `name` is None for what imports units."""

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.events: list[Event] = []
        self._needed: set[str] = set()

    def need(self, name: str) -> None:
        """Write down, the first time, that a module was imported."""
        if name not in self._needed:
            self._needed.add(name)
            self.events.append(name)

    def plant(self, name: str) -> None:
        """Write down, the first time, what is in `sys.modules` without having been imported."""
        if name not in self._needed:
            self._needed.add(name)
            self.events.append(functools.partial(plant, name, sys.modules[name]))


class Recorder:
    """Imports units and writes records into a stash, within a ``with`` block.

    Args:
        stash: Where the records go; what it has hidden is brought back from there.
        captures: By name of a module, what takes anew that which the module took from the process when executed.

    Attributes:
        failed: What went wrong, by unit.
        forgotten: Modules that came to be there in a way that can't be repeated; they are executed when imported.
        warned: Warnings that came while a module was executed.
        reviving: Whether a module is being brought back, whose effects and warnings are in its record already.
    """

    def __init__(self, stash: Stash, captures: Mapping[str, Callable[[Any], None]]) -> None:
        self.failed: dict[str, str] = {}
        self.forgotten: set[str] = set()
        self.warned: list[str] = []
        self.reviving = False
        self._stash = stash
        self._captures = captures
        self._state = ProcessState(stash.find, (self, stash, ALL_WARNINGS))
        self._baseline = self._last = self._state.read()
        self._executions = [Execution(None)]
        self._bootstrap: Any = bootstrap
        self._seeds: Any = sys.modules.get("numpy.random.bit_generator")
        self._known = set(sys.modules)
        self._aliases: set[str] = set()
        self._aliases_there: set[str] = set()
        self._shared = stash.shared

    def __enter__(self) -> Self:
        interpreter: Any = sys
        module: Any = warnings
        self._import, self._gcd_import = builtins.__import__, self._bootstrap._gcd_import
        self._show_warning = module._showwarnmsg_impl
        self._draw = getattr(self._seeds, "randbits", None)
        interpreter.meta_path[:0] = [self, self._stash]
        module.filters.insert(0, ALL_WARNINGS)
        builtins.__import__ = self._watch_import
        self._bootstrap._gcd_import = self._watch_gcd_import
        module._showwarnmsg_impl = self._note_warning
        if self._draw:
            self._seeds.randbits = self._note_drawn
        self._baseline = self._state.read()
        self._reset()
        return self

    def __exit__(self, *_: object) -> None:
        interpreter: Any = sys
        module: Any = warnings
        self._stash.shared = set()
        self._reset()
        builtins.__import__, self._bootstrap._gcd_import = self._import, self._gcd_import
        module._showwarnmsg_impl = self._show_warning
        if self._draw:
            self._seeds.randbits = self._draw
        interpreter.meta_path.remove(self)
        module.filters.remove(ALL_WARNINGS)
        forget_shown_warnings()

    def import_unit(self, unit: str) -> None:
        """Import a module, then hide it and all it has brought, and put back the state that it has changed."""
        try:
            importlib.import_module(unit)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{unit}.".startswith(f"{error.name}."):  # else: not in this version
                self.failed[unit] = describe(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a library raises; the others go on without it
            self.failed[unit] = describe(error)
        finally:
            self._reset()

    def call(self, function: Callable[[], None]) -> None:
        """Call a function that imports as it goes along, then hide and put back likewise."""
        try:
            function()
        except Exception as error:  # noqa: BLE001 - what a library raises
            self.failed[function.__name__] = describe(error)
        finally:
            self._reset()

    def _reset(self) -> None:
        self.forgotten.update(self._stash.hide() - self._aliases - self._shared)
        self._aliases_there.clear()
        self._state.restore(self._baseline)
        self._last = self._state.read()
        self._executions = [Execution(None)]

    # -- what the import system calls --------------------------------------------------------------

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return what the next finder returns, with a loader that is watched."""
        if not is_importing(2):
            return None
        if name in self._stash:
            return spec_of(name, WatchedReviver(self, self._stash))
        for finder in sys.meta_path:
            if finder is not self and finder is not self._stash:
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    if hasattr(spec.loader, "exec_module"):
                        spec.loader = WatchedLoader(self, spec.loader)  # type: ignore[assignment] # without the base class
                    return spec
        return None

    def _watch_import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - __import__'s names
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        module = self._import(name, globals, locals, fromlist or (), level)
        if level:
            name = importlib.util.resolve_name("." * level + name, str((globals or {}).get("__package__")))
        self._need(name)
        for each in fromlist or ():
            self._need(f"{name}.{each}")
        return module

    def _watch_gcd_import(self, name: str, package: str | None = None, level: int = 0) -> Any:
        module = self._gcd_import(name, package, level)
        self._need(importlib.util.resolve_name("." * level + name, package) if level else name)
        return module

    def _need(self, name: str) -> None:
        """Write down that a module is imported, one that was there already included; its packages are, before it."""
        execution = self._executions[-1]
        if name in self._aliases_there or name in self._stash.shared:
            execution.plant(name)
        elif name in sys.modules and name not in self._stash.visible:
            at = name.find(".")
            while at >= 0:
                execution.need(name[:at])
                at = name.find(".", at + 1)
            execution.need(name)

    # -- what watched loaders call -----------------------------------------------------------------

    def begin(self, name: str) -> None:
        """Begin to write down an execution; what comes until it ends is its doing."""
        self.note_effects()
        self._known.add(name)
        self._executions.append(Execution(name))

    def end(self, name: str) -> None:
        """End the execution that was begun last."""
        module = sys.modules[name]
        self._note_planted()
        for value in list(getattr(module, "__dict__", {}).values()):  # compiled modules import without __import__
            if isinstance(value, ModuleType) and value is not module:
                self._need(value.__name__)
            elif type(value).__module__ in self._stash.shared:
                self._need(type(value).__module__)
        execution = self._close()
        if name in self._captures:
            execution.events.append(functools.partial(self._captures[name], module))
        parent, _, child = name.rpartition(".")
        previous = getattr(sys.modules.get(parent), "__dict__", {}).get(child, MISSING)
        if previous is module:  # it has bound itself
            previous = MISSING
        self._stash.records[name] = Record(execution.events, entry_of(module), previous)
        self._need(name)

    def fail(self) -> None:
        """End the execution that was begun last, and failed: all that it has done stays done."""
        self._note_planted()
        execution = self._close()
        for event in execution.events:
            if isinstance(event, str):
                self._executions[-1].need(event)
            else:
                self._executions[-1].events.append(event)

    def revived(self, name: str) -> None:
        """Write down that a hidden module was brought back."""
        self._last = self._state.read()
        self._aliases_there |= self._aliases & sys.modules.keys()
        self._need(name)

    def note_effects(self) -> None:
        """Write down what has changed since the last time."""
        state = self._state.read()
        self._executions[-1].events += self._state.effects(self._last, state)
        self._last = state

    def _close(self) -> Execution:
        self.note_effects()
        return self._executions.pop()

    def _note_planted(self) -> None:
        """Write down what the execution has put into `sys.modules` by hand."""
        known = self._known | self._aliases_there
        for name in [name for name in sys.modules if name not in known]:
            if any(sys.modules[name] is sys.modules.get(each.name or "") for each in self._executions):
                self._aliases.add(name)
                self._aliases_there.add(name)
            else:
                self._known.add(name)
                self._stash.shared.add(name)
            self._need(name)

    def _note_drawn(self, bits: int) -> int:
        if not self.reviving:
            self._executions[-1].events.append(functools.partial(draw_again, bits))
        draw: Any = self._draw
        return int(draw(bits))

    def _note_warning(self, message: Any) -> None:
        if self.reviving:
            return
        self.note_effects()
        execution = self._executions[-1]
        execution.events.append(Warned(message))
        self.warned.append(f"{execution.name}: {message.category.__name__}: {message.message}")


def plant(name: str, module: Any) -> None:
    """Put a module into `sys.modules` unless there is one of that name."""
    sys.modules.setdefault(name, module)


def describe(error: BaseException) -> str:
    """Return type and text of an error."""
    return f"{type(error).__name__}: {error}"
