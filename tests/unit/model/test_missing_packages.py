"""What is said of a package that isn't there follows from what the environments have, whatever the sandbox says."""

from __future__ import annotations

import pytest

from gateway.model.jobs import EnvironmentFacts, Limits
from gateway.model.missing_packages import with_packages
from gateway.model.results import ERROR_TEXT_LIMIT, HINT_LIMIT, Outcome, ProgramError, Result

PACKAGES = {
    "film": {"matplotlib": "3.11", "av": "18"},
    "default": {"matplotlib": "3.11", "numpy": "2.4", "pandas": "3", "pillow": "12"},
    "science": {"matplotlib": "3.11", "numpy": "2.4", "scikit-learn": "1.8", "Seaborn": "0.13"},
}
ENVIRONMENTS = {
    name: EnvironmentFacts(name, "sha256:0", "runc", Limits(), packages=packages) for name, packages in PACKAGES.items()
}


def said(message: str, kind: str = "ModuleNotFoundError", error: str = "Traceback") -> str:
    """Return the text of a job of `default` that failed so."""
    result = Result(Outcome.PROGRAM_ERROR, error=error, program_error=ProgramError(kind, message))
    return with_packages(result, "default", ENVIRONMENTS).error


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "seaborn",
            ["nothing can be installed", "environment science", "Installed: matplotlib, numpy, pandas, pillow."],
        ),
        ("sklearn.cluster", ["sklearn is not installed", "environment science"]),
        ("scikit_learn", ["environment science"]),
        ("cv2", ["No environment of this service has it"]),
        ("pil", ["pillow is installed, and imported as PIL"]),
        ("pillow", ["imported as PIL"]),
        ("mathplotlib", ["imported as matplotlib"]),
        ("matplotlib.pyplt", ["has no module matplotlib.pyplt"]),
        ("numpyy", ["Did you mean numpy?"]),
        ("requests", ["no network"]),
        ("tkinter", ["opens windows"]),
        ("PyQt5.QtWidgets", ["opens windows"]),
        ("IPython", ["belongs to notebooks"]),
    ],
)
def test_missing_module(name: str, words: list[str]) -> None:
    """The text ends with which environment has it, how it is spelt, or that nobody can have it."""
    text = said(f"No module named '{name}'")
    assert text.startswith("Traceback\n\n")
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    "message",
    [
        "Missing optional dependency 'scikit-learn'.  Use pip or conda to install scikit-learn.",
        "seaborn not found, please install it",
        "it requires that seaborn>=1.14.0 is installed",
    ],
)
def test_other_texts_of_missing_packages(message: str) -> None:
    """What libraries say of what they lack is understood, too."""
    assert "environment science" in said(message, "ImportError")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("No module named 'seaborn'", "ValueError"),
        ("cannot import name 'x' from 'numpy'", "ImportError"),
        ("No module named '" + "x" * 101 + "'", "ModuleNotFoundError"),
        ("No module named 'a\u202eb'", "ModuleNotFoundError"),
    ],
)
def test_other_failures_are_left_alone(message: str, kind: str) -> None:
    """Other errors, and names that are none, get nothing."""
    assert said(message, kind) == "Traceback"


def hinted(message: str, kind: str = "ModuleNotFoundError", hint: str | None = None) -> str | None:
    """Return the hint of a job of `default` that failed so, and whose sandbox gave one."""
    error = ProgramError(kind, message, hint=hint)
    result = with_packages(Result(Outcome.PROGRAM_ERROR, program_error=error), "default", ENVIRONMENTS)
    assert result.program_error is not None
    return result.program_error.hint


def test_the_hint_says_what_there_is() -> None:
    """For a missing package the hint is ours, whatever the sandbox claims; other hints stay."""
    assert hinted("No module named 'seaborn'", hint="pip install x") == said("No module named 'seaborn'")[11:-1]
    assert hinted("no", "ValueError", hint="try y") == "try y"
    assert hinted("cannot import name 'x' from 'y'", "ImportError", hint="try z") == "try z"
    assert "opens windows" in str(hinted("No module named 'tkinter'", hint="x"))


def test_a_module_of_a_package_is_known_in_the_sandbox() -> None:
    """Which module of a package that is there was meant, the sandbox says; of other packages it says nothing."""
    assert hinted("No module named 'matplotlib.pylot'", hint="pyplot?") == "pyplot?"
    assert "look at its spelling" in str(hinted("No module named 'matplotlib.pylot'"))
    assert "PIL" in str(hinted("No module named 'pil.Image'", hint="x"))
    assert "environment science" in str(hinted("No module named 'sklearn.cluter'", hint="x"))


def test_the_hint_holds_its_limit() -> None:
    """Of a long list of packages the hint has the beginning, cut between words."""
    packages = {f"package-{number}": "1" for number in range(80)}
    facts = EnvironmentFacts("default", "sha256:0", "runc", Limits(), packages=packages)
    result = Result(Outcome.PROGRAM_ERROR, program_error=ProgramError("ImportError", "No module named 'zebra'"))
    error = with_packages(result, "default", {"default": facts}).program_error
    assert error is not None
    assert error.hint is not None
    assert HINT_LIMIT - 20 < len(error.hint) <= HINT_LIMIT
    assert error.hint.startswith("zebra is not installed")
    assert error.hint.endswith(", …")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("unknown file extension: .mp4", "ValueError"),
        ("[Errno 2] No such file or directory: 'ffmpeg'", "FileNotFoundError"),
        ("Requested MovieWriter (ffmpeg) not available", "RuntimeError"),
    ],
)
def test_films(message: str, kind: str) -> None:
    """What can't be saved for want of ffmpeg can be in an environment that has its library, if there is one."""
    assert "environment film: POST /v1/render" in said(message, kind)
    result = Result(Outcome.PROGRAM_ERROR, error="Traceback", program_error=ProgramError(kind, message))
    others = {name: facts for name, facts in ENVIRONMENTS.items() if name != "film"}
    assert with_packages(result, "film", ENVIRONMENTS) is result
    assert with_packages(result, "default", others) is result
    assert said("unknown file extension: .xyz", kind) == "Traceback"


def test_the_text_holds_its_limit() -> None:
    """With a long traceback the whole is no longer than any; the help stays."""
    text = said("No module named 'seaborn'", error="x" * ERROR_TEXT_LIMIT)
    assert len(text) <= ERROR_TEXT_LIMIT
    assert "environment science" in text


def test_other_outcomes_are_left_alone() -> None:
    """A result without a program error comes back as it is."""
    result = Result(Outcome.NO_FIGURE, error="none")
    assert with_packages(result, "default", ENVIRONMENTS) is result
