"""Two variables and their distributions in groups, by seaborn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

rng = np.random.default_rng(4)
frame = pd.DataFrame({"group": np.repeat(["control", "treated"], 150), "before": rng.normal(10, 2, 300)})
frame["after"] = frame["before"] + rng.normal(0, 1, 300) + 2.5 * (frame["group"] == "treated")
sns.set_theme(style="ticks")
grid = sns.jointplot(data=frame, x="before", y="after", hue="group", palette="colorblind", height=5)
grid.figure.suptitle("Before and after", y=1.02)
plt.show()
