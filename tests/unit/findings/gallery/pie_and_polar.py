# %% pie
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
ax.pie([15, 30, 45, 10], explode=(0, 0.1, 0, 0), labels=["Frogs", "Hogs", "Dogs", "Logs"], autopct="%1.1f%%", shadow=True, startangle=90)

# %% donut with labels
import matplotlib.pyplot as plt
import numpy as np

fig, ax = plt.subplots(figsize=(6, 3), subplot_kw=dict(aspect="equal"))
recipe = ["225 g flour", "90 g sugar", "1 egg", "60 g butter", "100 ml milk", "1/2 package of yeast"]
data = [225, 90, 50, 60, 100, 5]
wedges, texts = ax.pie(data, wedgeprops=dict(width=0.5), startangle=-40)
for i, p in enumerate(wedges):
    ang = (p.theta2 - p.theta1) / 2.0 + p.theta1
    y, x = np.sin(np.deg2rad(ang)), np.cos(np.deg2rad(ang))
    ax.annotate(recipe[i], xy=(x, y), xytext=(1.35 * np.sign(x), 1.4 * y), horizontalalignment={-1: "right", 1: "left"}[int(np.sign(x))], bbox=dict(boxstyle="square,pad=0.3", fc="w", ec="k", lw=0.72), arrowprops=dict(arrowstyle="-"), zorder=0, va="center")
ax.set_title("Matplotlib bakery: A donut")

# %% nested pie
import matplotlib.pyplot as plt
import numpy as np

fig, ax = plt.subplots()
vals = np.array([[60.0, 32.0], [37.0, 40.0], [29.0, 10.0]])
cmap = plt.colormaps["tab20c"]
ax.pie(vals.sum(axis=1), radius=1, colors=cmap([0, 4, 8]), wedgeprops=dict(width=0.3, edgecolor="w"))
ax.pie(vals.flatten(), radius=0.7, colors=cmap([1, 2, 5, 6, 9, 10]), wedgeprops=dict(width=0.3, edgecolor="w"))
ax.set(aspect="equal", title="Pie plot with `ax.pie`")

# %% pie of many languages
import matplotlib.pyplot as plt

shares = {"Python": 25, "Java": 17, "JavaScript": 12, "C++": 10, "C": 8, "C#": 7, "PHP": 5, "Go": 3.2, "Rust": 2.9, "Swift": 2.4, "Kotlin": 2.1, "Ruby": 1.8, "Scala": 1.1, "Perl": 0.9, "Lua": 0.8, "R": 0.8}
fig, ax = plt.subplots()
ax.pie(shares.values(), labels=shares.keys(), autopct="%.1f%%")
ax.set_title("Languages")

# %% pie with a legend
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(6, 3), subplot_kw=dict(aspect="equal"))
wedges, texts, autotexts = ax.pie([375, 75, 250, 300], autopct="%.0f%%", textprops=dict(color="w"))
ax.legend(wedges, ["flour", "sugar", "butter", "berries"], title="Ingredients", loc="center left", bbox_to_anchor=(1, 0, 0.5, 1))
plt.setp(autotexts, size=8, weight="bold")
ax.set_title("Matplotlib bakery: A pie")

# %% polar line
import matplotlib.pyplot as plt
import numpy as np

r = np.arange(0, 2, 0.01)
fig, ax = plt.subplots(subplot_kw={"projection": "polar"})
ax.plot(2 * np.pi * r, r)
ax.set_rmax(2)
ax.set_rticks([0.5, 1, 1.5, 2])
ax.set_rlabel_position(-22.5)
ax.set_title("A line plot on a polar axis", va="bottom")

# %% polar bars
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
theta = np.linspace(0.0, 2 * np.pi, 20, endpoint=False)
radii = 10 * rng.random(20)
ax = plt.subplot(projection="polar")
ax.bar(theta, radii, width=np.pi / 4 * rng.random(20), bottom=0.0, color=plt.colormaps["viridis"](radii / 10.0), alpha=0.5)

# %% polar scatter
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
r, theta = 2 * rng.random(150), 2 * np.pi * rng.random(150)
fig = plt.figure()
ax = fig.add_subplot(projection="polar")
ax.scatter(theta, r, c=theta, s=200 * r**2, cmap="hsv", alpha=0.75)

# %% radar
import matplotlib.pyplot as plt
import numpy as np

labels = ["speed", "power", "range", "comfort", "price", "safety", "design"]
angles = np.linspace(0, 2 * np.pi, 7, endpoint=False)
fig, ax = plt.subplots(subplot_kw={"projection": "polar"})
for name, values in (("A", [4, 3, 5, 2, 3, 4, 5]), ("B", [2, 5, 3, 4, 4, 3, 2])):
    ax.plot(np.r_[angles, 0], [*values, values[0]], label=name)
    ax.fill(angles, values, alpha=0.2)
ax.set_xticks(angles, labels)
ax.set_rticks([1, 2, 3, 4, 5])
ax.legend(loc="upper right", bbox_to_anchor=(1.25, 1.1))

# %% polar legend on the ring
import matplotlib.pyplot as plt
import numpy as np

fig = plt.figure()
ax = fig.add_subplot(projection="polar", facecolor="lightgoldenrodyellow")
r = np.linspace(0, 3, 301)
theta = 2 * np.pi * r
ax.plot(theta, r, color="tab:orange", lw=3, label="a line")
ax.plot(0.5 * theta, r, color="tab:blue", ls="--", lw=3, label="another line")
ax.tick_params(grid_color="palegoldenrod")
angle = np.deg2rad(67.5)
ax.legend(loc="lower left", bbox_to_anchor=(0.5 + np.cos(angle) / 2, 0.5 + np.sin(angle) / 2))
