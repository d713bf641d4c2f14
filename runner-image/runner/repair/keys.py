"""Keys that aren't there: the columns of a frame, the keys of a dictionary, Matplotlib's parameters."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from repair import looking
from repair.near import CANDIDATES_LIMIT, both, nearest, offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repair.hints import Failure

#: What seaborn says of a column that isn't there.
SEABORN = r"Could not interpret value `(.{1,60}?)` for"

#: Columns that are named, and their characters.
COLUMNS_LIMIT = 12
COLUMN_LENGTH = 40


def about_keys(failure: Failure) -> str:
    """Return which key was probably meant, or which columns there are."""
    if isinstance(failure.error, ValueError) and (found := re.match(SEABORN, failure.text)):
        return _about_columns(found[1], failure)
    if not isinstance(failure.error, KeyError):
        return ""
    wanted = _wanted(failure)
    if wanted is None:
        return ""
    return _about_columns(wanted, failure) or _about_parameters(wanted, failure) or _about_mapping(wanted, failure)


def _wanted(failure: Failure) -> str | None:
    """Return the key that wasn't found; None if it isn't a text."""
    (key, *_) = failure.error.args or (None,)
    if type(key) is not str:
        return None
    listed = re.match(r"\[(?:'([^']{1,60})'|\"([^\"]{1,60})\")(?:, .{1,2000})?\] not in index$", key) or re.match(
        r"None of \[Index\(\['([^']{1,60})'", key
    )
    return next(filter(None, listed.groups())) if listed else key


def _about_columns(wanted: str, failure: Failure) -> str:
    """Return which columns a frame of pandas has, if one was asked."""
    for entry in failure.called:
        names = entry.tb_frame.f_locals
        for name in ("self", "obj", "data"):
            thing: Any = names.get(name)
            if not looking.is_a(thing, "pandas", "DataFrame"):
                continue
            columns = [each for each in list(thing.columns[:CANDIDATES_LIMIT]) if type(each) is str]
            if wanted in columns or not columns or _asks_rows(failure):
                return ""
            return _columns(wanted, columns, len(thing.columns))
    return ""


def _asks_rows(failure: Failure) -> bool:
    """Return whether a row was asked for, by ``loc``."""
    return any(entry.tb_frame.f_code.co_filename.endswith("indexing.py") for entry in failure.called[:3])


def _columns(wanted: str, columns: Sequence[str], count: int) -> str:
    if near := nearest(wanted, columns):
        return f"There is no column '{_cut(wanted)}': {offer(near, chr(39))}"
    shown = [_cut(each) for each in columns[:COLUMNS_LIMIT]]
    if count > len(shown):
        return f"There is no column '{_cut(wanted)}': the first of {count} columns are {both(shown)}."
    if len(shown) == 1:
        return f"There is no column '{_cut(wanted)}': the only column is '{shown[0]}'."
    return f"There is no column '{_cut(wanted)}': the columns are {both(shown)}."


def _cut(name: str) -> str:
    return name if len(name) <= COLUMN_LENGTH else name[: COLUMN_LENGTH - 1] + "…"


def _about_parameters(wanted: str, failure: Failure) -> str:
    """Return the parameter of Matplotlib that was probably meant."""
    import matplotlib as mpl

    if not any(type(entry.tb_frame.f_locals.get("self")) is mpl.RcParams for entry in failure.called):
        return ""
    near = nearest(wanted, list(mpl.rcParams))
    return f"'{wanted}' is no parameter of Matplotlib: {offer(near, chr(39))}" if near else ""


def _about_mapping(wanted: str, failure: Failure) -> str:
    """Return the key of a plain dictionary, or the spine, that was probably meant."""
    import ast

    if failure.own is None:
        return ""
    node = looking.expression_at(failure.own)
    thing: Any = looking.resolve(node.value, failure.own.tb_frame) if isinstance(node, ast.Subscript) else None
    for entry in failure.called:
        inner: Any = entry.tb_frame.f_locals.get("self")
        if looking.is_a(inner, "matplotlib", "Spines"):
            thing = inner._dict
    keys = list(islice(thing, CANDIDATES_LIMIT)) if type(thing) is dict else []
    near = nearest(wanted, keys)
    return f"There is no key '{_cut(wanted)}': {offer(near, chr(39))}" if near else ""
