"""The set-up's files: `.env`, the stamp of the environment, hashes, the build context, the Makefile."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from bootstrap import dotenv
from bootstrap.images import archive, base, context, wheels
from bootstrap.images.archive import Target
from bootstrap.images.image import Recipe
from bootstrap.steps import SetupError, Steps, run
from bootstrap.virtualenv import VirtualEnvironment

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def output() -> io.StringIO:
    """Return what the steps print."""
    return io.StringIO()


@pytest.fixture
def steps(output: io.StringIO) -> Steps:
    """Return steps that print into memory."""
    return Steps(output=output)


def test_dotenv_is_private_and_random(tmp_path: Path, steps: Steps) -> None:
    """A new `.env` is only readable by its owner and has a random key of 256 bits."""
    before = os.umask(0)
    try:
        for name in ("a", "b"):
            dotenv.ensure(steps, tmp_path / name)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    keys = {dotenv.value(tmp_path / name, "API_KEY") for name in ("a", "b")}
    assert len(keys) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", key) for key in keys)


def test_dotenv_is_never_touched_again(tmp_path: Path, steps: Steps, output: io.StringIO) -> None:
    """An existing file keeps every byte and its mode; if others can read it, there is a warning."""
    path = tmp_path / ".env"
    path.write_text("API_KEY=mine\n")
    path.chmod(0o644)
    dotenv.ensure(steps, path)
    assert path.read_text() == "API_KEY=mine\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert "chmod 600" in output.getvalue()
    path.chmod(0o600)
    output.truncate(0)
    dotenv.ensure(steps, path)
    assert "WARNING" not in output.getvalue()


def test_dotenv_follows_no_link(tmp_path: Path, steps: Steps) -> None:
    """A link in the file's place, even one to nowhere, isn't followed."""
    path = tmp_path / ".env"
    path.symlink_to(tmp_path / "elsewhere")
    dotenv.ensure(steps, path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_failed_program_gives_a_sentence(steps: Steps) -> None:
    """The error shows the program's last lines, how it ended and what to do."""
    program = "import sys; print('last words', file=sys.stderr); sys.exit(3)"
    with pytest.raises(SetupError, match=r"(?s)last words.*exit code 3.*Do this\."):
        run([sys.executable, "-c", program], remedy="Do this.")
    with pytest.raises(SetupError, match="couldn't be started"):
        run(["/nonexistent/program"], remedy="Do this.")
    with pytest.raises(SetupError, match="SIGKILL"):
        run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], remedy="Do this.")


@pytest.fixture
def environment(tmp_path: Path) -> VirtualEnvironment:
    """Return an environment with empty locks, to be made by the real venv and pip without network."""
    locks = tmp_path / "locks"
    locks.mkdir()
    for name in ("gateway.txt", "dev.txt"):
        (locks / name).write_text("# nothing\n")
    return VirtualEnvironment(tmp_path / "venv", locks)


def test_environment_is_made_once(environment: VirtualEnvironment, steps: Steps, output: io.StringIO) -> None:
    """The second time only the stamp is read; after a change of the lock it is made again."""
    environment.ensure(steps)
    assert environment.python.exists()
    made = environment.python.lstat().st_ctime_ns
    environment.ensure(steps)
    assert "unchanged" in output.getvalue()
    environment.ensure(steps, dev=True)  # only adds
    environment.ensure(steps)
    assert environment.python.lstat().st_ctime_ns == made
    (environment.locks / "gateway.txt").write_text("# changed\n")
    environment.ensure(steps)
    assert environment.python.lstat().st_ctime_ns != made


def test_environment_that_was_moved_is_made_again(environment: VirtualEnvironment, steps: Steps) -> None:
    """The programs in it begin with the path of its interpreter."""
    environment.ensure(steps)
    moved = VirtualEnvironment(environment.folder.with_name("moved"), environment.locks)
    environment.folder.rename(moved.folder)
    moved.ensure(steps)
    assert str(environment.folder) not in (moved.folder / "bin" / "pip").read_text()


