"""Reports of what nobody would draw: names and texts that mean harm, pictures of any size, hundreds of them, none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from figbox.check.verdicts import Boxes, Verdict
from figbox.comparison import Box
from figbox.comparison.described import Finding
from figbox.model import Fault, Printed, RenderWarning
from tests.client.check.pictures import png

if TYPE_CHECKING:
    from tests.browser.conftest import Open
    from tests.client.check.stored import Stored
    from tests.support.browser import Opened

pytestmark = pytest.mark.engine

RED, BLUE = (200, 0, 0), (0, 0, 200)
MODES = ("1", "2", "3", "4")

#: What a text may try: tags, attributes, entities, a template, a script's end, controls, marks of direction.
EVIL = (
    "<img src=x onerror=alert(1)>\"'><script>alert(2)</script></script><svg onload=alert(3)> &lt;b&gt; {{ 7 * 7 }} "
    "javascript:alert(4) \x1b[31m \x00 \u202ecod.exe\u2066 </bdi></style>"
)

#: What a file's name may be: all of it can be printed.
EVIL_NAME = "plots/\"><script>alert(1)</script>'%23#?&x=<b>ünï עברית 日本 {{ 7 * 7 }}"


def plain(colour: tuple[int, int, int], width: int = 400, height: int = 300) -> bytes:
    """Return a picture of one colour."""
    return png(width, height, bytes(colour))


def test_texts_that_mean_harm(stored: Stored, open_stored: Open) -> None:
    """They are shown as they are, one after the other, and nothing happens."""
    stored.add(
        EVIL_NAME,
        Verdict.CHANGED,
        plain(RED),
        plain(BLUE),
        note=EVIL,
        words=(EVIL, EVIL),
        boxes=(Boxes(Box(-1e9, -5, 1e308, 20), Box(5, 5, 1e308, 1e308)), Boxes()),
        findings=(Finding(EVIL, EVIL, EVIL, advice=EVIL, box=Box(350, 250, 900, 900)),),
        alt_text=EVIL,
    )
    stored.add_failed(
        "plots/broken.py",
        f"Traceback\n{EVIL}",
        fault=Fault("ValueError", EVIL, hint=EVIL),
        stdout=Printed(EVIL),
        stderr=Printed("\n" * 9000 + EVIL),
        warnings=(RenderWarning(EVIL, EVIL, 3),),
    )
    with open_stored() as it:
        assert it.page.locator("script").count() == 1
        assert it.page.locator("img").count() == 3
        assert it.page.locator("h2").all_inner_texts()[1] == EVIL_NAME
        shown = it.page.locator(".words li").nth(1).inner_text()
        assert "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>" in shown
        assert "&lt;b&gt; {{ 7 * 7 }}" in shown
        text = it.page.content()
        assert not set("\x1b\x00\u202e\u2066") & set(text)
        for box in it.page.locator(".marks rect").all():
            values = [float(str(box.get_attribute(name))) for name in ("x", "y", "width", "height")]
            assert min(values) >= 0
            assert values[0] + values[2] <= 400
            assert values[1] + values[3] <= 300
        it.page.get_by_role("link", name=EVIL_NAME).first.click()
        assert it.current() == EVIL_NAME
        for mode in MODES:
            it.press(mode)
        it.press("1")
        assert it.complaints() == []
        assert it.overflow() <= 0


def test_link_to_a_figure(stored: Stored, open_stored: Open) -> None:
    """The address of a figure on the page leads there again, whatever the name."""
    stored.add("plots/first", Verdict.CHANGED, plain(RED), plain(BLUE))
    stored.add(EVIL_NAME, Verdict.CHANGED, plain(RED), plain(BLUE))
    with open_stored() as it:
        it.page.get_by_role("link", name=EVIL_NAME).first.click()
        anchor = str(it.page.evaluate("location.hash"))
    with open_stored(anchor=anchor) as it:
        assert it.current() == EVIL_NAME


@pytest.mark.parametrize("width", [1280, 360])
def test_pictures_of_any_size(stored: Stored, open_stored: Open, width: int) -> None:
    """Huge, tiny, very wide and very tall ones leave the page as wide as the window."""
    for name, size in {"huge": (8000, 6000), "tiny": (1, 1), "wide": (8000, 2), "tall": (2, 8000)}.items():
        stored.add(f"plots/{name}", Verdict.CHANGED, plain(RED, *size), plain(BLUE, *size))
    stored.add("plots/sizes", Verdict.CHANGED, plain(RED, 8000, 40), plain(BLUE, 30, 900))
    with open_stored(viewport={"width": width, "height": 700}) as it:
        assert "too large for a picture of their difference" in it.page.locator("[data-name='plots/huge']").inner_text()
        for mode in MODES:
            it.press(mode)
            assert it.overflow() <= 0
            it.press("z", "z")
            assert it.overflow() <= 0
            it.press("z", "z")
        it.press("1")
        scrolled = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
        assert it.page.locator(".viewer .scroller").evaluate_all(scrolled) == 0
        it.press("2")
        box = it.page.locator("[data-name='plots/huge'] .stack").bounding_box()
        assert box is not None
        assert box["height"] < 700


def colours(it: Opened, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the colours that are seen in the left and in the right half of a figure's pictures."""
    stack = it.page.locator(f"[data-name='{name}'] .stack")
    with Image.open(io.BytesIO(stack.screenshot())) as seen:
        picture = seen.convert("RGB")
        y = picture.height * 3 // 4
        left, right = (picture.getpixel((int(picture.width * share), y)) for share in (0.2, 0.8))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    return left, right


