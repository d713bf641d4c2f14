# %% a print
print("hello", 1, [2.5], sep=", ", end="!\n")

# %% to the other stream
import sys
print("to stderr", file=sys.stderr)
sys.stderr.write("and this\n")

# %% both streams
import sys
print("out")
print("err", file=sys.stderr, flush=True)
print("out again")

# %% without a line end
import sys
sys.stdout.write("no end")

# %% pretty
from pprint import pprint
pprint({"key": list(range(30)), "other": {"deep": "x" * 60}}, width=50)

# %% a log
import logging
logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
logging.info("started")
logging.getLogger("part").warning("careful %d", 3)

# %% a log without set-up
import logging
logging.warning("seen")
logging.info("not seen")
logging.getLogger("x").error("seen too")

# %% a log to a file
import logging
logging.basicConfig(filename="run.log", level="DEBUG", format="%(message)s")
logging.debug("to the file")
logging.getLogger("matplotlib").setLevel("WARNING")

# %% a log of Matplotlib
import logging
import matplotlib
print(logging.getLogger("matplotlib").level, matplotlib.__version__.count("."))

# %% handlers of the root logger
import logging
print(logging.getLogger().handlers, logging.getLogger().level, logging.lastResort)

# %% a warning
import warnings
warnings.warn("mind this")

# %% a warning of a kind
import warnings
def old():
    warnings.warn("use new()", DeprecationWarning, stacklevel=2)
old()

# %% a warning twice
import warnings
for number in range(3):
    warnings.warn("again")
    warnings.warn(f"number {number}", RuntimeWarning)

# %% warnings ignored
import warnings
warnings.filterwarnings("ignore")
warnings.warn("silent")

# %% warnings as errors
import warnings
warnings.simplefilter("error")
try:
    warnings.warn("loud")
except UserWarning as error:
    print("caught", error)

# %% warnings recorded
import warnings
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    warnings.warn("kept", FutureWarning)
print([(str(each.message), each.category.__name__, each.lineno) for each in seen])

# %% the filters of warnings
# differs: Imports
import warnings
print([(each[0], each[2].__name__) for each in warnings.filters])

# %% a warning shown another way
import warnings
warnings.showwarning = lambda message, *_: print("shown:", message)
warnings.warn("mine")

# %% a warning of Matplotlib
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.legend()

# %% a warning of many figures
import matplotlib.pyplot as plt
for _ in range(22):
    plt.figure(figsize=(1, 1))
plt.close("all")

# %% a layout that can't be tight
import matplotlib.pyplot as plt
fig = plt.figure(figsize=(0.5, 0.5))
fig.subplots(3, 3)
fig.tight_layout()

# %% a traceback printed
import traceback
try:
    [][1]
except IndexError:
    traceback.print_exc()

# %% a traceback as text
# differs: Paths
import traceback
def deep(n):
    return 1 / n if n == 0 else deep(n - 1)
try:
    deep(2)
except ZeroDivisionError as error:
    print("".join(traceback.format_exception(error)))

# %% the stack
import traceback
def where():
    traceback.print_stack(limit=2)
where()

# %% a stream replaced
import contextlib
import io
with contextlib.redirect_stdout(io.StringIO()) as text:
    print("hidden")
print(repr(text.getvalue()))

# %% descriptors written
import os
os.write(1, b"by os.write\n")
os.write(2, b"and two\n")

# %% facts about the streams
# differs: Streams
import sys
print(sys.stdout.encoding, sys.stderr.encoding, sys.stdin.encoding, sys.stdout.isatty(), sys.stdout.line_buffering)
print(sys.stdout.errors, sys.stderr.errors, sys.stdout.name, sys.stdout.fileno(), sys.stdin.fileno())

# %% nothing to read
import sys
print(repr(sys.stdin.read()), sys.stdin.isatty())

# %% a progress bar by hand
import sys
import time
for part in range(3):
    sys.stderr.write(f"\r{part + 1}/3")
    time.sleep(0.01)

# %% the help
help(len)

# %% the help of a function of mine
def area(r: float) -> float:
    """Return the area of a circle."""
    return 3 * r * r
help(area)
print(area.__doc__)

# %% timing
import timeit
print(timeit.timeit("1 + 1", number=10) < 1)

# %% colours of a terminal
# differs: Characters
print("\x1b[31mred\x1b[0m")

# %% print to a file
with open("out.txt", "w") as file:
    print("in a file", file=file)
print(open("out.txt").read())

# %% flush at the end
# differs: End
import atexit
atexit.register(print, "at the end")
