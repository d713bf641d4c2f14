"""The report of a real check, as people use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.machine import slowed

if TYPE_CHECKING:
    from tests.browser.conftest import Open

pytestmark = pytest.mark.engine

BY_VERDICT = [
    *("plots/broken.py", "plots/level", "plots/map", "plots/rain", "plots/sales", "plots/wide"),
    *("README.md/trend", "plots/two-2", "plots/fresh"),
]
CHANGED = BY_VERDICT[1:6]
SIZE = "640 \N{MULTIPLICATION SIGN} 480 px"
MODES = {"1": "side", "2": "slider", "3": "blink", "4": "difference"}


def test_what_it_shows(open_report: Open) -> None:
    """Each figure that isn't the same, with pictures, words, findings and facts; the others by name."""
    with open_report() as it:
        assert it.names() == BY_VERDICT
        assert it.page.title() == "Figures: 1 failed, 5 changed, 2 missing, 1 new, 2 same"
        level = it.page.locator(".card[data-name='plots/level']")
        assert level.locator("figcaption").all_inner_texts() == [
            f"{side} {SIZE}" for side in ("before", "after", "difference")
        ]
        first = level.locator(".words li").nth(0).inner_text()
        assert first == "1The title is 'Level at the bridge' instead of 'Level'."
        assert "lies outside the picture" in level.locator(".findings").inner_text()
        assert level.locator(".after .marks g.change").count() == 3
        assert "line" in str(level.locator(".after img").get_attribute("alt"))
        level.get_by_text("What it is made of").click()
        assert level.locator("tr.other th").all_inner_texts() == ["code changed", "picture changed"]
        broken = it.page.locator(".card[data-name='plots/broken.py']")
        assert "ValueError: x and y must have same first dimension" in broken.locator("pre").nth(0).inner_text()
        assert broken.locator("pre").nth(1).inner_text() == "begin <b>now</b>"
        assert it.page.locator(".unchanged li").all_inner_texts() == ["plots/steady", "plots/two"]
        wide = it.page.locator(".card[data-name='plots/wide']")
        assert wide.locator("img").count() == 2
        assert "different sizes" in wide.locator(".reason").inner_text()


def test_every_picture_is_drawn(open_report: Open) -> None:
    """A browser can decode all of them, and shows them in their proportions."""
    with open_report() as it:
        for picture in it.page.locator("img").all():
            picture.scroll_into_view_if_needed()
            drawn = picture.evaluate(
                "async (img) => { await img.decode(); return [img.naturalWidth, img.naturalHeight]; }"
            )
            assert drawn == [int(str(picture.get_attribute(name))) for name in ("width", "height")]
            box = picture.bounding_box()
            assert box is not None
            assert box["width"] / box["height"] == pytest.approx(drawn[0] / drawn[1], rel=0.02)


def test_filter_search_and_order(open_report: Open) -> None:
    """By verdict, by a part of the name, and the most changed first; counts are told."""
    with open_report() as it:
        page = it.page
        page.get_by_role("button", name="missing 2").click()
        assert it.names() == ["README.md/trend", "plots/two-2"]
        assert page.get_by_role("status").inner_text() == "2 of 9 figures shown"
        assert page.locator(".list li:not([hidden])").count() == 2
        page.get_by_role("button", name="all 9").click()
        page.get_by_role("searchbox").fill("LEV")
        assert it.names() == ["plots/level"]
        page.get_by_role("searchbox").fill("nowhere")
        assert page.get_by_role("status").inner_text() == "No figure fits."
        it.press("Escape")
        assert it.names() == BY_VERDICT
        page.get_by_label("Order").select_option("most changed first")
        assert it.names()[:4] == ["plots/map", "plots/level", "plots/rain", "plots/sales"]
        page.get_by_label("Order").select_option("by name")
        assert it.names() == sorted(BY_VERDICT)
        page.get_by_label("Order").select_option("by verdict")
        assert it.names() == BY_VERDICT


def test_keys(open_report: Open) -> None:
    """Everything can be done from the keyboard, and a list of the keys is shown."""
    with open_report() as it:
        it.press("j", "j", "j")
        assert it.current() == "plots/map"
        it.press("k")
        assert it.current() == "plots/level"
        assert it.page.evaluate("document.activeElement.dataset.name") == "plots/level"
        for key, mode in MODES.items():
            it.press(key)
            assert it.mode() == mode
            assert it.page.locator("button[aria-pressed='true'][data-mode]").get_attribute("data-mode") == mode
        it.press("b")
        assert not it.page.locator(".marks").first.is_visible()
        it.press("f")
        assert it.names() == ["plots/broken.py"]
        it.press("/", "m", "a", "p")
        assert it.page.get_by_role("searchbox").input_value() == "map"
        it.press("Escape", "?")
        dialog = it.page.get_by_role("dialog")
        assert "next figure" in dialog.inner_text()
        it.press("1")
        assert it.mode() == "difference"  # keys are for the dialog while it is open
        dialog.get_by_label("Single keys do this").uncheck()
        it.press("Escape", "1")
        assert it.mode() == "difference"


def test_slider(open_report: Open) -> None:
    """It moves by mouse, by the range below it, and by the arrow keys; both sides have their captions."""
    with open_report(anchor="#figure/plots/level") as it:
        page = it.page
        assert it.current() == "plots/level"
        page.get_by_role("button", name="Slider").click()
        card = page.locator(".card[data-name='plots/level']")
        box = card.locator(".stack").bounding_box()
        assert box is not None
        share = card.locator("input[type=range]")
        assert share.input_value() == "50"
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
        page.mouse.up()
        assert share.input_value() == "25"
        line = card.locator(".line").bounding_box()
        assert line is not None
        assert line["x"] + line["width"] / 2 == pytest.approx(box["x"] + box["width"] / 4, abs=box["width"] / 90)
        it.press("ArrowRight")
        assert share.input_value() == "27"
        share.focus()
        it.press("ArrowLeft")
        assert share.input_value() == "26"
        assert card.locator("figcaption").all_inner_texts()[:2] == [f"before {SIZE}", f"after {SIZE}"]


