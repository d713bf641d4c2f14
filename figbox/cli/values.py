"""Values on the command line that aren't plain numbers or words, and options that several commands have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from figbox.cli.batch.run import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMATS = ("png", "svg", "pdf", "jpeg", "webp", "gif", "apng", "awebp")

#: Booleans as a matplotlibrc file also has them.
PYTHON_WORDS = {"True": True, "False": False}


class RcSetting(click.ParamType[Any]):
    """`NAME=VALUE`, or from pyproject.toml a pair whose value has a type already.

    A value that is JSON (`2.5`, `true`, `[4, 3]`, `"0.5"`) has JSON's type; any other is a string, so that `serif`
    doesn't need quotes.
    """

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Return name and value."""
        if isinstance(value, tuple):
            return value[0], value[1]
        name, equals, text = str(value).partition("=")
        if not equals or not name.strip():
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        return name.strip(), _meaning(text.strip())


def _meaning(text: str) -> Any:
    if text in PYTHON_WORDS:
        return PYTHON_WORDS[text]
    try:
        value = json.loads(text, parse_constant=str)  # NaN and Infinity are strings here
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float | str | list) else text


def as_mapping(_: click.Context, __: click.Parameter, pairs: tuple[tuple[str, Any], ...]) -> dict[str, Any] | None:
    """Return the settings of all options by name, or None if there are none."""
    return dict(pairs) or None


def if_any(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the values of all options, or None if there are none."""
    return values or None


def split_formats(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the formats of all options, which can name several with commas, without repetitions."""
    names = [name.strip().lower().removeprefix(".") for value in values for name in value.split(",")]
    formats = ["jpeg" if name == "jpg" else name for name in names]
    for name in formats:
        if name not in FORMATS:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(FORMATS)}")
    return tuple(dict.fromkeys(formats))


def picture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what pictures are like to a command."""
    options = (
        click.option(
            "-f",
            "--format",
            multiple=True,
            default=("png",),
            show_default=True,
            callback=split_formats,
            help="png, svg, pdf, jpeg, webp, or animated gif, apng, awebp; separate several with commas or repeat the "
            "option.",
        ),
        click.option("--dpi", type=click.FloatRange(10, 1200), help="Dots per inch.  [default: the figure's own]"),
        click.option("--width", type=click.FloatRange(0.1, 100), help="Inches.  [default: the figure's own]"),
        click.option("--height", type=click.FloatRange(0.1, 100), help="Inches.  [default: the figure's own]"),
        click.option(
            "--bbox", "bbox_inches", type=click.Choice(["standard", "tight"]), help="tight cuts off the margins."
        ),
        click.option("--transparent/--opaque", default=None, help="Whether the background is transparent."),
        click.option("--style", multiple=True, callback=if_any, help="One of Matplotlib's styles; can be repeated."),
        click.option(
            "--rc",
            type=RcSetting(),
            multiple=True,
            callback=as_mapping,
            help="One of Matplotlib's rcParams; can be repeated.",
        ),
    )
    return _with(options, command)


def sending_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how many scripts are sent at once, and how long they wait, to a command."""
    options = (
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(1, 256),
            help="Scripts to send at once.  [default: as the service allows]",
        ),
        click.option(
            "--patience",
            type=click.FloatRange(0),
            default=PATIENCE_S,
            show_default=True,
            metavar="SECONDS",
            help="How long a script may wait for a busy service.",
        ),
    )
    return _with(options, command)


def _with(options: Sequence[Callable[..., Any]], command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command with options, in their order."""
    for option in reversed(options):
        command = option(command)
    return command
