"""Rain by month."""

import matplotlib.pyplot as plt
import pandas as pd

rain = pd.read_csv("rain.csv")
plt.bar(rain["month"], rain["mm"], color="#1f5a93")
plt.title("Rain")
plt.ylabel("mm")
plt.show()
