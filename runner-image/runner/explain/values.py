"""Values of artists as they are told: numbers, dates, and names of categories."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from explain.words import NAMES_LIMIT, POINTS_LIMIT, Data, Value, Values, cut

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Significant digits of a number; what the last bits of a float say differs from machine to machine.
DIGITS = 12

#: How far a point may lie from the place of a category that is a unit of its axis, in steps between two of them: jitter
#: and groups of bars lie off it. Where names are only written at ticks, the axis may have points between them as well.
NEAR = 0.45
EXACT = 0.01

#: Names of categories that are kept to look up points.
CATEGORIES_LIMIT = 1000

MIDNIGHT = "T00:00:00"


def number(value: Any) -> float | None:
    """Return a number of the figure, rounded; None if it isn't finite."""
    plain = float(value)
    return float(f"{plain:.{DIGITS}g}") + 0.0 if math.isfinite(plain) else None  # + 0.0: no minus before a zero


def as_numbers(values: Any) -> Any:
    """Return values as a flat array of floats, NaN where they are masked."""
    import numpy as np

    if np.ma.isMaskedArray(values):
        return np.ma.filled(values.astype(float), np.nan).ravel()
    return np.asarray(values, float).ravel()


class Coordinates:
    """What the numbers along an axis stand for.

    Args:
        axis: Matplotlib's axis; None for numbers that stand for themselves.

    Attributes:
        kind: "numbers", "dates" or "categories".
        names: Of categories, by their places.
    """

    def __init__(self, axis: Any | None = None) -> None:
        self.kind = "numbers"
        self.names: dict[float, str] = {}
        self._period: Any = None
        self._reach = EXACT
        self._near = NEAR
        if axis is not None:
            self._find_kind(axis)
        self._places = sorted(self.names)

    def _find_kind(self, axis: Any) -> None:
        from matplotlib import category, dates

        converter = axis.get_converter()
        name = type(converter).__name__
        formatter = axis.get_major_formatter()
        if isinstance(converter, category.StrCategoryConverter):
            self.kind, self._reach = "categories", NEAR
            mapping = getattr(axis.units, "_mapping", {})
            self.names = {float(place): cut(text) for text, place in list(mapping.items())[:CATEGORIES_LIMIT]}
        elif name == "PeriodConverter" and getattr(axis, "freq", None) is not None:
            self.kind, self._period = "dates", axis.freq
        elif (
            isinstance(converter, (dates.DateConverter, dates._SwitchableDateConverter))
            or isinstance(formatter, (dates.DateFormatter, dates.AutoDateFormatter, dates.ConciseDateFormatter))
            or name == "DatetimeConverter"
        ):
            self.kind = "dates"
        else:
            is_angle = axis.axis_name == "theta"
            self._near = EXACT if is_angle else NEAR
            self.names = _names_at_ticks(axis, anywhere=is_angle)
            self.kind = "categories" if self.names else "numbers"

    def tell(self, value: Any) -> Value:
        """Return what a number stands for; None if it isn't finite."""
        plain = number(value)
        if plain is None or self.kind == "numbers":
            return plain
        if self.kind == "dates":
            return self._date(plain)
        return self.name_near(plain, self._reach) or plain

    def name_near(self, place: float, reach: float | None = None) -> str:
        """Return the category at a place; empty if none is near."""
        import bisect

        reach = self._near if reach is None else reach
        at = bisect.bisect_left(self._places, place)
        near = min(self._places[max(at - 1, 0) : at + 1], key=lambda each: abs(each - place), default=None)
        return self.names[near] if near is not None and abs(near - place) <= reach else ""

    def snapped(self, places: Any) -> Any:
        """Return places, those near a category in its middle, as bars of a group and boxes are beside it."""
        import numpy as np

        if self.kind != "categories":
            return places
        middles = np.asarray(self._places, float)
        after = np.clip(np.searchsorted(middles, places), 1, max(len(middles) - 1, 1))
        near = np.where(
            abs(places - middles[after - 1]) <= abs(middles[np.minimum(after, len(middles) - 1)] - places),
            middles[after - 1],
            middles[np.minimum(after, len(middles) - 1)],
        )
        return np.where(abs(near - places) <= self._near, near, places)

    def name_of(self, place: float) -> str:
        """Return how a part at a place is called: its category, date or number."""
        near = self.name_near(place) if self.kind == "categories" else ""
        told = near or self.tell(place)
        return "" if told is None else told if isinstance(told, str) else f"{told:g}"

    def limit(self, value: float, inner: float) -> Value:
        """Return a limit of the axis; of categories, the outermost one within it.

        Args:
            value: The limit.
            inner: The other one.
        """
        if self.kind != "categories":
            return self.tell(value)
        least, greatest = min(value, inner), max(value, inner)
        within = [place for place in self._places if least <= place <= greatest]
        if not within:
            return number(value)
        return self.names[within[0] if value <= inner else within[-1]]

    def _date(self, value: float) -> Value:
        """Return a date as ISO 8601, its time left out if it is midnight; None where there is no such date."""
        if self._period is not None:
            pandas = sys.modules["pandas"]
            return str(pandas.Period(ordinal=round(value), freq=self._period).start_time.isoformat()).removesuffix(
                MIDNIGHT
            )
        from matplotlib import dates

        to_date: Any = dates.num2date
        try:
            told = to_date(value)
        except (ValueError, OverflowError):
            return None
        return str(told.replace(tzinfo=None).isoformat()).removesuffix(MIDNIGHT)


