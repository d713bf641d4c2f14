# %% a table beside the code
# sent: data/rain.csv
import pandas as pd
rain = pd.read_csv("data/rain.csv")
print(rain)
rain.plot(x="day", y="mm")

# %% a table by a path
# sent: data/rain.csv
from pathlib import Path
import numpy as np
path = Path("data") / "rain.csv"
print(path.exists(), path.stat().st_size, np.loadtxt(path, delimiter=",", skiprows=1))

# %% a table beside the code's own file
# sent: data/rain.csv
import os
here = os.path.dirname(os.path.abspath(__file__))
print(open(os.path.join(here, "data", "rain.csv")).read())

# %% all tables of a folder
# sent: data/rain.csv data/sun.csv
from pathlib import Path
import matplotlib.pyplot as plt
import pandas as pd
for path in sorted(Path("data").glob("*.csv")):
    plt.plot(pd.read_csv(path).iloc[:, 1], label=path.stem)
plt.legend()

# %% a table changed
# sent: data/rain.csv
with open("data/rain.csv", "a") as file:
    file.write("4,9\n")
print(len(open("data/rain.csv").readlines()))

# %% a table removed
# sent: data/rain.csv
import os
os.remove("data/rain.csv")
print(os.listdir("data"))

# %% a table with a name that is nearly right
# differs: Advice
# sent: data/rain.csv
import pandas as pd
pd.read_csv("data/rains.csv")

# %% a package beside the code
# sent: lib/__init__.py lib/tool.py
from lib import tool
print(tool.__name__, tool.__file__, tool.double.__doc__)
print(tool.double(4))

# %% a package that fails
# sent: lib/__init__.py lib/tool.py
from lib.tool import double
double(None)

# %% an assertion of a package
# sent: lib/__init__.py lib/tool.py
import lib.tool
lib.tool.double(-1)

# %% a package read as text
# sent: lib/__init__.py lib/tool.py
import inspect
import lib.tool
print(inspect.getsource(lib.tool.double))

# %% a package loaded again
# sent: lib/__init__.py lib/tool.py
import importlib.resources
import lib.tool
lib.tool.extra = 1
print(importlib.reload(lib.tool).double(2), importlib.resources.files("lib").joinpath("tool.py").is_file())

# %% a style beside the code
# sent: styles/mine.mplstyle
import matplotlib.pyplot as plt
plt.style.use("styles/mine.mplstyle")
plt.plot([1, 3, 2])
print(plt.rcParams["lines.linewidth"])

# %% parameters beside the code
# sent: matplotlibrc
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
print(plt.rcParams["axes.grid"], plt.rcParams["lines.linewidth"])

# %% parameters beside the code, set back
# sent: matplotlibrc
import matplotlib.pyplot as plt
plt.rcParams["axes.grid"] = False
plt.rcdefaults()
print(plt.rcParams["axes.grid"], plt.rcParamsDefault["axes.grid"], plt.rcParamsOrig["axes.grid"])
plt.plot([1, 3, 2])

# %% parameters beside the code, where they are
# sent: matplotlibrc
import matplotlib
print(matplotlib.matplotlib_fname())

# %% settings beside the code
# sent: settings.json
import json
import matplotlib.pyplot as plt
with open("settings.json") as file:
    settings = json.load(file)
plt.bar(list(settings["values"]), list(settings["values"].values()), color=settings["color"])
plt.title(settings["title"])

# %% words counted
# sent: text.txt
from collections import Counter
import matplotlib.pyplot as plt
with open("text.txt", encoding="utf-8") as file:
    words = Counter(file.read().lower().split())
print(words.most_common(3))
plt.barh(*zip(*words.most_common(5)))

# %% a database made of a table
# sent: data/rain.csv
import csv
import sqlite3
base = sqlite3.connect("rain.db")
base.execute("create table rain (day int, mm real)")
with open("data/rain.csv") as file:
    base.executemany("insert into rain values (:day, :mm)", csv.DictReader(file))
base.commit()
print(base.execute("select count(*), max(mm) from rain").fetchone())
base.close()

# %% output beside input
# sent: data/rain.csv
import os
import pandas as pd
os.makedirs("out", exist_ok=True)
for name in os.listdir("data"):
    pd.read_csv(f"data/{name}").describe().to_csv(f"out/summary of {name}")
