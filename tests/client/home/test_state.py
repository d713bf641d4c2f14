"""What is kept of services is private, and survives nothing that it shouldn't."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest

from figbox.cli.exits import ServiceProblem
from figbox.cli.home.processes import Identity
from figbox.cli.home.state import Record, free_place, place, state_folder

HOME = Path("/opt/figbox")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for the state of programs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def mode(path: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_private(state: Path) -> None:
    """Folders and files are their owner's alone, whatever the umask."""
    before = os.umask(0)
    try:
        mine = place(HOME, "up")
        key = mine.new_key()
        mine.open_log().close()
    finally:
        os.umask(before)
    assert [mode(folder) for folder in (state / "figbox", mine.folder.parent, mine.folder)] == [0o700] * 3
    assert [mode(mine.key_file), mode(mine.log)] == [0o600] * 2
    assert mine.key_file.read_text().strip() == key
    assert mine.new_key() != key


def test_open_folder_is_closed(state: Path) -> None:
    """A folder that others could enter is closed before a key gets into it."""
    (state / "figbox").mkdir()
    (state / "figbox").chmod(0o777)
    place(HOME, "up")
    assert mode(state / "figbox") == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user")
def test_folder_of_another_user(state: Path) -> None:
    """A folder of another user, who could read the key, isn't used."""
    (state / "figbox").mkdir()
    os.chown(state / "figbox", 65534, 65534)
    with pytest.raises(ServiceProblem, match=r"figbox can't be used \(it is another user's\): set XDG_STATE_HOME"):
        place(HOME, "up")


def test_folder_that_cannot_be_made(state: Path) -> None:
    """A file in its place is said in one sentence."""
    (state / "figbox").write_text("")
    with pytest.raises(ServiceProblem, match="can't be used"):
        place(HOME, "up")


def test_where_it_is(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable counts if it is absolute; the folder of the user comes next."""
    assert state_folder() == state / "figbox"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert state_folder() == Path("/home/someone/.local/state/figbox")


def test_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that the system knows nothing of is told what to set."""
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    with pytest.raises(click.UsageError, match="set XDG_STATE_HOME"):
        state_folder()


def test_names_of_installations() -> None:
    """They stay the same for a place, and no two places have the same, not even of two users or two hosts."""
    mine = place(HOME, "up")
    assert place(HOME, "up").installation == mine.installation
    others = {place(HOME, "local-0").installation, place(Path("/other"), "up").installation}
    assert len(others | {mine.installation}) == 3


def test_record() -> None:
    """It comes back as it was; a broken one is none, and it goes with everything but the lock."""
    mine = place(HOME, "up")
    assert mine.recorded() is None
    record = Record(Identity(7, 8, "boot"), "http://127.0.0.1:1", ("science",))
    mine.record(record)
    assert mine.recorded() == record
    for text in ("", "[]", "{}", '{"process": 5}', '{"process": {"pid": "x"}}', "{"):
        mine.write("service.json", text)
        assert mine.recorded() is None
    with mine.locked(wait=False):
        mine.clear()
    assert [path.name for path in mine.folder.iterdir()] == ["lock"]


def test_places_of_two_at_once() -> None:
    """Each has its own; one that is given back is used again."""
    with free_place(HOME) as (first, _), free_place(HOME) as (second, _):
        assert [first.folder.name, second.folder.name] == ["local-0", "local-1"]
    with free_place(HOME) as (again, _):
        assert again == first


def test_failure_in_a_place_is_passed_on() -> None:
    """What goes wrong while a place is held isn't taken for a place that is held by another."""
    with pytest.raises(BlockingIOError), free_place(HOME):
        raise BlockingIOError


def test_place_is_held_as_long_as_its_service_runs() -> None:
    """A service that outlives its command keeps its place."""
    with free_place(HOME) as (first, lock):
        waits = [sys.executable, "-c", "input()"]
        service = subprocess.Popen(waits, stdin=subprocess.PIPE, pass_fds=[lock])
    with free_place(HOME) as (second, _):
        assert second != first
    service.communicate(b"\n")
    with free_place(HOME) as (third, _):
        assert third == first
