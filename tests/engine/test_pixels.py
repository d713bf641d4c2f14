"""The sandbox changes no pixel: a gateway's picture is the one of the same code run directly.

The direct run is a plain `python` process with the versions of the test environment, which are the image's: the first
test says so, and when it fails the others mean nothing.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import textwrap
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.support.command import run
from tests.support.live import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

#: Needs the image's own fonts, which the test environment hasn't got.
NEEDS_FONTS_OF_THE_IMAGE = {"cjk_titles"}

#: What stands before the inline scripts when they are run directly; a gateway binds both names by itself.
BOUND = "import matplotlib.pyplot as plt\nimport numpy as np\n"

SAVE = "\nplt.savefig({path!r}, dpi=200, bbox_inches='tight')\n"

TELL_VERSIONS = """
import json, matplotlib, matplotlib.ft2font, numpy, pandas, PIL, scipy
def tell():
    versions = {module.__name__: module.__version__ for module in (matplotlib, numpy, pandas, PIL, scipy)}
    return versions | {"FreeType": matplotlib.ft2font.__freetype_version__}
"""

INLINE = {
    "lines": """
        x = np.linspace(0, 10, 300)
        for n, style in enumerate(("-", "--", ":", "-.")):
            plt.plot(x, np.sin(x + n), style, label=f"shift {n}")
        plt.legend()
    """,
    "bars": """
        values = np.random.default_rng(1).uniform(1, 9, (2, 5))
        plt.bar(np.arange(5) - 0.2, values[0], 0.4, yerr=0.3, capsize=3, hatch="//")
        plt.barh(np.arange(5), values[1], 0.3, color="tab:orange", alpha=0.5)
    """,
    "scatter with alpha": """
        rng = np.random.default_rng(2)
        x, y, size, colour = rng.normal(size=(4, 400))
        plt.scatter(x, y, s=40 * np.abs(size), c=colour, alpha=0.4, edgecolors="k", linewidths=0.3)
    """,
    "mathtext": r"""
        plt.title(r"$\int_0^\infty \frac{x^{s-1}}{e^x - 1}\,dx = \Gamma(s)\,\zeta(s)$")
        plt.text(0.1, 0.5, r"$\sqrt[3]{\alpha_i^{2}} \leq \sum_{k=0}^{n} \hat{\mathbf{x}}_k$", fontsize=22)
    """,
    "polar": """
        angle = np.linspace(0, 2 * np.pi, 200)
        ax = plt.subplot(projection="polar")
        ax.plot(angle, 1 + np.cos(3 * angle))
        ax.fill_between(angle, 0.5, 1, alpha=0.2)
    """,
    "3D": """
        x, y = np.meshgrid(np.linspace(-3, 3, 30), np.linspace(-3, 3, 30))
        ax = plt.figure().add_subplot(projection="3d")
        ax.plot_wireframe(x, y, np.sin(x) * np.cos(y), linewidth=0.5)
        ax.scatter(x[::5, ::5], y[::5, ::5], 1, c="r")
    """,
    "twin axes": """
        fig, left = plt.subplots()
        left.plot([1, 3, 2], "b-o")
        right = left.twinx()
        right.plot([90, 10, 50], "r--s")
        left.set_ylabel("left", color="b")
        right.set_ylabel("right", color="r")
    """,
    "log axes": """
        x = np.logspace(-2, 4, 50)
        plt.loglog(x, x**1.5, "o", markersize=3)
        plt.grid(True, which="both", alpha=0.3)
    """,
    "imshow and colour bar": """
        heights = np.random.default_rng(3).normal(size=(24, 32)).cumsum(axis=1)
        plt.imshow(heights, cmap="coolwarm", interpolation="bicubic")
        plt.colorbar(label="height", extend="both")
    """,
    "tight layout": """
        fig, axes = plt.subplots(2, 3, figsize=(9, 5))
        for number, ax in enumerate(axes.flat):
            ax.plot(np.arange(10) ** number)
            ax.set(title=f"power {number}", xlabel="a label", ylabel="another label")
        plt.tight_layout()
    """,
    "constrained layout": """
        fig, axes = plt.subplots(2, 2, layout="constrained")
        for ax in axes.flat:
            mesh = ax.pcolormesh(np.outer(np.arange(8), np.arange(8)))
        fig.colorbar(mesh, ax=axes, shrink=0.7)
        fig.suptitle("one bar for four")
    """,
    "dates": """
        import datetime as dt
        days = [dt.datetime(2024, 2, 27) + dt.timedelta(hours=6 * n) for n in range(40)]
        plt.step(days, np.arange(40) % 7)
        plt.gcf().autofmt_xdate()
    """,
    "histograms": """
        rng = np.random.default_rng(4)
        fig, (left, right) = plt.subplots(1, 2)
        left.hist([rng.normal(size=300), rng.gamma(2, size=300)], bins=20, stacked=True)
        right.hist2d(*rng.normal(size=(2, 2000)), bins=30)
    """,
    "contours": """
        x, y = np.meshgrid(np.linspace(-2, 2, 60), np.linspace(-2, 2, 60))
        lines = plt.contour(x, y, np.exp(-x**2 - y**2) * x, levels=12)
        plt.clabel(lines, fontsize=7)
        plt.gca().set_aspect("equal")
    """,
    "rotated text": """
        for angle in range(0, 360, 30):
            plt.text(0.5, 0.5, "      rotated Ägypten ½", rotation=angle, rotation_mode="anchor")
        plt.annotate("here", (0.5, 0.5), (0.1, 0.9), arrowprops={"arrowstyle": "fancy"}, bbox={"boxstyle": "round"})
        plt.xticks(rotation=45)
    """,
    "pandas": """
        import pandas as pd
        index = pd.date_range("2024-01-01", periods=60, freq="D")
        walks = np.random.default_rng(5).normal(size=(60, 3)).cumsum(axis=0)
        frame = pd.DataFrame(walks, index=index, columns=list("abc"))
        frame.plot(subplots=True, figsize=(7, 6), title=["first", "second", "third"])
    """,
    "style sheet": """
        plt.style.use("ggplot")
        plt.pie([3, 2, 1], labels=["three", "two", "one"], autopct="%.1f%%", explode=(0, 0.1, 0), shadow=True)
    """,
}
PROGRAMS = {name: BOUND + textwrap.dedent(code) for name, code in INLINE.items()} | {
    path.name: path.read_text("utf-8")
    for path in sorted((ROOT / "examples").glob("*.py"))
    if path.stem not in NEEDS_FONTS_OF_THE_IMAGE
}


async def test_versions_are_the_same(gateway: LiveGateway) -> None:
    """What draws in the sandbox has the versions of what draws here, so pictures can be compared at all."""
    response = await gateway.render(f"{TELL_VERSIONS}\nraise RuntimeError(json.dumps(tell()))")
    assert response.json["outcome"] == "program_error"
    found = json.loads(response.json["error"].split("RuntimeError: ", 1)[1])
    direct = await asyncio.to_thread(run, sys.executable, "-c", f"{TELL_VERSIONS}\nprint(json.dumps(tell()))")
    here = json.loads(direct.stdout)
    assert found == here
    assert found["matplotlib"] == version("matplotlib")


@pytest.mark.parametrize("name", PROGRAMS)
async def test_picture_is_the_direct_one(gateway: LiveGateway, tmp_path: Path, name: str) -> None:
    """Every pixel is the one that the same code gives outside."""
    direct = asyncio.to_thread(_draw_directly, PROGRAMS[name], tmp_path)
    response, expected = await asyncio.gather(gateway.render(PROGRAMS[name]), direct)
    assert response.status == 200, response.json.get("error")
    with Image.open(io.BytesIO(response.body)) as ours, Image.open(expected) as theirs:
        assert (ours.mode, ours.size) == (theirs.mode, theirs.size)
        different = int((np.asarray(ours) != np.asarray(theirs)).any(axis=-1).sum())
    assert not different, f"{different} pixels differ"


def _draw_directly(code: str, folder: Path) -> Path:
    """Run code as a user would without any gateway; return its picture."""
    picture = folder / "direct.png"
    script = folder / "direct.py"
    script.write_text(code + SAVE.format(path=str(picture)), "utf-8")
    # One configuration folder for all direct runs: their fonts are listed once, and no user's settings count.
    fonts = folder.parent / "mplconfig"
    fonts.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(fonts)}
    done = run(sys.executable, script, folder=folder, env=env)
    assert done.returncode == 0, done.stderr
    return picture
