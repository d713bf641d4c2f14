"""The state of a process that importing a module can change, beyond `sys.modules`: read, compared, put back, changed.

It is made of aspects (aspects.py), each of which knows one place. What an aspect reads is a copy, so that two readings
can be compared; the difference of two is an effect, which can be had again later, in a process whose state has gone
its own way since.
"""

from __future__ import annotations

import _locale
import functools
import gc
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any

from preload.aspects import MISSING, Environment, Loggers, Mapping, Sequence, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from preload.aspects import Aspect, Effect

    State = tuple[Any, ...]
    #: Returns a value, and sets it.
    Setting = tuple[Callable[[], Any], Callable[[Any], Any]]

#: Dictionaries of modules that others register something in.
REGISTRIES = (
    ("builtins", "__dict__"),
    ("warnings", "onceregistry"),
    ("matplotlib", "rcParamsDefault"),
    ("matplotlib", "colormaps._cmaps"),
    ("matplotlib", "color_sequences._color_sequences"),
    ("matplotlib.cm", "_multivar_colormaps._cmaps"),
    ("matplotlib.cm", "_bivar_colormaps._cmaps"),
    ("matplotlib.units", "registry"),
    ("matplotlib.style", "library"),
    ("matplotlib.scale", "_scale_mapping"),
    ("matplotlib.projections", "projection_registry._all_projection_types"),
    ("matplotlib.backend_bases", "_default_backends"),
    ("PIL.TiffTags", "TYPES"),
    ("PIL.Image", "OPEN"),
    ("PIL.Image", "MIME"),
    ("PIL.Image", "SAVE"),
    ("PIL.Image", "SAVE_ALL"),
    ("PIL.Image", "EXTENSION"),
    ("PIL.Image", "DECODERS"),
    ("PIL.Image", "ENCODERS"),
)
LISTS = (("matplotlib.style", "available"), ("PIL.Image", "ID"))

#: Names of modules that are bound anew when something is used for the first time, or replaced.
NAMES = (
    ("sys", "excepthook"),
    ("sys", "displayhook"),
    ("sys", "breakpointhook"),
    ("sys", "unraisablehook"),
    ("threading", "excepthook"),
    ("warnings", "defaultaction"),
    ("warnings", "showwarning"),
    ("warnings", "formatwarning"),
    ("logging", "raiseExceptions"),
    ("logging", "lastResort"),
    ("tempfile", "tempdir"),
    ("tempfile", "_name_sequence"),
    ("matplotlib.backends", "backend"),
    ("matplotlib.dates", "_epoch"),
    ("matplotlib.pyplot", "_backend_mod"),
    ("matplotlib.pyplot", "_REPL_DISPLAYHOOK"),
    ("PIL.Image", "_initialized"),
    ("PIL.ImageFile", "LOAD_TRUNCATED_IMAGES"),
)

#: What a context of decimal arithmetic is made of, its flags aside.
CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


class ProcessState:
    """All aspects.

    Args:
        find: Returns a module by its name although it may be hidden, or None.
        ours: Members of lists that belong to the preloading.
    """

    def __init__(self, find: Callable[[str], Any] = sys.modules.get, ours: Iterable[Any] = ()) -> None:
        ours = tuple(ours)
        self._aspects: list[Aspect] = [
            Environment(),
            Loggers(),
            Sequence(sys, "path"),
            Sequence(sys, "path_hooks"),
            Sequence(sys, "meta_path", ours),
            Sequence(warnings, "filters", ours, forget_shown_warnings),
            Settings((*interpreter_settings(), *library_settings(find))),
        ]
        # rcParams themselves are no registry: a module reads them again and again, so they come last.
        for module, name in (*REGISTRIES, ("matplotlib", "rcParams")):
            mapping = look_up(find(module), name)
            if isinstance(mapping, dict):
                self._aspects.append(Mapping(mapping))
        for module, name in LISTS:
            if isinstance(look_up(find(module), name), list):
                self._aspects.append(Sequence(find(module), name))

    def read(self) -> State:
        """Return a copy of the state."""
        return tuple(aspect.read() for aspect in self._aspects)

    def restore(self, state: State) -> None:
        """Put back what was read."""
        for aspect, part in zip(self._aspects, state, strict=True):
            aspect.restore(part)

    def effects(self, before: State, after: State) -> list[Effect]:
        """Return what makes the change between two readings again."""
        pairs = zip(self._aspects, before, after, strict=True)
        return [aspect.effect(old, new) for aspect, old, new in pairs if old != new]


def forget_shown_warnings() -> None:
    """Tell the interpreter that filters have changed; what was shown once will be shown again."""
    module: Any = warnings
    module._filters_mutated()


def look_up(module: Any, names: str) -> Any:
    """Return what a module has under names with dots between them, or None."""
    for name in names.split("."):
        module = getattr(module, name, None)
    return module


def interpreter_settings() -> Iterator[Setting]:
    """Yield how to get and to set each setting of the interpreter."""
    yield sys.getrecursionlimit, sys.setrecursionlimit
    yield sys.getswitchinterval, sys.setswitchinterval
    yield gc.get_threshold, lambda thresholds: gc.set_threshold(*thresholds)
    yield lambda: _locale.setlocale(_locale.LC_ALL, None), lambda name: _locale.setlocale(_locale.LC_ALL, name)
    numbers = sorted(signal.valid_signals())
    yield (
        lambda: tuple(map(signal.getsignal, numbers)),
        lambda handlers: set_handlers(dict(zip(numbers, handlers, strict=True))),
    )


def set_handlers(handlers: dict[int, Any]) -> None:
    """Set the handlers of signals, those alone that are different."""
    for number, handler in handlers.items():
        if handler is not None and handler != signal.getsignal(number):  # None: not set by Python
            signal.signal(number, handler)


def library_settings(find: Callable[[str], Any]) -> Iterator[Setting]:
    """Yield how to get and to set each setting of a library."""
    for module, name in NAMES:
        names = getattr(find(module), "__dict__", None)
        if names is not None:
            yield functools.partial(names.get, name, MISSING), functools.partial(bind, names, name)
    numpy = find("numpy")
    if numpy is not None:
        yield numpy.geterr, lambda kinds: numpy.seterr(**kinds)
        yield numpy.geterrcall, numpy.seterrcall
        yield numpy.get_printoptions, lambda options: numpy.set_printoptions(**options)
    yield lambda: decimal_context(find("decimal")), lambda fields: set_decimal_context(find("decimal"), fields)


def bind(names: dict[str, Any], name: str, value: Any) -> None:
    """Bind a name, or let it be unbound."""
    if value is MISSING:
        names.pop(name, None)
    else:
        names[name] = value


def decimal_context(decimal: Any) -> Any:
    """Return how decimal arithmetic is set in this thread; None if as ever, or if the module was never imported."""
    if decimal is None:
        return None
    now, usual = decimal.getcontext(), decimal.Context()
    fields = [getattr(now, name) for name in CONTEXT]
    return None if fields == [getattr(usual, name) for name in CONTEXT] else fields


def set_decimal_context(decimal: Any, fields: Any) -> None:
    """Set what was returned by `decimal_context`."""
    decimal.setcontext(decimal.Context(**dict(zip(CONTEXT, fields or (), strict=False))))