def test_file_in_the_environments_place(environment: VirtualEnvironment, steps: Steps) -> None:
    """A file that another program left there, to name an environment of its own, isn't in the way."""
    environment.folder.write_text("py_env-python3.11\n")
    environment.ensure(steps)
    assert environment.stamp.is_file()


def test_an_interrupted_installation_leaves_no_stamp(environment: VirtualEnvironment, steps: Steps) -> None:
    """A requirement without a hash is refused, and an unfinished installation isn't mistaken for a finished one."""
    (environment.locks / "gateway.txt").write_text("docker==7.2.0\n")
    with pytest.raises(SetupError, match=r"(?s)hash.*pip"):
        environment.ensure(steps)
    assert environment.python.exists()
    assert not environment.stamp.exists()


def test_a_missing_lock_is_reported(environment: VirtualEnvironment, steps: Steps) -> None:
    """Without its lock nothing is installed, and the error says how to restore it."""
    (environment.locks / "gateway.txt").unlink()
    with pytest.raises(SetupError, match="git checkout"):
        environment.ensure(steps)
    assert not environment.folder.exists()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Return an image's folder."""
    folder = tmp_path / "image"
    (folder / "inner").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "inner" / "runner.py").write_text("print()\n")
    return folder


def test_the_hash_of_inputs_follows_contents_alone(sources: Path, tmp_path: Path) -> None:
    """Times, modes and caches don't count; content, names, the base and the architecture do."""
    recipe = Recipe(sources, tmp_path)
    first = recipe.inputs("x86_64", "b", "id")
    os.utime(sources / "Dockerfile", (1, 1))
    (sources / "Dockerfile").chmod(0o600)
    (sources / "__pycache__").mkdir()
    (sources / "__pycache__" / "runner.pyc").write_bytes(b"x")
    (sources / ".swap").write_bytes(b"x")
    assert recipe.inputs("x86_64", "b", "id") == first
    others = {first, recipe.inputs("aarch64", "b", "id"), recipe.inputs("x86_64", "c", "id")}
    others.add(recipe.inputs("x86_64", "b", "other"))
    (sources / "inner" / "runner.py").write_text("print(1)\n")
    others.add(recipe.inputs("x86_64", "b", "id"))
    (sources / "inner" / "runner.py").rename(sources / "inner" / "other.py")
    others.add(recipe.inputs("x86_64", "b", "id"))
    assert len(others) == 6


