"""Runs pytest in the image for suites, as the container's first process: `suite.py pytest ARGUMENTS`.

What FIGBOX_SUITE_PATH names is put on the path of modules behind the standard library, as an installation would be, for
processes that the suite starts as well: the project, and packages besides the image's. The list of fonts that the image
has is put where Matplotlib looks for it, or Matplotlib would make its own at each start. A first process has no default
action for SIGTERM, so it is given one; SIGINT has Python's own. The folder of this program isn't on the path: the
runner's modules aren't the suite's.
"""

from __future__ import annotations

import os
import shutil
import signal
import site
import sys
from pathlib import Path

FONTS = Path("/opt/figbox/mplconfig")


def end(number: int, _: object) -> None:
    """End at once, as a process does that isn't the first."""
    os._exit(128 + number)


def main() -> int:
    """Run pytest with our arguments; return its exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    if configured := os.environ.get("MPLCONFIGDIR"):
        shutil.copytree(FONTS, configured, dirs_exist_ok=True)
    _add_to_the_path(os.environ.pop("FIGBOX_SUITE_PATH", ""))
    sys.path.remove(str(Path(__file__).parent))
    import pytest  # noqa: PLC0415 - of the image, and only found without this folder

    sys.argv[:2] = [pytest.__file__]  # the first word is there because an image can't have an empty command
    return pytest.main()


def _add_to_the_path(paths: str) -> None:
    """Add folders for this process and for those that it starts, by a file in the user's own folder of packages."""
    folder = Path(site.getusersitepackages())
    folder.mkdir(parents=True, exist_ok=True)
    # Not only the paths: packages may bring such files, too.
    lines = [f"import site; site.addsitedir({path!r})\n" for path in paths.split(os.pathsep) if path]
    (folder / "suite.pth").write_text("".join(lines), "utf-8")
    site.addsitedir(str(folder))


if __name__ == "__main__":
    sys.exit(main())
