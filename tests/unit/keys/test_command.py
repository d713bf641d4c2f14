"""The command that makes, lists and revokes keys: shown once, kept as digests, everything else left as it was."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from gateway.keys import __main__ as keys
from gateway.keys.__main__ import LIMITS, main
from gateway.keys.keyring import KeyPolicy
from gateway.keys.keys_file import parse_entries, parse_keys
from gateway.keys.live_keyring import LiveKeyring
from gateway.model.jobs import MiB
from gateway.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

OTHERS = """# Who may ask.

# The web shop; ask Ann.
[keys.shop]
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"   # since May
  concurrent_jobs = 4

# Nightly figures.
[ keys . nightly ]
sha256 = '2222222222222222222222222222222222222222222222222222222222222222'
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a keys file with two keys and comments."""
    file = tmp_path / "keys.toml"
    file.write_text(OTHERS)
    return file


def _run(file: Path, *arguments: str) -> int:
    return main(["--file", str(file), *arguments])


def test_new_key_works_and_is_nowhere(tmp_path: Path, capsys: Capture) -> None:
    """The printed key is accepted; the file only has its digest, and only its owner may read it."""
    file = tmp_path / "keys.toml"
    assert _run(file, "add", "ci") == 0
    printed = capsys.readouterr()
    key = printed.out.strip()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", key)
    assert key not in printed.err
    assert key not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert LiveKeyring(None, file).authenticate([key]).name == "ci"


def test_no_two_keys_are_alike(file: Path, capsys: Capture) -> None:
    """Each key is made anew from 256 random bits."""
    made = set()
    for number in range(20):
        assert _run(file, "add", f"k{number}") == 0
        made.add(capsys.readouterr().out)
    assert len(made) == 20
    assert len(parse_keys(file.read_bytes())) == 22


def test_limits_come_through(file: Path, capsys: Capture) -> None:
    """Every limit of the file can be given, and is listed."""
    given = {
        "requests_per_minute": "60",
        "concurrent_jobs": "4",
        "compute_seconds_per_minute": "90",
        "wall_limit_s": "2.5",
        "memory_limit_mib": "256",
    }
    assert set(given) == set(LIMITS)
    options = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]
    assert _run(file, "add", "ci", *options) == 0
    assert parse_keys(file.read_bytes())["ci"].policy == KeyPolicy(60, 4, 90, 2.5, 256 * MiB)
    capsys.readouterr()
    assert _run(file, "list") == 0
    assert capsys.readouterr().out.splitlines() == [
        "shop concurrent_jobs=4",
        "nightly",
        "ci " + " ".join(f"{name}={value}" for name, value in given.items()),
    ]


@pytest.mark.parametrize("value", ["0", "-1", "nan", "1e9", "2.5"])
def test_limits_out_of_bounds_make_no_key(file: Path, capsys: Capture, value: str) -> None:
    """A wrong limit is named, nothing is printed and the file stays."""
    assert _run(file, "add", "ci", "--requests-per-minute", value) == 1
    printed = capsys.readouterr()
    assert (printed.out, file.read_text()) == ("", OTHERS)
    assert "--requests-per-minute" in printed.err


@pytest.mark.parametrize("name", ["a b", "", "a:b", "x" * 65, "a\n", "a]", "é", "--"])
def test_what_is_no_name_makes_no_key(file: Path, capsys: Capture, name: str) -> None:
    """Without a valid name no key is made."""
    with pytest.raises(SystemExit):
        _run(file, "add", name)
    assert (capsys.readouterr().out, file.read_text()) == ("", OTHERS)


def test_a_name_is_given_once(file: Path, capsys: Capture) -> None:
    """An existing key is not overwritten."""
    assert _run(file, "add", "shop") == 1
    printed = capsys.readouterr()
    assert (printed.out, file.read_text()) == ("", OTHERS)
    assert "already" in printed.err


def test_others_stay_to_the_byte(file: Path) -> None:
    """Adding and revoking leaves comments and other tables exactly as they were."""
    assert _run(file, "add", "new.one", "--concurrent-jobs", "2") == 0
    assert file.read_text().startswith(OTHERS + '\n[keys."new.one"]\n')
    assert _run(file, "revoke", "new.one") == 0
    assert file.read_text().rstrip("\n") == OTHERS.rstrip("\n")


def test_comment_above_the_next_key_stays(file: Path) -> None:
    """Revoking removes a table, but not the comment on the next one."""
    assert _run(file, "revoke", "shop") == 0
    text = file.read_text()
    assert "# Nightly figures.\n[ keys . nightly ]\n" in text
    assert "shop" not in text.replace("web shop", "")
    assert list(parse_entries(text.encode())) == ["nightly"]


def test_odd_table_is_left_to_its_author(file: Path, capsys: Capture) -> None:
    """A table written in a way the command doesn't know is not touched."""
    assert _run(file, "revoke", "nightly") == 1
    assert file.read_text() == OTHERS
    assert "by hand" in capsys.readouterr().err


