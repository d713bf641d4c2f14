# %% bivariate normal
import matplotlib.pyplot as plt
import numpy as np

x = y = np.arange(-3.0, 3.0, 0.025)
X, Y = np.meshgrid(x, y)
Z = (np.exp(-(X**2) - Y**2) - np.exp(-((X - 1) ** 2) - (Y - 1) ** 2)) * 2
fig, ax = plt.subplots()
ax.imshow(Z, interpolation="bilinear", cmap="RdYlGn", origin="lower", extent=[-3, 3, -3, 3], vmax=abs(Z).max(), vmin=-abs(Z).max())

# %% photo
import matplotlib.cbook as cbook
import matplotlib.pyplot as plt

with cbook.get_sample_data("grace_hopper.jpg") as image_file:
    image = plt.imread(image_file)
fig, ax = plt.subplots()
ax.imshow(image)
ax.axis("off")

# %% heat map of harvests
import matplotlib.pyplot as plt
import numpy as np

vegetables = ["cucumber", "tomato", "lettuce", "asparagus", "potato", "wheat", "barley"]
farmers = ["Farmer Joe", "Upland Bros.", "Smith Gardening", "Agrifun", "Organiculture", "BioGoods Ltd.", "Cornylee Corp."]
harvest = np.array([[0.8, 2.4, 2.5, 3.9, 0.0, 4.0, 0.0], [2.4, 0.0, 4.0, 1.0, 2.7, 0.0, 0.0], [1.1, 2.4, 0.8, 4.3, 1.9, 4.4, 0.0], [0.6, 0.0, 0.3, 0.0, 3.1, 0.0, 0.0], [0.7, 1.7, 0.6, 2.6, 2.2, 6.2, 0.0], [1.3, 1.2, 0.0, 0.0, 0.0, 3.2, 5.1], [0.1, 2.0, 0.0, 1.4, 0.0, 1.9, 6.3]])
fig, ax = plt.subplots()
ax.imshow(harvest)
ax.set_xticks(range(7), labels=farmers, rotation=45, ha="right", rotation_mode="anchor")
ax.set_yticks(range(7), labels=vegetables)
for i in range(7):
    for j in range(7):
        ax.text(j, i, harvest[i, j], ha="center", va="center", color="w")
ax.set_title("Harvest of local farmers (in tons/year)")
fig.tight_layout()

# %% mesh levels
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.ticker import MaxNLocator

y, x = np.mgrid[1 : 5.05:0.05, 1 : 5.05:0.05]
z = np.sin(x) ** 10 + np.cos(10 + y * x) * np.cos(x)
z = z[:-1, :-1]
levels = MaxNLocator(nbins=15).tick_values(z.min(), z.max())
fig, (ax0, ax1) = plt.subplots(nrows=2)
im = ax0.pcolormesh(x, y, z, cmap="PiYG", norm=BoundaryNorm(levels, ncolors=256, clip=True))
fig.colorbar(im, ax=ax0)
ax0.set_title("pcolormesh with levels")
cf = ax1.contourf(x[:-1, :-1] + 0.025, y[:-1, :-1] + 0.025, z, levels=levels, cmap="PiYG")
fig.colorbar(cf, ax=ax1)
ax1.set_title("contourf with levels")
fig.tight_layout()

# %% contour lines with labels
import matplotlib.pyplot as plt
import numpy as np

X, Y = np.meshgrid(np.arange(-3.0, 3.0, 0.025), np.arange(-2.0, 2.0, 0.025))
Z = (np.exp(-(X**2) - Y**2) - np.exp(-((X - 1) ** 2) - (Y - 1) ** 2)) * 2
fig, ax = plt.subplots()
CS = ax.contour(X, Y, Z)
ax.clabel(CS, fontsize=10)
ax.set_title("Simplest default with labels")

# %% filled contours with jet
import matplotlib.pyplot as plt
import numpy as np

X, Y = np.meshgrid(np.linspace(-3, 3, 120), np.linspace(-3, 3, 120))
plt.imshow(np.hypot(X, Y) * np.cos(X), cmap="jet", extent=(-3, 3, -3, 3))
plt.colorbar(label="height (m)")
plt.xlabel("x (km)")
plt.ylabel("y (km)")

