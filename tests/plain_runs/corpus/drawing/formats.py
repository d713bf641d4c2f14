# %% SVG
import matplotlib.pyplot as plt
plt.rcParams["svg.hashsalt"] = "x"
plt.plot([1, 3, 2])
plt.savefig("plot.svg")

# %% SVG with text as text
import matplotlib.pyplot as plt
plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "x"})
plt.title("as text")
plt.savefig("plot.svg")

# %% SVG without a date
import matplotlib.pyplot as plt
plt.rcParams["svg.hashsalt"] = "x"
plt.plot([1, 2])
plt.savefig("plot.svg", metadata={"Date": None, "Title": "A line"})

# %% compressed SVG
import gzip
import os
import matplotlib.pyplot as plt
plt.rcParams["svg.hashsalt"] = "x"
plt.plot([1, 2])
plt.savefig("plot.svgz")
print(gzip.open("plot.svgz").read(5))
os.remove("plot.svgz")

# %% SVG that is searched
import io
import matplotlib.pyplot as plt
plt.plot([1, 2], gid="my-line")
buffer = io.StringIO()
plt.savefig(buffer, format="svg")
print("my-line" in buffer.getvalue())

# %% PDF
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.title("PDF")
plt.savefig("plot.pdf")

# %% PDF with fonts for journals
import matplotlib.pyplot as plt
plt.rcParams["pdf.fonttype"] = 42
plt.title("TrueType")
plt.savefig("plot.pdf", bbox_inches="tight")

# %% PDF with words about it
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.savefig("plot.pdf", metadata={"Title": "Report", "Author": "Ann", "CreationDate": None})

# %% PDF of two pages with notes
import matplotlib.pyplot as plt
from matplotlib.backends.backend_pdf import PdfPages
with PdfPages("pages.pdf", metadata={"Title": "Pages"}) as pdf:
    for color in "rb":
        fig, ax = plt.subplots()
        ax.plot([1, 2], color)
        pdf.attach_note(color)
        pdf.savefig(fig)
    print(pdf.get_pagecount())

# %% EPS
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.savefig("plot.eps", orientation="landscape")

# %% JPEG
import matplotlib.pyplot as plt
plt.imshow([[1, 2], [3, 4]])
plt.savefig("plot.jpg", dpi=60, pil_kwargs={"quality": 50})

# %% WebP without loss
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.savefig("plot.webp", pil_kwargs={"lossless": True})

# %% TIFF
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.savefig("plot.tiff", dpi=50, pil_kwargs={"compression": "tiff_lzw"})

# %% a GIF of one picture
import matplotlib.pyplot as plt
from PIL import Image
plt.plot([1, 3, 2])
plt.savefig("plot.png", dpi=40)
Image.open("plot.png").convert("P").save("plot.gif")

# %% raw pixels
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1), dpi=20)
plt.savefig("plot.rgba")

# %% a transparent picture
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.savefig("plot.png", transparent=True)

# %% a tight box
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.text(2.5, 2, "outside of the axes")
plt.savefig("plot.png", bbox_inches="tight", pad_inches=0.3)

# %% defaults of saving
import matplotlib.pyplot as plt
plt.rcParams.update({"savefig.dpi": 50, "savefig.facecolor": "0.8", "savefig.format": "png"})
plt.plot([1, 3, 2])
plt.savefig("plot")

# %% words in a PNG
import matplotlib.pyplot as plt
from PIL import Image
plt.plot([1, 2])
plt.savefig("plot.png", metadata={"Author": "Ann", "Software": "mine"})
print(Image.open("plot.png").info)

# %% an unknown format
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.savefig("plot.xyz")

# %% twice with another size
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(4, 3))
ax.plot([1, 2])
fig.savefig("small.png", dpi=30)
fig.set_size_inches(8, 6)
fig.savefig("large.png", dpi=30)

# %% an animation as a GIF
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
fig, ax = plt.subplots(figsize=(2, 1.5))
x = np.linspace(0, 6, 50)
(line,) = ax.plot(x, np.sin(x))
def update(frame):
    line.set_ydata(np.sin(x + frame / 2))
    return (line,)
FuncAnimation(fig, update, frames=4, blit=True).save("wave.gif", writer=PillowWriter(fps=10))

# %% an animation as a page
import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
fig, ax = plt.subplots(figsize=(1, 1))
animation = FuncAnimation(fig, lambda n: ax.plot([n]), frames=2)
print(animation.to_jshtml().count("frames["))

# %% pictures side by side
import matplotlib.pyplot as plt
from PIL import Image
for number in range(2):
    plt.figure(figsize=(1, 1))
    plt.pie([number + 1, 2])
    plt.savefig(f"{number}.png")
    plt.close()
both = Image.new("RGB", (200, 100))
for number in range(2):
    both.paste(Image.open(f"{number}.png").convert("RGB"), (100 * number, 0))
both.save("both.png")
