"""The content type of a file that a job wrote, told by its bytes; its name only chooses between kinds of text.

The table is ours instead of a library's, because it is closed: no file is ever declared to be something that a browser
would run (HTML and scripts are plain text here). And it reads the first bytes only, while libraries also open untrusted
archives.
"""

from __future__ import annotations

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

#: Further types of text, by the extension of the name.
_TEXTS = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}

#: How a text must begin to be what its extension says.
_BEGINNINGS = {".json": ("{", "["), ".svg": ("<?xml", "<svg")}


def content_type_of(name: str, data: bytes) -> str:
    """Return the content type of a file; the name, chosen by the job, never decides alone."""
    for signature, content_type in _SIGNATURES:
        if data.startswith(signature):
            return content_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return BINARY
    if "\0" in text:
        return BINARY
    for ending, content_type in _TEXTS.items():
        if name.lower().endswith(ending) and text.lstrip().startswith(_BEGINNINGS.get(ending, "")):
            return content_type
    return TEXT
