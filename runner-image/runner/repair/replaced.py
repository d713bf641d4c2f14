"""What replaced names, arguments and values that libraries had once and have no longer.

Each entry is told by the library's own documents, which stand behind it. Code that people and language models write
from memory is often older than the libraries here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Replacement(NamedTuple):
    """What to write instead.

    Attributes:
        instead: Behind "use", or a whole advice that begins with "leave".
        there: Dotted name of what must exist for that to be right.
    """

    instead: str
    there: str = ""


_AXES = "matplotlib.axes.Axes"
_FRAME = "pandas.DataFrame"
_SIMPSON = Replacement("`scipy.integrate.simpson`", "scipy.integrate.simpson")

#: Attributes, by the module or class that had them.
NAMES: dict[tuple[str, str], Replacement] = {
    # Source: Matplotlib, API changes of 3.9 (`cm.get_cmap`, `cm.register_cmap`), 3.8 (`w_xaxis`, `dist`), 3.9
    # (`legendHandles`), 3.10 (`ContourSet.collections`), 3.7 (lists of artists), 3.1 (`mlab`), 3.9 and 3.11
    # (`plot_date`), 2.2 and 3.0 (`axis_bgcolor`, `color_cycle`, `hold`).
    ("matplotlib.cm", "get_cmap"): Replacement(
        "`plt.get_cmap(name)` or `matplotlib.colormaps[name]`", "matplotlib.colormaps"
    ),
    ("matplotlib.cm", "register_cmap"): Replacement("`matplotlib.colormaps.register`", "matplotlib.colormaps.register"),
    ("matplotlib.cm", "unregister_cmap"): Replacement(
        "`matplotlib.colormaps.unregister`", "matplotlib.colormaps.unregister"
    ),
    ("matplotlib.pyplot", "register_cmap"): Replacement(
        "`matplotlib.colormaps.register`", "matplotlib.colormaps.register"
    ),
    ("matplotlib.pyplot", "plot_date"): Replacement("`plt.plot`, which takes dates", "matplotlib.pyplot.plot"),
    ("Axes", "plot_date"): Replacement("`plot`, which takes dates", f"{_AXES}.plot"),
    ("matplotlib.pyplot", "hold"): Replacement("leave it out, since every call adds to the axes"),
    ("Axes", "hold"): Replacement("leave it out, since every call adds to the axes"),
    ("Axes", "set_axis_bgcolor"): Replacement("`set_facecolor`", f"{_AXES}.set_facecolor"),
    ("Axes", "get_axis_bgcolor"): Replacement("`get_facecolor`", f"{_AXES}.get_facecolor"),
    ("Axes", "set_color_cycle"): Replacement("`set_prop_cycle(color=[…])`", f"{_AXES}.set_prop_cycle"),
    ("Axes3D", "w_xaxis"): Replacement("`xaxis`", f"{_AXES}.get_xaxis"),
    ("Axes3D", "w_yaxis"): Replacement("`yaxis`", f"{_AXES}.get_yaxis"),
    ("Axes3D", "w_zaxis"): Replacement("`zaxis`", "mpl_toolkits.mplot3d.Axes3D.get_zlim"),
    ("Axes3D", "dist"): Replacement("`set_box_aspect(None, zoom=…)`", "mpl_toolkits.mplot3d.Axes3D.set_box_aspect"),
    ("Legend", "legendHandles"): Replacement("`legend_handles`", "matplotlib.legend.Legend"),
    ("ContourSet", "collections"): Replacement(
        "the contour set itself, which is one artist now", "matplotlib.contour.ContourSet.set_paths"
    ),
    ("ArtistList", "append"): Replacement("`ax.add_line`, `ax.add_patch` and so on", f"{_AXES}.add_line"),
    ("ArtistList", "clear"): Replacement("`remove()` on each artist, or `ax.clear()`", f"{_AXES}.clear"),
    ("ArtistList", "remove"): Replacement("`remove()` on the artist itself", "matplotlib.artist.Artist.remove"),
    ("ArtistList", "pop"): Replacement("`remove()` on the artist itself", "matplotlib.artist.Artist.remove"),
    ("matplotlib.mlab", "normpdf"): Replacement("`scipy.stats.norm.pdf`", "scipy.stats.norm"),
    # Source: NumPy, release notes of 1.24 (aliases of Python's types), 2.0 and 2.4 (expired deprecations), and the
    # migration guide to 2.0.
    **{
        ("numpy", name): Replacement(f"Python's `{name}`, or `np.{other}`", f"numpy.{other}")
        for name, other in (
            ("float", "float64"),
            ("int", "int64"),
            ("bool", "bool_"),
            ("complex", "complex128"),
            ("object", "object_"),
            ("str", "str_"),
        )
    },
    ("numpy", "trapz"): Replacement("`np.trapezoid`", "numpy.trapezoid"),
    ("numpy", "in1d"): Replacement("`np.isin`", "numpy.isin"),
    ("numpy", "product"): Replacement("`np.prod`", "numpy.prod"),
    ("numpy", "cumproduct"): Replacement("`np.cumprod`", "numpy.cumprod"),
    ("numpy", "sometrue"): Replacement("`np.any`", "numpy.any"),
    ("numpy", "alltrue"): Replacement("`np.all`", "numpy.all"),
    ("numpy", "msort"): Replacement("`np.sort(a, axis=0)`", "numpy.sort"),
    ("numpy", "row_stack"): Replacement("`np.vstack`", "numpy.vstack"),
    ("numpy", "asscalar"): Replacement("`a.item()`", "numpy.ndarray.item"),
    # Source: NumPy, "What's new or different" of the random Generator.
    ("Generator", "rand"): Replacement("`random`", "numpy.random.Generator.random"),
    ("Generator", "randn"): Replacement("`standard_normal`", "numpy.random.Generator.standard_normal"),
    ("Generator", "randint"): Replacement("`integers`", "numpy.random.Generator.integers"),
    ("Generator", "random_integers"): Replacement("`integers`", "numpy.random.Generator.integers"),
    # Source: pandas, what's new in 1.0 (`ix`, `as_matrix`, `Panel`), 2.0 (`append`, `iteritems`), 2.1 and 3.0
    # (`applymap`); 0.23 (`rolling_mean`), 0.25 (`scatter_matrix`).
    ("DataFrame", "append"): Replacement("`pd.concat([frame, other])`", "pandas.concat"),
    ("Series", "append"): Replacement("`pd.concat([series, other])`", "pandas.concat"),
    ("DataFrame", "iteritems"): Replacement("`items()`", f"{_FRAME}.items"),
    ("Series", "iteritems"): Replacement("`items()`", "pandas.Series.items"),
    ("DataFrame", "ix"): Replacement("`loc` for labels or `iloc` for positions", f"{_FRAME}.loc"),
    ("Series", "ix"): Replacement("`loc` for labels or `iloc` for positions", "pandas.Series.loc"),
    ("DataFrame", "applymap"): Replacement("`map`", f"{_FRAME}.map"),
    ("DataFrame", "as_matrix"): Replacement("`to_numpy()`", f"{_FRAME}.to_numpy"),
    ("pandas", "rolling_mean"): Replacement("`series.rolling(window).mean()`", "pandas.Series.rolling"),
    ("pandas", "scatter_matrix"): Replacement("`pd.plotting.scatter_matrix`", "pandas.plotting.scatter_matrix"),
    # Source: SciPy, release notes of 1.14 (`simps`, `trapz`, `cumtrapz`), 1.3 and 1.10 (`interp`), 1.13 (windows).
    ("scipy.integrate", "simps"): _SIMPSON,
    ("scipy.integrate", "trapz"): Replacement("`scipy.integrate.trapezoid`", "scipy.integrate.trapezoid"),
    ("scipy.integrate", "cumtrapz"): Replacement(
        "`scipy.integrate.cumulative_trapezoid`", "scipy.integrate.cumulative_trapezoid"
    ),
    ("scipy", "interp"): Replacement("`numpy.interp`", "numpy.interp"),
    **{
        ("scipy.signal", name): Replacement(f"`scipy.signal.windows.{name}`", f"scipy.signal.windows.{name}")
        for name in ("hann", "hamming", "blackman", "gaussian")
    },
    # Source: seaborn, what's new in 0.9.
    ("seaborn", "factorplot"): Replacement("`sns.catplot`"),
    ("seaborn", "tsplot"): Replacement("`sns.lineplot`"),
    # Source: Python, "What's new" of 3.0 (names of Python 2), 3.8 (`clock`), 3.10 (`collections`).
    ("builtins", "xrange"): Replacement("`range`", "builtins.range"),
    ("builtins", "unicode"): Replacement("`str`", "builtins.str"),
    ("builtins", "basestring"): Replacement("`str`", "builtins.str"),
    ("builtins", "unichr"): Replacement("`chr`", "builtins.chr"),
    ("builtins", "long"): Replacement("`int`", "builtins.int"),
    ("builtins", "reduce"): Replacement("`functools.reduce`", "functools.reduce"),
    ("dict", "iteritems"): Replacement("`items()`", "builtins.dict.items"),
    ("dict", "itervalues"): Replacement("`values()`", "builtins.dict.values"),
    ("dict", "iterkeys"): Replacement("`keys()`", "builtins.dict.keys"),
    ("dict", "has_key"): Replacement("`key in mapping`"),
    ("time", "clock"): Replacement("`time.perf_counter`", "time.perf_counter"),
    **{
        ("collections", name): Replacement(f"`collections.abc.{name}`", f"collections.abc.{name}")
        for name in ("Callable", "Iterable", "Iterator", "Mapping", "MutableMapping", "Sequence", "Set")
    },
}

#: Keyword arguments, by the function that had them; what they are called now, or what to do without.
ARGUMENTS: dict[tuple[str, str], Replacement] = {
    # Source: Matplotlib, API changes of 3.9 and 3.11 (`boxplot`), 3.1 (`normed`), 3.8 (`use_line_collection`), 3.6
    # (`gca`), 3.3 (`annotate`), 2.0 and 3.0 (`axisbg`), 3.7 (`grid`).
    ("boxplot", "labels"): Replacement("`tick_labels`", f"{_AXES}.boxplot"),
    ("hist", "normed"): Replacement("`density`", f"{_AXES}.hist"),
    ("stem", "use_line_collection"): Replacement("leave it out, since stems are always one collection"),
    ("gca", "projection"): Replacement("`fig.add_subplot(projection=…)`", "matplotlib.figure.Figure.add_subplot"),
    ("annotate", "s"): Replacement("`text`", f"{_AXES}.annotate"),
    ("add_subplot", "axisbg"): Replacement("`facecolor`", f"{_AXES}.set_facecolor"),
    ("subplot", "axisbg"): Replacement("`facecolor`", f"{_AXES}.set_facecolor"),
    ("axes", "axisbg"): Replacement("`facecolor`", f"{_AXES}.set_facecolor"),
    # Source: pandas, what's new in 2.1 and 3.0.
    ("fillna", "method"): Replacement("`ffill()` or `bfill()`", f"{_FRAME}.ffill"),
}

#: Source: Matplotlib, API changes of 3.6: seaborn's styles carry the version of seaborn that they are taken from.
SEABORN_STYLES = ("seaborn", "seaborn-v0_8")


#: How modules are called in programs.
SHORT = {"numpy": "np.", "matplotlib.pyplot": "plt.", "pandas": "pd.", "seaborn": "sns.", "builtins": ""}


def of_name(owners: Iterable[str], name: str) -> str:
    """Return the sentence about a name that modules or classes have no longer; empty if none of them had it.

    Args:
        owners: Names of a module, or of a class and its bases.
        name: What was looked for there.
    """
    for owner in owners:
        if found := NAMES.get((owner, name)):
            prefix = SHORT.get(owner, f"{owner}.")
            return f"`{prefix}{name}` is no longer there: {_instead(found)}."
    return ""


def of_argument(functions: Iterable[str], name: str) -> str:
    """Return the sentence about an argument that functions have no longer; empty if none of them had it."""
    for function in functions:
        if found := ARGUMENTS.get((function, name)):
            return f"`{name}` is no longer an argument of {function}(): {_instead(found)}."
    return ""


def _instead(replacement: Replacement) -> str:
    return replacement.instead if replacement.instead.startswith("leave") else f"use {replacement.instead}"
