"""Write `rcparams.json`, the parameters and styles that a request may set: `python -m tools.derive_rcparams`.

This needs Matplotlib, which development environments have and gateways don't; hence the file. The locks make sure that
it is the version of the runner image. A parameter is allowed unless it is denied here, with a reason: what style sheets
are for stays possible, and parameters that a new version adds are reviewed when the file is written again.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from gateway.v1.request.rcparams import DATA_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

#: Prefixes of parameters that no request may set, and why.
DENIED_PREFIXES = {
    "_": "internal to Matplotlib",
    "animation.": "chooses programs that write animations, their paths and arguments",
    "keymap.": "keys of windows, which don't exist here",
    "macosx.": "windows of macOS",
    "pgf.": "runs LaTeX",
    "tk.": "windows of Tk",
    "webagg.": "opens a web server",
}

#: The same, by full name.
DENIED_NAMES = {
    "backend": "ours to choose",
    "backend_fallback": "ours to choose",
    "datapath": "a path",
    "docstring.hardcopy": "has an effect during the import only",
    "figure.hooks": "names functions to be called",
    "interactive": "nobody is there to interact with",
    "path.effects": "a list of objects, which a request can't express",
    "ps.distiller.res": "a setting of an outside program",
    "ps.usedistiller": "runs outside programs",
    "savefig.directory": "a path",
    "svg.hashsalt": "ours: it makes SVG reproducible",
    "text.latex.engine": "runs LaTeX",
    "text.latex.preamble": "runs LaTeX",
    "text.usetex": "runs LaTeX",
    "toolbar": "there is no window here",
}

#: What Matplotlib's validators take, in types of JSON; null is not needed, since all take a word for it.
TAKEN = {
    "boolean": "validate_bool",
    "integer": "validate_int _validate_int_greaterequal0",
    "integer string": (
        "validate_int_or_None _validate_marker _validate_minor_tick_ndivs validate_fontstretch "
        "validate_fontweight validate_fonttype"
    ),
    "number": "validate_float _validate_greaterthan_minushalf _validate_greaterequal0_lessequal1",
    "number string": "validate_float_or_None validate_fontsize validate_fontsize_None validate_aspect validate_dpi",
    "string": (
        "validate_str validate_str_or_None ValidateInStrings _validate_cmap _validate_date "
        "_validate_mathtext_fallback validate_font_properties validate_bbox validate_cycler JoinStyle CapStyle"
    ),
    "string list": (
        "validate_strlist validate_floatlist validate_intlist validate_color validate_color_or_auto "
        "validate_color_or_inherit _validate_color_or_None _validate_color_or_edge _validate_color_or_linecolor "
        "_validate_linestyle _validate_linestyle_or_None validate_sketch"
    ),
    "integer string list": "_validate_legend_loc validate_hist_bins",
    "boolean string": "validate_axisbelow",
    "number list": "validate_whiskers",
}
VALIDATORS = {name: types.split() for types, names in TAKEN.items() for name in names.split()}


def derive() -> dict[str, Any]:
    """Return what `rcparams.json` holds for the installed Matplotlib.

    Raises:
        LookupError: Matplotlib has a validator that this module doesn't know.
    """
    import matplotlib as mpl  # noqa: PLC0415 - gateways don't have it
    from matplotlib.style import available  # noqa: PLC0415

    return {
        "matplotlib": mpl.__version__,
        "styles": sorted({"default", *available}),
        "parameters": {
            name: _describe(validator)
            for name, validator in sorted(mpl.RcParams.validate.items())
            if not is_denied(name)
        },
    }


def render(derived: dict[str, Any]) -> str:
    """Return the text of `rcparams.json`: one parameter a line, so that a new Matplotlib makes a readable diff."""
    members = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in derived["parameters"].items()]
    return (
        f'{{\n "matplotlib": {json.dumps(derived["matplotlib"])},\n "styles": {json.dumps(derived["styles"])},\n'
        ' "parameters": {\n' + ",\n".join(members) + "\n }\n}\n"
    )


def is_denied(name: str) -> bool:
    """Tell whether no request may set a parameter."""
    return name in DENIED_NAMES or name.startswith(tuple(DENIED_PREFIXES))


def _describe(validator: Callable[[Any], Any]) -> dict[str, Any]:
    name = getattr(validator, "__qualname__", type(validator).__name__).rpartition(".")[2]
    if name not in VALIDATORS:
        raise LookupError(f"Matplotlib's validator {name} is not known here: say what it takes, or deny its parameters")
    described: dict[str, Any] = {"types": VALIDATORS[name]}
    if name == "ValidateInStrings":
        described["choices"] = sorted(str(choice) for choice in validator.valid)  # type: ignore[attr-defined]
    return described


if __name__ == "__main__":
    DATA_FILE.write_text(render(derive()), "utf-8")
    sys.stdout.write(f"wrote {DATA_FILE.name}\n")
