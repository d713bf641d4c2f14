"""What is said, behind the traceback and as its hint, of code that imports a package which isn't there.

The sandbox says which name was missing, and that is all that is taken from it: everything else that is said follows
from what the environments' images contain, as our own code read them.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.model.results import ERROR_TEXT_LIMIT, HINT_LIMIT, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.model.jobs import EnvironmentFacts
    from gateway.model.results import Result

#: Texts that name a package which isn't there: Python's own, and those of pandas, lxml's users and Matplotlib.
MISSING = re.compile(
    r"No module named '([A-Za-z0-9_.]{1,100})'|Missing optional dependency '([A-Za-z0-9_.-]{1,100})'"
    r"|([A-Za-z0-9_.-]{1,100}) not found, please install it|requires that ([A-Za-z0-9_.-]{1,100})>="
)
IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"})

#: What Matplotlib, or Python, says of a film for which it would start ffmpeg, and what saves films without a program.
FILMS = re.compile(r"unknown file extension: \.(?:mp4|m4v|mov|mkv|webm|avi)\b|'ffmpeg'|MovieWriter \(ffmpeg")
FILM_ERRORS = frozenset({"FileNotFoundError", "RuntimeError", "ValueError"})
FILM_WRITER = "av"

#: Distributions by the names that code imports, where they differ.
DISTRIBUTIONS = {
    "Bio": "biopython",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cairo": "pycairo",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "mpl_toolkits": "matplotlib",
    "pylab": "matplotlib",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
IMPORTED = {distribution: name for name, distribution in DISTRIBUTIONS.items() if name not in ("mpl_toolkits", "pylab")}

#: Spellings that are no distribution's and no module's.
SPELLINGS = {"image": "pillow", "matplot": "matplotlib", "mathplotlib": "matplotlib", "opencv": "opencv-python"}
SPELLINGS |= {name.lower(): distribution for name, distribution in DISTRIBUTIONS.items()}
SPELLINGS |= {"plt": "matplotlib", "pyplot": "matplotlib", "np": "numpy", "pd": "pandas", "sns": "seaborn"}

#: Modules that would open windows, read networks, or belong to a notebook: no environment can be of use.
WINDOWS = frozenset(
    {
        *("_tkinter", "tkinter", "Tkinter", "turtle", "customtkinter", "gi", "kivy", "pygame", "pyglet", "wx"),
        *("PyQt4", "PyQt5", "PyQt6", "PySide", "PySide2", "PySide6", "PySimpleGUI", "cv2_imshow"),
    }
)
NETWORK = frozenset(
    {
        *("aiohttp", "boto3", "fsspec", "gcsfs", "httpx", "kaggle", "pandas_datareader", "psycopg2", "pymysql"),
        *("requests", "s3fs", "selenium", "tweepy", "urllib2", "urllib3", "wget", "yfinance"),
    }
)
NOTEBOOKS = frozenset({"IPython", "google", "google.colab", "ipykernel", "ipympl", "ipywidgets", "matplotlib_inline"})

#: Packages that are listed, and environments.
LISTED_LIMIT = 80
ENVIRONMENTS_LIMIT = 10


def with_packages(result: Result, environment: str, environments: Mapping[str, EnvironmentFacts]) -> Result:
    """Return a result whose text and hint say what there is instead of a package that the code lacked.

    What the sandbox said as a hint is only kept where it knows more: which module of a package was meant.

    Args:
        result: Of any job.
        environment: Where it ran.
        environments: All that there are.
    """
    error = result.program_error
    if result.outcome is not Outcome.PROGRAM_ERROR or error is None:
        return result
    said, hint = "", None
    if error.type in IMPORT_ERRORS and (found := MISSING.search(error.message)):
        name = next(filter(None, found.groups()))
        here = environments.get(environment)
        packages = here.packages if here is not None else {}
        said = _sentences(name, packages, environment, environments)
        hint = error.hint if _is_part_of_installed(name, packages) else None
    elif error.type in FILM_ERRORS and FILMS.search(error.message):
        said = _films(environment, environments)
    if not said:
        return result
    room = ERROR_TEXT_LIMIT - len(said) - 3
    return replace(
        result,
        error=f"{result.error.rstrip()[-room:]}\n\n{said}\n",
        program_error=replace(error, hint=hint or _shortened(said)),
    )


def _shortened(said: str) -> str:
    """Return as much of what is said as a hint may have; the list of packages comes last."""
    return said if len(said) <= HINT_LIMIT else f"{said[: HINT_LIMIT - 2].rpartition(' ')[0]} …"


def _is_part_of_installed(name: str, packages: Mapping[str, str]) -> bool:
    """Return whether a missing module would belong to a package that is there."""
    top, dot, _ = name.partition(".")
    distribution = _normal(DISTRIBUTIONS.get(top, top))
    return bool(dot) and distribution in map(_normal, packages)


def _sentences(
    name: str, packages: Mapping[str, str], environment: str, environments: Mapping[str, EnvironmentFacts]
) -> str:
    top = name.partition(".")[0]
    if top in WINDOWS:
        return f"{top} opens windows, and there are none here: draw with Matplotlib's pyplot and leave {top} out."
    if top in NOTEBOOKS:
        return f"{top} belongs to notebooks and isn't installed here: leave it out. `print` shows what `display` would."
    distribution = _normal(SPELLINGS.get(top.lower(), top))
    if distribution in map(_normal, packages):
        return _misspelt(name, distribution)
    said = [f"{top} is not installed in the environment {environment}, and nothing can be installed while code runs."]
    if listed := _having(distribution, environments):
        said.append(f"It is in the environment {listed}: POST /v1/render with `environment` set to that name.")
    else:
        said.append("No environment of this service has it.")
        near = difflib.get_close_matches(distribution, sorted(map(_normal, packages)), 1, 0.8)
        if near:
            said.append(f"Did you mean {_import_of(near[0])}?")
    if top in NETWORK:
        said.append("Code has no network here either: send the data along with it.")
    names = sorted(packages, key=str.casefold)
    more = f" and {len(names) - LISTED_LIMIT} more" if len(names) > LISTED_LIMIT else ""
    if names:
        said.append(f"Installed: {', '.join(names[:LISTED_LIMIT])}{more}.")
    return " ".join(said)


def _films(environment: str, environments: Mapping[str, EnvironmentFacts]) -> str:
    """Return where films can be saved; empty if it is here, or nowhere."""
    listed = _having(FILM_WRITER, environments)
    if not listed or environment in listed.split(", "):
        return ""
    return f"Films can be saved in the environment {listed}: POST /v1/render with `environment` set to that name."


def _having(distribution: str, environments: Mapping[str, EnvironmentFacts]) -> str:
    """Return the names of the environments that have a distribution."""
    having = [name for name, facts in sorted(environments.items()) if distribution in map(_normal, facts.packages)]
    return ", ".join(having[:ENVIRONMENTS_LIMIT])


def _misspelt(name: str, distribution: str) -> str:
    """Return how a package that is there is imported."""
    right = _import_of(distribution)
    if name.partition(".")[0] == right:
        return f"{right} is installed, but has no module {name}: look at its spelling."
    return f"The package {distribution} is installed, and imported as {right}."


def _import_of(distribution: str) -> str:
    return IMPORTED.get(distribution, distribution.replace("-", "_"))


def _normal(name: str) -> str:
    """Return a distribution's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
