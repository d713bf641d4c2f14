"""The content type of a file that a job wrote, told by its bytes; its name only chooses between kinds of text.

The table is ours instead of a library's, because it is closed: no file is ever declared to be something that a browser
would run (HTML and scripts are plain text here). And it reads the first bytes only, while libraries also open untrusted
archives.
"""

from __future__ import annotations

import codecs
import re

from gateway.model.jobs import KiB

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"

#: First bytes of the files that plotting code writes, and their types.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"%!PS", "application/postscript"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x93NUMPY", "application/x-npy"),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)

#: How containers begin, some lengths left out: RIFF, Matroska's, and that of MPEG-4.
_CONTAINERS = re.compile(
    rb"RIFF.{4}(?:(?P<webp>WEBP)|(?P<avi>AVI ))|.{4}ftyp(?:(?P<mov>qt  )|(?P<mp4>iso|mp4|M4V|avc1|dash))"
    rb"|\x1a\x45\xdf\xa3.{0,40}?\x42\x82.(?:(?P<webm>webm)|(?P<mkv>matroska))",
    re.DOTALL,
)
_CONTENTS = {
    "webp": "image/webp",
    "avi": "video/x-msvideo",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
}

#: Further types of text, by the extension of the name.
_TEXTS = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}

#: How a text must begin to be what its extension says.
_BEGINNINGS = {".json": ("{", "["), ".svg": ("<?xml", "<svg")}
_LONGEST_BEGINNING = 5

#: Bytes that are decoded at once: a whole file could take four times its bytes as text.
_PIECE_BYTES = 64 * KiB


def content_type_of(name: str, data: bytes) -> str:
    """Return the content type of a file; the name, chosen by the job, never decides alone."""
    for signature, content_type in _SIGNATURES:
        if data.startswith(signature):
            return content_type
    if (found := _CONTAINERS.match(data)) is not None:
        return _CONTENTS[found.lastgroup or ""]
    beginning = _beginning_of_text(data)
    if beginning is None:
        return BINARY
    for ending, content_type in _TEXTS.items():
        if name.lower().endswith(ending) and beginning.startswith(_BEGINNINGS.get(ending, "")):
            return content_type
    return TEXT


def _beginning_of_text(data: bytes) -> str | None:
    """Return how a text begins, without blanks before it, or None if it isn't a text."""
    if b"\0" in data:
        return None
    decoder, view, beginning = codecs.getincrementaldecoder("utf-8")(), memoryview(data), ""
    try:
        for start in range(0, len(view), _PIECE_BYTES):
            text = decoder.decode(view[start : start + _PIECE_BYTES])
            if len(beginning) < _LONGEST_BEGINNING:
                beginning = (beginning + text).lstrip()[:_LONGEST_BEGINNING]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return beginning
