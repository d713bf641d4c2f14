# %% scatter with hues
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(0)
t = pd.DataFrame({"size": rng.normal(10, 2, 90), "weight": rng.normal(50, 9, 90), "kind": list("abc") * 30})
sns.scatterplot(t, x="size", y="weight", hue="kind")
# %% line with a band
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(1)
t = pd.DataFrame({"day": np.tile(np.arange(20), 5), "level": np.tile(np.arange(20), 5) + rng.normal(0, 1, 100)})
sns.lineplot(t, x="day", y="level", seed=0).set_title("Level")
# %% lines by hue and style
import seaborn as sns, pandas as pd, numpy as np
t = pd.DataFrame({"day": np.tile(np.arange(10), 2), "level": np.r_[np.arange(10), np.arange(10, 0, -1)], "station": ["north"] * 10 + ["south"] * 10})
sns.lineplot(t, x="day", y="level", hue="station", style="station", markers=True)
# %% bars with hues
import seaborn as sns, pandas as pd
t = pd.DataFrame({"day": ["Mon", "Tue", "Wed"] * 2, "sales": [3, 5, 4, 6, 2, 8], "shop": ["A"] * 3 + ["B"] * 3})
sns.barplot(t, x="day", y="sales", hue="shop")
# %% bars with error bars
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(2)
t = pd.DataFrame({"day": ["Mon", "Tue", "Wed", "Thu"] * 20, "sales": rng.uniform(1, 9, 80)})
sns.barplot(t, x="day", y="sales", errorbar="sd")
# %% counts
import seaborn as sns, pandas as pd
sns.countplot(pd.DataFrame({"pet": ["cat"] * 7 + ["dog"] * 4 + ["fish"] * 2}), y="pet")
# %% histogram with density
import seaborn as sns, numpy as np
sns.histplot(np.random.default_rng(3).normal(5, 1, 500), bins=20, kde=True)
# %% histograms by hue
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(4)
t = pd.DataFrame({"height": np.r_[rng.normal(170, 7, 200), rng.normal(180, 7, 200)], "sex": ["f"] * 200 + ["m"] * 200})
sns.histplot(t, x="height", hue="sex", bins=15, multiple="stack")
# %% densities
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(5)
t = pd.DataFrame({"v": np.r_[rng.normal(0, 1, 100), rng.normal(3, 1, 100)], "group": ["one"] * 100 + ["two"] * 100})
sns.kdeplot(t, x="v", hue="group", fill=True)
# %% density in two dimensions
import seaborn as sns, numpy as np
rng = np.random.default_rng(6)
sns.kdeplot(x=rng.normal(0, 1, 200), y=rng.normal(0, 1, 200))
# %% cumulative
import seaborn as sns, numpy as np
sns.ecdfplot(np.random.default_rng(7).normal(0, 1, 100))
# %% boxes with hues
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(8)
t = pd.DataFrame({"day": ["Thu", "Fri"] * 40, "bill": rng.gamma(4, 5, 80), "smoker": ["no"] * 40 + ["yes"] * 40})
sns.boxplot(t, x="day", y="bill", hue="smoker")
# %% horizontal boxes
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(9)
sns.boxplot(pd.DataFrame({"a": rng.normal(0, 1, 50), "b": rng.normal(1, 1, 50), "c": rng.normal(2, 1, 50)}), orient="h")
# %% violins
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(10)
t = pd.DataFrame({"day": ["Thu", "Fri", "Sat"] * 30, "tip": rng.normal(3, 1, 90)})
sns.violinplot(t, x="day", y="tip")
# %% strip
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(11)
t = pd.DataFrame({"day": ["Thu", "Fri", "Sat"] * 20, "tip": rng.normal(3, 1, 60)})
np.random.seed(0)
sns.stripplot(t, x="day", y="tip")
# %% swarm
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(12)
sns.swarmplot(pd.DataFrame({"day": ["Thu", "Fri"] * 20, "tip": rng.normal(3, 1, 40)}), x="day", y="tip")
# %% points joined
import seaborn as sns, pandas as pd, numpy as np
t = pd.DataFrame({"dose": [1, 2, 3] * 20, "answer": np.tile([1.0, 2.0, 4.0], 20) + np.repeat([0, 0.5], 30)})
sns.pointplot(t, x="dose", y="answer", seed=0)
# %% regression
import seaborn as sns, numpy as np
x = np.linspace(0, 10, 40)
sns.regplot(x=x, y=2 * x + np.random.default_rng(13).normal(0, 1, 40), seed=0)
# %% residuals
import seaborn as sns, numpy as np
x = np.linspace(0, 10, 40)
sns.residplot(x=x, y=2 * x + np.random.default_rng(13).normal(0, 1, 40))
# %% heat map with numbers
import seaborn as sns, pandas as pd, numpy as np
t = pd.DataFrame(np.arange(12).reshape(3, 4), index=list("xyz"), columns=["Q1", "Q2", "Q3", "Q4"])
sns.heatmap(t, annot=True, fmt="d", cbar_kws={"label": "count"})
# %% cluster map
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(14)
sns.clustermap(pd.DataFrame(rng.random((6, 5)), index=list("uvwxyz"), columns=list("abcde")))
# %% joint
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(15)
sns.jointplot(pd.DataFrame({"a": rng.normal(0, 1, 80), "b": rng.normal(0, 1, 80)}), x="a", y="b")
# %% pairs
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(16)
sns.pairplot(pd.DataFrame({"a": rng.normal(0, 1, 50), "b": rng.normal(0, 1, 50), "c": rng.normal(0, 1, 50)}))
# %% facets
import seaborn as sns, pandas as pd, numpy as np
rng = np.random.default_rng(17)
t = pd.DataFrame({"x": rng.normal(0, 1, 120), "y": rng.normal(0, 1, 120), "site": ["east", "west", "south"] * 40})
sns.relplot(t, x="x", y="y", col="site")
# %% objects
import seaborn.objects as so, pandas as pd, matplotlib.pyplot as plt
t = pd.DataFrame({"x": [1, 2, 3, 4], "y": [2, 3, 5, 4], "k": list("abab")})
so.Plot(t, "x", "y", color="k").add(so.Line()).add(so.Dot()).on(plt.gcf()).plot()
# %% pandas lines
import pandas as pd
pd.DataFrame({"rain": [1, 4, 2], "sun": [5, 3, 6]}, index=pd.date_range("2024-01-01", periods=3)).plot(title="Weather")
# %% pandas bars
import pandas as pd
pd.DataFrame({"rain": [1, 4, 2], "sun": [5, 3, 6]}, index=["Jan", "Feb", "Mar"]).plot.bar(stacked=True, ylabel="days")
# %% pandas horizontal bars
import pandas as pd
pd.Series([3, 9, 5], index=["ash", "oak", "elm"], name="trees").plot.barh()
# %% pandas area
import pandas as pd
pd.DataFrame({"coal": [5, 4, 2], "wind": [1, 2, 5]}, index=[2000, 2010, 2020]).plot.area(ylabel="TWh")
# %% pandas pie
import pandas as pd
pd.Series([2, 5, 3], index=["tea", "coffee", "milk"], name="").plot.pie(autopct="%.0f%%")
# %% pandas histogram
import pandas as pd, numpy as np
pd.Series(np.random.default_rng(20).exponential(2, 300)).plot.hist(bins=12, title="Waiting")
# %% pandas boxes
import pandas as pd, numpy as np
pd.DataFrame(np.random.default_rng(21).normal([0, 1, 2], 1, (50, 3)), columns=["a", "b", "c"]).plot.box()
# %% pandas hexbin
import pandas as pd, numpy as np
rng = np.random.default_rng(22)
pd.DataFrame({"a": rng.normal(0, 1, 500), "b": rng.normal(0, 1, 500)}).plot.hexbin("a", "b", gridsize=12)
# %% pandas subplots with a second axis
import pandas as pd
pd.DataFrame({"price": [1, 2, 3], "sold": [90, 70, 20]}, index=["a", "b", "c"]).plot(secondary_y="sold")
# %% pandas scatter matrix
import pandas as pd, numpy as np
pd.plotting.scatter_matrix(pd.DataFrame(np.random.default_rng(23).normal(0, 1, (40, 2)), columns=["u", "v"]))
# %% network
import networkx as nx, matplotlib.pyplot as plt
nx.draw(nx.petersen_graph(), pos=nx.circular_layout(nx.petersen_graph()), with_labels=True)
# %% spectrum
import numpy as np, matplotlib.pyplot as plt
from scipy import signal
t = np.arange(0, 4, 1 / 256)
f, p = signal.welch(np.sin(2 * np.pi * 40 * t), 256)
plt.semilogy(f, p + 1e-9); plt.xlabel("frequency in Hz"); plt.ylabel("power")
# %% roc curve
import numpy as np, matplotlib.pyplot as plt
from sklearn.metrics import RocCurveDisplay
rng = np.random.default_rng(26); y = np.repeat([0, 1], 50)
RocCurveDisplay.from_predictions(y, y + rng.normal(0, 1, 100), name="model")
# %% confusion matrix
from sklearn.metrics import ConfusionMatrixDisplay
ConfusionMatrixDisplay.from_predictions(["a", "b", "b", "c", "a", "c"], ["a", "b", "c", "c", "a", "c"])
# %% quantiles
import statsmodels.api as sm, numpy as np
sm.qqplot(np.random.default_rng(27).normal(0, 1, 50), line="45")
