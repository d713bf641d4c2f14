"""`python -m tools.real_suite`: a suite from the package index, unpinned and in the pinned renderer.

It takes mpl-scatter-density 0.6, whose tests compare with pictures that Matplotlib 2 drew, and prints a Markdown table:
how many tests pass with what is installed on this machine, for each Matplotlib, and by `figbox pytest`; with the
pictures as published, and again after the pinned renderer has drawn them anew. It takes some minutes, and needs pip's
package index and an engine.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SUITE = "mpl-scatter-density"
VERSION = "0.6"
PACKAGE = "mpl_scatter_density"
BASELINE = f"{PACKAGE}/tests/baseline/2.0.x"

#: What its tests import; setuptools has the `distutils` that Python no longer has.
NEEDED = ("fast-histogram", "mock", "setuptools<81")

#: Matplotlib on this machine: the image's version, and the one before.
MATPLOTLIBS = ("3.11.2", "3.10.9")

PYTEST = ("-q", "--mpl", "-p", "no:cacheprovider", "-W", "ignore")


def main() -> None:
    """Fetch the suite, run it in each way, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matplotlib", nargs="*", default=MATPLOTLIBS, help="versions for this machine")
    versions = parser.parse_args().matplotlib
    with tempfile.TemporaryDirectory(prefix="figbox-suite-") as name:
        folder = Path(name)
        project = fetched(folder)
        hosts = {version: environment(folder, version) for version in versions}
        published = outcomes(project, hosts)
        pinned(project, f"--mpl-generate-path={BASELINE}")
        anew = outcomes(project, hosts)
    print("| Run | Pictures as published | Pictures drawn by `figbox pytest` |")
    print("| --- | --- | --- |")
    for way, outcome in published.items():
        print(f"| {way} | {outcome} | {anew[way]} |")


def fetched(folder: Path) -> Path:
    """Return the suite's folder, unpacked."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary=:all:", "-d", str(folder)]
    subprocess.run([*command, f"{SUITE}=={VERSION}"], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (project,) = folder.glob("*/setup.py")
    return project.parent


def environment(folder: Path, version: str) -> Path:
    """Return the Python of a virtual environment with a Matplotlib and what the suite needs."""
    target = folder / f"matplotlib-{version}"
    subprocess.run([sys.executable, "-m", "venv", str(target)], check=True)
    python = target / "bin" / "python"
    packages = [f"matplotlib=={version}", "pytest", "pytest-mpl", *NEEDED]
    subprocess.run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
    return python


def outcomes(project: Path, hosts: dict[str, Path]) -> dict[str, str]:
    """Return pytest's last line of each way to run the suite."""
    found = {
        f"Matplotlib {version} of this machine": last_line([str(python), "-m", "pytest", *PYTEST], project)
        for version, python in hosts.items()
    }
    found["`figbox pytest`"] = pinned(project)
    return found


def pinned(project: Path, *arguments: str) -> str:
    """Run the suite in the pinned renderer; return pytest's last line."""
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "bootstrap.suite", f"--folder={project}"]
    command += [f"--with={text}" for text in NEEDED]
    return last_line([*command, "--", *PYTEST, *arguments], root)


def last_line(command: list[str], folder: Path) -> str:
    """Run a command; return its last line without the time."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    line = done.stdout.strip().rpartition("\n")[2]
    if "passed" not in line:
        raise SystemExit(done.stdout + done.stderr)
    return re.sub(r"(, \d+ warnings?)? in .*", "", line)


if __name__ == "__main__":
    main()
