"""Windows, where nobody sees any: backends that would open them are passed over, and calls on them do nothing.

A backend for windows draws with Agg inside its window, so what is drawn without the window is the same picture. Other
backends are chosen as usual, and names that mean nothing are refused as usual.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: What draws where there is no window.
NO_WINDOW = "agg"

BUILT_IN = "module://matplotlib.backends.backend_"

#: Names of backends for windows, browsers and notebooks that this Matplotlib may not know: of older releases, of
#: notebooks, and what people say for the toolkit.
OTHER_NAMES = frozenset(
    {
        *("cocoaagg", "fltkagg", "gtk", "gtkagg", "gtkcairo", "gtk3", "gtk4", "ipympl", "inline", "nbagg", "notebook"),
        *("osx", "qt", "qt4", "qt4agg", "qt4cairo", "qt5", "qt6", "qt6agg", "tk", "webagg_core", "widget", "wx"),
    }
)

#: Packages whose backends show figures in a notebook, an editor or a terminal.
FOREIGN_PACKAGES = frozenset(
    {
        *("IPython", "backend_interagg", "datalore", "google", "ipykernel", "ipympl", "itermplot", "kitcat"),
        *("matplotlib_inline", "mplcairo", "pycharm_matplotlib_backend", "pyodide", "matplotlib_pyodide"),
    }
)

#: What calls on a window that isn't there return, where code goes on with the result: a usual screen.
SCREEN_PX = (1920, 1080)
ANSWERS: dict[str, Any] = {
    **dict.fromkeys(("maxsize", "wm_maxsize", "minsize", "wm_minsize", "GetSize", "get_size"), SCREEN_PX),
    **dict.fromkeys(("winfo_screenwidth", "winfo_width", "winfo_reqwidth", "width"), SCREEN_PX[0]),
    **dict.fromkeys(("winfo_screenheight", "winfo_height", "winfo_reqheight", "height"), SCREEN_PX[1]),
    **dict.fromkeys(("winfo_x", "winfo_y", "winfo_rootx", "winfo_rooty", "x", "y", "left", "top"), 0),
    **dict.fromkeys(("getRect", "getCoords"), (0, 0, *SCREEN_PX)),
}


class NoWindow:
    """The window of a figure that is in none: has every attribute, and whatever is called does nothing."""

    def __init__(self, name: str = "window") -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """Return a part of it; what Python or NumPy look for by themselves isn't there."""
        if name.startswith("__"):
            raise AttributeError(name)
        return NoWindow(name)

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Do nothing."""
        return ANSWERS.get(self._name, self)

    def __repr__(self) -> str:
        """Say what it is."""
        return f"<no {self._name}: figures are drawn without windows>"


def is_for_windows(backend: object) -> bool:
    """Return whether a backend by this name, in any spelling, would need a window, a browser or a notebook."""
    from matplotlib.backends.registry import BackendFilter, backend_registry

    registry: Any = backend_registry
    if not isinstance(backend, str):
        return False
    name = backend.strip()
    if name.startswith("module://"):
        package = name.removeprefix("module://").partition(".")[0]
        if package in FOREIGN_PACKAGES or package.startswith("pydev"):
            return True
        name = name.removeprefix(BUILT_IN)
    name = name.lower()
    return name in OTHER_NAMES or name in registry.list_builtin(BackendFilter.INTERACTIVE)


def pass_over() -> None:
    """Let this process's Matplotlib draw without windows whatever backend is asked for."""
    import matplotlib.pyplot as plt
    from matplotlib import rcsetup
    from matplotlib.backend_bases import FigureCanvasBase, FigureManagerBase

    setup, pyplot, manager, canvas = _untyped(rcsetup, plt, FigureManagerBase, FigureCanvasBase)
    setup.validate_backend = setup._validators["backend"] = _without_windows(setup.validate_backend)
    pyplot.switch_backend = _without_windows(pyplot.switch_backend)
    manager.window = manager.frame = NoWindow()
    # Of older releases, which scripts still call.
    canvas.set_window_title = canvas.window = NoWindow("window")


def _without_windows(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function of a backend's name that gets another one for those of windows."""

    @functools.wraps(function)
    def take(*names: Any, **named: Any) -> Any:
        names = tuple(NO_WINDOW if is_for_windows(name) else name for name in names)
        named = {key: NO_WINDOW if is_for_windows(name) else name for key, name in named.items()}
        return function(*names, **named)

    return take


def _untyped(*things: Any) -> tuple[Any, ...]:
    return things
