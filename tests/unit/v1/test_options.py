"""Options: every bound from both sides, refused by name, the same in JSON and as text."""

from __future__ import annotations

import contextlib
import difflib
import json
import math
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.errors import InvalidOptions, OptionError
from gateway.model.jobs import Describe, Format, MiB, SaveOptions
from gateway.v1.request import rcparams as rc
from gateway.v1.request.json_body import RenderRequest
from gateway.v1.request.options import RC_LIMIT, Options, Terms
from gateway.v1.request.text_options import PAIRS_LIMIT, options_from_text
from gateway.v1.request.validation import ERRORS_LIMIT, validated
from tools import derive_rcparams

if TYPE_CHECKING:
    from collections.abc import Iterable


#: Values that Python has, but JSON has not.
NOT_A_NUMBER = float("nan")
INFINITE = float("inf")


def _errors(raw: dict[str, Any], model: type[Options] = Options) -> dict[str, str]:
    """Return what is wrong with each option, by its name."""
    try:
        validated(model, raw)
    except InvalidOptions as error:
        return {item.option: item.message for item in error.errors}
    return {}


def _from_text(pairs: Iterable[tuple[str, str]]) -> Options:
    raw, errors = options_from_text(pairs)
    return validated(Options, raw, errors)


def test_no_options_are_matplotlibs_own() -> None:
    """Without options a figure is saved as `fig.savefig` does it, as PNG."""
    assert validated(Options, {}).job("x").options == SaveOptions()


def test_every_option_reaches_the_job() -> None:
    """Every requested option reaches the launcher unchanged."""
    size = {"format": ["svg", "png"], "dpi": 72, "width": 3, "height": 4.5, "bbox_inches": "tight", "transparent": True}
    look = {"style": ["ggplot", "fast"], "rc": {"axes.grid": True, "figure.figsize": [1, 2]}, "figures": "all"}
    job = validated(Options, {**size, **look, "memory_mib": 64, "embed_alt_text": True}).job("x")
    assert job.options == SaveOptions(
        formats=(Format.SVG, Format.PNG),
        all_figures=True,
        dpi=72,
        width_in=3,
        height_in=4.5,
        bbox_inches="tight",
        transparent=True,
        style=("ggplot", "fast"),
        rc={"axes.grid": True, "figure.figsize": (1, 2)},
        embed_alt_text=True,
    )
    assert job.memory_limit_bytes == 64 * MiB


def test_failing_on_findings_needs_a_summary() -> None:
    """Whoever asks for more gets that; what fails is no part of the job."""
    levels = {"none": Describe.SUMMARY, "summary": Describe.SUMMARY, "full": Describe.FULL, "data": Describe.DATA}
    for asked, level in levels.items():
        options = validated(Options, {"describe": asked, "fail_on": "note"})
        assert options.terms == Terms(allows_cache=True, fail_on=("note",))
        assert options.job("x").options == SaveOptions(describe=level)