def test_blink(open_report: Open) -> None:
    """It goes from one picture to the other by itself, stops when asked, and doesn't begin where none is wanted."""
    with open_report(anchor="#figure/plots/level") as it:
        it.press("3")
        before = it.page.locator(".card[data-name='plots/level'] .before img")
        before.wait_for(state="hidden", timeout=slowed(10_000))
        before.wait_for(state="visible", timeout=slowed(10_000))
        it.page.get_by_role("button", name="Pause").click()
        it.press("ArrowRight")
        assert not before.is_visible()
        it.press("ArrowLeft")
        assert before.is_visible()
        it.page.locator(".card[data-name='plots/level'] .stack").click()
        assert not before.is_visible()
    with open_report(reduced_motion="reduce") as it:
        it.press("3")
        assert it.page.get_by_role("button", name="Go on").is_visible()


def test_size_of_pictures(open_report: Open) -> None:
    """Enlarged pictures of a figure scroll together, and what is looked at stays where it is."""
    with open_report(anchor="#figure/plots/level") as it:
        card = it.page.locator(".card[data-name='plots/level']")
        top = card.evaluate("(card) => card.getBoundingClientRect().top")
        it.page.get_by_label("Size of pictures").select_option("400 %")
        assert card.evaluate("(card) => card.getBoundingClientRect().top") == pytest.approx(top, abs=2)
        assert card.locator(".before img").evaluate("(img) => img.clientWidth") == 4 * 640
        card.locator(".before .scroller").evaluate("(element) => element.scrollTo(300, 200)")
        it.page.wait_for_function(
            "() => [...document.querySelectorAll(\"[data-name='plots/level'] .viewer .scroller\")]"
            ".every((each) => each.scrollLeft === 300 && each.scrollTop === 200)"
        )
        assert it.overflow() <= 0


def test_sentence_shows_its_box(open_report: Open) -> None:
    """Pointing at a sentence lights its box in both pictures."""
    with open_report(anchor="#figure/plots/level") as it:
        card = it.page.locator(".card[data-name='plots/level']")
        card.locator(".words li").nth(3).hover()
        assert card.locator(".marks .lit").evaluate_all("(all) => all.map((one) => one.dataset.mark)") == ["4 5", "4 5"]
        it.page.locator("h1").hover()
        assert card.locator(".marks .lit").count() == 0


def test_without_script(open_report: Open) -> None:
    """Where scripts are off, pictures are side by side, with all that is said, and no tool that does nothing."""
    with open_report(java_script_enabled=False) as it:
        page = it.page
        assert page.locator(".card").count() == len(BY_VERDICT)
        assert not page.locator(".tools").is_visible()
        assert not page.locator("input").first.is_visible()
        level = page.locator(".card[data-name='plots/level']")
        boxes = [level.locator(f".{side} img").bounding_box() for side in ("before", "after", "difference")]
        lefts = [box["x"] for box in boxes if box is not None]
        assert lefts == sorted(lefts)
        assert len(set(lefts)) == 3
        page.get_by_role("link", name="plots/fresh").first.click()
        assert page.locator(".card[data-name='plots/fresh']").is_visible()
        level.get_by_text("What it is made of").click()
        assert level.get_by_role("cell", name="seed=0").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours(open_report: Open, scheme: str) -> None:
    """It follows the system, and can be turned over by hand."""
    with open_report(color_scheme=scheme) as it:
        brightness = "() => Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
        assert (it.page.evaluate(brightness) > 128) == (scheme == "light")
        it.press("d")
        assert (it.page.evaluate(brightness) > 128) == (scheme == "dark")
        it.page.get_by_label("Colours").select_option("auto")
        assert (it.page.evaluate(brightness) > 128) == (scheme == "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", MODES)
def test_accessible_in_each_mode(open_report: Open, scheme: str, mode: str) -> None:
    """axe-core finds nothing wrong, with everything unfolded, fitted and enlarged."""
    with open_report(color_scheme=scheme, reduced_motion="reduce") as it:
        it.press(mode)
        it.page.locator("details").evaluate_all("(all) => all.forEach((one) => (one.open = true))")
        assert it.complaints() == []
        it.press("z", "z")
        assert it.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_dialog_and_phone(open_report: Open, scheme: str) -> None:
    """Nor with the list of keys, nor on a phone, where nothing is wider than the window in any mode."""
    with open_report(color_scheme=scheme, viewport={"width": 360, "height": 740}) as it:
        for mode in MODES:
            it.press(mode)
            assert it.overflow() <= 0
        it.press("1")
        assert it.complaints() == []
        it.press("?")
        assert it.complaints() == []


def test_paper(open_report: Open) -> None:
    """On paper there are no tools, everything is unfolded, and pictures are side by side whatever was chosen."""
    with open_report(reduced_motion="reduce") as it:
        it.press("2")
        it.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        it.page.emulate_media(media="print")
        assert it.mode() == "side"
        assert not it.page.locator(".tools").is_visible()
        assert it.page.locator(".facts table").first.is_visible()
        it.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert it.mode() == "slider"
        assert it.page.pdf().startswith(b"%PDF-")
