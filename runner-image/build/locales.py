"""Makes the locales that programs ask for by name; used by build.py when the image is made.

Debian's base has C.UTF-8 alone, and the package with the others is in no image registry's. What differs between
countries is small: names of days and months, separators, currencies. It stands in locales/, in the C library's own form
and as that has it, which claims no copyright in it. The base's own ``localedef`` compiles it.

What a character is, and how characters are sorted, is taken from C.UTF-8: by code point. Sorted as in a dictionary,
each locale would take 3 MB.

Source: locale(5), charmap(5), localedef(1); data: glibc 2.36, localedata/locales.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).with_name("locales")
LOCALES = Path("/usr/lib/locale")
COMPLETE = LOCALES / "C.utf8"

#: Categories that all share with C.UTF-8.
SHARED = ("LC_COLLATE", "LC_CTYPE")

#: localedef's status for warnings: the shared categories are missing.
MISSING_CATEGORIES = 1

#: Characters that one line of a charmap can name: those that differ in the last byte alone.
RUN = 64

#: Halves of pairs, which are no characters.
SURROGATES = range(0xD800, 0xE000)


def make() -> None:
    """Make a folder for each file of locales/, with an alias for programs that leave the encoding out."""
    with tempfile.TemporaryDirectory() as folder:
        charmap = Path(folder, "UTF-8")
        charmap.write_text(utf8())
        for source in sorted(SOURCES.iterdir()):
            compile_one(source, charmap, LOCALES / f"{source.name}.utf8")
            (LOCALES / source.name).symlink_to(f"{source.name}.utf8")


def compile_one(source: Path, charmap: Path, target: Path) -> None:
    """Compile one locale, and complete it."""
    plain = re.sub(r"[^\x00-\x7f]", lambda found: f"<U{ord(found[0]):04X}>", source.read_text("utf-8"))
    text = charmap.with_name(source.name)
    text.write_text(plain, "ascii")
    command = ["localedef", "--force", "--no-archive", f"--inputfile={text}", f"--charmap={charmap}", str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode > MISSING_CATEGORIES or not target.is_dir():
        raise SystemExit(f"{source.name} can't be compiled: {ended.stderr}")
    for name in SHARED:
        (target / name).unlink(missing_ok=True)
        (target / name).symlink_to(COMPLETE / name)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    size = sum(path.lstat().st_size for path in target.rglob("*"))
    print(f"locale {target.name}: {size} bytes")


def utf8() -> str:
    """Return the charmap of UTF-8, as far as names and signs in locales need it: the whole takes a minute to read."""
    lines = [
        "<code_set_name> UTF-8",
        "<comment_char> %",
        "<escape_char> /",
        "<mb_cur_min> 1",
        "<mb_cur_max> 6",
        "CHARMAP",
    ]
    for first in range(0, 0x10000, RUN):
        if first in SURROGATES:
            continue
        code = "".join(f"/x{byte:02x}" for byte in chr(first).encode())
        lines.append(f"<U{first:08X}>..<U{first + RUN - 1:08X}> {code} _")
    return "\n".join([*lines, "END CHARMAP", ""])
