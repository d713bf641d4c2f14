# %% input
# differs: Advice
input("How many? ")

# %% a password
# differs: Advice
import getpass
getpass.getpass()

# %% shown
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.show()

# %% shown and held
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
fig.show()

# %% a pause
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.pause(0.01)

# %% interactive
import matplotlib.pyplot as plt
plt.ion()
plt.plot([1, 2])
plt.ioff()

# %% a backend of a toolkit
# differs: Windows
import matplotlib
matplotlib.use("TkAgg")
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])

# %% a backend of another toolkit
# differs: Windows
import matplotlib.pyplot as plt
plt.switch_backend("Qt5Agg")
plt.plot([1, 3, 2])

# %% a backend of a notebook
# differs: Windows
import matplotlib
matplotlib.use("nbAgg")
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])

# %% a backend without windows
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
plt.plot([1])
print(matplotlib.get_backend())

# %% a backend for files
import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
plt.plot([1])
print(matplotlib.get_backend())

# %% a window maximised
# differs: Windows
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.get_current_fig_manager().window.showMaximized()

# %% a window's title
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.gcf().canvas.manager.set_window_title("mine")

# %% a missing package
# differs: Advice
import seaborn as sns
sns.lineplot(x=[1, 2, 3], y=[3, 1, 2])

# %% a magic
# differs: Notebooks
%matplotlib inline
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])

# %% IPython asked
# differs: Notebooks
get_ipython().run_line_magic("matplotlib", "inline")

# %% fences
# differs: Notebooks
```python
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
```

# %% prompts
# differs: Notebooks
>>> import matplotlib.pyplot as plt
>>> plt.plot([1, 3, 2])

# %% displayed
# differs: Notebooks
import pandas as pd
display(pd.DataFrame({"a": [1]}))

# %% names bound beforehand
# differs: Names
plt.plot(np.arange(3))

# %% letters of Asia in a title
# differs: Fonts
import matplotlib.pyplot as plt
plt.title("日本語 한국어")

# %% a family of other systems
# differs: Fonts
import matplotlib.pyplot as plt
plt.title("Arial", family="Arial")

# %% a breakpoint
breakpoint()

# %% a locale of Germany
import locale
print(locale.setlocale(locale.LC_ALL, "de_DE.UTF-8"), locale.format_string("%.1f", 1234.5, grouping=True))

# %% a pause of three seconds
# differs: Waiting
import time
import matplotlib.pyplot as plt
plt.plot([1, 2])
started = time.time()
plt.pause(3)
print("waited", time.time() - started > 2.5)

# %% a click that nobody makes
# differs: Waiting
import time
import matplotlib.pyplot as plt
plt.plot([1, 2])
started = time.time()
points = plt.ginput(2, timeout=3)
print(points, time.time() - started > 2.5)

# %% a figure shown again and again
import matplotlib.pyplot as plt
plt.ion()
fig, ax = plt.subplots()
(line,) = ax.plot([0, 0, 0])
for step in range(3):
    line.set_ydata([0, step, 1])
    ax.relim()
    ax.autoscale_view()
    fig.canvas.draw()
    fig.canvas.flush_events()
plt.show(block=False)

# %% a window that is asked for its size
# differs: Windows
import matplotlib.pyplot as plt
window = plt.get_current_fig_manager().window
window.wm_geometry("+100+100")
print(window.winfo_screenwidth())

# %% a backend chosen by its parameter
import matplotlib as mpl
mpl.rcParams["backend"] = "Qt5Agg"
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])

# %% a backend that is no backend
import matplotlib
matplotlib.use("no-such-backend")

# %% a toolbar hidden
import matplotlib.pyplot as plt
plt.rcParams["toolbar"] = "None"
plt.plot([1, 2])

# %% keys pressed by nobody
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
fig.canvas.mpl_connect("key_press_event", lambda event: print(event.key))
ax.plot([1, 2])
plt.show()

# %% a script that says whether it is in a notebook
try:
    get_ipython()
    print("notebook")
except NameError:
    print("script")

# %% a cell that is timed
# differs: Notebooks
%%time
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])

# %% packages installed in passing
# differs: Notebooks
!pip install matplotlib
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])

# %% a cell of a notebook with its number
# differs: Notebooks
In [1]: import matplotlib.pyplot as plt
   ...: plt.plot([1, 3, 2])

# %% a function of IPython's
# differs: Advice
from IPython.display import Image
