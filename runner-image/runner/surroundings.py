"""What the program finds when it starts: styles, parameters, random state, and no user to wait for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cheap_import import WORK_DIR

if TYPE_CHECKING:
    from job import SaveOptions


class InvalidOption(Exception):
    """A style or parameter that Matplotlib doesn't take; the text says which and why."""


#: The file that Matplotlib reads when it is imported in the folder.
PARAMETERS_FILE = "matplotlibrc"


def apply(options: SaveOptions) -> None:
    """Set what a ``matplotlibrc`` says, then styles, then parameters, then the size of figures that have none.

    Raises:
        InvalidOption: Matplotlib refuses one of them.
    """
    import matplotlib as mpl
    from matplotlib import style

    parameters: Any = mpl.rcParams
    obey_parameters_file()
    for name in options.style:
        if name != "default" and name not in style.library:  # `use` would also take paths and addresses
            raise InvalidOption(f"style: {name!r} is not a style of this Matplotlib")
        style.use(name)
    for name, value in options.rc.items():
        try:
            parameters[name] = value
        except KeyError as error:
            raise InvalidOption(f"rc: {name!r} is not a parameter of this Matplotlib") from error
        except Exception as error:
            raise InvalidOption(f"rc: {error}") from error
    width, height = parameters["figure.figsize"]
    if options.width_in is not None or options.height_in is not None:
        # Figures are resized when they are saved; this makes layouts that the program computes fit.
        parameters["figure.figsize"] = (options.width_in or width, options.height_in or height)


def obey_parameters_file() -> None:
    """Set what a ``matplotlibrc`` that came with the program says, as Matplotlib's import does in a direct run.

    But for the backend, which ``MPLBACKEND`` decides there, too. Lines that Matplotlib doesn't take are logged by it.

    Source: matplotlib/__init__.py, where ``rcParams`` and ``rcParamsOrig`` are made.

    Raises:
        InvalidOption: It can't be read at all.
    """
    if not os.path.isfile(os.path.join(WORK_DIR, PARAMETERS_FILE)):
        return
    import matplotlib as mpl

    try:
        found: Any = mpl.rc_params_from_file(PARAMETERS_FILE, use_default_template=False)
        given = {name: found[name] for name in found if name != "backend"}
        for parameters in (mpl.rcParams, mpl.rcParamsOrig):
            parameters.update(given)
        if given.get("axes.formatter.use_locale"):
            import locale

            locale.setlocale(locale.LC_ALL, "")
    except Exception as error:
        raise InvalidOption(f"files.{PARAMETERS_FILE}: {error}") from error


def seed(value: int) -> None:
    """Fix the random state of ``random`` and NumPy, that of generators made without a seed included."""
    import random

    import numpy as np
    from numpy.random import bit_generator

    random.seed(value)
    np.random.seed(value)  # noqa: NPY002 - the programs use it
    # Where NumPy takes entropy from when given none: generators differ, and are the same in every run.
    source: Any = bit_generator
    source.randbits = random.Random(value).getrandbits  # noqa: S311 - fixed on purpose


def skip_waiting() -> None:
    """Let waiting for mouse or keyboard end at once, as if its time were over.

    ``plt.pause`` still draws, ``plt.ginput`` gives no points, and no loop waits for a window that never closes. Calls
    for text (``input``) need no help: standard input is at its end.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    def start_event_loop(self: Any, timeout: float = 0) -> None:  # noqa: ARG001 - Matplotlib's signature
        self.flush_events()
        self._looping = False

    canvas: Any = FigureCanvasBase
    canvas.start_event_loop = start_event_loop
