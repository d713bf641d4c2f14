"""What images are made of: the gateway's parts, packages that are sent along or fetched, and Compose."""

from __future__ import annotations

import hashlib
import importlib.util
import stat
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.images import context, image
from bootstrap.images.assembler import layers
from bootstrap.images.dockerfile import Copy, read
from tests.documents.pages import ROOT
from tests.support import compose

if TYPE_CHECKING:
    from pathlib import Path


def test_the_gateways_image_is_made_of_its_parts(tmp_path: Path) -> None:
    """Only its parts are sent to the engine, and only they decide whether it is built again."""
    root, site = tmp_path / "root", tmp_path / "site"
    left_out = {".env", "tests/x.py", "runner-image/runner/runner.py"}
    for name in (*image.GATEWAY_PARTS, "gateway/launcher/remote/messages.py", *left_out):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.suffix and name != ".env":
            path.mkdir(exist_ok=True)
        else:
            path.write_text(name)
    (site / "aiohttp").mkdir(parents=True)
    (site / "aiohttp" / "a.py").write_text("x")
    names = set(context.contents(root, {"site": site}, image.GATEWAY_PARTS))
    assert {"gateway/launcher/remote/messages.py", "requirements/gateway.txt", "site/aiohttp/a.py"} <= names
    assert not names & left_out
    before = context.digest(root, image.GATEWAY_PARTS)
    (root / "tests" / "x.py").write_text("changed")
    assert context.digest(root, image.GATEWAY_PARTS) == before
    (root / "gateway" / "launcher" / "wire.py").write_text("changed")
    assert context.digest(root, image.GATEWAY_PARTS) != before


def test_every_part_is_there_and_copied() -> None:
    """Each part of the recipe is in the repository and in the Dockerfile."""
    copied = (ROOT / "gateway-image" / "Dockerfile").read_text()
    for part in image.GATEWAY_PARTS:
        assert (ROOT / part).exists()
        assert part.removeprefix("gateway-image") == "" or part.split("/")[-1] in copied


def test_compose_sends_no_secret() -> None:
    """What `docker compose build` may send is listed; everything else stays, above all keys."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {line[1:] for line in rules if line.startswith("!")}
    assert sent == {"gateway", "gateway-image", "requirements", "runner-image"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(["ENV"], "0")]),
        ("ENV A=1\nWORKDIR /x\nCOPY a b\nENV A=2\n", [(["COPY a b"], "2")]),
        ('COPY a b\nENV A=1\nRUN ["r"]\nENV A=2\n', [(["COPY a b", 'RUN ["r"]'], "1")]),
        ('RUN ["r"]\nENV A=1\nCOPY a b\n', [(['RUN ["r"]', "COPY a b"], "0")]),
        (
            'COPY a b\nRUN ["r"]\nENV A=1\nCOPY c d\nRUN ["s"]\nCOPY e f\n',
            [(["COPY a b", 'RUN ["r"]'], "0"), (["COPY c d", 'RUN ["s"]', "COPY e f"], "1")],
        ),
        ('RUN ["r"]\nRUN ["s"]\n', [(['RUN ["r"]'], "0"), (['RUN ["s"]'], "0")]),
    ],
)
def test_layers_are_as_few_as_programs(text: str, expected: list[tuple[list[str], str]]) -> None:
    """Files share the layer of the program that follows, which may delete them; programs see what was set before."""
    (stage,) = read(f"FROM base\n{text}", "x", {})
    found, config = layers(stage, {"Env": ["A=0"]})
    shown = [
        ([c.text for c in layer.changes if not c.text.startswith("WORKDIR")], layer.config["Env"]) for layer in found
    ]
    assert shown == [(texts if texts != ["ENV"] else [], [f"A={value}"]) for texts, value in expected]
    last = [line for line in text.splitlines() if line.startswith("ENV")]
    assert config["Env"] == [last[-1].removeprefix("ENV ") if last else "A=0"]


def test_paths_in_layers_are_absolute() -> None:
    """What COPY and WORKDIR name is below the working directory of their place."""
    (stage,) = read("FROM base\nCOPY a b/\nWORKDIR c\nCOPY a .\nWORKDIR d\n", "x", {})
    (layer,), config = layers(stage, {"WorkingDir": "/w"})
    found = [change.target if isinstance(change, Copy) else change.value for change in layer.changes]  # type: ignore[attr-defined]
    assert found == ["/w/b/", "/w/c", "/w/c/./", "/w/c/d"]
    assert config["WorkingDir"] == "/w/c/d"


@pytest.fixture
def install() -> Any:
    """Return the program that fills site/ in a build."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "runner-image" / "build" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_packages_that_came_along_are_kept(install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the set-up has sent them, nothing is fetched, and the lock is removed."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was fetched"))
    (tmp_path / "x-1.dist-info").mkdir()
    lock = tmp_path / "gateway.txt"
    lock.write_text("x==1\n")
    install.install(tmp_path, lock)
    assert [path.name for path in tmp_path.iterdir()] == ["x-1.dist-info"]


def test_packages_are_fetched_by_their_hashes(install: Any, tmp_path: Path) -> None:
    """Otherwise pip fetches them and refuses a file whose hash isn't the lock's."""
    wheel = tmp_path / "wheels" / "figbox_nothing-1-py3-none-any.whl"
    wheel.parent.mkdir()
    make_wheel(wheel)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = tmp_path / "lock.txt"
    for expected in ("0" * 64, digest):
        lock.write_text(f"--no-index\n--find-links {wheel.parent}\nfigbox-nothing==1 --hash=sha256:{expected}\n")
        if expected != digest:
            with pytest.raises(SystemExit, match="could not be fetched"):
                install.install(tmp_path, lock)
        else:
            install.install(tmp_path, lock)
        assert (tmp_path / "figbox_nothing.py").exists() == (expected == digest) != lock.exists()


def make_wheel(path: Path) -> None:
    """Write the smallest possible wheel."""
    info = "figbox_nothing-1.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("figbox_nothing.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: figbox-nothing\nVersion: 1\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.mark.parametrize(
    ("printed", "version"),
    [("2.26.1-4", "2.26.1-4"), ("v2.40.0", "2.40.0"), ("5.0.1", "5.0.1"), *((old, "") for old in ("1.29.2", "x", ""))],
)
def test_only_compose_of_version_2_will_do(tmp_path: Path, printed: str, version: str) -> None:
    """Version 1 reads another format, and another program doesn't count."""
    program = tmp_path / "compose"
    program.write_text(f"#!{sys.executable}\nprint({printed!r})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert compose.version_of([str(program)]) == version
    assert compose.version_of([str(tmp_path / "nothing")]) == ""