#: Of each option, values within its bounds and beyond them.
BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {
    "format": (["png", ["png"], ["webp", "jpeg", "pdf", "svg", "png"]], [[], "tiff", ["png", "png"], None, 5, ["x"]]),
    "dpi": ([10, 1200, 99.5, None], [9.99, 1200.01, "100", True, NOT_A_NUMBER, INFINITE, 10**400, [100]]),
    "width": ([0.1, 100, None], [0.099, 100.1, "3", False, -1, 0]),
    "height": ([0.1, 100, None], [0.099, 100.1, "3", False, -1, 0]),
    "bbox_inches": (["tight", "standard"], ["Tight", None, True, ""]),
    "transparent": ([True, False], ["true", 1, None, 0]),
    "style": (["ggplot", [], ["fast"] * 8], ["nope", ["fast"] * 9, "../x", "https://host/x", None, [5], ""]),
    "rc": ([{}, {"axes.grid": True}], [{"backend": "agg"}, [], None, "x", {"axes.grid": "yes"}]),
    "figures": (["current", "all"], ["ALL", None, 1]),
    "environment": (["default", "a.b-c_9", "x" * 64], ["", "x" * 65, "a/b", "a b", "A", "-a", None, "ü"]),
    "timeout_s": ([0.1, 600, None], [0.09, 600.1, 0, -1, "1", INFINITE]),
    "memory_mib": ([64, 65536, 128.0, None], [63, 65537, 64.5, "64", True]),
    "seed": ([0, 2**32 - 1, 1.0, None], [-1, 2**32, 0.5, "1", False]),
    "cache": ([True, False], ["false", 0, None]),
    "describe": (["none", "summary", "full", "data"], ["all", "FULL", "", None, True, 1, ["full"]]),
    "embed_alt_text": ([True, False], ["true", 1, None, 0]),
    "fail_on": (
        ["note", [], ["error"], ["text-cut-off", "axes-empty"], ["note"] * 32],
        ["", "Note", "text", "text_cut_off", ["a" * 65], ["note"] * 33, None, True, [None], {"note": True}],
    ),
}


@pytest.mark.parametrize("option", Options.model_fields)
def test_bounds(option: str) -> None:
    """Each option accepts what is within its bounds, and is refused by name beyond them, as its JSON schema says."""
    good, bad = BOUNDS[option]
    schema = jsonschema.Draft202012Validator(Options.model_json_schema())
    for value in good:
        validated(Options, {option: value})
        assert schema.is_valid({option: value}), value
    for value in bad:
        errors = _errors({option: value})
        assert [name.split(".")[0] for name in errors] == [option], (value, errors)
        infinite = isinstance(value, float) and not math.isfinite(value)  # JSON can't express these
        assert infinite or not schema.is_valid({option: value}), value


def test_unknown_options_are_named_with_a_guess() -> None:
    """A mistyped option is refused by its name, with a suggestion if it is clear."""
    assert _errors({"dpii": 1, "xyzzy": 2, "code": "x"}) == {
        "dpii": "is not an option; did you mean dpi?",
        "xyzzy": "is not an option",
        "code": "is not an option",
    }


def test_all_errors_are_reported_at_once_but_not_too_many() -> None:
    """Every wrong option is named, up to a bound."""
    wrong = {"dpi": 0, "width": 0, "rc": {"backend": "x", "axes.grid": 5}}
    assert set(_errors(wrong)) == {"dpi", "width", "rc.backend", "rc.axes.grid"}
    assert len(_errors({f"option{number}": 1 for number in range(1000)})) == ERRORS_LIMIT


@given(st.text(min_size=1), st.text())
def test_nothing_is_quoted_at_length(name: str, text: str) -> None:
    """Untrusted text comes back shortened and printable, if at all."""
    for raw in ({name * 50: text}, {"rc": {name * 50: text}}, {"style": text * 50 + "x"}, {"files": {name * 50: text}}):
        model = RenderRequest if "files" in raw else Options
        errors = _errors({"code": "x", **raw} if model is RenderRequest else raw, model)
        assert all(len(option) + len(message) < 300 for option, message in errors.items())
        assert all((option + message).isprintable() for option, message in errors.items())


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("axes.grid", [True, False], [1, "true", None, [True]]),
        ("lines.linewidth", [0, 1.5, -1], [True, "2", None, 1e9, NOT_A_NUMBER, [1], 10**400]),
        ("image.lut", [256], [2.5, True, "256"]),
        ("axes.facecolor", ["red", "0.5", [1, 0, 0]], [0.5, True, {"a": 1}, "r\x00", "x" * 1025]),
        ("figure.figsize", [[6, 4], "6, 4"], [6, [1] * 33, [[[1]]]]),
        ("axes.titlelocation", ["left"], ["up", 5, ""]),
        ("font.family", ["serif", ["a", "b"]], [5, True]),
        ("lines.linestyle", ["--", [0, [1, 2]]], [5, [0, [1, [2]]]]),
    ],
)
def test_parameters_take_their_kind_of_value(name: str, good: list[Any], bad: list[Any]) -> None:
    """A parameter of Matplotlib is refused by its name when its value is of another kind."""
    for value in good:
        validated(Options, {"rc": {name: value}})
    schema = jsonschema.Draft202012Validator(rc.describe())
    assert all(schema.is_valid({name: value}) for value in good)
    for value in bad:
        assert list(_errors({"rc": {name: value}})) == [f"rc.{name}"]
        assert not schema.is_valid({name: value}) or value is NOT_A_NUMBER


