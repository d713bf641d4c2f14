"""Code that was written for elsewhere, on both endpoints: it draws, or the error says what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()\n"
DRAWN = {
    "a window of Tk": f"import matplotlib\nmatplotlib.use('TkAgg')\n{PLOT}",
    "a window of Qt": f"import matplotlib\nmatplotlib.use('Qt5Agg')\n{PLOT}",
    "a notebook": f"import matplotlib\nmatplotlib.use('nbAgg')\n{PLOT}",
    "a maximised window": f"{PLOT}plt.get_current_fig_manager().window.showMaximized()",
    "fences": f"```python\n{PLOT}```",
    "a magic": f"%matplotlib inline\n{PLOT}",
    "a notebook's export": f"get_ipython().run_line_magic('matplotlib', 'inline')\n{PLOT}",
    "escaped line ends": PLOT.replace("\n", "\\n"),
}
FAILURES = {
    "an address": ("import pandas as pd\npd.read_csv('https://x.example/a/iris.csv')", ["no network", "`iris.csv`"]),
    "a socket": ("import socket\nsocket.create_connection(('192.0.2.1', 80))", ["no network"]),
    "a missing package": ("import seaborn", ["nothing can be installed", "Installed: ", "matplotlib"]),
    "a missing file": ("open('rain.csv')", ["No file was sent along"]),
    "a film": (
        "import matplotlib.animation as a\na.FuncAnimation(plt.figure(), lambda _: [], frames=2).save('x.mp4')",
        ["GIF"],
    ),
    "input": ("n = int(input('How many points? '))", ["Nobody is there to answer"]),
    "an exit": ("import sys\nprint('usage: me')\nsys.exit(1)", ["SystemExit: 1", "usage: me"]),
}


@pytest.mark.parametrize("name", DRAWN)
async def test_code_from_elsewhere_draws(gateway: LiveGateway, name: str) -> None:
    """Such code gives its figure on both endpoints."""
    old = await gateway.render(DRAWN[name])
    assert (old.status, old.headers["Content-Type"]) == (200, "image/png"), old.body
    new = await gateway.render_v1(accept="application/json", json={"code": DRAWN[name]})
    assert (new.status, len(new.json["figures"])) == (200, 1), new.body


@pytest.mark.parametrize("name", FAILURES)
async def test_errors_say_what_helps(gateway: LiveGateway, name: str) -> None:
    """Such an error has the traceback, and what helps behind it, on both endpoints; the fault has it as its hint."""
    code, words = FAILURES[name]
    for response in (await gateway.render(code), await gateway.render_v1(json={"code": code})):
        assert response.json["outcome"] == "program_error"
        assert all(word in response.json["error"] for word in words), response.json["error"]
    hint = response.json["fault"]["hint"]
    assert hint is None if name == "an exit" else hint.split(".")[0] in response.json["error"]


async def test_pixels_for_inches(gateway: LiveGateway) -> None:
    """A figure that is far too large has the same outcome on both endpoints, and its size is told."""
    code = "plt.figure(figsize=(1920, 1080))\nplt.plot([1, 2])"
    for response in (await gateway.render(code), await gateway.render_v1(json={"code": code})):
        assert response.json["outcome"] == "invalid_output"
        assert "1920 x 1080 inches" in response.json["error"]
    assert response.json["limit"]["name"] == "pixel_limit"
    assert response.json["limit"]["used"] == 192_000 * 108_000


async def test_a_link_that_is_refused_is_left_out(gateway: LiveGateway) -> None:
    """An SVG with a link that may not be served is drawn without it, and a warning names the address."""
    code = "plt.subplots()[1].set_title('call us', url='tel:+4912345')"
    response = await gateway.render_v1(accept="application/json", json={"code": code, "format": "svg"})
    assert response.status == 200, response.body
    assert "'tel:+4912345'" in response.json["warnings"][0]["message"]
