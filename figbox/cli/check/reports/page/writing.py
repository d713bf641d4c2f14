"""Writes the page: a template filled part by part, with a policy that allows nothing but what is in it."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

import figbox
from figbox.check.verdicts import Verdict, counts, in_order
from figbox.cli.check.judging import SETTLED
from figbox.cli.check.reports.lines import tally
from figbox.cli.check.reports.page.cards import Cards, anchor, letter
from figbox.cli.terminal import printable
from figbox.files import replace_file_by_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from figbox.cli.check.flow import Checked

#: Characters of the page that are written at once.
PART_CHARACTERS = 1 << 20

#: Figures above which a browser needn't lay out those that aren't on the screen.
MANY = 60


def write_page(path: Path, checked: Checked, *, everything: bool) -> None:
    """Write or replace the page in one step. The same check gives the same bytes.

    Args:
        path: The file.
        checked: What the check found.
        everything: Whether also figures that are the same have pictures.

    Raises:
        OSError: It can't be written.
    """
    replace_file_by_parts(path, _parts(checked, everything=everything))


def _parts(checked: Checked, *, everything: bool) -> Iterator[bytes]:
    """Yield the page in parts of some size."""
    waiting: list[str] = []
    size = 0
    for text in _template().generate(_values(checked, everything=everything)):
        waiting.append(text)
        size += len(text)
        if size >= PART_CHARACTERS:
            yield _encoded(waiting)
            waiting, size = [], 0
    yield _encoded(waiting)


def _encoded(texts: list[str]) -> bytes:
    return "".join(texts).encode("utf-8", "replace")


def _template() -> Any:
    sources = {name: _source(name) for name in ("page.html", "card.html")}
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _source(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _harmless(value: object) -> object:
    """Return whatever is shown without characters that act on the text around them; tags are escaped after that."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _values(checked: Checked, *, everything: bool) -> dict[str, Any]:
    style, script = _source("page.css"), _source("page.js")
    figures = in_order(checked.figures)
    shown = [judged for judged in figures if everything or judged.verdict is not Verdict.SAME]
    cards = Cards(checked, shown)
    return {
        "version": figbox.__version__,
        "style": Markup(style),  # noqa: S704 - ours
        "script": Markup(script),  # noqa: S704 - ours
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "tally": tally(checked.figures),
        "base": checked.base,
        "figures": shown,
        "cards": cards,
        "same": figures[len(shown) :],  # the last ones, by their order
        "counts": [(verdict.value, count) for verdict, count in counts(shown).items() if count],
        "left_out": cards.left_out,
        "settled": SETTLED,
        "anchor": anchor,
        "letter": letter,
        "many": MANY,
        "percent": _percent,
    }


def _hash(text: str) -> Markup:
    """Return what the policy calls a script or style by. Source: Content Security Policy Level 3, section 2.3.1."""
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return Markup(f"sha256-{digest}")  # noqa: S704 - of its alphabet


def _percent(share: float) -> str:
    """Return a share with two significant digits, and never as nothing."""
    return f"{100 * share:.2g} %" if share >= 1e-6 else "less than 0.0001 %"  # noqa: PLR2004 - as the text says
