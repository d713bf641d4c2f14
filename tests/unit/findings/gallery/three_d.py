# %% surface
import matplotlib.pyplot as plt
import numpy as np

X, Y = np.meshgrid(np.arange(-5, 5, 0.25), np.arange(-5, 5, 0.25))
Z = np.sin(np.sqrt(X**2 + Y**2))
fig, ax = plt.subplots(subplot_kw={"projection": "3d"})
surf = ax.plot_surface(X, Y, Z, cmap="coolwarm", linewidth=0, antialiased=False)
ax.set_zlim(-1.01, 1.01)
ax.zaxis.set_major_formatter("{x:.02f}")
fig.colorbar(surf, shrink=0.5, aspect=5)

# %% scatter in space
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
fig = plt.figure()
ax = fig.add_subplot(projection="3d")
for marker, low, high in (("o", -50, -25), ("^", -30, -5)):
    ax.scatter(rng.uniform(23, 32, 100), rng.uniform(0, 100, 100), rng.uniform(low, high, 100), marker=marker)
ax.set_xlabel("X Label")
ax.set_ylabel("Y Label")
ax.set_zlabel("Z Label")

# %% bars in space
import matplotlib.pyplot as plt
import numpy as np

xx, yy = (a.ravel() for a in np.meshgrid(np.arange(4), np.arange(5)))
top = xx + yy
fig = plt.figure(figsize=(8, 3))
ax1 = fig.add_subplot(121, projection="3d")
ax2 = fig.add_subplot(122, projection="3d")
ax1.bar3d(xx, yy, np.zeros_like(top), 1, 1, top, shade=True)
ax1.set_title("Shaded")
ax2.bar3d(xx, yy, np.zeros_like(top), 1, 1, top, shade=False)
ax2.set_title("Not Shaded")

# %% parametric curve
import matplotlib.pyplot as plt
import numpy as np

theta = np.linspace(-4 * np.pi, 4 * np.pi, 100)
z = np.linspace(-2, 2, 100)
r = z**2 + 1
ax = plt.figure().add_subplot(projection="3d")
ax.plot(r * np.sin(theta), r * np.cos(theta), z, label="parametric curve")
ax.legend()

# %% wire frame
import matplotlib.pyplot as plt
from mpl_toolkits.mplot3d import axes3d

fig = plt.figure()
ax = fig.add_subplot(projection="3d")
X, Y, Z = axes3d.get_test_data(0.05)
ax.plot_wireframe(X, Y, Z, rstride=10, cstride=10)

# %% voxels
import matplotlib.pyplot as plt
import numpy as np

x, y, z = np.indices((8, 8, 8))
cube1 = (x < 3) & (y < 3) & (z < 3)
cube2 = (x >= 5) & (y >= 5) & (z >= 5)
link = abs(x - y) + abs(y - z) + abs(z - x) <= 2
colors = np.empty(cube1.shape, dtype=object)
colors[link] = "red"
colors[cube1] = "blue"
colors[cube2] = "green"
ax = plt.figure().add_subplot(projection="3d")
ax.voxels(cube1 | cube2 | link, facecolors=colors, edgecolor="k")

# %% text in space
import matplotlib.pyplot as plt

ax = plt.figure().add_subplot(projection="3d")
for zdir, x, y, z in zip((None, "x", "y", "z"), (1, 4, 4, 9), (2, 2, 5, 9), (3, 9, 2, 3)):
    ax.text(x, y, z, f"({x}, {y}, {z}), dir={zdir}", zdir)
ax.text2D(0.05, 0.95, "2D Text", transform=ax.transAxes)
ax.set(xlim=(0, 10), ylim=(0, 10), zlim=(0, 10), xlabel="X axis", ylabel="Y axis", zlabel="Z axis")