def test_edit_that_would_say_something_else_is_not_made(file: Path, capsys: Capture) -> None:
    """The look of a line is not trusted: the edited file is parsed, and must have exactly the intended content."""
    three, four, five = ("3" * 64, "4" * 64, "5" * 64)
    inline = f'[keys]\nodd = {{sha256 = "{three}"}}\n'
    file.write_text(f'{inline}[keys.a]\nsha256 = """\n{four}"""\n[keys.b]\nsha256 = "{five}"\n')
    for name, status in (("odd", 1), ("a", 0), ("b", 0)):
        assert _run(file, "revoke", name) == status
    assert list(parse_entries(file.read_bytes())) == ["odd"]
    assert "by hand" in capsys.readouterr().err


def test_last_key_leaves_a_file_without_keys(tmp_path: Path) -> None:
    """Without its last key the file isn't empty, which would count as broken, but has an empty table of keys."""
    file = tmp_path / "keys.toml"
    for _ in range(2):
        assert _run(file, "add", "only") == 0
        assert _run(file, "revoke", "only") == 0
        assert parse_keys(file.read_bytes()) == {}


@pytest.mark.parametrize("command", [["revoke", "nobody"], ["add", "x"], ["list"]])
def test_broken_file_is_not_made_worse(file: Path, capsys: Capture, command: list[str]) -> None:
    """Nothing is written over a file that can't be understood."""
    broken = OTHERS + "[keys.c]\nsha256 = 'the-secret'\n"
    file.write_text(broken)
    assert _run(file, *command) == 1
    printed = capsys.readouterr()
    assert file.read_text() == broken
    assert (printed.out, "secret" in printed.err) == ("", False)


@pytest.mark.parametrize("command", [["revoke", "shop"], ["list"]])
def test_missing_file_is_said(tmp_path: Path, capsys: Capture, command: list[str]) -> None:
    """A missing file can't be listed, and no key of it revoked."""
    assert _run(tmp_path / "none.toml", *command) == 1
    assert "doesn't exist" in capsys.readouterr().err


def test_unwritable_folder_is_said(tmp_path: Path, capsys: Capture) -> None:
    """An error of the system is one line, and no key is printed."""
    assert _run(tmp_path / "no" / "keys.toml", "add", "x") == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_failed_write_leaves_the_old_file_and_no_other(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """When the disk is full, the old file stays as it was."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keys.os, "fsync", full)
    assert _run(file, "add", "x") == 1
    assert file.read_text() == OTHERS
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert capsys.readouterr().out == ""


def test_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    """The target of a link is changed, not the link."""
    link = tmp_path / "link"
    link.symlink_to(file)
    assert _run(link, "add", "x") == 0
    assert link.is_symlink()
    assert "x" in parse_keys(file.read_bytes())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owner_stays_the_owner(file: Path) -> None:
    """A change by root doesn't lock the gateway's user out."""
    os.chown(file, 12345, 12345)
    assert _run(file, "add", "x") == 0
    assert (file.stat().st_uid, file.stat().st_gid, file.stat().st_mode & 0o777) == (12345, 12345, 0o600)


def test_commands_at_the_same_time_lose_nothing(file: Path) -> None:
    """Two administrators don't overwrite each other's keys."""
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda number: _run(file, "add", f"k{number}"), range(16))) == {0}
    assert len(parse_keys(file.read_bytes())) == 18


def test_file_comes_from_the_setting(file: Path, tmp_path: Path) -> None:
    """Without `--file` it is the gateway's file, from the environment or `.env`; no other setting is needed."""
    environment = {name: value for name, value in os.environ.items() if name not in {"API_KEY", "FIGBOX_API_KEYS_FILE"}}
    command = [sys.executable, "-m", "gateway.keys", "list"]

    def run(folder: Path, **extra: str) -> subprocess.CompletedProcess[str]:
        paths = {"PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=folder, env={**environment, **paths, **extra}, capture_output=True, text=True, check=False
        )

    empty = tmp_path / "empty"
    empty.mkdir()
    refused = run(empty)
    assert (refused.returncode, "FIGBOX_API_KEYS_FILE" in refused.stderr) == (2, True)
    assert run(empty, FIGBOX_API_KEYS_FILE=str(file)).stdout.startswith("shop ")
    (tmp_path / ".env").write_text(f"FIGBOX_API_KEYS_FILE={file}\n")
    assert run(tmp_path).stdout.startswith("shop ")


def test_no_command_takes_a_key(capsys: Capture) -> None:
    """No argument is a key, so that none is in a process list or a shell's history."""
    for command in ([], ["add"], ["list"], ["revoke"]):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
    assert not re.search(r"\bKEY\b|--(api-)?key\b|--secret", capsys.readouterr().out)
