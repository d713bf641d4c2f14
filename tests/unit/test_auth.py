"""Keys: who is let in, how a keys file is read, and how a new key is made."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import auth
from gateway.auth import DEFAULT_NAME, Keyring, load_keyring, main
from gateway.errors import StartError, Unauthorized
from tests.fakes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.settings import Settings

    MakeSettings = Callable[..., Settings]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


RING = Keyring({"one": _digest(KEY), "two": _digest("schlüssel"), "three": _digest("third")})


@pytest.mark.parametrize(("key", "holder"), [(KEY, "one"), ("schlüssel", "two"), ("third", "three")])
def test_right_key_tells_its_holder(key: str, holder: str) -> None:
    """Each of several keys is known by its holder's name."""
    assert holder == RING.authenticate([key])


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="none"),
        pytest.param([""], id="empty"),
        pytest.param([KEY, KEY], id="twice the right one"),
        pytest.param([KEY, "wrong"], id="right and wrong"),
        pytest.param(["wrong", KEY], id="wrong and right"),
        pytest.param([f"{KEY},{KEY}"], id="joined"),
        pytest.param([KEY[:-1]], id="cut"),
        pytest.param([KEY + "x"], id="longer"),
        pytest.param([KEY.upper()], id="other case"),
        pytest.param([f" {KEY}"], id="space"),
        pytest.param(["ключ"], id="not ASCII"),
        pytest.param(["\udcff\udc80"], id="surrogate escapes"),
        pytest.param([_digest(KEY).hex()], id="its digest"),
        pytest.param(["x" * 8000], id="long"),
    ],
)
def test_anything_else_is_unauthorized(values: list[str]) -> None:
    """No key, several, or one that isn't ours: always the same exception with the same text."""
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        RING.authenticate(values)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=30), max_size=3))
def test_no_header_breaks_it(raw: list[bytes]) -> None:
    """Whatever bytes headers carry, decoded as aiohttp does it, the answer is a holder or Unauthorized."""
    values = [value.decode("utf-8", "surrogateescape") for value in raw]
    with pytest.raises(Unauthorized):
        RING.authenticate(values)


def test_empty_key_never_fits() -> None:
    """Even if the digest of nothing were stored, a missing key isn't one."""
    ring = Keyring({"nobody": _digest("")})
    for values in ([], [""], ["", ""]):
        with pytest.raises(Unauthorized):
            ring.authenticate(values)


def test_every_stored_key_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hit ends the comparison no earlier than a miss, and digests are compared in constant time."""
    compared: list[bytes] = []

    def counted(given: bytes, known: bytes) -> bool:
        compared.append(known)
        return hmac.compare_digest(given, known)

    monkeypatch.setattr(auth, "hmac", type("counting", (), {"compare_digest": staticmethod(counted)}))
    RING.authenticate([KEY])
    assert len(compared) == 3


def test_keys_file_adds_to_the_key(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Both sources are read; comments and empty lines are passed over."""
    file = tmp_path / "keys"
    file.write_text(f"# clients\n\none:{_digest('a').hex()}\n  two.x-y_z:{_digest('b').hex()}  \n")
    ring = load_keyring(make_settings(api_keys_file=file))
    assert len(ring) == 3
    assert [ring.authenticate([key]) for key in (KEY, "a", "b")] == [DEFAULT_NAME, "one", "two.x-y_z"]


@pytest.mark.parametrize(
    "line",
    [
        "one",
        "one:",
        ":" + "0" * 64,
        "one:" + "0" * 63,
        "one:" + "0" * 65,
        "one:" + "A" * 64,
        "one:plaintext-key",
        "o ne:" + "0" * 64,
        "x" * 65 + ":" + "0" * 64,
        "default:" + "0" * 64,
        "first:" + "1" * 64,
    ],
)
def test_bad_line_stops_the_start_by_its_number(make_settings: MakeSettings, tmp_path: Path, line: str) -> None:
    """A line that is no `name:sha256`, or a name that comes again, is named by number and not quoted."""
    file = tmp_path / "keys"
    file.write_text(f"first:{'0' * 64}\n{line}\n")
    with pytest.raises(StartError, match="FIGBOX_API_KEYS_FILE line 2 ") as caught:
        load_keyring(make_settings(api_keys_file=file))
    assert line not in str(caught.value)


def test_keys_file_that_cannot_be_read_stops_the_start(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A missing file and one that is no text are said to be unreadable."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("missing", "binary"):
        with pytest.raises(StartError, match="FIGBOX_API_KEYS_FILE can't be read"):
            load_keyring(make_settings(api_keys_file=tmp_path / name))


def test_keys_file_without_keys_is_not_enough(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A file of comments lets nobody in, so it doesn't start."""
    file = tmp_path / "keys"
    file.write_text("# nobody yet\n")
    with pytest.raises(StartError, match="no API key is configured"):
        load_keyring(make_settings(api_key=None, api_keys_file=file))


def test_command_makes_a_key_that_works(
    make_settings: MakeSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The printed line, put into the keys file, lets the printed key in; no two keys are the same."""
    keys = []
    for name in ("ci", "web"):
        assert main([name]) == 0
        key, line = (text.split(maxsplit=1)[1] for text in capsys.readouterr().out.splitlines())
        assert key not in line
        assert len(key) >= 43
        keys.append(key)
        with (tmp_path / "keys").open("a") as file:
            file.write(line + "\n")
    ring = load_keyring(make_settings(api_key=None, api_keys_file=tmp_path / "keys"))
    assert [ring.authenticate([key]) for key in keys] == ["ci", "web"]


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a b"], [""], ["a:b"], ["x" * 65], ["a\n"]])
def test_command_refuses_what_is_no_name(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without one proper name no key is made."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage" in captured.err