def test_number_of_parameters_is_bounded() -> None:
    """64 parameters are accepted, one more is not."""
    booleans = [name for name in rc.PARAMETERS if rc.PARAMETERS[name]["types"] == ["boolean"]]
    validated(Options, {"rc": dict.fromkeys(booleans[:RC_LIMIT], True)})
    assert set(_errors({"rc": dict.fromkeys(booleans[: RC_LIMIT + 1], True)})) == {"rc"}


def test_list_of_parameters_is_that_of_the_installed_matplotlib() -> None:
    """The committed list is what the command derives from the image's version, without the denied parameters."""
    assert rc.DATA_FILE.read_text("utf-8") == derive_rcparams.render(derive_rcparams.derive())
    assert mpl.__version__ == rc.MATPLOTLIB_VERSION


def test_nothing_dangerous_is_allowed() -> None:
    """No parameter that names paths, programs, servers or functions, or chooses a backend, is on the list."""
    parts = {"backend", "path", "directory", "latex", "usetex", "hooks", "address", "port", "writer", "interactive"}
    suspects = {name for name in rc.PARAMETERS if parts & set(re.split(r"[._]", name))}
    harmless = {"path.simplify", "path.simplify_threshold", "path.sketch", "path.snap", "agg.path.chunksize"}
    assert suspects == harmless
    assert all(derive_rcparams.is_denied(name) for name in mpl.rcParams if name not in rc.PARAMETERS)


def test_every_default_is_of_its_type() -> None:
    """Matplotlib's own value of each parameter has a type that the list allows, apart from null and cyclers."""
    for name in rc.PARAMETERS:
        default = mpl.rcParamsDefault[name]
        if default is not None and name != "axes.prop_cycle":
            rc.check_value(name, json.loads(json.dumps(default, default=str)))


# Text


