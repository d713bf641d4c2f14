# %% a formula
import matplotlib.pyplot as plt
plt.title(r"$\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2}$")

# %% formulas of other fonts
import matplotlib.pyplot as plt
plt.rcParams["mathtext.fontset"] = "cm"
plt.text(0.2, 0.5, r"$\mathcal{L}\,\mathbf{x}\,\mathrm{const}\;\alpha_{i}^{2}$", fontsize=20)

# %% a dollar sign alone
import matplotlib.pyplot as plt
plt.title("costs 5 $")
plt.xlabel(r"\$1 and \$2")

# %% a faulty formula
import matplotlib.pyplot as plt
plt.title(r"$\frac{1}{$")
plt.savefig("formula.png")

# %% accents
import matplotlib.pyplot as plt
plt.title("Äpfel, été, naïve, señor, Škoda, Łódź")
print("Äpfel, été, naïve, señor, Škoda, Łódź")

# %% Greek and Cyrillic
import matplotlib.pyplot as plt
plt.title("μέση τιμή — средняя температура")

# %% minus signs
import matplotlib.pyplot as plt
plt.plot([-1, 0, 1])
plt.title("−5 – 3 — x")

# %% accents as characters of their own
import matplotlib.pyplot as plt
import unicodedata
plt.title(unicodedata.normalize("NFD", "é ü"))
print([hex(ord(letter)) for letter in unicodedata.normalize("NFD", "é")])

# %% several lines
import matplotlib.pyplot as plt
plt.title("first\nsecond\nthird", loc="left", linespacing=2)

# %% wrapped
import matplotlib.pyplot as plt
plt.text(0.1, 0.5, "a long text that is too wide for the figure and is wrapped " * 2, wrap=True)

# %% rotated
import matplotlib.pyplot as plt
plt.plot(range(4))
plt.xticks(range(4), ["January", "February", "March", "April"], rotation=45, ha="right")

# %% bold and slanted
import matplotlib.pyplot as plt
plt.title("bold", fontweight="bold")
plt.xlabel("slanted", style="italic")
plt.ylabel("small", fontsize="x-small", color="gray")

# %% a family that is there
import matplotlib.pyplot as plt
plt.title("mono", family="monospace")
plt.xlabel("serif", family="serif")

# %% families known
from matplotlib import font_manager
print(font_manager.findfont("DejaVu Sans").rpartition("/")[2])

# %% spaces of all kinds
import matplotlib.pyplot as plt
print("a\u00a0b\u202fc\u3000d\u2009e\u200bf\u200cg\u200dh\u00adi\ufeffj")
plt.plot([1])

# %% carriage returns in a print
print("one\rtwo\r\nthree")

# %% line ends that only Unicode knows
# differs: Characters
print("a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g")

# %% emoji in a print
print("🚀 🎉 ✅ 👩‍👩‍👧 🇩🇪")

# %% scripts in a print
print("हिन्दी বাংলা தமிழ் ไทย עברית العربية 日本語 한국어")

# %% marks that turn text around
# differs: Characters
print("\u202eabc\u202c")

# %% an escape sequence shown
print(repr("\x1b[31m"), "\N{SNOWMAN}")

# %% half of a surrogate pair
print(ascii("\ud800"))

# %% half of a surrogate pair, printed
print("\ud800")

# %% bytes that are no text
import sys
sys.stdout.buffer.write(b"\xe4\xf6 ok\n")

# %% a null in a print
# differs: Characters
print("a\0b")

# %% tabs
print("a\tb\n\tc")

# %% text wrapped and filled
import textwrap
print(textwrap.fill("word " * 40, 30))
print(textwrap.dedent("""
    one
      two
"""))

# %% formats
print(f"{1234567.891:,.2f} {0.25:.0%} {255:#x} {'x':>5}|{'y':^5}| {3 + 4j!r:>10}")

# %% a template
from string import Template
print(Template("$what is $how").substitute(what="it", how="so"))

# %% code with a form feed

x = 1

print(x)

# %% code with Latin letters of a coding line
# -*- coding: utf-8 -*-
größe = 3
print(größe)

# %% names in other scripts
π = 3.14
数 = 2
print(π * 数)

# %% Arabic in a title
import matplotlib.pyplot as plt
plt.title("العربية")

# %% Hebrew and Thai on the axes
# differs: Fonts
import matplotlib.pyplot as plt
plt.xlabel("עברית")
plt.ylabel("ภาษาไทย")

# %% Hindi and Tamil in a legend
# differs: Fonts
import matplotlib.pyplot as plt
plt.plot([1, 2], label="हिन्दी")
plt.plot([2, 1], label="தமிழ்")
plt.legend()

# %% emoji in a title
# differs: Fonts
import matplotlib.pyplot as plt
plt.title("launch 🚀")

# %% Chinese by the name of a font
# differs: Fonts
import matplotlib.pyplot as plt
plt.rcParams["font.sans-serif"] = ["SimHei"]
plt.rcParams["axes.unicode_minus"] = False
plt.title("销售额")

# %% the font of a journal
# differs: Fonts
import matplotlib.pyplot as plt
plt.rcParams.update({"font.family": "serif", "font.serif": ["Times New Roman"]})
plt.title("Results")
plt.plot([1, 2])

# %% a font that nobody has
# differs: Fonts
import matplotlib.pyplot as plt
plt.title("one", family="No Such Font")
plt.xlabel("two", family="No Such Font")
plt.savefig("title.png")

# %% a font among several
import matplotlib.pyplot as plt
plt.rcParams["font.family"] = ["DejaVu Sans", "STIXGeneral"]
plt.title("font")

# %% a font by its file
import matplotlib
import matplotlib.pyplot as plt
from matplotlib.font_manager import FontProperties
path = matplotlib.get_data_path() + "/fonts/ttf/STIXGeneral.ttf"
plt.title("by file", fontproperties=FontProperties(fname=path, size=20))

# %% the size of a text
import matplotlib.pyplot as plt
fig = plt.figure()
text = fig.text(0.5, 0.5, "measured", fontsize=30)
box = text.get_window_extent(fig.canvas.get_renderer())
print(round(box.width, 2), round(box.height, 2))

# %% text as a path
import matplotlib.pyplot as plt
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
ax = plt.subplot()
ax.add_patch(PathPatch(TextPath((0.1, 0.4), "path", size=0.4)))

# %% text with an outline
import matplotlib.patheffects as effects
import matplotlib.pyplot as plt
text = plt.text(0.3, 0.5, "outline", fontsize=30, color="w")
text.set_path_effects([effects.withStroke(linewidth=3, foreground="k")])

# %% LaTeX that isn't installed
# differs: Advice
import matplotlib.pyplot as plt
plt.rcParams["text.usetex"] = True
plt.title(r"$\alpha$")
plt.savefig("tex.png")

# %% a degree, a micro and a sum
import matplotlib.pyplot as plt
plt.xlabel("T / °C")
plt.ylabel("d / µm")
plt.title("∑ ≤ ∞ → ½ ± √2")

# %% Vietnamese and Polish
import matplotlib.pyplot as plt
plt.title("Tiếng Việt, język polski")

# %% a line number behind a form feed
x = 1
␌
assert x == 2

# %% line ends of Windows
x = 1␍
print(x)␍
print('''a␍
b''')␍
1 / 0␍

# %% a separator of lines in a comment
# one two
print(1)
1 / 0
