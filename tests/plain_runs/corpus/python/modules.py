# %% the main module
import __main__
import sys
print(__name__, __main__ is sys.modules["__main__"], __spec__, __package__, __builtins__.__name__)

# %% names of the main module
print(sorted(name for name in dir() if name.startswith("__")))

# %% only when it is the main one
def main():
    print("main")
if __name__ == "__main__":
    main()

# %% where it is
import os
import sys
print(__file__, sys.argv, os.path.basename(sys.argv[0]))

# %% itself
print(open(__file__).readline(), end="")
print(len(open(__file__).read()) > 10)

# %% its folder
# differs: Folder
from pathlib import Path
print(Path(__file__).resolve().parent, [path.name for path in Path(__file__).parent.iterdir()])

# %% source of a function
# differs: Paths
import inspect
def square(x):
    # a comment
    return x * x
print(inspect.getsource(square), inspect.signature(square), inspect.getsourcefile(square))

# %% source of a class
import inspect
class Point:
    """A point."""
    x = 1
print(inspect.getsource(Point), inspect.getdoc(Point), inspect.getfile(Point))

# %% frames
# differs: Paths
import inspect
def caller():
    frame = inspect.currentframe().f_back
    return frame.f_lineno, frame.f_code.co_filename, frame.f_code.co_name
print(caller())

# %% a data class
from dataclasses import asdict, dataclass, field
@dataclass(order=True, frozen=True)
class Item:
    name: str
    tags: list = field(default_factory=list)
print(Item("a"), Item("a") < Item("b"), asdict(Item("x", ["t"])), Item.__doc__)

# %% an enumeration
import enum
class Colour(enum.Enum):
    RED = "r"
    BLUE = enum.auto()
print(Colour.RED, list(Colour), Colour("r"), Colour.__module__)

# %% a pickled object
import pickle
class Box:
    def __init__(self, x):
        self.x = x
print(pickle.loads(pickle.dumps(Box(3))).x, Box.__module__, Box)

# %% documentation of libraries
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
for thing in (plt.hist, np.mean, pd.DataFrame.plot, plt.plot, np.ndarray.sum):
    print(len(thing.__doc__), thing.__doc__.strip().split("\n")[0])

# %% documentation of the standard library
import collections
import json
import os
print(json.dumps.__doc__[:40], os.path.join.__doc__[:40], collections.__doc__[:40])

# %% documentation extended
import matplotlib.pyplot as plt
def mine(*arguments):
    return plt.plot(*arguments)
mine.__doc__ = "Mine. " + plt.plot.__doc__[:20]
print(mine.__doc__)

# %% documentation copied
import functools
import matplotlib.axes
class Mine(matplotlib.axes.Axes):
    @functools.wraps(matplotlib.axes.Axes.plot)
    def plot(self, *arguments):
        return super().plot(*arguments)
print(Mine.plot.__doc__.split()[0:3])

# %% asserts within libraries
import matplotlib.transforms
import numpy.testing
try:
    numpy.testing.assert_allclose([1], [2])
except AssertionError as error:
    print("caught", len(str(error)) > 10)

# %% an assertion compiled
code = compile("assert x, 'no x'", "<mine>", "exec")
try:
    exec(code, {"x": 0})
except AssertionError as error:
    print(error)

# %% evaluated and executed
names = {}
exec("def f(x):\n    return x + 1", names)
print(names["f"](1), eval("2 ** 10"), ast := __import__("ast").literal_eval("[1, 2]"))

# %% a module made by hand
import sys
import types
module = types.ModuleType("extra")
exec("value = 42", module.__dict__)
sys.modules["extra"] = module
import extra
print(extra.value)

# %% a module written beside it
open("helper.py", "w").write('"""Help."""\nassert __debug__\ndef double(x):\n    """Twice."""\n    return 2 * x\n')
import helper
print(helper.double(4), helper.__file__, helper.__doc__, helper.double.__doc__)

# %% a package written beside it
import os
os.makedirs("package/part")
open("package/__init__.py", "w").write("from .part import name\n")
open("package/part/__init__.py", "w").write("name = __name__\n")
import package
print(package.name)

# %% a module run
import runpy
open("job.py", "w").write("print(__name__, __file__)\n")
runpy.run_path("job.py", run_name="__main__")

# %% versions
import sys
import matplotlib
import numpy
print(sys.version_info[:2], matplotlib.__version__, numpy.__version__, sys.implementation.name)

# %% versions of distributions
from importlib.metadata import version
print(version("matplotlib"), version("numpy"), version("pillow"))

# %% flags
import sys
print(sys.flags.optimize, sys.flags.isolated, sys.flags.no_site, sys.flags.utf8_mode, sys.flags.hash_randomization)

# %% whether pyplot is imported yet
import sys
print("scipy" in sys.modules, "pandas" in sys.modules, "runner" in sys.modules, "program" in sys.modules)

# %% names that the runner could leave
import builtins
print(hasattr(builtins, "get_ipython"), "plt" in dir(builtins), len([n for n in dir(builtins) if n.startswith("_")]))

# %% generators and context managers
import contextlib
@contextlib.contextmanager
def opened():
    print("in")
    yield 1
    print("out")
with opened() as x:
    print(x)
print(sum(n * n for n in range(4)))

# %% types and protocols
from typing import NamedTuple, Protocol, TypedDict, get_type_hints
class P(NamedTuple):
    x: int
    y: float = 0.0
class T(TypedDict):
    a: int
print(P(1), T(a=1), get_type_hints(P))

# %% matching
match {"kind": "line", "points": [1, 2]}:
    case {"kind": "line", "points": [first, *_]}:
        print("line from", first)

# %% a decorator that counts
import functools
@functools.lru_cache
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(80), fib.cache_info().currsize)

# %% how deep it goes
import sys
print(sys.getrecursionlimit())
def deep(n):
    return n if n == 0 else deep(n - 1)
print(deep(900))

# %% garbage
import gc
import weakref
class Node: pass
node = Node()
seen = weakref.ref(node)
del node
print(seen(), gc.isenabled(), gc.get_threshold())

# %% slots, properties and descriptors
class Circle:
    __slots__ = ("r",)
    def __init__(self, r): self.r = r
    @property
    def area(self): return round(3.14159 * self.r**2, 3)
print(Circle(2).area, Circle.area.__class__.__name__)

# %% abstract
import abc
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
try:
    Shape()
except TypeError as error:
    print(error)

# %% random identifiers
import secrets
import uuid
print(len(str(uuid.uuid4())), len(secrets.token_hex(4)), uuid.uuid5(uuid.NAMESPACE_DNS, "a"))

# %% hashes of strings
print(hash("a") == hash("a"), {"x", "y", "z"} == {"z", "y", "x"})
