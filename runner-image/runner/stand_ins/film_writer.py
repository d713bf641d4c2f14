"""Lets Matplotlib save films where the image has the library for it, since no other program can be started.

``animation.save("film.mp4")`` would start ffmpeg. PyAV is the same code as a library, so what Matplotlib calls
``FFMpegWriter`` is a writer of ours there, which takes the arguments of that. Codecs that ask how many threads they may
start, as h264 does, start none.

Source: documentation of PyAV, chapters "Containers" and "Codecs"; FFmpeg, ffmpeg.1 (arguments).
"""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import animation
from moving.pixels import Pixels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Endings of what Pillow saves, as it does where there is no ffmpeg.
PICTURES = frozenset({".apng", ".avif", ".gif", ".png", ".tif", ".tiff", ".webp"})

#: Codecs for files that can't hold Matplotlib's default, h264.
CODECS = {".webm": "libvpx-vp9"}

#: Pixels that every player shows; they come in fours, so a film's width and height are even.
USUAL_PIXELS = "yuv420p"

#: Frames in a second are a fraction of no larger numbers.
RATE_LIMIT = 1001

#: Arguments of ffmpeg's that choose the codec and the form of its pixels; others are the codec's options.
CODEC_ARGUMENTS = frozenset({"c", "c:v", "codec", "codec:v", "vcodec"})
PIXEL_ARGUMENTS = frozenset({"pix_fmt"})
BITRATE_OF_FILM, BITRATE = "b:v", "b"


def install() -> None:
    """Let Matplotlib take our writer for ffmpeg."""
    module: Any = animation
    for name in ("ffmpeg", "ffmpeg_file"):
        module.writers.register(name)(FilmWriter)
    module.FFMpegWriter = module.FFMpegFileWriter = FilmWriter


class FilmWriter(animation.PillowWriter):
    """A writer of films, and of what Pillow saves: GIF and the like.

    Args:
        fps: Frames in a second.
        codec: FFmpeg's name of it; by default what the file's ending asks for, usually h264.
        bitrate: In kilobits for each second; -1 leaves it to the codec.
        extra_args: Arguments of ffmpeg's; those that aren't about codec or pixels have no effect.
        metadata: Title, artist and so on.
    """

    def __init__(
        self,
        fps: float = 5,
        codec: str | None = None,
        bitrate: int | None = None,
        extra_args: Sequence[str] | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        super().__init__(fps=fps, metadata=metadata, codec=codec, bitrate=bitrate)  # type: ignore[arg-type]  # a rate
        self.extra_args = extra_args
        self._codec_given = codec is not None
        self._file: Any = None
        self._stream: Any = None
        self._size_in: Any = None

    def setup(self, fig: Any, outfile: Any, dpi: float | None = None, **_: Any) -> None:
        """Open the file.

        Args:
            fig: Of the frames.
            outfile: A path.
            dpi: Dots per inch; None for the figure's own.
        """
        super().setup(fig, outfile, dpi=dpi)
        ending = os.path.splitext(outfile)[1].lower()
        if ending in PICTURES:
            return
        import av

        if not self._codec_given:
            self.codec = CODECS.get(ending, self.codec)
        self._size_in = fig.get_size_inches().copy()
        self._file = av.open(os.fspath(outfile), "w")
        self._file.metadata.update({str(name): str(value) for name, value in self.metadata.items()})

    def _supports_transparency(self) -> bool:
        """Matplotlib asks; films have a background."""
        return self._file is None

    def grab_frame(self, **savefig_kwargs: Any) -> None:
        """Add the figure as it is drawn now; all frames have the size of the first, like ffmpeg's."""
        if self._file is None:
            super().grab_frame(**savefig_kwargs)
            return
        import av
        import numpy as np

        self.fig.set_size_inches(self._size_in)
        pixels: Any = Pixels()
        with mpl.rc_context({"savefig.bbox": None}):
            self.fig.savefig(pixels, format="rgba", dpi=self.dpi, **savefig_kwargs)
        rgba = np.frombuffer(pixels.data, np.uint8).reshape(pixels.height, pixels.width, 4)
        even = np.ascontiguousarray(rgba[: pixels.height & ~1, : pixels.width & ~1, :3])
        if self._stream is None:
            self._begin(even.shape[1], even.shape[0])
        self._write(av.VideoFrame.from_ndarray(even, format="rgb24"))

    def finish(self) -> None:
        """Write what is left, and close the file."""
        if self._file is None:
            super().finish()
            return
        if self._stream is not None:
            self._write(None)
        self._file.close()
        self._file = self._stream = None

    def _begin(self, width: int, height: int) -> None:
        """Choose codec, rate and pixels, once the size of a frame is known."""
        pixels, options = USUAL_PIXELS, {}
        for name, value in arguments(
            mpl.rcParams["animation.ffmpeg_args"] if self.extra_args is None else self.extra_args
        ):
            if name in CODEC_ARGUMENTS:
                self.codec = value
            elif name in PIXEL_ARGUMENTS:
                pixels = value
            else:
                options[BITRATE if name == BITRATE_OF_FILM else name] = value
        rate = Fraction(self.fps).limit_denominator(RATE_LIMIT)
        stream = self._file.add_stream(self.codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.thread_count = 1
        if self.bitrate > 0:
            stream.bit_rate = 1000 * self.bitrate
        self._stream = stream

    def _write(self, frame: Any) -> None:
        """Encode a frame, or with None what is left of those before."""
        for packet in self._stream.encode(frame):
            self._file.mux(packet)


def arguments(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield ffmpeg's arguments, each with its value; those without one are about the program, and left out."""
    for word, value in pairwise([*map(str, words), "-"]):
        if word.startswith("-") and not value.startswith("-"):
            yield word[1:], value
