"""A variable that looks like a setting is one, or stops the start."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from figbox.cli.connection import KEY_VARIABLE
from gateway.model.errors import StartError
from gateway.settings import ROOT, LauncherProcessSettings, Settings, load, load_settings
from gateway.startup.variables import OTHERS
from tests.fakes import KEY
from tools.settings_table import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {str(field.alias) for field in FIELDS.values()}


@pytest.fixture(autouse=True)
def empty_folder(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Change to a folder without a `.env`, and keep no variable with our prefix."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("FIGBOX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("API_KEY", KEY)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("FIGBOX_WALL_LIMIT", "did you mean FIGBOX_WALL_LIMIT_S?"),
        ("FIGBOX_WALL_LIMIT_MS", "did you mean FIGBOX_WALL_LIMIT_S?"),
        ("FIGBOX_MEMORY_LIMIT_MB", "did you mean FIGBOX_MEMORY_LIMIT_MIB?"),
        ("FIGBOX_MEMORY_LIMIT", "did you mean FIGBOX_MEMORY_LIMIT_MIB?"),
        ("FIGBOX_POOLSIZE", "did you mean FIGBOX_POOL_SIZE?"),
        ("FIGBOX_CPU", "did you mean FIGBOX_CPUS?"),
        ("FIGBOX_CORS_ORIGIN", "did you mean FIGBOX_CORS_ORIGINS?"),
        ("FIGBOX_API_KEY_FILE", "its name is API_KEY_FILE"),
        ("FIGBOX_KEYS_FILE", "did you mean FIGBOX_API_KEYS_FILE?"),
        ("FIGBOX_REQUEST_PER_MINUTE", "did you mean FIGBOX_REQUESTS_PER_MINUTE?"),
        ("figbox_wall_limit", "did you mean FIGBOX_WALL_LIMIT_S?"),
        ("FIGBOX_PORT", "its name is PORT"),
        ("FIGBOX_HOST", "its name is HOST"),
        ("FIGBOX_DEBUG", "its name is DEBUG"),
        ("FIGBOX_DOCKER_HOST", "its name is DOCKER_HOST"),
        ("FIGBOX_XYZZY", "docs/settings.md lists all"),
        ("FIGBOX_", "docs/settings.md lists all"),
    ],
)
@pytest.mark.parametrize("place", ["the environment", ".env"])
def test_misspelt_names_stop_the_start(
    name: str, hint: str, place: str, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stands, it is named with the nearest right name, and its value isn't shown."""
    if place == ".env":
        (empty_folder / ".env").write_text(f"{name}=value-of-it\n")
    else:
        monkeypatch.setenv(name, "value-of-it")
    for kind in (Settings, LauncherProcessSettings):
        with pytest.raises(StartError) as caught:
            load(kind)
        assert f"{name} in {place} is no setting: {hint}" in str(caught.value)
        assert "value-of-it" not in str(caught.value)


def test_all_are_named(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One start reports every misspelt name."""
    monkeypatch.setenv("FIGBOX_A", "1")
    monkeypatch.setenv("FIGBOX_B", "1")
    (empty_folder / ".env").write_text("FIGBOX_C=1\n")
    with pytest.raises(StartError, match=r"FIGBOX_A in .*FIGBOX_B in .*FIGBOX_C in \.env"):
        load_settings()


def test_long_and_odd_names_are_shown_harmlessly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name can be anything; what is shown of it is short and printable."""
    monkeypatch.setenv("FIGBOX_\x1b[31m" + "X" * 10_000, "1")
    with pytest.raises(StartError) as caught:
        load_settings()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "x") for name in sorted(OTHERS)),
        ("FIGBOX_WALL_LIMIT", ""),
        ("FIGBOX_SERVICE_HOST", "10.0.0.1"),
        ("FIGBOX_SERVICE_PORT", "5150"),
        ("FIGBOX_SERVICE_PORT_HTTP", "5150"),
        ("FIGBOX_PORT", "tcp://10.0.0.1:5150"),
        ("FIGBOX_PORT_5150_TCP", "tcp://10.0.0.1:5150"),
        ("FIGBOX_PORT_5150_TCP_ADDR", "10.0.0.1"),
        ("FIGBOX_PORT_5150_TCP_PROTO", "tcp"),
        ("FIGBOX_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("FIGBOX_GATEWAY_PORT", "tcp://10.0.0.1:5150"),
        ("MYFIGBOX_X", "1"),
        ("WALL_LIMIT", "1"),
    ],
)
def test_variables_of_others_are_let_be(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's, the compose file's and Kubernetes' variables may be there, and so may empty ones."""
    monkeypatch.setenv(name, value)
    load_settings()


def test_variables_of_others_are_known() -> None:
    """Every variable that the client, the compose file and the set-up use is a setting or one of theirs."""
    assert KEY_VARIABLE in OTHERS
    sources = [ROOT / "docker-compose.yml", *(ROOT / "figbox").rglob("*.py"), *(ROOT / "bootstrap").rglob("*.py")]
    found = {name for path in sources for name in re.findall(r"\bFIGBOX_[A-Z_]+\b", path.read_text("utf-8"))}
    assert len(found) > 40
    assert found <= NAMES | OTHERS
    assert not NAMES & OTHERS


def test_env_file_that_is_not_utf8_is_named(empty_folder: Path) -> None:
    """A file in another encoding stops the start in one sentence."""
    (empty_folder / ".env").write_bytes(b"# caf\xe9\nPORT=1\n")
    with pytest.raises(StartError, match=r"^\.env can't be read: byte 6 is not UTF-8$"):
        load_settings()


def test_env_file_with_a_mark_is_read(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte order mark before the first name doesn't belong to it."""
    monkeypatch.delenv("API_KEY")
    (empty_folder / ".env").write_bytes(b"\xef\xbb\xbfAPI_KEY=" + KEY.encode() + b"\nFIGBOX_CPUS=2\n")
    settings = load_settings()
    assert (settings.cpus, settings.api_key is not None) == (2, True)
