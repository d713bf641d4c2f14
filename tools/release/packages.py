"""The client's wheel and source archive, by the packaging tools of requirements/dev.txt."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
from typing import TYPE_CHECKING

from bootstrap.steps import run

if TYPE_CHECKING:
    from pathlib import Path


def build(checkout: Path, time: int, folder: Path) -> list[Path]:
    """Build both; return their paths.

    Args:
        checkout: A fresh one.
        time: Of everything in them, in seconds since 1970.
        folder: Where to put them.

    Raises:
        SetupError: The tools failed.
    """
    before = os.umask(0o022)
    try:
        run(
            [sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel", "--outdir", folder, checkout],
            remedy="See what it says.",
            environment={**os.environ, "SOURCE_DATE_EPOCH": str(time), "PYTHONHASHSEED": "0"},
        )
    finally:
        os.umask(before)
    [wheel], [sdist] = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    sdist.write_bytes(repacked(sdist.read_bytes(), time))
    return [wheel, sdist]


def repacked(sdist: bytes, time: int) -> bytes:
    """Return a source archive with fixed times, owners and order, which setuptools takes from this machine."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(sdist), mode="r:gz") as old,
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=time) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = time, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isreg() else None)
    return packed.getvalue()
