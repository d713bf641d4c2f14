"""Animations as the format of the answer: each frame is drawn, none is lost, and there is an end to them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageSequence

from gateway.model.jobs import Format
from gateway.pictures import picture
from gateway.pictures.check import check_picture
from tests.support.runner import runner_modules
from tests.support.saved_figures import ANIMATED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.runner import Reply

LIMIT = 50_000_000
HEAD = """
from matplotlib.animation import ArtistAnimation, FuncAnimation
fig, ax = plt.subplots(figsize=(2, 1)); ax.axis("off"); ax.set(xlim=(0, 10), ylim=(0, 1))
bar = ax.axvspan(0, 1, color="red")
def move(n): bar.set_x(n); return [bar]
"""


def drawn(reply: Reply, position: int = 0) -> list[Image.Image]:
    """Return the frames of a picture, which passes its check."""
    head, data = reply.pictures[position]
    check_picture(Format(head["format"]), data, LIMIT)
    with Image.open(io.BytesIO(data)) as image:
        return [frame.convert("RGBA") for frame in ImageSequence.Iterator(image)]


def reds(frame: Image.Image) -> float:
    """Return where the bar is: the middle of what is red, in parts of the width."""
    red = [x for x in range(frame.width) if frame.getpixel((x, frame.height // 2))[:2] > (200, 0) and _is_red(frame, x)]
    return sum(red) / len(red) / frame.width


def _is_red(frame: Image.Image, x: int) -> bool:
    red, green, blue, alpha = frame.getpixel((x, frame.height // 2))
    return red > 200 and green < 90 and blue < 90 and alpha > 200


def times_ms(reply: Reply) -> list[int]:
    """Return how long each frame stays."""
    with Image.open(io.BytesIO(reply.pictures[0][1])) as image:
        times = []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            times.append(round(image.info["duration"]))
        return times


def test_bounds_are_those_of_the_check(tmp_path: Path) -> None:
    """The runner stops where the gateway would refuse, no earlier and no later."""
    with runner_modules(tmp_path) as module:
        animations = module("moving.animations")
        assert (animations.FRAME_LIMIT, animations.FRAMES_SHARE) == (picture.FRAME_LIMIT, picture.FRAMES_SHARE)
        assert tuple(animations.FILMS) == ANIMATED


@pytest.mark.parametrize("kind", ANIMATED)
def test_every_frame_is_drawn(collect: Callable[..., Reply], kind: str) -> None:
    """Each format has every frame of the animation, in order, each for its time."""
    reply = collect(HEAD + "a = FuncAnimation(fig, move, frames=9, interval=80, repeat_delay=400)", formats=[kind])
    frames = drawn(reply)
    assert len(frames) == 9
    places = [reds(frame) for frame in frames]
    assert places == sorted(places)
    assert places[-1] - places[0] > 0.5
    assert times_ms(reply) == [80] * 8 + [480]
    assert reply.end == {"outcome": "ok"}


def test_formats_show_the_same_frames(collect: Callable[..., Reply]) -> None:
    """The update function runs once for each frame, whatever the number of formats; a still shows the figure before."""
    code = HEAD + "calls = []\ndef f(n): calls.append(n); print(n); move(n)\na = FuncAnimation(fig, f, frames=4)"
    reply = collect(code, formats=["gif", "png", "apng", "awebp"])
    assert reply.stdout.split() == ["0", "0", "1", "2", "3"]
    gif, png, apng, awebp = (drawn(reply, position) for position in range(4))
    assert [frame.tobytes() for frame in gif] == [frame.tobytes() for frame in apng]
    assert [len(gif), len(png), len(awebp)] == [4, 1, 4]
    assert reply.pictures[0][0]["pixels_sha256"] == reply.pictures[2][0]["pixels_sha256"]
    assert png[0].tobytes() == apng[0].tobytes()


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("a = ArtistAnimation(fig, [[ax.axvline(x)] for x in range(5)])", 5),
        ("a = FuncAnimation(fig, move, frames=iter(range(7)), save_count=3)", 3),
        ("a = FuncAnimation(fig, move, frames=iter(range(7)), cache_frame_data=False)", 7),
        ("def f():\n    yield from range(3)\na = FuncAnimation(fig, move, frames=f, save_count=50)", 3),
        ("a = FuncAnimation(fig, move, frames=2, blit=True)", 2),
        ("a = FuncAnimation(fig, move, frames=2, interval=0)", 2),
        ("a = FuncAnimation(fig, move, frames=2); a.save('a.gif', writer='pillow'); plt.show()", 2),
        ("def make(): FuncAnimation(fig, move, frames=4)\nmake(); import gc; gc.collect()", 4),
        ("a = FuncAnimation(fig, move, frames=4); a = FuncAnimation(fig, move, frames=6)", 6),
        ("class Mine(FuncAnimation): pass\na = Mine(fig, move, frames=3)", 3),
        ("import matplotlib.animation as m\nfig = plt.figure(); b = m.FuncAnimation(fig, lambda n: [], frames=3)", 3),
        ("plt.plot([1])", 1),
        ("fig.canvas.mpl_connect('draw_event', print)", 1),
        ("a = FuncAnimation(fig, move, frames=2); plt.figure()", 1),
    ],
)
def test_animation_of_a_figure(collect: Callable[..., Reply], code: str, count: int) -> None:
    """Whatever kind it is, and wherever it was made, a figure's last animation is drawn; without one, the figure."""
    reply = collect(HEAD + code, formats=["gif"])
    assert len(drawn(reply)) == count, reply.end