def test_the_build_context_is_reproducible(sources: Path, tmp_path: Path) -> None:
    """Equal files give equal bytes, whatever their times and modes; what was made goes in below its name."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "numpy.py").write_text("x = 1\n")
    packed, target = [], Target("/x", is_folder=True, missing=())
    for mtime, mode in ((1, 0o600), (2, 0o755)):
        for path in (sources / "Dockerfile", site / "numpy.py"):
            os.utime(path, (mtime, mtime))
            path.chmod(mode)
        found = context.contents(sources, {"site": site})
        assert list(found) == ["Dockerfile", "inner/runner.py", "site/numpy.py"]
        packed.append(b"".join(archive.packed(archive.selected(found, ["."]), target)))
    assert packed[0] == packed[1]


def test_wheels_lose_tests_and_programs(tmp_path: Path) -> None:
    """Tests and programs are removed, also from the packages' records; everything else stays."""
    for name in ("bin/f2py", "numpy/tests/test_a.py", "numpy/core/tests/data/x", "numpy/testing/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    record = tmp_path / "numpy-1.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("../../bin/f2py,,\nnumpy/tests/test_a.py,,\nnumpy/testing/a.py,,\n")
    wheels.trim(tmp_path)
    left = [name for name, _ in context.files(tmp_path)]
    assert left == ["numpy/testing/a.py", "numpy-1.dist-info/RECORD"]
    assert record.read_text() == "numpy/testing/a.py,,\n"


def test_platform_tags_end_at_the_bases_glibc() -> None:
    """Wheels for a newer glibc than the base image's could be installed but not loaded."""
    tags = wheels.platform_tags("aarch64")
    assert tags[0] == "manylinux_2_41_aarch64"
    assert {"manylinux_2_17_aarch64", "manylinux2014_aarch64"} < set(tags)
    assert "manylinux1_aarch64" not in tags


def test_the_base_tarball_is_cleaned_up() -> None:
    """Devices, host's files, setuid bits and documentation but licences go; the list of users is added.

    That of packages stays.
    """
    source, target = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=source, mode="w") as tar:
        for name, kind, mode in (
            ("./usr/bin/su", tarfile.REGTYPE, 0o4755),
            ("./tmp", tarfile.DIRTYPE, 0o1777),
            ("./dev/null", tarfile.CHRTYPE, 0o666),
            ("./etc/resolv.conf", tarfile.REGTYPE, 0o644),
            ("./usr/share/doc/x/copyright", tarfile.REGTYPE, 0o644),
            ("./usr/share/doc/x/changelog", tarfile.REGTYPE, 0o644),
            ("./var/lib/dpkg/status", tarfile.REGTYPE, 0o644),
            ("./var/lib/dpkg/available", tarfile.REGTYPE, 0o644),
            ("./usr/share/base-passwd/passwd.master", tarfile.REGTYPE, 0o644),
            ("./usr/share/base-passwd/group.master", tarfile.REGTYPE, 0o644),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.mtime = kind, mode, 12345
            content = b"root:*\n" if name.endswith(".master") else b""
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    source.seek(0)
    base.clean_up(source, target)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        members = {member.name: member for member in tar.getmembers()}
        passwd = tar.extractfile("etc/passwd")
        assert passwd is not None
        assert passwd.read() == b"root:*\n"
    gone = {"dev/null", "etc/resolv.conf", "usr/share/doc/x/changelog", "var/lib/dpkg/available"}
    assert not gone & members.keys()
    assert {"usr/share/doc/x/copyright", "etc/group", "var/lib/dpkg/status"} < members.keys()
    assert (members["usr/bin/su"].mode, members["tmp"].mode) == (0o755, 0o1777)
    assert {member.mtime for member in members.values()} == {base.FIXED_TIME}


def test_make_shows_its_targets() -> None:
    """`make` alone lists every target that a newcomer needs."""
    done = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    usual, others = ("install", "run", "test", "test-all", "check", "bench"), ("engine", "image", "lock", "gvisor")
    for target in (*usual, *others, "doctor", "clean"):
        assert re.search(rf"^  make {target} +\S", done.stdout, re.MULTILINE), target


def test_makefile_is_for_the_make_of_macos() -> None:
    """Apple's is GNU make 3.81: what came later isn't used. Source: GNU make's NEWS, 3.82 to 4.4."""
    later = r"^(define|undefine|private) |^\s*\.(ONESHELL|RECIPEPREFIX|SHELLFLAGS)|::=|!=|\$\((file|guile|let|intcmp) "
    assert not re.findall(later, (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_an_unsupported_engine_ends_in_a_sentence() -> None:
    """An expected failure is one sentence on standard error and exit code 1, without a traceback."""
    environment = {**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:2375"}
    command = [sys.executable, "-m", "bootstrap", "engine"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_nothing_names_a_registry() -> None:
    """The host's configuration says where packages and images come from; the set-up only has links to read."""
    programs = [*ROOT.glob("bootstrap/**/*.py"), *ROOT.glob("runner-image/**/*.py")]
    for path in (*programs, ROOT / "Makefile", ROOT / ".ci" / "run"):
        addresses = re.findall(r"https?://[\w./-]+", path.read_text())
        assert not addresses or path.name == "versions.py", path
