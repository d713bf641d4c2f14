"""A pie with percentages and a legend."""

import matplotlib.pyplot as plt

figure, axes = plt.subplots()
shares = {"rent": 38, "food": 22, "travel": 11, "books": 9, "other": 20}
axes.pie(list(shares.values()), labels=list(shares), autopct="%1.0f %%", startangle=90, explode=(0.1, 0, 0, 0, 0))
axes.legend(title="Expenses", loc="center left", bbox_to_anchor=(1.1, 0.5))
plt.show()
