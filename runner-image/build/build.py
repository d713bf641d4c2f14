"""Prepares images; runs at build time in the container, with the standard library and site/ alone.

The steps of the Dockerfile, the first two in a stage of their own, and one for images that are made from the finished
one. A program that does several at once gives one layer:

``install``
    fetches the packages by their lock, if the set-up hasn't sent them.
``bake``
    thins out site/, makes the fonts for the scripts of the world, bakes the font list, what Matplotlib's classes say of
    themselves, and the byte code. All of it happens below /opt/figbox, the only folder that the final stage copies.
``localise``
    makes the locales that the base lacks.
``harden``
    takes from the image what a job has no use for: installers, compilers, setuid and setgid bits, these programs.
``extend``
    makes the packages in more/ ready, as ``bake`` does those in site/, and seaborn's example tables.

Each step prints what it did, with sizes.
"""

from __future__ import annotations

import compileall
import importlib
import os
import py_compile
import shutil
import stat
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SITE = ROOT / "site"
MORE = ROOT / "more"
MPL_CONFIG = ROOT / "mplconfig"
FONTS = ROOT / "fonts"
MiB = 1024 * 1024

#: Packages whose folders named ``tests`` nothing else imports (checked: matplotlib.testing and numpy.testing are
#: folders of their own, and stay).
TESTS_OF = (
    *("contourpy", "fontTools", "matplotlib", "mpl_toolkits", "numpy", "pandas", "scipy"),
    *("fastparquet", "formulaic", "joblib", "networkx", "patsy", "skimage", "sklearn", "statsmodels"),
)

#: Suffixes that only compilers and type checkers read.
BUILD_LEFTOVERS = {".a", ".c", ".cpp", ".f", ".f90", ".h", ".hpp", ".lib", ".pxd", ".pxi", ".pyi", ".pyx"}

#: Folders of the runner's modules.
OWN_FOLDERS = (
    "captions",
    "collect",
    "elsewhere",
    "explain",
    "findings",
    "modes",
    "moving",
    "preload",
    "repair",
    "stand_ins",
)

