"""What is installed: only the client, typed, with the few packages it needs."""

from __future__ import annotations

import email
import importlib.metadata
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import figbox
from tests.documents.pages import ROOT
from tests.support.machine import slowed

LIMIT_S = slowed(300)

#: Packages in the wheel: the client, and its plugin for pytest.
PACKAGES = ("figbox", "pytest_figbox")

#: Packages of the gateway, the set-up and the tests, which the client must not need.
FOREIGN = ("aiohttp", "docker", "loguru", "pydantic", "pydantic_settings", "prometheus_client", "matplotlib", "numpy")


#: What the report is made of besides modules.
PAGE = ("card.html", "page.css", "page.html", "page.js")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program to its end; return what it prints."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel without network, from a copy of what that needs."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "requirements").mkdir()
    for name in ("client.in", "ci.in"):
        shutil.copy(ROOT / "requirements" / name, source / "requirements")
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir")
    run(sys.executable, "-m", "pip", "wheel", *options, folder, ".", cwd=source)
    (built,) = folder.glob("figbox-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` folder of a new environment with the wheel and copies of the packages that it needs."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    for name in sorted(needed("figbox", requirements(wheel))):
        copy_package(name, packages)
    install = (sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet", wheel)
    run(*install, cwd=folder)
    return folder / "bin"


def requirements(wheel: Path) -> list[str]:
    """Return what a wheel says that it needs."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        return email.message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])


def needed(name: str, wanted: list[str]) -> set[str]:
    """Return the names of all packages behind requirements, as far as they hold here."""
    found: set[str] = set()
    for requirement in wanted:
        package = re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()
        if package in found or "extra ==" in requirement:
            continue
        try:
            distribution = importlib.metadata.distribution(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or Python than this one
        found |= {package} | needed(package, distribution.requires or [])
    return found


def copy_package(name: str, folder: Path) -> None:
    """Copy an installed package into an environment."""
    for file in importlib.metadata.files(name) or []:
        source, target = Path(str(file.locate())), folder / file
        if ".." not in file.parts and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def test_wheel_holds_the_client_and_nothing_else(wheel: Path) -> None:
    """The wheel has every module of the client and its plugin, the marker for type checkers and the licence."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("/licenses/LICENSE")]
    sources = {str(path.relative_to(ROOT)) for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    page = "figbox/cli/check/reports/page"
    assert names == sources | {"figbox/py.typed"} | {f"{page}/{name}" for name in PAGE}
    assert licences


def test_wheel_needs_what_the_requirements_say(wheel: Path) -> None:
    """The wheel needs the packages of requirements/client.in, and with the extra `ci` also those of ci.in."""
    for extra, name in (("", "client.in"), ("ci", "ci.in")):
        lines = (ROOT / "requirements" / name).read_text().splitlines()
        wanted = {line for line in lines if line and not line.startswith("#")}
        parts = (requirement.partition("; extra == ") for requirement in requirements(wheel))
        found = {_parts(requirement) for requirement, _, of in parts if of.strip("\"'") == extra}
        assert found == {_parts(line) for line in wanted}


def _parts(requirement: str) -> frozenset[str]:
    """Return name and bounds of a requirement, in whatever order they are written."""
    return frozenset(re.findall(r"[\w-]+|[<>=]+[\d.]+", requirement))


def test_command_runs_in_a_fresh_environment(installed: Path, tmp_path: Path) -> None:
    """The console script works without the gateway's packages."""
    printed = run(installed / "figbox", "--help", cwd=tmp_path)
    assert "Render Matplotlib scripts through a Figbox service" in printed
    assert run(installed / "figbox", "--version", cwd=tmp_path) == f"figbox, version {figbox.__version__}\n"
    code = "import importlib.util, sys; print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])"
    assert run(installed / "python", "-c", code, *FOREIGN, cwd=tmp_path) == "[]\n"


def test_library_does_not_load_the_command(installed: Path, tmp_path: Path) -> None:
    """`import figbox` doesn't load the libraries of the command."""
    code = "import figbox, sys; print([n for n in ('click', 'rich', 'figbox.cli') if n in sys.modules])"
    assert run(installed / "python", "-c", code, cwd=tmp_path) == "[]\n"


def test_client_imports_nothing_of_the_gateway() -> None:
    """The package doesn't import other packages of the checkout."""
    foreign = re.compile(r"^\s*(?:from|import) (?:gateway|bootstrap|benchmarks|tests)\b", re.MULTILINE)
    for path in (ROOT / "figbox").rglob("*.py"):
        assert not foreign.search(path.read_text())


def test_what_is_exported_is_listed() -> None:
    """`__all__` is sorted, classes before functions, and each name exists."""
    assert figbox.__all__ == sorted(figbox.__all__, key=lambda name: (name[0].islower(), name.lower()))
    for name in figbox.__all__:
        assert getattr(figbox, name).__module__.startswith("figbox.")


def test_callers_are_type_checked(tmp_path: Path) -> None:
    """A type checker knows what a render gives, and refuses an option that doesn't exist."""
    program = tmp_path / "program.py"
    program.write_text(
        "import figbox\n"
        "client = figbox.Client('http://127.0.0.1:5150', 'key')\n"
        "render = client.render('x', format=['png', 'svg'], rc={'axes.grid': True}, files={'a.csv': b'1'})\n"
        "reveal_type(render.picture.data)\n"
        "client.render('x', fromat='png')\n"
        "client.render('x', figures='some')\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", tmp_path / "c", program]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LIMIT_S, env={"MYPYPATH": str(ROOT)}
    )
    lines = done.stdout.splitlines()
    assert 'Revealed type is "builtins.bytes"' in lines[0] or 'Revealed type is "bytes"' in lines[0], done.stdout
    assert [line.split(":")[1] for line in lines if ": error:" in line] == ["5", "6"], done.stdout
