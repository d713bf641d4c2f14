"""A project whose check has a figure of each verdict, but for those that only a service can cause."""

from __future__ import annotations

PLOT = "import numpy as np\nimport matplotlib.pyplot as plt\n"

#: Its first state, which is accepted.
BEFORE = {
    "figbox.toml": '[check]\ninclude = ["plots", "README.md"]\n',
    "plots/sales.py": PLOT
    + "plt.bar(['north', 'east', 'south', 'west'], [3, 5, 2, 4], label='sold')\n"
    + "plt.ylabel('Sold in 1000')\nplt.legend()\n",
    "plots/level.py": PLOT
    + "x = np.linspace(0, 9, 200)\nplt.plot(x, np.sin(x), label='signal')\nplt.plot(x, np.cos(x), label='model')\n"
    + "plt.title('Level')\nplt.xlabel('Time in s')\nplt.legend()\n",
    "plots/map.py": PLOT + "plt.imshow(np.arange(64).reshape(8, 8) % 7)\nplt.colorbar()\n",
    "plots/rain.py": PLOT + "import pandas as pd\npd.read_csv('rain.csv').plot(x='day')\n",
    "plots/rain.csv": "day,mm\n1,7\n2,3\n3,5\n",
    "plots/broken.py": PLOT + "plt.plot([1, 2, 3])\n",
    "plots/wide.py": PLOT + "plt.figure(figsize=(6, 3))\nplt.plot([1, 3, 2])\n",
    "plots/steady.py": PLOT + "plt.plot([3, 1, 2])\n",
    "plots/two.py": PLOT + "plt.figure()\nplt.plot([1, 2])\nplt.figure()\nplt.plot([2, 1])\n",
    "README.md": "# Page\n\n```python figure=trend\nplt.plot([1, 3, 2])\n```\n",
}

#: What changes after that. None is a file that goes.
AFTER = {
    "plots/sales.py": BEFORE["plots/sales.py"] + "plt.title('Sales of the year')\n",
    "plots/level.py": PLOT
    + "x = np.linspace(0, 9, 200)\nplt.plot(x, np.sin(x), label='signal')\n"
    + "plt.plot(x, 0.9 * np.cos(x), '--', label='model')\n"
    + "plt.plot(x, x / 9, label='tide')\nplt.title('Level at the bridge')\nplt.xlabel('Time in s')\n"
    + "plt.ylabel('Level', x=-1, labelpad=90)\nplt.legend()\n",
    "plots/map.py": PLOT + "plt.imshow(np.arange(64).reshape(8, 8) % 7, cmap='magma')\nplt.colorbar()\n",
    "plots/rain.csv": "day,mm\n1,7\n2,3\n3,6\n",
    "plots/broken.py": PLOT + "print('begin <b>now</b>')\nplt.plot([1, 2, 3], [1, 2])\n",
    "plots/wide.py": PLOT + "plt.figure(figsize=(7, 4))\nplt.plot([1, 3, 2])\n",
    "plots/fresh.py": PLOT + "plt.scatter([1, 2, 3], [3, 1, 2])\n",
    "plots/two.py": PLOT + "plt.figure()\nplt.plot([1, 2])\n",
    "README.md": None,
}
