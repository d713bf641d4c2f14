# %% arrays
import numpy as np
print(np.arange(12).reshape(3, 4).T @ np.ones(3))
print(np.linalg.inv([[2.0, 1], [1, 3]]))

# %% how arrays are printed
import numpy as np
np.set_printoptions(precision=3, suppress=True, linewidth=60)
print(np.linspace(0, 1, 15))
print(repr(np.float64(0.1)), np.array(["a", "bc"]))

# %% division by zero
import numpy as np
print(np.array([1.0, 0]) / np.array([0.0, 0]))

# %% overflow
import numpy as np
print(np.array([200], dtype=np.uint8) + np.uint8(100))

# %% masked and missing
import matplotlib.pyplot as plt
import numpy as np
plt.plot(np.ma.masked_greater([1, 5, 2, 7, 3], 4), "o-")
plt.plot([1, np.nan, 3, np.inf, 2])

# %% records
import numpy as np
people = np.array([("Ann", 30), ("Bob", 25)], dtype=[("name", "U10"), ("age", int)])
print(people[people["age"] > 26]["name"])

# %% text read as numbers
import io
import numpy as np
print(np.loadtxt(io.StringIO("1 2\n3 4"), unpack=True))
print(np.genfromtxt(io.StringIO("a,b\n1,\n2,3"), delimiter=",", names=True))

# %% arrays saved and read
import numpy as np
np.save("a.npy", np.arange(3))
np.savez("b.npz", x=np.zeros(2))
np.savetxt("c.csv", [[1, 2], [3, 4]], fmt="%d", delimiter=",")
print(np.load("a.npy"), np.load("b.npz").files, open("c.csv").read())

# %% a seed
import random
import numpy as np
random.seed(1)
np.random.seed(1)
print(random.random(), np.random.rand(2), np.random.default_rng(1).integers(10, size=3))

# %% a table
import pandas as pd
frame = pd.DataFrame({"a": [1, 2, 3], "b": list("xyz")})
print(frame)
print(frame.describe())

# %% what a table is made of
import pandas as pd
pd.DataFrame({"n": [1.5, None], "t": ["x", "y"]}).info(memory_usage=False)

# %% groups
import pandas as pd
frame = pd.DataFrame({"k": list("aabb"), "v": [1, 2, 3, 4]})
print(frame.groupby("k")["v"].agg(["mean", "sum"]))

# %% a table drawn
import matplotlib.pyplot as plt
import pandas as pd
pd.DataFrame({"x": [1, 2, 3], "y": [3, 1, 2]}).plot(title="frame")

# %% bars of a table
import pandas as pd
pd.DataFrame({"one": [1, 2], "two": [2, 1]}, index=["a", "b"]).plot.bar(stacked=True, rot=0)

# %% many small axes of a table
import numpy as np
import pandas as pd
pd.DataFrame(np.random.default_rng(0).random((20, 3)), columns=list("abc")).plot(subplots=True, layout=(1, 3))

# %% a scatter matrix
import numpy as np
import pandas as pd
pd.plotting.scatter_matrix(pd.DataFrame(np.random.default_rng(0).random((20, 2)), columns=["p", "q"]))

# %% a series of times
import pandas as pd
series = pd.Series(range(60), index=pd.date_range("2024-01-01", periods=60, freq="D"))
print(series.resample("MS").sum())
series.rolling(7).mean().plot()

# %% a table read from text
import io
import pandas as pd
print(pd.read_csv(io.StringIO("day,mm\n2024-01-01,3\n2024-01-02,5"), parse_dates=["day"]).dtypes)

# %% a table in other forms
import pandas as pd
frame = pd.DataFrame({"a": [1, 2]})
frame.to_csv("t.csv", index=False)
frame.to_json("t.json")
frame.to_html("t.html")
print(frame.to_dict("records"), frame.to_string(index=False))

# %% merged and pivoted
import pandas as pd
left = pd.DataFrame({"k": ["a", "b"], "x": [1, 2]})
right = pd.DataFrame({"k": ["b", "c"], "y": [3, 4]})
print(left.merge(right, how="outer", on="k"))
print(pd.DataFrame({"r": [1, 1], "c": ["u", "v"], "v": [5, 6]}).pivot(index="r", columns="c", values="v"))