# %% quiver
import matplotlib.pyplot as plt
import numpy as np

X, Y = np.meshgrid(np.arange(0, 2 * np.pi, 0.2), np.arange(0, 2 * np.pi, 0.2))
U, V = np.cos(X), np.sin(Y)
fig, ax = plt.subplots()
ax.set_title("Arrows scale with plot width, not view")
Q = ax.quiver(X, Y, U, V, units="width")
ax.quiverkey(Q, 0.9, 0.9, 2, r"$2 \frac{m}{s}$", labelpos="E", coordinates="figure")

# %% streams
import matplotlib.pyplot as plt
import numpy as np

Y, X = np.mgrid[-3:3:100j, -3:3:100j]
U, V = -1 - X**2 + Y, 1 + X - Y**2
fig, axs = plt.subplots(2, 2, figsize=(7, 7))
axs[0, 0].streamplot(X, Y, U, V, density=[0.5, 1])
axs[0, 0].set_title("Varying Density")
strm = axs[0, 1].streamplot(X, Y, U, V, color=U, linewidth=2, cmap="autumn")
fig.colorbar(strm.lines)
axs[0, 1].set_title("Varying Color")
axs[1, 0].streamplot(X, Y, U, V, density=0.6, color="k", linewidth=2)
axs[1, 0].set_title("Varying Line Width")
axs[1, 1].streamplot(X, Y, U, V, color="C1")
axs[1, 1].set_title("Streamplot")
plt.tight_layout()

# %% barbs
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(-5, 5, 5)
X, Y = np.meshgrid(x, x)
fig, ax = plt.subplots()
ax.barbs(X, Y, 12 * X, 12 * Y)

# %% spectrogram
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
t = np.arange(0.0, 20.5, 0.0005)
x = np.sin(2 * np.pi * 100 * t) + 2 * np.sin(2 * np.pi * 400 * t) * ((t > 10) & (t < 12)) + 0.01 * rng.random(len(t))
fig, (ax1, ax2) = plt.subplots(nrows=2, sharex=True)
ax1.plot(t, x)
ax1.set_ylabel("Signal")
ax2.specgram(x, NFFT=1024, Fs=2000)
ax2.set_xlabel("Time (s)")
ax2.set_ylabel("Frequency (Hz)")
ax2.set_xlim(0, 20)

# %% images with one colour bar
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
fig, axs = plt.subplots(2, 2)
fig.suptitle("Multiple images")
images = [ax.imshow((1 + i) * rng.random((10, 20)), vmin=0, vmax=4) for i, ax in enumerate(axs.flat)]
for ax in axs.flat:
    ax.label_outer()
fig.colorbar(images[0], ax=axs, orientation="horizontal", fraction=0.1)

# %% terrain
import matplotlib.pyplot as plt
import matplotlib.cbook as cbook
import numpy as np
from matplotlib.colors import LightSource

dem = cbook.get_sample_data("jacksboro_fault_dem.npz")
z = dem["elevation"]
fig, ax = plt.subplots()
im = ax.imshow(z, cmap="gist_earth")
fig.colorbar(im, label="elevation (m)")
ax.set_title("Jacksboro fault")

# %% matrix
import matplotlib.pyplot as plt
import numpy as np

def samplemat(dims):
    aa = np.zeros(dims)
    for i in range(min(dims)):
        aa[i, i] = i
    return aa

plt.matshow(samplemat((15, 15)))

# %% sparsity
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
x = rng.standard_normal((20, 20))
x[5, :] = 0.0
x[:, 12] = 0.0
fig, axs = plt.subplots(2, 2)
axs[0, 0].spy(x, markersize=5)
axs[0, 1].spy(x, precision=0.1, markersize=5)
axs[1, 0].spy(x)
axs[1, 1].spy(x, precision=0.1)

# %% triangles
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.uniform(-2, 2, (2, 200))
z = x * np.exp(-(x**2) - y**2)
fig, ax = plt.subplots()
tcf = ax.tricontourf(x, y, z, levels=14)
ax.plot(x, y, "ko", ms=3)
fig.colorbar(tcf)
ax.set_title("Triangulated data")