def test_figures_without_pyplot_have_animations(collect: Callable[..., Reply]) -> None:
    """All figures are animated that a job asks for, also those that pyplot doesn't know."""
    code = (
        "from matplotlib.figure import Figure\nfrom matplotlib.animation import FuncAnimation\n"
        "one, two = Figure((1, 1)), Figure((1, 1))\n"
        "a = [FuncAnimation(f, lambda n, f=f: f.suptitle(str(n)), frames=n) for n, f in ((2, one), (3, two))]"
    )
    reply = collect(code, formats=["apng"], all_figures=True)
    assert [len(drawn(reply, position)) for position in range(2)] == [2, 3]


@pytest.mark.parametrize("kind", ANIMATED)
def test_endless_animations_end(collect: Callable[..., Reply], kind: str) -> None:
    """An animation without an end is cut where the gateway would refuse it; a warning that nobody filters says so."""
    code = (
        HEAD + "import warnings; warnings.simplefilter('error')\nimport itertools\n"
        "a = FuncAnimation(fig, lambda n: move(n % 9), frames=itertools.count, cache_frame_data=False)"
    )
    reply = collect(code, formats=[kind], pixel_limit=10_000)
    assert len(drawn(reply)) == 8 * 10_000 // (100 * 50)
    ((category, message, line),) = reply.end["notices"]
    assert (category, line) == ("UserWarning", None)
    assert message.startswith("The animation has more frames than come back: the first 16 are shown. At most 1000 ")
    assert "80000 pixels" in message


def test_frames_are_bounded_by_number(collect: Callable[..., Reply]) -> None:
    """A thousand frames pass in silence, and no more than that come back."""
    small = "from matplotlib.animation import FuncAnimation\nfig = plt.figure(figsize=(0.1, 0.1))\n"
    still = small + "a = FuncAnimation(fig, lambda n: [], frames={}, cache_frame_data=False)"
    reply = collect(still.format(1000), formats=["apng"])
    assert (len(drawn(reply)), "notices" in reply.end) == (1000, False)
    reply = collect(still.format(10**9), formats=["apng"])
    assert (len(drawn(reply)), len(reply.end["notices"])) == (1000, 1)


def test_frames_that_are_too_large_are_not_drawn(collect: Callable[..., Reply]) -> None:
    """A frame has the bound of a picture, also if the figure grows while it moves."""
    code = HEAD + "a = FuncAnimation(fig, lambda n: fig.set_size_inches(2 + 8 * n, 1), frames=3)"
    reply = collect(code, formats=["gif"], pixel_limit=6_000)
    assert (reply.end["outcome"], reply.end["pixels"]) == ("invalid_output", 500 * 50)
    assert reply.pictures == []


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (100, 50)),
        ({"dpi": 100}, (200, 100)),
        ({"width_in": 3, "height_in": 2}, (150, 100)),
        ({"dpi": None, "rc": {"savefig.dpi": 20}}, (40, 20)),
    ],
)
def test_size_is_that_of_a_still(collect: Callable[..., Reply], options: dict[str, Any], size: tuple[int, int]) -> None:
    """Resolution and size do what they do for other formats."""
    reply = collect(HEAD + "a = FuncAnimation(fig, move, frames=2)", formats=[*ANIMATED, "png"], **options)
    assert {drawn(reply, position)[0].size for position in range(4)} == {size}


