"""Which figures are the reply, how options change them, and that the same job gives the same bytes."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from matplotlib.figure import Figure
from PIL import Image

from gateway.model.jobs import Format
from gateway.pictures.check import check_picture
from tests.support.runner import size_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runner import Reply

ALL = [kind.value for kind in Format]
PLOT = """
fig, ax = plt.subplots()
ax.plot(np.arange(9), np.arange(9) ** 2, "o--", label=r"$x^2$ für")
ax.bar([1, 2], [30, 40], hatch="//"); ax.imshow(np.eye(5), extent=(4, 6, 10, 40), aspect="auto")
ax.set_title("Σ αβγ"); ax.legend(); ax.grid(True)
"""


def heads(reply: Reply) -> list[tuple[int, str, str]]:
    """Return figure, label and format of each picture."""
    return [(head["figure"], head["label"], head["format"]) for head, _ in reply.pictures]


def pictures(reply: Reply) -> list[bytes]:
    """Return the bytes of each picture."""
    return [data for _, data in reply.pictures]


def test_every_format_is_drawn_and_passes_its_check(collect: Callable[..., Reply]) -> None:
    """One figure in all formats comes in the requested order, and each passes the gateway's check."""
    reply = collect(PLOT, formats=ALL, dpi=None)
    assert heads(reply) == [(1, "", kind) for kind in ALL]
    for kind, data in zip(ALL, pictures(reply), strict=True):
        size = check_picture(Format(kind), data, 50_000_000)
        assert (size.width, size.height) == ((461, 346) if kind in ("svg", "pdf") else (640, 480))


def test_all_figures_come_in_pyplots_order(collect: Callable[..., Reply]) -> None:
    """All figures come with number and label, each in all formats, the current one last."""
    code = "plt.figure(1); plt.figure('named'); plt.figure(7, label='x' * 300); plt.figure(1)"
    reply = collect(code, formats=["png", "svg"], all_figures=True)
    expected = [(2, "named"), (7, "x" * 200), (1, "")]
    assert heads(reply) == [(*figure, kind) for figure in expected for kind in ("png", "svg")]


def test_figures_are_capped(collect: Callable[..., Reply]) -> None:
    """A hundred figures come back; of more, the last ones, and the reply says so."""
    code = "plt.rcParams['figure.figsize'] = (0.1, 0.1)\nfor n in range(1, {}): plt.figure(n)"
    reply = collect(code.format(101), all_figures=True)
    assert [number for number, _, _ in heads(reply)] == list(range(1, 101))
    assert "figures_left_out" not in reply.end
    reply = collect(code.format(104), all_figures=True)
    assert [number for number, _, _ in heads(reply)] == list(range(4, 104))
    assert reply.end["figures_left_out"] is True
    assert "figures_left_out" not in collect(code.format(104)).end


@pytest.mark.parametrize(
    "code",
    [
        "f = Figure(figsize=(2, 1)); f.subplots().plot([1, 2])",
        "axes = Figure(figsize=(2, 1)).subplots()",
        "axes = Figure(figsize=(2, 1)).subplots(2, 2)",
        "from matplotlib.backends.backend_agg import FigureCanvasAgg as C\ncanvas = C(Figure(figsize=(2, 1)))",
        "kept = {'a': [1, (2, Figure(figsize=(2, 1)))]}",
        "class Plot:\n    def __init__(self): self.fig = Figure(figsize=(2, 1))\nplot = Plot()",
        "line, = Figure(figsize=(2, 1)).subplots().plot([1])",
        "part = Figure(figsize=(2, 1)).subfigures()",
    ],
)
def test_figures_without_pyplot_are_found(collect: Callable[..., Reply], code: str) -> None:
    """Without pyplot, the figure that a global name refers to is the reply."""
    reply = collect("from matplotlib.figure import Figure\n" + code)
    assert size_of(reply.png) == (100, 50)
    assert heads(reply) == [(0, "", "png")]


def test_figures_without_pyplot_in_their_order(collect: Callable[..., Reply]) -> None:
    """Several come in the order of the names, each once; the current one is the last."""
    code = """
from matplotlib.figure import Figure
first = Figure(figsize=(1, 1), label="first"); both = [Figure(figsize=(2, 1), label="second"), first]
"""
    reply = collect(code, all_figures=True)
    assert [label for _, label, _ in heads(reply)] == ["first", "second"]
    assert size_of(collect(code).png) == (100, 50)