@pytest.mark.parametrize(
    ("pairs", "raw"),
    [
        ([("format", "png,svg"), ("format", "pdf")], {"format": ["png", "svg", "pdf"]}),
        ([("dpi", "1e2"), ("width", "0.5"), ("seed", "7")], {"dpi": 100, "width": 0.5, "seed": 7}),
        ([("transparent", "true"), ("cache", "false")], {"transparent": True, "cache": False}),
        ([("rc.axes.grid", "true"), ("rc.lines.linewidth", "2")], {"rc": {"axes.grid": True, "lines.linewidth": 2}}),
        ([("rc.axes.facecolor", "0.5")], {"rc": {"axes.facecolor": "0.5"}}),
        (
            [("rc", '{"axes.grid": false}'), ("rc.lines.linewidth", "2")],
            {"rc": {"axes.grid": False, "lines.linewidth": 2}},
        ),
        ([("style", "fast, ggplot")], {"style": ["fast", "ggplot"]}),
        ([("figures", "all"), ("bbox_inches", "tight")], {"figures": "all", "bbox_inches": "tight"}),
        (
            [("dpi", " 100\n"), ("seed", "+007"), ("width", ".5"), ("height", "5.")],
            {"dpi": 100, "seed": 7, "width": 0.5, "height": 5.0},
        ),
        ([("transparent", "True"), ("cache", "off")], {"transparent": True, "cache": False}),
        ([("transparent", "ON"), ("cache", "0")], {"transparent": True, "cache": False}),
        ([("transparent", "yes"), ("cache", "No ")], {"transparent": True, "cache": False}),
        ([("transparent", "1"), ("cache", "F")], {"transparent": True, "cache": False}),
        (
            [("rc.axes.grid", "on"), ("rc.axes.spines.top", "False")],
            {"rc": {"axes.grid": True, "axes.spines.top": False}},
        ),
        # A parameter that takes more than true and false keeps what else its text could mean.
        (
            [("rc.axes.axisbelow", "True"), ("rc.legend.fancybox", "1")],
            {"rc": {"axes.axisbelow": True, "legend.fancybox": True}},
        ),
        ([("dpi", "None"), ("seed", "null"), ("timeout_s", " ")], {}),
        ([("rc.figure.dpi", ""), ("rc.lines.marker", "")], {"rc": {"lines.marker": ""}}),
        *(([(name, "")], {}) for name in Options.model_fields),
    ],
)
def test_text_means_what_json_would_say(pairs: list[tuple[str, str]], raw: dict[str, Any]) -> None:
    """Options in a query are those of JSON, in another spelling."""
    assert options_from_text(pairs) == (raw, [])
    validated(Options, raw)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("dpi", ["1_00", "1 00", "0x64", "nan", "1e999", "٣٠", ".", "1,5", "-", "undefined"]),
        ("seed", ["1.5", "--1", "none"]),
        ("transparent", ["2", "tru", "maybe", "None", "wahr"]),
        ("cache", ["-1"]),
        ("format", ["png,", ","]),
        ("style", [","]),
        ("nothing", [""]),
        ("rc", ["{", "[]"]),
        ("rc.", ["1"]),
        ("rc.axes.grid", ["2", "both"]),
        ("rc.axes.grids", [""]),
        ("rc.image.lut", ["2.5"]),
        ("files", ["x"]),
        ("code", ["x"]),
    ],
)
def test_text_that_means_nothing_is_refused_by_name(name: str, texts: list[str]) -> None:
    """What is no spelling of a value isn't guessed at."""
    for text in texts:
        with pytest.raises(InvalidOptions) as caught:
            _from_text([(name, text)])
        assert {item.option for item in caught.value.errors} == {name}, text


@pytest.mark.parametrize(
    "pairs",
    [
        [("dpi", "100"), ("dpi", "100")],
        [("rc", "{}"), ("rc", "{}")],
        [("rc.axes.grid", "true"), ("rc.axes.grid", "true")],
        [("rc.axes.grid", "true"), ("rc", '{"axes.grid": true}')],
    ],
)
def test_given_twice(pairs: list[tuple[str, str]]) -> None:
    """An option that is given twice is ambiguous, and refused in any form."""
    _, errors = options_from_text(pairs)
    assert errors == [OptionError(pairs[0][0], "is given twice")]


def test_number_of_text_options_is_bounded() -> None:
    """However many options a query has, only so many are read."""
    raw, errors = options_from_text([(f"o{number}", "x") for number in range(100_000)])
    assert (len(raw), len(errors)) == (PAIRS_LIMIT, 1)


@given(
    st.lists(st.tuples(st.sampled_from([*Options.model_fields, "rc.axes.grid", "rc.x", "z"]), st.text()), max_size=6)
)
def test_any_text_is_accepted_or_refused(pairs: list[tuple[str, str]]) -> None:
    """Any text gives options or named errors."""
    with contextlib.suppress(InvalidOptions):
        assert isinstance(_from_text(pairs), Options)


def test_no_more_errors_are_described_than_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short body with thousands of unknown options is refused without a search for each of them."""
    searches = []
    monkeypatch.setattr(difflib, "get_close_matches", lambda name, *_, **__: searches.append(name) or [])
    raw = {f"form{number}": 1 for number in range(4000)}
    assert len(_errors(raw)) == len(searches) == ERRORS_LIMIT
    assert len(_errors({"rc": {f"a.{number}": 1 for number in range(4000)}})) == ERRORS_LIMIT
