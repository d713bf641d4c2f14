# %% a picture saved
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.savefig("plot.png", dpi=80)

# %% saved in a folder and closed
import os
import matplotlib.pyplot as plt
os.makedirs("output/plots", exist_ok=True)
fig, ax = plt.subplots()
ax.plot([1, 3, 2])
fig.savefig("output/plots/sales.png")
plt.close(fig)
print("saved to output/plots/sales.png")

# %% saved, then failed
open("result.csv", "w").write("a,b\n1,2\n")
1 / 0

# %% written, then ended
import sys
with open("a.txt", "w") as file:
    file.write("a")
sys.exit()

# %% saved by Pillow
from PIL import Image
Image.new("L", (4, 4), 128).save("grey.png")
Image.new("RGB", (4, 4), "red").save("red.bmp")

# %% a report of several pages
import matplotlib.pyplot as plt
from matplotlib.backends.backend_pdf import PdfPages
with PdfPages("report.pdf") as pdf:
    for number in range(3):
        plt.figure()
        plt.plot([number, 1])
        pdf.savefig()
        plt.close()

# %% every format
import matplotlib.pyplot as plt
plt.rcParams["svg.hashsalt"] = "x"
plt.plot([1, 2])
for kind in ("png", "svg", "pdf", "ps", "eps", "jpg", "webp", "tiff", "raw"):
    plt.savefig(f"plot.{kind}")

# %% formats known
import matplotlib.pyplot as plt
print(sorted(plt.gcf().canvas.get_supported_filetypes()))

# %% a page
open("page.html", "w").write("<h1>Report</h1>")

# %% a folder of files
import os
for number in range(5):
    os.makedirs(f"run/{number}", exist_ok=True)
    with open(f"run/{number}/log.txt", "w") as file:
        file.write(str(number))
print(sorted(os.listdir("run")))

# %% a path
from pathlib import Path
folder = Path("a") / "b"
folder.mkdir(parents=True)
(folder / "c.txt").write_text("text", encoding="utf-8")
print(sorted(str(path) for path in Path().rglob("*.txt")), (folder / "c.txt").stat().st_size)

# %% names with accents and spaces
open("größe 1.txt", "w").write("x")
open("日本語.txt", "w").write("y")

# %% appended and read
with open("log.txt", "a") as file:
    file.write("one\n")
with open("log.txt", "a") as file:
    file.write("two\n")
print(open("log.txt").readlines())

# %% written and removed
import os
open("gone.txt", "w").close()
os.remove("gone.txt")
print(os.path.exists("gone.txt"))

# %% renamed
import os
open("a.txt", "w").write("1")
os.rename("a.txt", "b.txt")
os.replace("b.txt", "c.txt")

# %% copied
import os
import shutil
open("a.txt", "w").write("1")
os.makedirs("tree")
open("tree/f", "w").write("1")
shutil.copytree("tree", "tree2")
print(shutil.copy("a.txt", "b.txt"), shutil.copy2("a.txt", "c.txt"), shutil.copyfile("a.txt", "d.txt"))
shutil.rmtree("tree")

# %% touched
import os
from pathlib import Path
Path("t.txt").touch()
os.utime("t.txt", (1, 2))
print(os.stat("t.txt").st_mtime)

# %% modes changed
import os
import stat
open("run.sh", "w").write("#!/bin/sh\n")
os.chmod("run.sh", 0o755)
print(stat.filemode(os.stat("run.sh").st_mode))

# %% packed
import shutil
import zipfile
open("a.txt", "w").write("1")
with zipfile.ZipFile("a.zip", "w") as archive:
    archive.writestr(zipfile.ZipInfo("x.txt"), "x")
print(zipfile.ZipFile("a.zip").namelist())
with zipfile.ZipFile("a.zip") as archive:
    archive.extractall("unpacked")

# %% packed by tar
import io
import tarfile
with tarfile.open("a.tar", "w") as archive:
    info = tarfile.TarInfo("x.txt")
    info.size = 1
    archive.addfile(info, io.BytesIO(b"x"))
print(tarfile.open("a.tar").getnames())

# %% temporary
import tempfile
with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile(dir=folder) as file:
    file.write(b"x")
    print(file.name.startswith(folder))

# %% a link
# differs: Links
import os
os.symlink("nowhere", "link")
print(os.readlink("link"), os.path.islink("link"))

# %% a hidden file
# differs: Files
open(".hidden", "w").write("x")

# %% a file left open
file = open("open.txt", "w")
file.write("not flushed by hand")

# %% a file that isn't there
# differs: Advice
open("missing.csv")

# %% a table that isn't there
# differs: Advice
import pandas as pd
pd.read_csv("missing.csv")

# %% a folder that isn't there
# differs: Advice
import matplotlib.pyplot as plt
plt.savefig("no/folder/plot.png")

# %% an animation
import matplotlib.pyplot as plt
from matplotlib.animation import ArtistAnimation, PillowWriter
fig, ax = plt.subplots(figsize=(1, 1))
ArtistAnimation(fig, [[ax.text(0.5, 0.5, n)] for n in range(3)]).save("t.gif", writer=PillowWriter(fps=5))

# %% a pickle
import pickle
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2])
again = pickle.loads(pickle.dumps(fig))
print(len(again.axes[0].lines), len(plt.get_fignums()))

# %% in memory
import io
import matplotlib.pyplot as plt
plt.plot([1, 2])
buffer = io.BytesIO()
plt.savefig(buffer, format="png")
print(buffer.getvalue()[:4])

# %% the directory
# differs: Folder
import os
print(os.getcwd(), os.path.abspath("x"), os.listdir())

# %% another directory
import os
os.mkdir("sub")
os.chdir("sub")
open("in-sub.txt", "w").write("x")
print(os.getcwd())
