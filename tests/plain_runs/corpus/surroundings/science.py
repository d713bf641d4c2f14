# %% a workbook
import pandas as pd
pd.DataFrame({"a": [1, 2]}).to_excel("book.xlsx", index=False)
print(pd.read_excel("book.xlsx"))
import os
os.remove("book.xlsx")

# %% a workbook with sheets
import os
import pandas as pd
with pd.ExcelWriter("book.xlsx") as book:
    pd.DataFrame({"day": pd.date_range("2024-01-01", periods=3), "ä": list("xyz")}).to_excel(book, sheet_name="One")
    pd.DataFrame({"b": [1.5]}).to_excel(book, sheet_name="Two")
for name, sheet in pd.read_excel("book.xlsx", sheet_name=None, index_col=0).items():
    print(name, sheet, sep="\n")
os.remove("book.xlsx")

# %% a workbook by hand
import io
import openpyxl
book = openpyxl.Workbook()
book.active.append(["a", "b"])
book.active.append([1, "=A2*2"])
buffer = io.BytesIO()
book.save(buffer)
print([[cell.value for cell in row] for row in openpyxl.load_workbook(buffer).active])

# %% Parquet
import pandas as pd
frame = pd.DataFrame({"n": [1, 2], "ä": ["x", "ü"], "t": pd.date_range("2024-01-01", periods=2)})
frame.to_parquet("table.parquet")
print(pd.read_parquet("table.parquet"))

# %% Parquet, compressed
import pandas as pd
frame = pd.DataFrame({"n": range(1000)})
for kind in ("snappy", "gzip", None):
    frame.to_parquet(f"{kind}.parquet", compression=kind)
    print(pd.read_parquet(f"{kind}.parquet", columns=["n"])["n"].sum())

# %% tips
import seaborn as sns
tips = sns.load_dataset("tips")
print(tips.head(), tips.dtypes, sep="\n")
sns.boxplot(data=tips, x="day", y="tip", hue="sex")

# %% iris in pairs
import seaborn as sns
sns.pairplot(sns.load_dataset("iris"), hue="species", height=1.2)

# %% penguins
import seaborn as sns
sns.set_theme(style="whitegrid")
penguins = sns.load_dataset("penguins")
print(penguins.isna().sum())
sns.histplot(penguins, x="body_mass_g", hue="species", kde=True)

# %% flights as a map of heat
import seaborn as sns
flights = sns.load_dataset("flights").pivot(index="month", columns="year", values="passengers")
sns.heatmap(flights, annot=True, fmt="d", annot_kws={"size": 5})

# %% a table that isn't among the examples
# differs: Network
import seaborn as sns
sns.load_dataset("titanic")

# %% a regression
import seaborn as sns
sns.regplot(sns.load_dataset("tips"), x="total_bill", y="tip", seed=1, n_boot=50)

# %% clusters
import matplotlib.pyplot as plt
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
points, _ = make_blobs(120, centers=3, random_state=4)
labels = KMeans(3, n_init=3, random_state=0).fit_predict(points)
plt.scatter(*points.T, c=labels)

# %% a model of scikit-learn's
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
data = load_iris()
print(cross_val_score(LogisticRegression(max_iter=500), data.data, data.target).round(3))

# %% ordinary least squares
import numpy as np
import statsmodels.api as sm
x = np.arange(20.0)
fit = sm.OLS(3 * x + np.sin(x), sm.add_constant(x)).fit()
print(fit.params.round(4), round(fit.rsquared, 5))

# %% a network
import matplotlib.pyplot as plt
import networkx as nx
graph = nx.karate_club_graph()
nx.draw(graph, nx.spring_layout(graph, seed=3), node_size=60, with_labels=True, font_size=6)
print(nx.density(graph))

# %% a picture of scikit-image's
import matplotlib.pyplot as plt
import numpy as np
from skimage import filters, measure
picture = np.zeros((40, 40))
picture[5:15, 5:15] = picture[25:35, 20:38] = 1
print(measure.label(picture).max(), filters.threshold_otsu(picture))
plt.imshow(filters.gaussian(picture, 2))

# %% a grammar of graphics
from plotnine import aes, geom_point, ggplot
from plotnine.data import mtcars
figure = (ggplot(mtcars, aes("wt", "mpg")) + geom_point()).draw(show=True)
print(len(figure.axes))
