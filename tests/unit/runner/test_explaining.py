"""What is said of figures after the end of a reply: where each lies on its picture, and within which limits."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from gateway.model.explanation import CLAIM_LIMIT_BYTES, CLAIM_WITH_DATA_LIMIT_BYTES
from gateway.model.jobs import Format
from gateway.pictures.check import check_picture
from tests.support.runner import runner_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.runner import Reply

PLOT = "fig, ax = plt.subplots(figsize=(4, 3))\nax.plot([1, 3, 2], label='a')\nax.set_title('T')\n"

#: A frame whose edges are the only red in the picture: its box is found in the pixels, too.
FRAMED = """
fig = plt.figure(figsize=(4, 3))
ax = fig.add_axes((0.25, 0.25, 0.5, 0.5), facecolor="red")
ax.tick_params(colors="white")
for spine in ax.spines.values(): spine.set_visible(False)
ax.set_xticks([]); ax.set_yticks([])
"""


def red_box(picture: bytes) -> tuple[int, int, int, int]:
    """Return left, upper, right and lower edge of what is red in a picture."""
    with Image.open(io.BytesIO(picture)) as image:
        red, green, _ = image.convert("RGB").split()
        mask = Image.eval(red, lambda value: 255 * (value > 200)).convert("L")
        white = Image.eval(green, lambda value: 255 * (value < 50)).convert("L")
        mask.paste(0, mask=Image.eval(white, lambda value: 255 - value))
        found = mask.getbbox()
    assert found is not None
    return found


def explained(reply: Reply) -> list[Any]:
    """Return the explanations of a reply that has them."""
    assert reply.explanations is not None
    return reply.explanations


def test_explanations_follow_the_end(collect: Callable[..., Reply]) -> None:
    """One for each figure, in the order of the pictures; the pictures are the same as without."""
    code = PLOT + "plt.figure(7, figsize=(2, 1)); plt.title('second')\n"
    reply = collect(code, all_figures=True, formats=["png", "svg"], describe="summary")
    assert reply.frames == "PPPPE"
    first, second = explained(reply)
    assert (first["description"]["level"], first["description"]["axes"][0]["title"]) == ("summary", "T")
    assert second["description"]["axes"][0]["title"] == "second"
    plain = collect(code, all_figures=True, formats=["png", "svg"])
    assert plain.explanations is None
    assert plain.pictures == reply.pictures


def test_nothing_follows_where_none_is_wanted(draw: Callable[..., Reply], collect: Callable[..., Reply]) -> None:
    """Without the option, without collecting, and without a picture, the end is the end."""
    assert collect(PLOT).explanations is None
    assert draw(PLOT, describe="full").explanations is None
    assert collect("raise ValueError", describe="full").explanations is None
    assert collect("plt.close('all')", describe="full").explanations is None


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("", {"dpi": None}),
        ("", {"dpi": 73.3}),
        ("", {"dpi": 100, "bbox_inches": "tight"}),
        ("", {"dpi": 100, "formats": ["gif"], "bbox_inches": "tight"}),
        ("ax.annotate('far', (0.5, 2), xycoords='axes fraction', annotation_clip=False)", {"bbox_inches": "tight"}),
        ("plt.rcParams.update({'savefig.bbox': 'tight', 'savefig.pad_inches': 0.7})", {"dpi": 80}),
        ("plt.rcParams['savefig.dpi'] = 91", {"dpi": None}),
        ("fig.set_layout_engine('constrained')", {"dpi": 100, "bbox_inches": "tight"}),
        ("", {"dpi": 60, "width_in": 7.3, "height_in": 2.9}),
    ],
)
def test_boxes_are_those_of_the_picture(collect: Callable[..., Reply], code: str, options: dict[str, Any]) -> None:
    """The box of an axes is where its pixels are, however the picture was cut, and its size is the picture's."""
    reply = collect(FRAMED + code, describe="full", **options)
    (_, picture), (claim,) = *reply.pictures, explained(reply)
    description = claim["description"]
    with Image.open(io.BytesIO(picture)) as image:
        assert (description["width"], description["height"]) == image.size
    box = description["axes"][0]["box"]
    sides = box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]
    assert sides == pytest.approx(red_box(picture), abs=1.5)


