"""Tells what the image is made of, for manifests and for clients that ask which versions draw here.

The launcher runs it once at its start, in a container of its own that never sees a job, and trusts it: no
guest's code has run there. Everything listed under ``versions`` can change a picture's bytes.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import zlib
from typing import Any

#: What Pillow was built with and saves figures by; its PNG needs no libpng, only a zlib.
LIBRARIES_OF_PILLOW = ("zlib_ng", "libjpeg_turbo", "webp", "avif")

#: The fonts that figures get without being in Matplotlib's list (stand_ins/font_fallback.py).
OTHER_FONTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fonts")


def gather() -> dict[str, Any]:
    """Return all facts; pyplot must have been imported the way jobs import it."""
    return {"versions": versions(), "packages": packages(), "fonts_sha256": digest_of_fonts()}


def versions() -> dict[str, str]:
    """Return the versions of what decides how a figure looks and which bytes it is saved as."""
    import matplotlib as mpl
    import numpy as np
    import PIL
    from matplotlib import ft2font
    from PIL import features

    found = {
        "python": platform.python_version(),
        "matplotlib": mpl.__version__,
        "numpy": np.__version__,
        "freetype": ft2font.__freetype_version__,
        "raqm": getattr(ft2font, "__libraqm_version__", None),
        "pillow": PIL.__version__,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        **{name: features.version(name) for name in LIBRARIES_OF_PILLOW},
    }
    return {name: str(version) for name, version in found.items() if version}


def packages() -> dict[str, str]:
    """Return every distribution that a program can import from, by name."""
    found = {distribution.name: distribution.version for distribution in importlib.metadata.distributions()}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def digest_of_fonts() -> str:
    """Return SHA-256, in hex, over name and contents of every font that figures can be drawn with."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    paths = {entry.fname for entry in (*manager.ttflist, *manager.afmlist)}
    if os.path.isdir(OTHER_FONTS):
        paths.update(entry.path for entry in os.scandir(OTHER_FONTS))
    lines = []
    for path in paths:
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{content}  {os.path.basename(path)}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
