"""Draw the README's pictures again, through a running gateway: `python -m tools.render_pictures`.

The gateway is the one at `FIGBOX_URL` (default http://127.0.0.1:5150), the key is `API_KEY` of the environment or of
`.env`. Each picture comes back as a client gets it and is then brought down to 256 colours, so that it is small.
"""

from __future__ import annotations

import io
import json
import os
import sys
import urllib.request
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PICTURES = ROOT / "docs" / "pictures"

#: The examples that the README shows.
SHOWN = ("lines", "statistics_plots", "cjk_titles", "surface_3d", "polar", "contour")


def render(url: str, key: str, code: str) -> bytes:
    """Return the PNG that the gateway at `url` draws."""
    request = urllib.request.Request(  # noqa: S310 - the address is the caller's own
        f"{url}/render-matplotlib",
        data=json.dumps({"code": code}).encode(),
        headers={"X-API-Key": key, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return bytes(response.read())


def reduced(png: bytes) -> bytes:
    """Return a picture with 256 colours, chosen for it."""
    picture = (
        Image.open(io.BytesIO(png)).convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    )
    small = io.BytesIO()
    picture.save(small, "PNG", optimize=True)
    return small.getvalue()


def key_from(env_file: Path) -> str:
    """Return the key, from the environment or else from a file of settings."""
    if key := os.environ.get("API_KEY"):
        return key
    lines = env_file.read_text("utf-8").splitlines() if env_file.is_file() else []
    return next((line.removeprefix("API_KEY=") for line in lines if line.startswith("API_KEY=")), "")


def main() -> int:
    """Draw every picture; return the exit status."""
    url = os.environ.get("FIGBOX_URL", "http://127.0.0.1:5150")
    key = key_from(ROOT / ".env")
    for name in SHOWN:
        png = reduced(render(url, key, (EXAMPLES / f"{name}.py").read_text("utf-8")))
        (PICTURES / f"{name}.png").write_bytes(png)
        sys.stdout.write(f"docs/pictures/{name}.png: {len(png) / 1024:.0f} KiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
