"""Draw the pictures of docs/findings.md: `python -m tools.findings.pictures`.

They are drawn in this process by Matplotlib as it is installed here, which is that of the image, and brought down to a
few colours, so that they are small. The place of a finding is framed in red.
"""

from __future__ import annotations

import io
import sys
from typing import Any

from PIL import Image, ImageDraw

from tools.findings.drawing import Shown, shown
from tools.findings.pairs import FOLDER, pairs

COLORS = 32
FRAME = "#d62728"


def small(drawn: Shown) -> bytes:
    """Return the picture of a figure with few colours, the places of findings framed."""
    picture = Image.open(io.BytesIO(drawn.png)).convert("RGB")
    for finding in drawn.findings:
        if finding.box is not None:
            ImageDraw.Draw(picture).rectangle(frame_of(finding.box, picture.size), outline=FRAME, width=1)
    file = io.BytesIO()
    reduced = picture.quantize(COLORS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    reduced.save(file, "PNG", optimize=True)
    return file.getvalue()


def frame_of(box: Any, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the corners of a frame around a box, within the picture."""
    width, height = size
    return (
        max(box.x - 2, 0),
        max(box.y - 2, 0),
        min(box.x + box.width + 2, width - 1),
        min(box.y + box.height + 2, height - 1),
    )


def main() -> int:
    """Draw every picture; return the exit status."""
    for pair in pairs():
        for name, script in (("bad", pair.bad), ("good", pair.good)):
            (drawn,) = shown(script)
            png = small(drawn)
            (FOLDER / f"{pair.code}.{name}.png").write_bytes(png)
            sys.stdout.write(f"docs/findings/{pair.code}.{name}.png: {len(png) / 1024:.1f} KiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
