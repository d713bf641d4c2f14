"""A key in a file of its own: read if it can be nothing else, and otherwise the start is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from pydantic import SecretStr

from gateway.__main__ import key_for_shell
from gateway.model.errors import StartError
from gateway.settings import load_settings
from gateway.startup.secret_file import SIZE_LIMIT, read_secret
from tests.fakes import KEY
from tools.settings_table import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A user id that owns nothing.
NOBODY = 65534


@pytest.fixture(autouse=True)
def folder(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Change to a folder without a `.env` in which a file `key` is named."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY_FILE", "key")
    return tmp_path


def test_every_secret_can_be_in_a_file() -> None:
    """A setting that is secret has one beside it that names a file."""
    secrets = [name for name, field in FIELDS.items() if SecretStr in get_args(field.annotation)]
    assert set(secrets) == {"api_key", "shared_url", "shared_secret", "traces_headers"}
    assert all(FIELDS[f"{name}_file"].alias == f"{FIELDS[name].alias}_FILE" for name in secrets)


@pytest.mark.parametrize(
    "content",
    [
        KEY.encode(),
        KEY.encode() + b"\n",
        KEY.encode() + b"\r\n",
        b"\n " + KEY.encode() + b" \n\n",
        b"\xef\xbb\xbf" + KEY.encode() + b"\n",
    ],
)
def test_key_is_read(folder: Path, content: bytes) -> None:
    """The key is the file's only line, however its end is written."""
    (folder / "key").write_bytes(content)
    settings = load_settings()
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == KEY
    assert KEY not in repr(settings)
    assert key_for_shell(settings) == "$(cat key)"


def test_base64_with_padding_is_a_key(folder: Path) -> None:
    """An equals sign at the end is a part of the key."""
    (folder / "key").write_text("c2VjcmV0LXNlY3JldC1zZWNyZXQtMTIzNA==\n")
    key = load_settings().api_key
    assert key is not None
    assert key.get_secret_value().endswith("==")


def test_link_is_followed(folder: Path) -> None:
    """Kubernetes mounts secrets as links."""
    (folder / "real").write_text(KEY)
    (folder / "key").symlink_to("real")
    assert load_settings().api_key is not None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "can't be read: No such file"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"one\ntwo\n", "one line"),
        (KEY.encode() + b"\0", "one line"),
        ("ключ-ключ-ключ".encode(), "one line"),
        (b"\xff\xfek\0e\0y\0", "is not text"),
        (b"API_KEY=" + KEY.encode(), "a name before the value"),
        (b"export API_KEY = " + KEY.encode(), "a name before the value"),
        (b"x" * (SIZE_LIMIT + 1), f"more than {SIZE_LIMIT} bytes"),
    ],
)
def test_other_files_are_refused(folder: Path, content: bytes | None, reason: str) -> None:
    """Anything else stops the start with the setting, the file and the reason, and shows nothing of it."""
    if content is not None:
        (folder / "key").write_bytes(content)
    with pytest.raises(StartError) as caught:
        load_settings()
    text = f"{caught.value}"
    assert "API_KEY_FILE: the file (key)" in text
    assert reason in text
    assert KEY not in f"{text}{caught.value.__cause__}"


def test_folders_and_pipes_are_refused(folder: Path) -> None:
    """A folder is named as one, and a pipe isn't waited for."""
    (folder / "key").mkdir()
    with pytest.raises(StartError, match="is a folder"):
        load_settings()
    (folder / "key").rmdir()
    os.mkfifo(folder / "key")
    with pytest.raises(StartError, match="no ordinary file"):
        load_settings()


@pytest.fixture
def unreadable_file(folder: Path) -> Iterator[Path]:
    """Yield a file that nobody may read, and lay down root's right to do so meanwhile."""
    path = Path("key")
    path.touch(mode=0o000)
    user = os.geteuid()
    folder.chmod(0o755)
    os.seteuid(user or NOBODY)
    try:
        yield path
    finally:
        os.seteuid(user)


def test_unreadable_file_is_refused(unreadable_file: Path) -> None:
    """A file that the gateway's user may not read stops the start."""
    with pytest.raises(ValueError, match="can't be read: Permission denied"):
        read_secret(unreadable_file)


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_two_keys_are_refused(folder: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key in both places the start is refused, even if they are the same."""
    (folder / "key").write_text(KEY)
    if where == ".env":
        (folder / ".env").write_text(f"API_KEY={KEY}\n")
    else:
        monkeypatch.setenv("API_KEY", KEY)
    with pytest.raises(StartError, match="both API_KEY and API_KEY_FILE are set"):
        load_settings()


def test_empty_variable_is_unset(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one of the two, as compose passes it, doesn't count."""
    (folder / "key").write_text(KEY)
    monkeypatch.setenv("API_KEY", "")
    assert load_settings().api_key is not None
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv("API_KEY_FILE", "")
    assert load_settings().api_key_file is None
