"""The programs of a load: cheap, each with a picture of its own, so that a wrong picture is seen as wrong.

The colour of the first pixel is the program's number. So a picture tells which program drew it, whatever else is known,
and what is compared later is the digest of its bytes.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

#: Different programs of each kind.
VARIANTS = 2

#: What draws: names of a kind, and its code.
_KINDS = {
    "line": "plt.plot(np.sin(np.arange(60) * {seed} / 9))",
    "bars": "plt.bar(range(6), np.arange(6) * {seed} % 7 + 1)\nplt.title('Bars {seed}')",
    "points": "plt.scatter(np.arange(40) % 7, np.arange(40) * {seed} % 11, c=np.arange(40))",
}

#: Characters of comment that make a request larger than what a balancer keeps to send it again.
LARGE = 150_000


@dataclass(frozen=True, slots=True)
class Program:
    """What a client sends, and what must come back.

    Attributes:
        name: For messages.
        code: Its code.
        number: The colour of its first pixel, as 24 bits; None if it gives no picture.
        is_large: Whether a balancer can't keep it.
    """

    name: str
    code: str
    number: int | None
    is_large: bool = False

    @property
    def fails(self) -> bool:
        """Whether its right answer is that the code failed."""
        return self.number is None


def programs(*, sleep_s: float = 0) -> list[Program]:
    """Return the mix: three kinds of pictures, one that is large as a request, and one whose code fails.

    Args:
        sleep_s: Seconds that each sleeps in its container, which hold a place without using a processor.
    """
    pause = f"import time\ntime.sleep({sleep_s})\n" if sleep_s else ""
    found: list[Program] = []
    for kind, drawing in _KINDS.items():
        for seed in range(1, VARIANTS + 1):
            found.append(_drawing(f"{kind} {seed}", pause + drawing.format(seed=seed), len(found) + 1))
    drawing = pause + _KINDS["line"].format(seed=VARIANTS + 1)
    found.append(_drawing("large", f"#{'x' * LARGE}\n{drawing}", len(found) + 1, is_large=True))
    found.append(Program("fails", pause + "plt.plot(no_such_name)", None))
    return found


def _drawing(name: str, code: str, number: int, *, is_large: bool = False) -> Program:
    colour = f"#{number * 0x010305 & 0xFFFFFF:06x}"
    lines = f"plt.figure(figsize=(2, 1.5), facecolor='{colour}')\n{code}\n"
    return Program(name, lines, int(colour[1:], 16), is_large)


def digest_of(picture: bytes) -> str:
    """Return the digest by which pictures are compared."""
    return hashlib.sha256(picture).hexdigest()


def first_pixel(png: bytes) -> int:
    """Return the colour of the first pixel of a PNG in RGB or RGBA of 8 bits, as 24 bits.

    Each of PNG's filters leaves the first pixel of the first row as it is.

    Raises:
        ValueError: This is no such PNG.

    Source: PNG (Third Edition), 5.3 and 9.
    """
    if png[:8] != b"\x89PNG\r\n\x1a\n" or png[24] != 8 or png[25] not in (2, 6):
        raise ValueError("not a PNG in RGB or RGBA of 8 bits")
    packed, at = b"", 8
    while at + 8 <= len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        if kind == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    row = zlib.decompressobj().decompress(packed, 4)
    return int.from_bytes(row[1:4], "big")