def _names_at_ticks(axis: Any, *, anywhere: bool) -> dict[float, str]:
    """Return the names that are written at ticks one apart, as at groups of bars; none if these are numbers.

    Ticks further apart are no categories: a plain axis of angles has them at multiples of pi.

    Args:
        axis: Matplotlib's axis.
        anywhere: Whether ticks may be at any distance, as they are around a circle.
    """
    import numpy as np

    written = _written_at(axis.get_major_locator(), axis.get_major_formatter())
    named = {float(place): told for place, text in written if (told := cut(text))}
    if not named or (len(named) > 1 and not anywhere and not np.allclose(np.diff(sorted(named)), 1)):
        return {}
    if all(_is_number(text, place) for place, text in named.items()):
        return {}
    return named


def _written_at(locator: Any, formatter: Any) -> list[tuple[Any, Any]]:
    """Return the places of ticks that the program has fixed, with its texts; none if it left either to Matplotlib."""
    from itertools import islice

    from matplotlib import ticker

    if not isinstance(locator, ticker.FixedLocator):
        return []
    if isinstance(formatter, ticker.FixedFormatter):
        places: Any = getattr(locator, "locs", ())
        return list(islice(zip(places, formatter.seq, strict=False), CATEGORIES_LIMIT))
    given = getattr(getattr(formatter, "func", None), "args", ())  # `set_ticks` leaves a function of a dict
    if isinstance(formatter, ticker.FuncFormatter) and given and isinstance(given[0], dict):
        return list(islice(given[0].items(), CATEGORIES_LIMIT))
    return []


def _is_number(text: str, place: float) -> bool:
    """Return whether a text says nothing but the number of its place."""
    try:
        return math.isclose(float(text.replace("\N{MINUS SIGN}", "-")), place)
    except ValueError:
        return False


class Points(NamedTuple):
    """The values of an artist as flat arrays; those along x, y and z are of one length if there are several."""

    x: Any = None
    y: Any = None
    z: Any = None
    values: Any = None

    def sides(self) -> list[Any]:
        """Return those that say where points are."""
        return [side for side in (self.x, self.y, self.z) if side is not None]

    def length(self) -> int:
        """Return how many points there are."""
        sides = self.sides()
        return max(map(len, sides), default=0) if sides else 0 if self.values is None else len(self.values)

    def spoilt(self) -> tuple[int, int]:
        """Return how many points are missing, and how many more are infinite."""
        import numpy as np

        sides = self.sides()
        if not sides:
            sides = [self.values] if self.values is not None else []
        if not sides or len({len(side) for side in sides}) > 1:
            return 0, 0
        missing, infinite = (np.logical_or.reduce([test(side) for side in sides]) for test in (np.isnan, np.isinf))
        return int(missing.sum()), int((infinite & ~missing).sum())


class Finite(NamedTuple):
    """The finite ones of some values.

    Attributes:
        values: These.
        least: The least of them; None if there are none.
        greatest: The greatest.
        are_all: Whether no value was left out.
    """

    values: Any
    least: Any
    greatest: Any
    are_all: bool


def finite(values: Any) -> Finite:
    """Return the finite ones of some values; a copy is made only if one isn't."""
    import numpy as np

    if not len(values):
        return Finite(values, None, None, True)
    least, greatest = values.min(), values.max()
    if math.isfinite(least) and math.isfinite(greatest):  # NumPy passes on what isn't a number
        return Finite(values, least, greatest, True)
    left = values[np.isfinite(values)]
    return Finite(left, left.min(), left.max(), False) if len(left) else Finite(left, None, None, False)


def ranges(coordinates: Coordinates, values: Any) -> Values | None:
    """Return the first, last, least and greatest of values; None if there are no values at all."""
    return None if values is None else range_of(coordinates, finite(values))


def range_of(coordinates: Coordinates, known: Finite) -> Values | None:
    """Return the first, last, least and greatest of values whose finite ones are known."""
    if known.least is None:
        return None if known.are_all else Values()
    ends = (known.values[0], known.values[-1], known.least, known.greatest)
    return Values(*(coordinates.tell(each) for each in ends))


def reach(coordinates: Coordinates, values: Any) -> Values:
    """Return the least and the greatest of values whose order means nothing."""
    known = finite(values)
    if known.least is None:
        return Values()
    return Values(least=coordinates.tell(known.least), greatest=coordinates.tell(known.greatest))


def thinned(coordinates: dict[str, Coordinates], points: Points) -> Data:
    """Return the values of points, thinned evenly if there are more than may be told."""
    total = max((len(side) for side in points if side is not None), default=0)
    told: dict[str, tuple[Value, ...]] = {}
    for name, side in zip(points._fields, points, strict=True):
        if side is not None:
            told[name] = tuple(coordinates[name].tell(each) for each in side[places(len(side))].tolist())
    return Data(total=total, **told)


def places(length: int, limit: int = POINTS_LIMIT) -> Any:
    """Return evenly spread places of a sequence, first and last included, all of them if they are few."""
    import numpy as np

    if length <= limit:
        return np.arange(length)
    return np.unique(np.linspace(0, length - 1, limit).round().astype(int))


def names(texts: Iterable[object]) -> tuple[str, ...]:
    """Return names of parts, as many as may be told; none if all are empty."""
    from itertools import islice

    told = tuple(cut(text) for text in islice(texts, NAMES_LIMIT))
    return told if any(told) else ()
