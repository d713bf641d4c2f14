"""What a failed program's writer is told as a hint: what is so, a question where something is near, or nothing."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.runner import runner_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.runner import Reply


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a function that imports the runner's modules."""
    with runner_modules(tmp_path_factory.mktemp("work")) as found:
        yield found


@pytest.fixture
def hint(module: Any) -> Iterator[Callable[[str], str | None]]:
    """Return a function that runs a program as the runner does, and returns the hint about what it raises."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd

    def of_program(code: str) -> str | None:
        module("program").remember_source(code.splitlines(keepends=True))
        names = {"__name__": "__main__", "plt": plt, "np": np, "pd": pd}
        try:
            exec(compile(code, "plot.py", "exec"), names)  # noqa: S102 - the test's own
            plt.gcf().canvas.draw()
        except BaseException as error:  # noqa: BLE001 - whatever it is
            found: str | None = module("repair.hints").hint(error)
            return found
        raise AssertionError("the program did not fail")

    with mpl.rc_context({"backend": "agg"}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield of_program
    plt.close("all")


FRAME = "frame = pd.DataFrame({'Temperature': [1], 'Rain': [2]})\n"

ARGUMENTS = {
    "plt.plot([1], colour='r')": "`colour` is no argument of plot(): did you mean `color`?",
    "plt.plot([1], linewith=2)": "did you mean `linewidth`?",
    "plt.scatter([1], [2], colour='r')": "scatter(): did you mean `color`?",
    "plt.bar([1], [2], widht=2)": "did you mean `width`?",
    "plt.hist([1], bin=3)": "did you mean `bins`?",
    "plt.subplots(figsze=(3, 4))": "subplots(): did you mean `figsize`?",
    "plt.subplots(1, 2, gridspec_kw={'width_ratio': [1, 2]})": "did you mean `width_ratios`?",
    "plt.plot([1], label='a')\nplt.legend(fontsze=3)": "legend(): did you mean `fontsize`?",
    "plt.gca().set(xlable='x')": "did you mean `xlabel`?",
    "plt.text(0, 0, 'x', fontsze=3)": "did you mean `fontsize`?",
    "plt.title(\n  'x',\n  fontsze=3,\n)": "title(): did you mean `fontsize`?",
    "plt.savefig('x.png', dip=3)": "savefig(): did you mean `dpi`?",
    "plt.annotate('x', (0, 0), textcoord='data')": "did you mean `textcoords`?",
    "plt.boxplot([1], patch_artists=True)": "did you mean `patch_artist`?",
    "plt.Circle((0, 0), radus=3)": "Circle(): did you mean `radius`?",
    "plt.setp(plt.plot([1]), colour='r')": "setp(): did you mean `color`?",
    "plt.subplots(2, 2)[1][0, 1].boxplot([1], showmean=True)": "did you mean `showmeans`?",
    "np.linspace(0, 1, nmu=3)": "linspace(): did you mean `num`?",
    "np.random.normal(0, 1, sze=3)": "normal(): did you mean `size`?",
    "print('a', edn='')": "print(): did you mean `end`?",
    "def f(colour): pass\nf(colr=1)": "f(): did you mean `colour`?",
    "class C:\n  def f(self, colour): pass\nC().f(1, coluor=1)": None,
    "plt.tick_params(labelsze=3)": "did you mean 'labelsize'?",
}
NAMES = {
    "plt.polt([1])": "`polt` is no attribute of the module matplotlib.pyplot: did you mean `plot`?",
    "plt.gca().set_xlable('x')": "`set_xlable` is no attribute of Axes: did you mean `set_xlabel`?",
    "plt.gca().xlabel('x')": "`xlabel` is set by `set_xlabel()` here.",
    "plt.gca().title('x')": "set it with `set_title()`.",
    "plt.set_title('x')": "`set_title` is a method of Axes",
    "plt.gcf().plot([1])": "`plot` is a method of Axes",
    "plt.gca().tight_layout()": "`tight_layout` is a method of Figure",
    "plt.gca().subplot_tool()": "`subplot_tool` is a function of pyplot",
    "plt.gca().plot_surface([1], [1], [1])": "projection='3d'",
    "figure, ax = plt.subplots(2, 2)\nax.plot([1])": "This is an array of 4 Axes",
    "figure, ax = plt.subplots(1, 2)\nax[0, 1].plot([1])": "This array of Axes has one dimension",
    "figure, ax = plt.subplots()\nax[0].plot([1])": "This is one Axes",
    "figure, (a, b) = plt.subplots(1)": "This is one Axes, as `plt.subplots` returns",
    "figure, ax = plt.subplot()": "write `ax = …` before it, or `fig, ax = plt.subplots()`",
    "figure, ax = plt.figure().add_subplot()": "This is one Axes and no pair",
    "figure = plt.subplots()\nfigure.plot([1])": "This is a pair of a Figure and its Axes, as `plt.subplots` returns",
    "plt.gca().set_legend(['a'])": "`set_legend` is called `legend()` here.",
    "plt.gcf().set_suptitle('a')": "`set_suptitle` is called `suptitle()` here.",
    "plt.plot([1]).set_color('r')": "This is a list, and what it holds has `set_color`",
    "{'alpha': 1}.alpha": "read its key with `['alpha']`",
    "plt.gca().spines.topp": "did you mean `top`?",
    f"{FRAME}frame.Temprature": "did you mean `Temperature`?",
    "np.linspce(0, 1)": "did you mean `linspace`?",
    "np.array([1]).shap": "did you mean `shape`?",
    "plt.cm.virids": "did you mean `viridis`?",
    "prnt('x')": "`prnt` isn't defined: did you mean `print`?",
    "temprature = 1\nprint(temperatur)": "did you mean `temprature`?",
    "math.pi": "did you forget `import math`?",
    "del pd\npd.DataFrame()": "did you forget `import pandas as pd`?",
    "mdates.DateFormatter('%Y')": "`import matplotlib.dates as mdates`",
    "MultipleLocator(3)": "`from matplotlib.ticker import MultipleLocator`",
    "n = 0\ndef f():\n  n += 1\nf()": "declare it `global n`",
    "import datetime\ndatetime.now()": "`datetime.datetime.now`",
    "import datetime\ndatetime(2020, 1, 1)": "did you mean `datetime.datetime()`?",
    "from datetime import datetime\ndatetime.timedelta(1)": "`from datetime import timedelta`",
    "import matplotlib.pylot as plt": "did you mean `matplotlib.pyplot`?",
    "from matplotlib import pyplt": "did you mean `pyplot`?",
    "from matplotlib.ticker import FormatStrFormater": "did you mean `FormatStrFormatter`?",
    "from math import sqr": "did you mean `sqrt`?",
}
VALUES = {
    "plt.plot([1], color='blu')": "'blu' is no colour of Matplotlib: did you mean 'blue'?",
    "plt.plot([1], 'gren')": "did you mean 'green'?",
    "plt.bar([1], [2], color='gren')": "did you mean 'green'?",
    "plt.scatter([1, 2], [1, 2], c=['red', 'gren'])": "'gren' is no colour",
    "plt.plot([1], c='#12345')": "'#12345' has 5.",
    "plt.plot([1], c='xkcd:sky blu')": "did you mean 'xkcd:sky blue'?",
    "plt.gca().set_facecolor('ff0000')": "write '#ff0000'",
    "plt.rcParams['axes.facecolor'] = 'blu'": "did you mean 'blue'?",
    "plt.style.use('seaborn-whitegrid')": "The style 'seaborn-whitegrid' is called 'seaborn-v0_8-whitegrid' now.",
    "plt.style.use('ggplott')": "did you mean 'ggplot'?",
    "plt.imshow([[1]], cmap='virids')": "did you mean 'viridis'?",
    "plt.colormaps['jett']": "did you mean 'jet'?",
    "plt.rcParams['font.sze'] = 3": "did you mean 'font.size'?",
    "plt.rcParams['axes.titlesze']": "did you mean 'axes.titlesize'?",
    "plt.rc('font', sze=3)": "did you mean 'font.size'?",
    "plt.rcParams['lines.linestyle'] = 'dashes'": "did you mean 'dashed'?",
    "plt.plot([1], marker='circle')": "did you mean 'o', the circle?",
    "plt.plot([1], linestyle='dashes')": "did you mean 'dashed'?",
    "plt.plot([1], solid_capstyle='rounded')": "did you mean 'round'?",
    "plt.plot([1], label='a')\nplt.legend(loc='upper rigth')": "did you mean 'upper right'?",
    "plt.subplot(projection='ploar')": "did you mean 'polar'?",
    "plt.xscale('linar')": "did you mean 'linear'?",
    "plt.axis('equl')": "did you mean 'equal'?",
    "plt.gca().set_aspect('equl')": "did you mean 'equal'?",
    "plt.savefig('x.pgn')": "did you mean 'png'?",
    "plt.hist([1, 2], histtype='stepp')": "did you mean 'step'?",
    "plt.hist([1, 2], bins='autoo')": "did you mean 'auto'?",
    "plt.text(0, 0, 'x', ha='centre')": "did you mean 'center'?",
    "plt.text(0, 0, 'x', fontweight='boldd')": "did you mean 'bold'?",
    "plt.text(0, 0, 'x', bbox={'boxstyle': 'rounded'})": "did you mean 'round'",
    "plt.annotate('x', (0, 0), (1, 1), arrowprops={'arrowstyle': '->>'})": "did you mean '->'?",
    "plt.figure(layout='constraind')": "did you mean 'constrained'?",
    "plt.table(cellText=[['a']], loc='botom')": "did you mean 'bottom'?",
    "plt.gca().set_prop_cycle(colr=['r'])": "did you mean 'color'?",
    f"{FRAME}frame.plot(kind='lines')": "did you mean 'line'?",
    "pd.date_range('2020', periods=3, freq='M')": "The frequency 'M' is called 'ME' now.",
    "pd.date_range('2020', periods=3, freq='H')": "The frequency 'H' is called 'h' now.",
    f"{FRAME}frame['Tempratur']": "There is no column 'Tempratur': did you mean 'Temperature'?",
    f"{FRAME}frame[['Rain', 'Tempratur']]": "did you mean 'Temperature'?",
    f"{FRAME}frame.groupby('wind')": "There is no column 'wind': the columns are 'Temperature' and 'Rain'.",
    f"{FRAME}frame[['Rain']]['wind']": "the only column is 'Rain'.",
    "pd.DataFrame({str(n): [1] for n in range(30)})['wind']": "the first of 30 columns are '0', '1',",
    "values = {'alpha': 1}\nvalues['alhpa']": "There is no key 'alhpa': did you mean 'alpha'?",
    "data = {'a': {'alpha': 1}}\ndata['a']['alpah']": "did you mean 'alpha'?",
    "plt.gca().spines['topp']": "did you mean 'top'?",
}
SHAPES = {
    "plt.plot([1, 2, 3], [1, 2])": "`x` has 3 values and `y` has 2: make them equally long.",
    "plt.scatter([1, 2, 3], [1, 2])": "`x` has 3 values and `y` has 2",
    "plt.bar([1, 2, 3], [1, 2])": "`x` has 3 values and `height` has 2",
    "plt.fill_between([1, 2, 3], [1, 2])": "`x` has 3 values and `y1` has 2",
    "plt.errorbar([1, 2], [1, 2], yerr=[1, 2, 3])": "`yerr` has 3 values and `y` has 2",
    "np.ones(2) + np.ones(3)": "The shapes (2,) and (3,) don't go together",
    "np.ones(3).reshape(2, 2)": "The array has 3 values, and the shape (2,2) takes 4.",
    "np.array([[1, 2], [3]])": "must be equally long",
    "plt.imshow([1, 2, 3])": "and not (3,)",
    "plt.contour([1, 2], [1, 2], [1, 2])": "`z` must be a grid",
    "plt.xticks([1, 2], ['a'])": "2 ticks and 1 labels",
}
REPLACED = {
    "np.float(3)": "`np.float` is no longer there: use Python's `float`, or `np.float64`.",
    "np.Inf": "`np.Inf` is no longer there: use `np.inf`.",
    "np.trapz([1])": "use `np.trapezoid`.",
    "np.random.default_rng().randint(3)": "use `integers`.",
    "plt.cm.get_cmap('jet')": "`matplotlib.cm.get_cmap` is no longer there: use `plt.get_cmap(name)`",
    "plt.hold(True)": "leave it out",
    "plt.subplot(projection='3d').w_xaxis": "use `xaxis`.",
    "plt.plot([1], label='a')\nplt.legend().legendHandles": "use `legend_handles`.",
    "plt.contour([[1, 2], [3, 4]]).collections": "use the contour set itself",
    "plt.gca().lines.clear()": "use `remove()`",
    "plt.boxplot([1], labels=['a'])": "`labels` is no longer an argument of boxplot(): use `tick_labels`.",
    "plt.hist([1], normed=True)": "use `density`.",
    "plt.figure().gca(projection='3d')": "use `fig.add_subplot(projection=…)`.",
    "plt.stem([1], use_line_collection=True)": "leave it out",
    f"{FRAME}frame.append({{}})": "use `pd.concat([frame, other])`.",
    f"{FRAME}frame.fillna(method='ffill')": "use `ffill()` or `bfill()`.",
    "from scipy.integrate import simps": "use `scipy.integrate.simpson`.",
    "from collections import Mapping": "use `collections.abc.Mapping`.",
    "{}.iteritems()": "use `items()`.",
    "xrange(3)": "`xrange` is no longer there: use `range`.",
}
SAID = ARGUMENTS | NAMES | VALUES | SHAPES | REPLACED


@pytest.mark.parametrize("code", SAID)
def test_what_is_said(hint: Callable[[str], str | None], code: str) -> None:
    """A mistake that people and language models make is told with what is right."""
    said, expected = hint(code), SAID[code]
    if expected is None:
        assert said is None
    else:
        assert said is not None
        assert expected in said
        assert len(said) <= 400


#: What seaborn and networkx raise, which are not here, as their releases of 2024 write it.
ELSEWHERE = {
    "Could not interpret value `Tempratur` for `x`. An entry with this name does not appear in `data`.": (
        "There is no column 'Tempratur': did you mean 'Temperature'?"
    ),
    "Could not interpret value `wind` for `hue`. An entry with this name does not appear in `data`.": (
        "the columns are 'Temperature' and 'Rain'."
    ),
    "'virids' is not a valid palette name": "did you mean 'viridis'?",
    "Invalid `kind`: 'barr'. Options are 'strip', 'swarm', 'box', 'bar', and 'point'.": "did you mean 'bar'?",
    "The `stat` parameter for `Hist` must be one of 'count', 'density' or 'frequency'; not 'densty'.": "'density'?",
    "The value for `kind` must be one of ['scatter', 'hist', 'hex'], but 'hexx' was passed.": "did you mean 'hex'?",
    "style must be one of white, dark, whitegrid, darkgrid, ticks": None,
}


@pytest.mark.parametrize("message", ELSEWHERE)
def test_messages_of_other_libraries(hint: Callable[[str], str | None], message: str) -> None:
    """Of libraries that only other environments have, the messages are read as well."""
    library = "def draw(data, **_): raise ValueError(message)"
    code = f"{FRAME}scope = {{'message': {message!r}}}\nexec(compile({library!r}, '/lib/seaborn.py', 'exec'), scope)\n"
    said, expected = hint(f"{code}scope['draw'](frame)"), ELSEWHERE[message]
    assert (said is None) == (expected is None)
    assert (expected or "") in (said or "")


SILENT = {
    "nothing is near": "plt.plot([1], flavour='r')",
    "no attribute is near": "plt.frobnicate()",
    "no name is near": "frobnicate()",
    "no colour is near": "plt.plot([1], color='sunshine')",
    "no style is near": "plt.style.use('sunshine')",
    "a right colour beside a wrong argument": "plt.plot([1], color='blue', flavour=3)",
    "None": "x = None\nx.plot",
    "a method of another language": "[1].push(2)",
    "an attribute of a class of the program": "class Plot: pass\nPlot().collections",
    "an own function like a library's": "def hist(x): pass\nhist(normed=True)",
    "an own method like a library's": "class P:\n  def hist(self): pass\np = P()\np.hist(normed=True)",
    "an own name like a removed one": "class Axes: pass\nAxes().frob",
    "a row": f"{FRAME}frame.loc['Rains']",
    "a column that is a number": f"{FRAME}frame[3]",
    "a key of a set dictionary": "{'alpha': 1}['beta']",
    "a key that is a number": "{1: 2}[3]",
    "an error of the program": "raise ValueError('x and y must be equal')",
    "a message of the program": "raise KeyError('Temperature')",
    "arithmetic": "1 / 0",
    "an index": "[1, 2][5]",
    "an array of other things": "np.array([object()]).plot",
    "an index of another array": "np.ones(3)[0, 1]",
    "a text that is no number": "float('equl')",
    "a hexadecimal colour with a wrong digit": "plt.plot([1], color='#12345g')",
    "a hidden name": "plt._polt",
    "a missing argument": "plt.hlines(1, 2)",
    "a syntax error": "x = = 1",
    "an assertion": "assert False, 'no'",
    "an exit": "raise SystemExit(3)",
    "an unknown marker": "plt.plot([1], marker='qq')",
    "a removed module": "from matplotlib.finance import candlestick",
}


@pytest.mark.parametrize("name", SILENT)
def test_what_is_not_said(hint: Callable[[str], str | None], name: str) -> None:
    """Where nothing is sure and nothing is near, nothing is said."""
    assert hint(SILENT[name]) is None


MANY = 1_000_000
HOSTILE = {
    "a message that raises": "class E(AttributeError):\n  def __str__(self): raise KeyboardInterrupt\nraise E",
    "a name that raises": "class E(NameError):\n  name = property(lambda self: 1 / 0)\nraise E('x')",
    "an object that raises": (
        "class T:\n  def __getattribute__(self, name): raise SystemExit\n"
        "raise AttributeError(\"'T' object has no attribute 'plto'\", name='plto', obj=T())"
    ),
    "a directory that never ends": (
        "class T:\n  def __dir__(self):\n    while True: pass\n"
        "raise AttributeError(\"'T' object has no attribute 'plto'\", name='plto', obj=T())"
    ),
    "a metaclass": (
        "class M(type):\n  def __getattribute__(self, name): raise MemoryError\nclass T(metaclass=M): pass\n"
        "raise AttributeError(\"'T' object has no attribute 'plto'\", name='plto', obj=T())"
    ),
    "a class that lies": (
        "class T:\n  __class__ = property(lambda self: exit())\n"
        "raise AttributeError(\"'T' object has no attribute 'plto'\", name='plto', obj=T())"
    ),
    "a megabyte of a message": f"raise ValueError(\"'blu\" + 'x' * {MANY} + \"' is not a valid value for color\")",
    "a megabyte of a name": f"raise AttributeError('x', name='a' * {MANY}, obj=plt)",
    "names that are no texts": "globals().update({3: 3, (): 4, None: 5})\nfrobnicate",
    "a column that is no text": "pd.DataFrame({1: [1], None: [2]})['rain']",
    "a circle of causes": "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a",
    "a key that raises": (
        "class K(str):\n  def __eq__(self, other): raise SystemExit\n  __hash__ = str.__hash__\n"
        "{K('alpha'): 1}['alpah']"
    ),
    "a deep recursion": "def f(): f()\nf()",
    "a signature that raises": (
        "class F:\n  __signature__ = property(lambda self: 1 / 0)\n"
        "  def __call__(self): raise TypeError(\"F() got an unexpected keyword argument 'x'\")\nF()()"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_failures_are_told_without_a_hint(hint: Callable[[str], str | None], name: str) -> None:
    """Whatever a program leaves behind, nothing is raised, none of its code is waited for, and nothing is said."""
    assert hint(HOSTILE[name]) is None


def test_a_million_names_are_not_all_compared(module: Any) -> None:
    """Of very many names the first are looked at; the right one is found among them, and not behind."""
    near = module("repair.near")
    names = [f"name{number}" for number in range(MANY)]
    assert near.nearest("temperatur", ["temperature", *names]) == ["temperature"]
    assert near.nearest("temperatur", [*names, "temperature"]) == []
    assert near.nearest("x" * near.LENGTH_LIMIT + "x", ["x" * near.LENGTH_LIMIT]) == []


@pytest.mark.parametrize(
    ("name", "there", "near"),
    [
        ("polt", ["plot", "polar"], ["plot"]),
        ("dip", ["dpi", "dips", "dp"], ["dpi"]),
        ("COLOR", ["color", "colors"], ["color"]),
        ("colour", ["color", "colors", "count"], ["color"]),
        ("stp", ["start", "stop", "step"], ["stop", "step"]),
        ("middle", ["mid", "center"], []),
        ("x", ["y", "xx"], []),
        ("plot", ["plot"], []),
        ("", ["a"], []),
    ],
)
def test_near_names(module: Any, name: str, there: list[str], near: list[str]) -> None:
    """Near is a slip of the fingers, not another word."""
    assert module("repair.near").nearest(name, there) == near


def test_hints_are_one_short_printable_line(module: Any) -> None:
    """Whatever a hint is made of, it is shown in one line, cut between words."""
    shown = module("repair.hints").shown
    assert shown("a\n\x1b[2J\u202eb  c") == "a \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b c"
    cut = shown("word " * 200)
    assert len(cut) <= 400
    assert cut.endswith("word…")


def test_advice_is_the_hint(module: Any) -> None:
    """What is said behind a traceback of an error that comes from the place is the hint, too."""
    advice = module("elsewhere.advice").NO_PROCESSES
    assert module("repair.hints").hint(PermissionError(1, "no"), advice) == advice


def test_paths_of_the_image_are_not_told(module: Any) -> None:
    """Of a path of the image only the module's name is kept."""
    folder = next(path for path in module("cheap_import").IMAGE_PATHS if path.endswith("site-packages"))
    assert module("repair.hints").hint(OSError(), f"look at {folder}/numpy/x.py") == "look at numpy/x.py"