@pytest.mark.parametrize(
    "code",
    [
        "fig, ax = plt.subplots(); plt.close()",
        "from matplotlib.figure import Figure\ndef f(): Figure().savefig('a.png')\nf()",
        "from matplotlib.figure import Figure\nFigure",
    ],
)
def test_figures_closed_or_lost_are_not_found(collect: Callable[..., Reply], code: str) -> None:
    """A figure that pyplot has closed isn't drawn, nor one that no name refers to."""
    assert collect(code).end["outcome"] == "no_figure"


def test_figures_without_pyplot_need_a_job_that_collects(draw: Callable[..., Reply]) -> None:
    """The old interface returns pyplot's current figure alone, as it always did."""
    assert draw("from matplotlib.figure import Figure\nf = Figure()").end["outcome"] == "no_figure"


def test_open_figures_of_pyplot_come_before_others(collect: Callable[..., Reply]) -> None:
    """If pyplot has an open figure, others are not searched for."""
    reply = collect("from matplotlib.figure import Figure\nf = Figure()\nplt.figure(3)", all_figures=True)
    assert heads(reply) == [(3, "", "png")]


def test_no_options_are_savefigs_own(collect: Callable[..., Reply]) -> None:
    """Without any option the bytes are those of `fig.savefig(name)`, whatever the program has set."""
    for setting in ("", "plt.rcParams.update({'savefig.dpi': 30, 'savefig.bbox': 'tight', 'savefig.transparent': 1})"):
        reply = collect(f"{setting}\n{PLOT}\nfig.savefig('own.png')", dpi=None)
        assert reply.files["own.png"] == reply.png


def test_size_overrides_the_programs(collect: Callable[..., Reply]) -> None:
    """Width and height are those of the picture; either alone keeps the other."""
    for options, size in (
        ({"width_in": 3, "height_in": 2}, (150, 100)),
        ({"width_in": 3}, (150, 50)),
        ({"height_in": 3}, (100, 150)),
    ):
        assert size_of(collect("plt.figure(figsize=(2, 1))", **options).png) == size
    assert size_of(collect("plt.figure()", width_in=3, rc={"figure.figsize": [9, 2]}).png) == (150, 100)


def test_size_is_known_to_the_program(collect: Callable[..., Reply]) -> None:
    """A layout that the program computes is computed for the requested size."""
    asked = collect("plt.title('t'); plt.tight_layout()", width_in=2, height_in=2)
    own = collect("plt.figure(figsize=(2, 2)); plt.title('t'); plt.tight_layout()")
    assert asked.png == own.png


def test_style_and_parameters_come_before_the_program(collect: Callable[..., Reply]) -> None:
    """Styles are applied in order, then parameters; the program may change all of it."""
    code = """
assert plt.rcParams["axes.facecolor"] == "black", plt.rcParams["axes.facecolor"]
assert plt.rcParams["lines.linewidth"] == 7 and plt.rcParams["axes.grid"] is True
assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == ["r", "g"]
plt.rcParams["savefig.facecolor"] = "white"; plt.plot([1, 2])
"""
    rc = {"lines.linewidth": 7, "axes.grid": True, "axes.prop_cycle": "cycler('color', ['r', 'g'])"}
    assert collect(code, style=["ggplot", "dark_background"], rc=rc).end == {"outcome": "ok"}
    assert collect("plt.figure()", style=["default"]).end == {"outcome": "ok"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"style": ["nonsense"]}, "style: 'nonsense' is not a style"),
        ({"style": ["plot.mplstyle"]}, "style: 'plot.mplstyle' is not a style"),
        ({"style": ["http://x.y/a.mplstyle"]}, "style: 'http"),
        ({"rc": {"nonsense": 1}}, "rc: 'nonsense' is not a parameter"),
        ({"rc": {"lines.linewidth": "thick"}}, "rc: Key lines.linewidth: "),
    ],
)
def test_options_that_matplotlib_refuses_are_told(
    collect: Callable[..., Reply], options: dict[str, object], told: str
) -> None:
    """A style or value that Matplotlib refuses ends the job before the program, and the error names it."""
    reply = collect("print('ran'); plt.figure()", files={"plot.mplstyle": b"axes.grid: True"}, **options)
    assert (reply.end["outcome"], reply.stdout) == ("program_error", "")
    assert reply.end["fault"]["type"] == "InvalidOption"
    assert reply.end["error"].startswith(told)
    assert reply.end["fault"]["line"] is None


