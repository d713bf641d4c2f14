"""Arrays whose sizes don't go together, and Axes that are fewer, or more, than the code takes them for."""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any

from repair import looking

if TYPE_CHECKING:
    from repair.hints import Failure

#: Parts of messages: two things with their sizes, as Matplotlib and NumPy write them.
SHAPE = r"(\([\d, ]{0,60}\))"
UNEQUAL = (
    rf"^(?P<a>x) and (?P<b>y) must have same first dimension, but have shapes (?P<m>{SHAPE}) and (?P<n>{SHAPE})",
    rf"Mismatch is between '(?P<a>\w+)' with shape (?P<m>{SHAPE}) and '(?P<b>\w+)' with shape (?P<n>{SHAPE})",
    r"^'(?P<a>\w+)' has size (?P<m>\d+), but '(?P<b>\w+)' has an unequal size of (?P<n>\d+)",
    rf"^'(?P<a>\w+)' \(shape: (?P<m>{SHAPE})\) must be .{{1,100}} matches '(?P<b>\w+)' \(shape: (?P<n>{SHAPE})\)",
)
BROADCAST = rf"^operands could not be broadcast together with shapes {SHAPE} {SHAPE}"
RESHAPED = rf"^cannot reshape array of size (\d{{1,12}}) into shape {SHAPE}"
FLAT_GRID = r"^Input (z) must be 2D, not 1D|^Argument (Z) must be 2-dimensional"
NO_IMAGE = rf"^Invalid shape {SHAPE} for image data"
FIXED_TICKS = r"^The number of FixedLocator locations \((\d+)\), .{1,80} number of labels \((\d+)\)"


def about_shapes(failure: Failure) -> str:
    """Return what has to be equally long, or which shape is taken."""
    error = failure.error
    if isinstance(error, (ValueError, TypeError)):
        return _unequal(failure) or _of_one_array(failure.text) or _of_axes(failure)
    if isinstance(error, IndexError):
        return _of_axes(failure)
    return ""


def _unequal(failure: Failure) -> str:
    text = failure.text
    for pattern in UNEQUAL:
        if found := re.search(pattern, text):
            return _compare(found["a"], _size(found["m"]), found["b"], _size(found["n"]))
    if text == "x and y must be the same size":
        import numpy as np

        for entry in failure.called:
            x: Any = entry.tb_frame.f_locals.get("x")
            y: Any = entry.tb_frame.f_locals.get("y")
            if issubclass(type(x), np.ndarray) and issubclass(type(y), np.ndarray) and np.size(x) != np.size(y):
                return _compare("x", str(np.size(x)), "y", str(np.size(y)))
    if found := re.match(BROADCAST, text):
        return f"The shapes {found[1]} and {found[2]} don't go together: each length must be the same in both, or 1."
    if found := re.match(FIXED_TICKS, text):
        return f"There are {found[1]} ticks and {found[2]} labels: give as many labels as ticks."
    return ""


def _compare(a: str, m: str, b: str, n: str) -> str:
    return f"`{a}` has {m} values and `{b}` has {n}: make them equally long."


def _size(shape: str) -> str:
    """Return a size as it stands in a sentence: the length of what has one dimension, or the whole shape."""
    numbers = re.findall(r"\d+", shape)
    return numbers[0] if len(numbers) == 1 else shape


def _of_one_array(text: str) -> str:
    if found := re.match(RESHAPED, text):
        wanted = [int(number) for number in re.findall(r"-?\d+", found[2])]
        if any(number < 0 for number in wanted):
            return ""
        return f"The array has {found[1]} values, and the shape {found[2]} takes {prod(wanted)}."
    if found := re.match(FLAT_GRID, text):
        name = found[1] or found[2]
        return f"`{name}` must be a grid with a row for each y and a column for each x, as `np.meshgrid` helps to make."
    if found := re.match(NO_IMAGE, text):
        return f"An image has the shape (rows, columns), (rows, columns, 3) or (rows, columns, 4), and not {found[1]}."
    if "inhomogeneous shape" in text:
        return "The rows of an array must be equally long, and these are not."
    return ""


def _of_axes(failure: Failure) -> str:
    """Return what ``plt.subplots`` gave, where the code takes it for something else."""
    text = failure.text
    if re.match(
        r"cannot unpack non-iterable Axes(?:3D)? object|'Axes(?:3D)?' object is not (?:subscriptable|iterable)", text
    ):
        if re.search(r"=.{0,60}\b(?:add_)?subplot\(", _line(failure)):
            return "This is one Axes and no pair: write `ax = …` before it, or `fig, ax = plt.subplots()`."
        return "This is one Axes, as `plt.subplots` returns for one subplot: use it as it is, or make more of them."
    if re.match(r"'Text' object is not callable", text) and (name := _called(failure)) == "title":
        return f"`{name}` of an Axes is its text, not a method: set it with `set_{name}()`."
    if re.match(r"'module' object is not callable", text):
        return _module_called(failure)
    if re.match(r"too many indices for array: array is 1-dimensional, but 2 were indexed", text) and _is_row_of_axes(
        failure
    ):
        return "This array of Axes has one dimension, as from one row or column of subplots: index it with one number."
    return ""


def _line(failure: Failure) -> str:
    """Return the line of the code that failed; where something is unpacked, Python's places are those of its names."""
    import linecache

    entry = failure.own
    return "" if entry is None else linecache.getline(entry.tb_frame.f_code.co_filename, entry.tb_lineno)


def _node(failure: Failure) -> Any:
    return looking.expression_at(failure.own) if failure.own is not None else None


def _called(failure: Failure) -> str:
    """Return the last name of what was called."""
    import ast

    node = _node(failure)
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _module_called(failure: Failure) -> str:
    import ast
    import types

    node = _node(failure)
    if failure.own is None or not isinstance(node, ast.Call):
        return ""
    module = looking.resolve(node.func, failure.own.tb_frame)
    if type(module) is not types.ModuleType:
        return ""
    name = module.__name__.rpartition(".")[2]
    same = looking.static(module, name)
    if same is looking.MISSING or not callable(same):
        return ""
    return f"`{name}` is a module: did you mean `{module.__name__}.{name}()`?"


def _is_row_of_axes(failure: Failure) -> bool:
    import ast

    import numpy as np
    from matplotlib.axes import Axes

    node = _node(failure)
    if failure.own is None or not isinstance(node, ast.Subscript):
        return False
    thing = looking.resolve(node.value, failure.own.tb_frame)
    return type(thing) is np.ndarray and thing.dtype == object and thing.size > 0 and issubclass(type(thing[0]), Axes)