def _there(dotted: str) -> bool:
    """Return whether a dotted name exists."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            if not hasattr(thing, part):
                return False
            thing = getattr(thing, part)
        return True
    return False


def test_what_replaced_names_is_there(module: Any) -> None:
    """Each name and argument that is offered in place of another exists in the libraries of the image."""
    replaced = module("repair.replaced")
    found = [entry.there for table in (replaced.NAMES, replaced.ARGUMENTS) for entry in table.values() if entry.there]
    assert len(found) > 80
    assert [name for name in found if not _there(name)] == []


def test_what_was_replaced_is_gone(module: Any) -> None:
    """No module has a name of which it is said that it is no longer there."""
    importlib.import_module("scipy.signal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        still = [
            (owner, name)
            for owner, name in module("repair.replaced").NAMES
            if isinstance(sys.modules.get(owner), types.ModuleType) and _there(f"{owner}.{name}")
        ]
    # NumPy has them back under the names of its own types, and one is still deprecated.
    assert still == [("numpy", "bool"), ("numpy", "row_stack")]


PROCESS = {
    "plt.plot([1], colour='r')": "`colour` is no argument of plot(): did you mean `color`?",
    "plt.title('x', fontsze=3)": "`fontsze` is no argument of title(): did you mean `fontsize`?",
    "plt.style.use('seaborn-whitegrid')": "The style 'seaborn-whitegrid' is called 'seaborn-v0_8-whitegrid' now.",
    "np.float(3)": "`np.float` is no longer there: use Python's `float`, or `np.float64`.",
    "import pandas as pd\npd.DataFrame({'rain': [1]})['rian']": "There is no column 'rian': did you mean 'rain'?",
    "plt.plot([1, 2], [1])": "`x` has 2 values and `y` has 1: make them equally long.",
    "open('rian.csv')": "'rain.csv' was sent along: read it by that name.",
    "import matplotlib.pylot": "`matplotlib.pylot` is no module of matplotlib: did you mean `matplotlib.pyplot`?",
    "import helper\nhelper.darw()": "`darw` is no attribute of the module helper: did you mean `draw`?",
    "import helper\nhelper.draw(colr=1)": "`colr` is no argument of draw(): did you mean `color`?",
    "import helper\nhelper.draw(color='blu')": "'blu' is no colour of Matplotlib: did you mean 'blue'?",
    "1 / 0": None,
    "import sys\nsys.exit('no')": None,
}
HELPER = b"import matplotlib.pyplot as plt\ndef draw(color=None):\n    plt.plot([1, 2], color=color)\n"


@pytest.mark.parametrize("code", PROCESS)
def test_hints_of_a_runner(draw: Callable[..., Reply], code: str) -> None:
    """The fault of a job that fails has its hint; what is said of a missing file is also behind the traceback."""
    reply = draw(code, files={"rain.csv": b"1", "helper.py": HELPER})
    assert reply.end["outcome"] == "program_error"
    assert reply.end["fault"]["hint"] == PROCESS[code]
    assert ("was sent along" in reply.end["error"]) == ("open(" in code)