def test_slider_and_blink_are_seen(stored: Stored, open_stored: Open) -> None:
    """On the screen, the slider has the picture before on its left, and blinking shows one after the other."""
    stored.add("plots/one", Verdict.CHANGED, plain(RED), plain(BLUE))
    with open_stored(reduced_motion="reduce") as it:
        it.press("2")
        assert colours(it, "plots/one") == (RED, BLUE)
        it.page.locator("input[type=range]").fill("100")
        assert colours(it, "plots/one") == (RED, RED)
        it.page.locator("input[type=range]").fill("0")
        assert colours(it, "plots/one") == (BLUE, BLUE)
        it.press("3")
        assert colours(it, "plots/one") == (RED, RED)
        it.press("p")
        it.page.wait_for_function("() => document.documentElement.dataset.shown === 'after'")
        it.press("p", "ArrowRight")
        assert colours(it, "plots/one") == (BLUE, BLUE)


def test_hundreds_of_figures(stored: Stored, open_stored: Open) -> None:
    """Those that changed have pictures, the others are listed; keys go through all of them."""
    for number in range(300):
        verdict = Verdict.CHANGED if number < 120 else Verdict.SAME
        before = plain(RED, 20, 10)
        stored.add(f"plots/{number:03}", verdict, before, before if number >= 120 else plain((200, number, 0), 20, 10))
    with open_stored() as it:
        assert len(it.names()) == 120
        assert it.page.locator("img").count() == 119 * 3 + 2  # the first one's are the same to the eye
        assert it.page.locator(".unchanged li").count() == 180
        it.page.get_by_label("Order").select_option("most changed first")
        assert it.names()[:2] == ["plots/119", "plots/118"]
        it.press(*"jjjjj")
        assert it.current() == "plots/115"
        it.page.keyboard.press("/")
        it.page.keyboard.type("plots/07")
        assert len(it.names()) == 10
        it.press("Escape", "j")
        assert it.complaints() == []
    with open_stored(everything=True) as it:
        assert len(it.names()) == 300
        assert it.page.locator(".unchanged").count() == 0


def test_nothing_changed(stored: Stored, open_stored: Open) -> None:
    """The page says so, and names what was checked; no tool is there for nothing."""
    with open_stored() as it:
        assert "there are no figures" in it.page.locator("main").inner_text()
        assert it.complaints() == []
    stored.add("plots/steady", Verdict.SAME, plain(RED), plain(RED))
    with open_stored() as it:
        assert "Nothing changed." in it.page.locator("main").inner_text()
        assert it.page.locator(".unchanged li").all_inner_texts() == ["plots/steady"]
        assert it.page.locator("script").count() == 0
        assert it.complaints() == []
