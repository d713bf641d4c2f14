"""Iris flowers in two dimensions, grouped without knowing their species."""

import matplotlib.pyplot as plt
from sklearn import cluster, datasets, decomposition

flowers, species = datasets.load_iris(return_X_y=True)
flat = decomposition.PCA(2).fit_transform(flowers)
groups = cluster.KMeans(3, n_init=5, random_state=0).fit_predict(flowers)
fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharex=True, sharey=True, layout="constrained")
for ax, colours, title in zip(axes, (groups, species), ("k-means", "species"), strict=True):
    ax.scatter(*flat.T, c=colours, cmap="viridis", s=25, edgecolor="white", lw=0.5)
    ax.set(title=title, xlabel="first component")
axes[0].set_ylabel("second component")
plt.show()
