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

_WORD, _NUMBER, _INTEGER, _BOOLEAN, _LIST = "string", "number", "integer", "boolean", "list"

#: What each of Matplotlib's validators takes, in types of JSON; null is not needed, since all take a word for it.
VALIDATORS: dict[str, tuple[str, ...]] = {
    "validate_bool": (_BOOLEAN,),
    "validate_int": (_INTEGER,),
    "validate_int_or_None": (_INTEGER, _WORD),
    "validate_float": (_NUMBER,),
    "validate_float_or_None": (_NUMBER, _WORD),
    "_validate_int_greaterequal0": (_INTEGER,),
    "_validate_greaterthan_minushalf": (_NUMBER,),
    "_validate_greaterequal0_lessequal1": (_NUMBER,),
    "validate_str": (_WORD,),
    "validate_str_or_None": (_WORD,),
    "validate_strlist": (_WORD, _LIST),
    "validate_floatlist": (_WORD, _LIST),
    "validate_intlist": (_WORD, _LIST),
    "ValidateInStrings": (_WORD,),
    "validate_color": (_WORD, _LIST),
    "validate_color_or_auto": (_WORD, _LIST),
    "validate_color_or_inherit": (_WORD, _LIST),
    "_validate_color_or_None": (_WORD, _LIST),
    "_validate_color_or_edge": (_WORD, _LIST),
    "_validate_color_or_linecolor": (_WORD, _LIST),
    "_validate_linestyle": (_WORD, _LIST),
    "_validate_linestyle_or_None": (_WORD, _LIST),
    "_validate_marker": (_INTEGER, _WORD),
    "_validate_cmap": (_WORD,),
    "_validate_date": (_WORD,),
    "_validate_legend_loc": (_INTEGER, _WORD, _LIST),
    "_validate_mathtext_fallback": (_WORD,),
    "_validate_minor_tick_ndivs": (_INTEGER, _WORD),
    "validate_font_properties": (_WORD,),
    "validate_fontsize": (_NUMBER, _WORD),
    "validate_fontsize_None": (_NUMBER, _WORD),
    "validate_fontstretch": (_INTEGER, _WORD),
    "validate_fontweight": (_INTEGER, _WORD),
    "validate_fonttype": (_INTEGER, _WORD),
    "validate_aspect": (_NUMBER, _WORD),
    "validate_axisbelow": (_BOOLEAN, _WORD),
    "validate_bbox": (_WORD,),
    "validate_cycler": (_WORD,),
    "validate_dpi": (_NUMBER, _WORD),
    "validate_hist_bins": (_INTEGER, _WORD, _LIST),
    "validate_sketch": (_WORD, _LIST),
    "validate_whiskers": (_NUMBER, _LIST),
    "JoinStyle": (_WORD,),
    "CapStyle": (_WORD,),
}


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
    described: dict[str, Any] = {"types": list(VALIDATORS[name])}
    if name == "ValidateInStrings":
        described["choices"] = sorted(str(choice) for choice in validator.valid)  # type: ignore[attr-defined]
    return described


if __name__ == "__main__":
    DATA_FILE.write_text(render(derive()), "utf-8")
    sys.stdout.write(f"wrote {DATA_FILE.name}\n")