def test_tight_boxes_are_those_of_the_first_frame(collect: Callable[..., Reply]) -> None:
    """With a tight box all frames have the size of the first, which is that of a still picture."""
    code = HEAD + "ax.axis('on')\ndef f(n): ax.set_ylabel('y\\n' * n)\na = FuncAnimation(fig, f, frames=4)"
    for options in ({"bbox_inches": "tight"}, {"rc": {"savefig.bbox": "tight"}}):
        reply = collect(code, formats=["apng", "png"], **options)
        frames, (still,) = drawn(reply), drawn(reply, 1)
        assert [frame.size for frame in frames] == [still.size] * 4
        assert still.size != (100, 50)
        assert len({reds(frame) for frame in frames}) == 1, "what doesn't move stays where it is"


def test_frames_of_another_size_are_cut(collect: Callable[..., Reply]) -> None:
    """A program that resizes its figure while it moves gets the size of the first frame."""
    code = HEAD + "a = FuncAnimation(fig, lambda n: fig.set_size_inches(2 + n, 1.5 - n / 2), frames=3)"
    frames = drawn(collect(code, formats=["apng"]))
    assert [frame.size for frame in frames] == [(100, 75)] * 3
    assert frames[0].getpixel((99, 74)) == (255, 255, 255, 255)
    assert frames[2].getpixel((99, 74)) == (0, 0, 0, 0)


@pytest.mark.parametrize("kind", ANIMATED)
def test_transparency(collect: Callable[..., Reply], kind: str) -> None:
    """Without a background, what moves leaves nothing behind; a GIF's pixels are seen or not."""
    code = HEAD + "a = FuncAnimation(fig, lambda n: move(4 * n), frames=3)"
    for frame in drawn(collect(code, formats=[kind], transparent=True)):
        middle = [_is_red(frame, x) for x in range(frame.width)]
        assert 0 < sum(middle) < 20
        assert sum(frame.getpixel((x, 25))[3] == 0 for x in range(frame.width)) > 75
    (first, *_) = drawn(collect(code, formats=[kind]))
    assert first.getchannel("A").getextrema() == (255, 255)


def test_repeat_is_obeyed(collect: Callable[..., Reply]) -> None:
    """An animation that isn't to be repeated is played once, and without a pause behind it."""
    code = HEAD + "a = FuncAnimation(fig, move, frames=2, repeat=False, interval=50, repeat_delay=900)"
    for kind, loop in zip(ANIMATED, (None, 1, 1), strict=True):
        reply = collect(code, formats=[kind])
        with Image.open(io.BytesIO(reply.pictures[0][1])) as image:
            assert image.info.get("loop") == loop
        assert times_ms(reply) == [50, 50]


def test_the_same_job_gives_the_same_bytes(collect: Callable[..., Reply]) -> None:
    """Each animated format is the same each time."""
    code = HEAD + "ax.set_title('Σ'); ax.imshow(np.random.rand(9, 9)); a = FuncAnimation(fig, move, frames=3)"
    first, second = (collect(code, formats=list(ANIMATED), seed=1) for _ in range(2))
    assert [data for _, data in first.pictures] == [data for _, data in second.pictures]


def test_errors_of_the_update_function_are_told(collect: Callable[..., Reply]) -> None:
    """An update that fails fails the job, with its line."""
    reply = collect(HEAD + "def f(n): 1 / (2 - n)\na = FuncAnimation(fig, f, frames=5)", formats=["gif"])
    assert reply.end["outcome"] == "program_error"
    assert (reply.end["fault"]["type"], reply.end["fault"]["line"]) == ("ZeroDivisionError", 6)
    assert "moving" not in reply.end["error"]


def test_other_formats_know_no_animations(collect: Callable[..., Reply]) -> None:
    """Without an animated format nothing is kept that the program throws away, and Matplotlib warns as ever."""
    code = HEAD + "def make(): FuncAnimation(fig, move, frames=4)\nmake(); import gc; gc.collect()"
    assert "deleted without rendering" in collect(code).stderr
    assert "deleted without rendering" not in collect(code, formats=["gif"]).stderr