def test_transparent_leaves_the_background_out(collect: Callable[..., Reply]) -> None:
    """A transparent picture has no colour in its corner, one that isn't is white there."""
    for transparent, corner in ((True, 0), (False, 255)):
        picture = collect("plt.plot([1])", transparent=transparent).png
        with Image.open(io.BytesIO(picture or b"")) as image:
            assert image.convert("RGBA").getpixel((0, 0))[3] == corner


def test_box_is_tight_where_asked(collect: Callable[..., Reply]) -> None:
    """A tight box cuts the margins off."""
    width, height = size_of(collect("plt.plot([1, 2])", bbox_inches="tight").png)
    assert 200 < width < 320
    assert 150 < height < 240


def test_same_job_gives_the_same_bytes(collect: Callable[..., Reply]) -> None:
    """Every format comes out the same in every run, and never with today's date."""
    first, second = (collect(PLOT, formats=ALL) for _ in range(2))
    assert pictures(first) == pictures(second)
    svg, pdf = pictures(first)[1:3]
    assert b"2025-01-01T00:00:00" in svg
    assert b"D:20250101000000Z" in pdf


def test_salt_of_the_program_stays(collect: Callable[..., Reply]) -> None:
    """Identifiers of SVG depend on a salt that the program sets, or else on the runner's."""
    programs = (PLOT, PLOT + "plt.rcParams['svg.hashsalt'] = 'own'", PLOT + "plt.rcParams['svg.hashsalt'] = 'figbox'")
    plain, own, figbox = (pictures(collect(code, formats=["svg"]))[0] for code in programs)
    assert plain == figbox != own
    ids = re.compile(rb'(id="|#)[a-z]+[0-9a-f]{10}')
    assert ids.sub(b"", plain) == ids.sub(b"", own)


def test_fixed_identifiers_change_no_picture() -> None:
    """The salt reaches identifiers only: everything else of an SVG is as without it."""
    import matplotlib as mpl

    files = []
    for salt in ("figbox", None):
        figure = Figure()
        figure.subplots().bar([1, 2], [1, 2], hatch="//")
        out = io.BytesIO()
        with mpl.rc_context({"svg.hashsalt": salt}):
            figure.savefig(out, format="svg", metadata={"Date": None})
        files.append(re.sub(rb"\b[a-z][0-9a-f]{10}\b", b"ID", out.getvalue()))
    assert files[0] == files[1]


RANDOM = """
import random
from numpy.random import Generator, PCG64, SeedSequence, default_rng
values = [random.random(), np.random.rand(), default_rng().random(), default_rng().random(),
          Generator(PCG64()).random(), np.random.RandomState().rand(), SeedSequence().generate_state(1)[0] / 2**32]
print(*values); plt.plot(values)
"""


def test_seed_fixes_the_random_state(collect: Callable[..., Reply]) -> None:
    """With a seed every source of random numbers repeats itself, and they all differ; without one, none repeats."""
    seeded = [collect(RANDOM, seed=seed) for seed in (1, 1, 2)]
    assert seeded[0].png == seeded[1].png != seeded[2].png
    values = seeded[0].stdout.split()
    assert len(set(values)) == len(values)
    assert not set(values) & set(seeded[2].stdout.split())
    assert not set(collect(RANDOM).stdout.split()) & set(collect(RANDOM).stdout.split())


def test_seeds_of_the_program_win(collect: Callable[..., Reply]) -> None:
    """A generator that the program seeds gives the same numbers as anywhere else."""
    code = "print(np.random.default_rng(5).random())\nnp.random.seed(5); print(np.random.rand()); plt.figure()"
    assert collect(code, seed=9).stdout == collect(code).stdout
