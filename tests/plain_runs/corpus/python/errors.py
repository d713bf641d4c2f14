# %% division by zero
1 / 0

# %% a name not bound
print(undefined)

# %% a misspelt name
import matplotlib.pyplot as plt
plt.plott([1])

# %% a missing key
{"a": 1}["b"]

# %% a wrong type
"a" + 1

# %% an exception class of one's own
class Mine(Exception):
    pass
raise Mine("text", 3)

# %% an exception with a note
error = ValueError("bad")
error.add_note("a note about it")
raise error

# %% a cause
try:
    int("x")
except ValueError as error:
    raise RuntimeError("no number") from error

# %% another while handling
try:
    {}["k"]
except KeyError:
    [][0]

# %% no cause shown
try:
    {}["k"]
except KeyError:
    raise ValueError("clean") from None

# %% a group
raise ExceptionGroup("several", [ValueError("a"), TypeError("b")])

# %% deep within functions
def a(): b()
def b(): c()
def c(): raise LookupError("deep")
a()

# %% recursion without end
def down(n):
    return down(n + 1)
down(0)

# %% a syntax error
x = = 1

# %% a bracket that never closes
print((1, 2

# %% an indentation
def f():
return 1

# %% tabs and spaces
if True:
    x = 1
	y = 2

# %% a string that never ends
print("hello)

# %% an assertion
assert 1 == 2, "they differ"

# %% an assertion without words
values = [1, 2]
assert len(values) == 3

# %% an assertion in code that is executed
exec("assert False, 'inside'")

# %% whether asserts are on
if __debug__:
    print("debug")
import sys
print(sys.flags.optimize, __debug__)

# %% the end
import sys
print("before")
sys.exit()

# %% the end with zero
raise SystemExit(0)

# %% a picture and the end
import matplotlib.pyplot as plt
plt.plot([1, 2])
exit()

# %% quit
quit(0)

# %% an interrupt
raise KeyboardInterrupt

# %% a generator that stops
next(iter([]))

# %% shapes that don't fit
import numpy as np
np.ones(3) + np.ones(4)

# %% sizes that don't fit in a plot
import matplotlib.pyplot as plt
plt.plot([1, 2, 3], [1, 2])

# %% a parameter that isn't there
import matplotlib.pyplot as plt
plt.rcParams["no.such"] = 1

# %% a colour that isn't there
import matplotlib.pyplot as plt
plt.plot([1], color="no colour")

# %% a style that isn't there
import matplotlib.pyplot as plt
plt.style.use("no-style")

# %% a column that isn't there
import pandas as pd
pd.DataFrame({"a": [1]})["b"]

# %% a hook of mine
# differs: Hooks
import sys
sys.excepthook = lambda kind, error, _: print("hooked", kind.__name__, error)
raise ValueError("x")

# %% an error in a thread
import threading
thread = threading.Thread(target=lambda: 1 / 0, name="worker")
thread.start()
thread.join()

# %% an error while it is cleaned up
class Noisy:
    def __del__(self):
        raise ValueError("in del")
noisy = Noisy()
del noisy

# %% caught
try:
    1 / 0
except ZeroDivisionError as error:
    print(type(error).__name__, error, error.__traceback__.tb_lineno)
finally:
    print("finally")

# %% no such attribute of a module
import math
math.sine(1)

# %% import of a name that isn't there
from numpy import no_such_thing

# %% decode error
b"\xff".decode()

# %% a value with umlauts
raise ValueError("größer als erlaubt: 5 €")

# %% a message of many lines
raise ValueError("first\nsecond\n  third")

# %% a very long line
x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20][100]; y = "a very long line indeed"

# %% an error on several lines
result = max(
    1,
    2 / 0,
    3,
)

# %% an error in a lambda
square = lambda x: x / 0
list(map(square, [1]))

# %% an error in a comprehension
[1 / n for n in (2, 1, 0)]

# %% an error in a class body
class Broken:
    value = 1 / 0