#: Drawings whose artist is all that is red in the picture, and where the description has its box.
COLLECTIONS = {
    "scatter": "ax.scatter([1, 2, 3], [1, 3, 2], s=400, color='red', marker='s', lw=0)",
    "scatter on a logarithmic scale": "ax.scatter([1, 20, 300], [1, 3, 2], color='red', marker='s', lw=0, s=90);"
    "ax.set_xscale('log')",
    "many points": "ax.scatter(np.arange(9000) % 91, np.arange(9000) / 90, s=200, marker='s', color='red', lw=0)",
    "hexagonal bins": "c = matplotlib.colors.ListedColormap(['red']);"
    "ax.hexbin([1, 3], [1, 3], gridsize=4, cmap=c, lw=0)",
    "lines": "ax.vlines(np.arange(9), 1, 5, color='red', lw=1)",
    "mesh upside down": "c = matplotlib.colors.ListedColormap(['red']);"
    "ax.pcolormesh([[0, 1]], cmap=c); ax.invert_yaxis()",
    "filled contour": "ax.contourf(np.eye(9)[:, :5], [0.5, 2], colors='red'); ax.margins(0.3)",
    "wind barbs": "ax.barbs([1, 2], [1, 2], [30, 30], [0, 40], color='red', lw=0.5)",
    "surface": "ax.remove(); ax = fig.add_subplot(projection='3d'); ax.set_axis_off(); ax.view_init(90, 0);"
    "ax.plot_surface(*np.meshgrid([0, 1, 2], [0, 1, 2]), np.eye(3), color='red', shade=False)",
}


