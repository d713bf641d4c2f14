"""Loaders that tell when an execution begins and how it ends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from preload.stash import Reviver

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from preload.recording import Recorder
    from preload.stash import Stash


class WatchedLoader:
    """A loader whose modules' executions are written down; a module itself finds only the real loader."""

    def __init__(self, recorder: Recorder, loader: Any) -> None:
        self._recorder = recorder
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> Any:
        """Create the module; some compiled ones are executed here."""
        self._recorder.begin(spec.name)
        try:
            return self._loader.create_module(spec)
        except BaseException:
            self._recorder.fail()
            raise

    def exec_module(self, module: Any) -> None:
        """Execute the module."""
        spec = module.__spec__
        spec.loader = self._loader
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = self._loader
        try:
            self._loader.exec_module(module)
        except BaseException:
            self._recorder.fail()
            raise
        self._recorder.end(spec.name)


class WatchedReviver(Reviver):
    """The loader of a hidden module that a module being executed needs."""

    def __init__(self, recorder: Recorder, stash: Stash) -> None:
        super().__init__(stash)
        self._recorder = recorder

    def exec_module(self, module: ModuleType) -> None:
        """Put the hidden module in its place."""
        self._recorder.note_effects()
        self._recorder.reviving = True
        try:
            super().exec_module(module)
        finally:
            self._recorder.reviving = False
        self._recorder.revived(module.__name__)


def entry_of(module: Any) -> str | None:
    """Return the entry of `sys.path` where a module of no package was found; None for any other module."""
    spec = getattr(module, "__spec__", None)
    if spec is None or "." in spec.name or not spec.has_location:
        return None
    folder = os.path.dirname(spec.origin)
    return str(folder if spec.submodule_search_locations is None else os.path.dirname(folder))