UNUSED_STDLIB = {"__pycache__", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests", "turtledemo"}
INSTALLERS = ("pip", "pip3", "pip3.13", "idle3", "idle3.13", "2to3", "2to3-3.13")
COMPILERS = ("cc", "c++", "c89", "c99", "cpp", "gcc", "g++", "clang", "ld", "as", "make")
#: Unchecked: the root file system is read-only, so a source can't change under its byte code.
UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH
NOT_THE_IMAGE = ("/proc", "/sys", "/dev")


def install() -> None:
    """Fill site/ unless it is."""
    import install as packages  # noqa: PLC0415 - an operator's Dockerfile may bring this program alone

    packages.install(SITE, SITE / "requirements.txt")
    importlib.invalidate_caches()


def bake() -> None:
    """Make /opt/figbox ready."""
    report("site as installed", SITE)
    thin_out(SITE)
    report("site thinned out", SITE)
    import fonts  # noqa: PLC0415 - needs what thin_out() leaves, and shows that it left enough

    bake_descriptions()
    fonts.bake(SITE, MPL_CONFIG, FONTS)
    compile_all()
    report("byte code", ROOT / "pycache")
    make_readable(ROOT)


def extend() -> None:
    """Make /opt/figbox/more ready; refuse packages that site/ has."""
    report("more as installed", MORE)
    if twice := distributions(SITE) & distributions(MORE):
        raise SystemExit(f"in the runner image already, so leave it out here: {', '.join(sorted(twice))}")
    if Path(__file__).with_name("tables.py").exists():  # an operator's Dockerfile may bring this program alone
        import tables  # noqa: PLC0415 - removed with this folder

        tables.bake(MORE)
    thin_out(MORE, kept={".pyi"})  # lazy_loader reads them at run time
    report("more thinned out", MORE)
    compile_one(MORE)
    byte_code = ROOT / "pycache" / MORE.relative_to("/")
    report("byte code", byte_code)
    make_readable(MORE)
    make_readable(byte_code)


def distributions(folder: Path) -> set[str]:
    """Return the names of the packages installed in a folder, in one spelling."""
    found = (path.name.split("-")[0] for path in folder.glob("*.dist-info"))
    return {name.lower().replace("_", "-").replace(".", "-") for name in found}


def report(what: str, folder: Path) -> None:
    """Print the size of a folder."""
    size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    print(f"{what}: {size / MiB:.0f} MiB")


def thin_out(site: Path, kept: Collection[str] = ()) -> None:
    """Delete what programs don't need: tests of the libraries, sources of their C parts, scripts.

    Args:
        site: Folder of the installed libraries.
        kept: Suffixes of sources that do stay.
    """
    for name in ("bin", "share"):
        shutil.rmtree(site / name, ignore_errors=True)
    doomed = [folder for package in TESTS_OF for folder in (site / package).rglob("tests")]
    doomed += site.rglob("__pycache__")
    for folder in doomed:
        shutil.rmtree(folder, ignore_errors=True)
    for path in site.rglob("*"):
        if path.suffix in BUILD_LEFTOVERS.difference(kept) and path.is_file():
            path.unlink()


def bake_descriptions() -> None:
    """Record what Matplotlib's artist classes say of themselves, by importing it as the runner does."""
    sys.path.append(str(ROOT))
    descriptions, cheap_import = map(importlib.import_module, ("descriptions", "cheap_import"))
    if "matplotlib.artist" in sys.modules:
        raise SystemExit("Matplotlib's classes were imported before they could be recorded")
    found = descriptions.record(cheap_import.import_modules)
    descriptions.write(found)
    print(f"descriptions: {len(found.properties)} classes")


def compile_all() -> None:
    """Compile site/, our own files and the standard library into one folder."""
    if sys.pycache_prefix is None:
        raise SystemExit("PYTHONPYCACHEPREFIX is not set: byte code would be scattered over the image")
    stdlib = Path(sysconfig.get_path("stdlib")).iterdir()
    used = (path for path in stdlib if path.name not in UNUSED_STDLIB and not path.name.endswith("-packages"))
    for path in (SITE, *sorted(used), *(ROOT / name for name in OWN_FOLDERS), *ROOT.glob("*.py")):
        compile_one(path)


def compile_one(path: Path) -> None:
    """Compile a file, or all files of a folder; one that isn't code, as a template of code, is told and left out."""
    if path.is_dir():
        compileall.compile_dir(path, quiet=1, invalidation_mode=UNCHECKED, workers=0)
    elif path.suffix == ".py":
        compileall.compile_file(path, quiet=1, invalidation_mode=UNCHECKED)


def make_readable(top: Path) -> None:
    """Make all of ``top`` readable and nothing writable: a job's uid owns nothing."""
    for path in (top, *top.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def localise() -> None:
    """Make locales."""
    import locales  # noqa: PLC0415 - other steps, and the gateway's image, do without

    locales.make()


def harden() -> None:
    """Remove from the image what a job has no use for."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    doomed = [HERE, stdlib / "ensurepip", stdlib / "idlelib", stdlib / "turtledemo"]
    for folder in {sysconfig.get_path("purelib"), "/usr/lib/python3/dist-packages"}:
        for pattern in ("pip", "pip-*", "setuptools*", "wheel*", "_distutils_hack"):
            doomed += Path(folder).glob(pattern)
    for folder in os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":"):
        doomed += (Path(folder) / name for name in INSTALLERS + COMPILERS)
    for path in doomed:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()
        else:
            continue
        print(f"removed {path}")
    for path in all_files():
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            path.chmod(stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID))
            print(f"no longer setuid or setgid: {path}")


def all_files() -> list[Path]:
    """Return every file of the image."""
    found = []
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in NOT_THE_IMAGE]  # noqa: PTH118 - strings
        found += [Path(folder, name) for name in files]
    return found


STEPS = {"install": install, "bake": bake, "localise": localise, "harden": harden, "extend": extend}

if __name__ == "__main__":
    for step in sys.argv[1:]:
        STEPS[step]()