@pytest.mark.parametrize(
    "options",
    [
        {},
        *(
            pytest.param(each, marks=pytest.mark.variant)
            for each in ({"bbox_inches": "tight"}, {"formats": ["png", "svg"]})
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("case", COLLECTIONS)
def test_boxes_of_collections(collect: Callable[..., Reply], case: str, options: dict[str, Any]) -> None:
    """Many shapes that are one artist have the box of all of them."""
    code = "import matplotlib, numpy as np\nfig, ax = plt.subplots(figsize=(4, 3))\nax.margins(0.2)\n"
    reply = collect(code + COLLECTIONS[case], describe="full", dpi=100, **options)
    (artist,) = explained(reply)[0]["description"]["axes"][0]["artists"]
    box = artist["box"]
    sides = box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]
    assert sides == pytest.approx(red_box(reply.pictures[0][1]), abs=3)


@pytest.mark.parametrize(
    "options",
    [
        {"dpi": 150, "bbox_inches": "tight", "formats": ["png", "pdf"]},
        *(
            pytest.param(each, marks=pytest.mark.variant)
            for each in ({"dpi": 100}, {"dpi": 100, "bbox_inches": "tight"}, {"dpi": 60, "formats": ["png", "svg"]})
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["loc='upper left', bbox_to_anchor=(0.8, 0.9)", "loc='best'"])
def test_box_of_a_legend(collect: Callable[..., Reply], place: str, options: dict[str, Any]) -> None:
    """It is where the legend is in the first picture, however that was cut and whatever was drawn after it."""
    look = "facecolor='red', framealpha=1, fancybox=False, edgecolor='red', labelcolor='red', title='T'"
    code = f"""
fig, ax = plt.subplots(figsize=(4, 3))
ax.plot([1, 3, 2], label='a')
ax.legend({place}, {look}).get_title().set_color('red')
"""
    reply = collect(code, describe="full", **options)
    box = explained(reply)[0]["description"]["axes"][0]["legend"]["box"]
    sides = box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]
    assert sides == pytest.approx(red_box(reply.pictures[0][1]), abs=2)


@pytest.mark.parametrize("kind", ["svg", "pdf"])
@pytest.mark.parametrize("box", [None, "tight"])
def test_vector_pictures_are_in_points(collect: Callable[..., Reply], kind: str, box: str | None) -> None:
    """Whatever the dots per inch."""
    reply = collect(FRAMED, formats=[kind, "png"], dpi=200, bbox_inches=box, describe="full")
    description = explained(reply)[0]["description"]
    size = check_picture(Format(kind), reply.pictures[0][1], 10**8)
    assert (description["width"], description["height"]) == pytest.approx((size.width, size.height), abs=1)
    assert description["dpi"] == 72
    frame = description["axes"][0]["box"]
    assert (frame["width"], frame["height"]) == pytest.approx((144, 108), abs=0.2)
    assert (frame["x"], frame["y"]) == pytest.approx((72, 54) if box is None else (7.2, 7.2), abs=0.2)


@pytest.mark.parametrize(
    "trap",
    [
        "raise ValueError",
        "raise SystemExit",
        "raise KeyboardInterrupt",
        "raise BaseException",
        "endless()",
        pytest.param("import time; time.sleep(1000)", marks=pytest.mark.variant),
        pytest.param("while True: pass", marks=pytest.mark.variant),
        "print('x' * 1_000_000); raise ValueError",
        "import os; os.write(1, b'x' * 1_000_000); os.write(2, b'x' * 1_000_000); raise ValueError",
    ],
)
def test_hostile_artist_costs_its_figure_at_most(collect: Callable[..., Reply], trap: str) -> None:
    """Whatever it does when asked for its place, the other figures are explained, unless it uses up the time of all."""
    code = f"""
plt.figure(1); plt.plot([1, 2], label='good')
plt.figure(2)
line, = plt.plot([1, 2])
extent = line.get_window_extent
def endless():
    while True:
        try:
            while True: pass
        except Exception: pass
def trap(*_):
    import traceback
    if any("explaining" in frame.filename for frame in traceback.extract_stack()):
        {trap}
    return extent(*_)
line.get_window_extent = trap
"""
    reply = collect(code, all_figures=True, describe="full")
    assert reply.frames == "PPE"
    first, second = explained(reply)
    assert first["description"]["axes"][0]["artists"][0]["label"] == "good"
    assert second is None or second["description"]["axes"][0]["artists"][0]["box"] is None
    assert reply.stdout == ""


def test_figure_that_can_t_be_watched_is_drawn(collect: Callable[..., Reply]) -> None:
    """A class of the program may refuse attributes; then its tight box isn't known, and the picture is as without."""
    code = (
        "class Fixed(mpl.figure.Figure):\n"
        "    get_tightbbox = property(lambda self: super().get_tightbbox)\n"
        "plt.figure(FigureClass=Fixed)\nplt.plot([1, 2])\n"
    )
    code = f"import matplotlib as mpl\n{code}"
    plain, described = collect(code), collect(code, describe="full")
    assert described.end == plain.end == {"outcome": "ok"}
    assert described.pictures == plain.pictures
    assert explained(described)[0]["description"]["axes"]


@pytest.fixture
def explaining(tmp_path: Path) -> Iterator[Any]:
    """Return the runner's module."""
    with runner_modules(tmp_path) as module:
        yield module("explain.explaining")


def test_too_much_is_shortened(explaining: Any, tmp_path: Path) -> None:
    """First the values go, then artists, then all; of the largest figure first."""
    with runner_modules(tmp_path) as module:
        words = module("explain.words")
    data = words.Data(500, tuple(map(float, range(500))))
    artists = tuple(words.Artist("line", label="x" * 300, data=data) for _ in range(100))
    axes = tuple(words.Axes(number, "cartesian", "plot", artists=artists) for number in range(1, 11))

    def figure(count: int) -> Any:
        return words.Explanation("a", words.Description("data", 1, 1, 1, 1, 1, axes=axes[:count]))

    small, large = figure(1), figure(10)
    text = explaining.within([small, large], CLAIM_WITH_DATA_LIMIT_BYTES)
    assert len(text) <= CLAIM_WITH_DATA_LIMIT_BYTES
    first, second = (each["description"] for each in json.loads(text))
    assert (first["level"], second["level"]) == ("data", "full")
    assert first["axes"][0]["artists"][0]["data"]["total"] == 500
    assert second["axes"][0]["artists"][0]["data"] is None
    text = explaining.within([small, large], CLAIM_LIMIT_BYTES)
    first, second = (each["description"] for each in json.loads(text))
    assert len(text) <= CLAIM_LIMIT_BYTES
    assert len(first["axes"][0]["artists"]) == 100
    assert all(0 < len(each["artists"]) < 100 for each in second["axes"])
    assert all(len(each["artists"]) + each["artists_left_out"] == 100 for each in second["axes"])
    assert explaining.within([large], 2000) == b"[null]"


def test_what_json_has_not_is_nothing(explaining: Any, tmp_path: Path) -> None:
    """Numbers that aren't finite, and values that only look like some, cost their figure its explanation."""
    with runner_modules(tmp_path) as module:
        words = module("explain.words")
    for value in (float("nan"), float("inf"), object(), b"x"):
        description = words.Description("full", value, 1, 1, 1, 1)
        assert explaining.within([words.Explanation("a", description)], CLAIM_LIMIT_BYTES) == b"[null]"
