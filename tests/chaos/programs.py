"""The code of the jobs, and what a job's picture must look like."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from PIL import Image

from tests.chaos.plan import RequestPlan, Work

#: A picture is a square of coloured cells, each a square of pixels, at the 200 dpi the gateway draws with.
CELLS, CELL_PIXELS = 8, 16
INCHES = CELLS * CELL_PIXELS / 200

#: Longest sleep of a job that draws, in seconds: far from the limit, long enough to be hit by a fault.
LONGEST_SLEEP_S = 1.2

DRAW = f"""
import hashlib, time
time.sleep({{sleep_s:.3f}})
digest = hashlib.shake_256({{token!r}}.encode()).digest({CELLS * CELLS * 3})
plt.rcParams["savefig.pad_inches"] = 0
figure = plt.figure(figsize=({INCHES}, {INCHES}))
axes = figure.add_axes((0, 0, 1, 1))
axes.axis("off")
cells = np.frombuffer(digest, np.uint8).reshape({CELLS}, {CELLS}, 3)
axes.imshow(cells, interpolation="nearest", aspect="auto")
"""

PROGRAMS = {
    Work.PICTURE: DRAW,
    Work.ERROR: "import time; time.sleep({sleep_s:.3f}); raise ValueError({token!r})",
    Work.NO_FIGURE: "{token!r}",
    Work.SPIN: "{token!r}\nwhile True: pass",
    Work.MEMORY: "{token!r}\nhoard = b'x' * (1 << 30)",
    Work.FLOOD: "{token!r}\nimport os\nwhile True: os.write(2, b'x' * 65536)",
    Work.EXIT: "{token!r}\nimport os, time; time.sleep({sleep_s:.3f}); os._exit(3)",
    Work.MUTE: "{token!r}\nimport os, time; os.closerange(0, 256); time.sleep(60)",
    # The runner's private copy of stdout is one of these: a malformed picture, and the claim that all is well.
    Work.FORGE: """{token!r}
import os, struct
frame = lambda kind, payload: struct.pack(">cI", kind, len(payload)) + payload
for fd in range(100, 104):
    try: os.write(fd, frame(b"P", b"no picture") + frame(b"E", b'{{"outcome": "ok"}}'))
    except OSError: pass
""",
}


def code_of(plan: RequestPlan) -> str:
    """Return the code of a request."""
    return PROGRAMS[plan.work].format(token=plan.token, sleep_s=LONGEST_SLEEP_S * plan.chance)


def expected_pixels(token: str) -> np.ndarray:
    """Return the picture of a token, as rows of RGB pixels."""
    digest = hashlib.shake_256(token.encode()).digest(CELLS * CELLS * 3)
    cells = np.frombuffer(digest, np.uint8).reshape(CELLS, CELLS, 3)
    return cells.repeat(CELL_PIXELS, axis=0).repeat(CELL_PIXELS, axis=1)


def flaw_of_picture(png: bytes, token: str) -> str | None:
    """Return what is wrong with the picture of a token, which must agree in every pixel."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            pixels = np.asarray(image.convert("RGB"))
    except OSError as error:
        return f"it can't be decoded: {error}"
    expected = expected_pixels(token)
    if pixels.shape != expected.shape:
        return f"its shape is {pixels.shape}"
    wrong = int((pixels != expected).any(axis=2).sum())
    return f"{wrong} pixels are not this request's" if wrong else None