# %% a chained assignment
import pandas as pd
frame = pd.DataFrame({"a": [1, 2, 3]})
part = frame[frame.a > 1]
part["b"] = 5
print(frame.columns.tolist())

# %% options of pandas
import pandas as pd
pd.set_option("display.max_rows", 4)
pd.options.display.float_format = "{:.1f}".format
print(pd.Series([0.123] * 10))

# %% a curve fitted
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import curve_fit
x = np.linspace(0, 4, 30)
(a, b), _ = curve_fit(lambda x, a, b: a * np.exp(-b * x), x, 2.5 * np.exp(-1.3 * x))
print(round(a, 4), round(b, 4))
plt.plot(x, a * np.exp(-b * x))

# %% statistics
from scipy import stats
print(round(stats.norm.cdf(1.96), 4), stats.ttest_ind([1, 2, 3], [2, 3, 4]).pvalue.round(4))

# %% an integral and an equation
from scipy.integrate import quad, solve_ivp
print(round(quad(lambda x: x**2, 0, 3)[0], 6), solve_ivp(lambda t, y: -y, (0, 1), [1.0]).y[0, -1].round(3))

# %% signals
import matplotlib.pyplot as plt
import numpy as np
from scipy import signal
b, a = signal.butter(3, 0.2)
plt.plot(signal.filtfilt(b, a, np.sin(np.arange(100))))

# %% interpolation
import numpy as np
from scipy.interpolate import CubicSpline, griddata
print(CubicSpline([0, 1, 2], [0, 1, 4])(1.5), griddata([[0, 0], [1, 0], [0, 1]], [0, 1, 2], (0.2, 0.2)))

# %% images and clusters
import numpy as np
from scipy import cluster, ndimage, sparse, spatial
print(ndimage.gaussian_filter(np.eye(5), 1).sum().round(4), sparse.eye(3).nnz)
print(spatial.distance.pdist([[0, 0], [3, 4]]), cluster.hierarchy.linkage([[0], [1], [5]]).shape)

# %% JSON and CSV
import csv
import io
import json
print(json.dumps({"ä": [1, None, True]}, ensure_ascii=False, indent=1))
print(list(csv.DictReader(io.StringIO("a,b\n1,2"))))

# %% a database
import sqlite3
base = sqlite3.connect(":memory:")
base.execute("create table t (a int)")
base.executemany("insert into t values (?)", [(1,), (2,)])
print(base.execute("select sum(a) from t").fetchone())

# %% a database in a file
import sqlite3
with sqlite3.connect("data.db") as base:
    base.execute("create table t (a int)")
    base.execute("insert into t values (7)")
print(sqlite3.connect("data.db").execute("select a from t").fetchall())

# %% a picture made by Pillow
from PIL import Image, ImageDraw
image = Image.new("RGB", (40, 30), "white")
ImageDraw.Draw(image).ellipse((5, 5, 30, 25), fill="red")
image.save("dot.png")
print(image.size, image.getpixel((15, 15)))

# %% a picture read and drawn
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save("grey.png")
plt.imshow(plt.imread("grey.png"), cmap="gray")

# %% numbers of other kinds
from decimal import Decimal
from fractions import Fraction
import statistics
print(Decimal("0.1") + Decimal("0.2"), Fraction(1, 3) + 1, statistics.stdev([1, 2, 4]))

# %% combinations
import heapq
import itertools
from collections import Counter, defaultdict, deque
print(Counter("banana").most_common(2), list(itertools.combinations("abc", 2)), heapq.nsmallest(2, [3, 1, 2]))
print(defaultdict(int, a=1), deque([1, 2], maxlen=1))

# %% expressions searched
import re
print(re.sub(r"(\w+)@(\w+)", r"\2 at \1", "me@here"), re.findall(r"\d+", "a1b22"))

# %% compressed
import base64
import bz2
import gzip
import lzma
import zlib
data = b"x" * 1000
print(len(zlib.compress(data)), len(bz2.compress(data)), len(lzma.compress(data)), base64.b64encode(b"hi"))
print(gzip.decompress(gzip.compress(data)) == data)

# %% digests
import hashlib
import hmac
print(hashlib.sha256(b"a").hexdigest(), hashlib.md5(b"a").hexdigest(), hmac.new(b"k", b"m", "sha1").hexdigest())
