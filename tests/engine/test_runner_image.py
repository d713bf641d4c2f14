"""The runner image on a real engine, by hand and under the whole hardening."""

from __future__ import annotations

import json
import socket
import uuid
from typing import TYPE_CHECKING, Any

import docker
import pytest

from gateway.model.jobs import MiB
from tests.support.containers import attach, read_streams
from tests.support.live import IMAGE, ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, bytes, bytes]]

pytestmark = pytest.mark.engine

SECCOMP = (ROOT / "gateway" / "launcher" / "engine" / "seccomp.json").read_text()
LABEL = f"figbox.test.runner-image.{uuid.uuid4().hex}"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HARDENED: dict[str, Any] = {
    "network_disabled": True,
    "read_only": True,
    "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777,nr_inodes=4096"},
    "user": "31337:31337",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true", f"seccomp={SECCOMP}"],
    "ipc_mode": "none",
    "pids_limit": 64,
    "mem_limit": 1024 * MiB,
    "memswap_limit": 1024 * MiB,
    "nano_cpus": 2_000_000_000,
}
ALL_FORMATS = """
import io
for kind in ("png", "pdf", "svg", "svgz", "ps", "eps", "jpg", "webp", "tif", "gif"):
    figure, axes = plt.subplots()
    axes.plot([1, 2], label="ä")
    axes.set_title(r"$\\int_0^1 x^2\\,dx$ 中文 日本語 한국어")
    axes.legend()
    figure.savefig(io.BytesIO(), format=kind)
"""
LIBRARIES = """
import concurrent.futures, pickle, tempfile
import pandas as pd
import scipy.cluster.hierarchy, scipy.integrate, scipy.interpolate, scipy.io, scipy.ndimage, scipy.optimize
import scipy.signal, scipy.sparse.linalg, scipy.spatial, scipy.special, scipy.stats
import matplotlib.animation, matplotlib.cbook

matrix = np.random.default_rng(1).normal(size=(300, 300))
np.linalg.svd(matrix); np.linalg.inv(matrix); np.linalg.eig(matrix); np.fft.fft2(matrix)
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: matrix @ matrix, range(16)))
scipy.optimize.minimize(lambda v: (v**2).sum(), [1, 2])
scipy.stats.norm.fit(matrix.ravel())
frame = pd.DataFrame({"a": range(9)}, index=pd.date_range("2024-01-01", periods=9, tz="Europe/Berlin"))
frame.to_csv("a.csv"); assert len(pd.read_csv("a.csv")) == 9
frame.plot()
with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as picture:
    assert picture.read(3) == b"\\xff\\xd8\\xff"
with tempfile.TemporaryDirectory() as folder:
    mapped = np.memmap(folder + "/m", mode="w+", shape=(1000,)); mapped[:] = 1; mapped.flush()
fig, axes = plt.subplots()
(line,) = axes.plot([0, 1])
matplotlib.animation.FuncAnimation(fig, lambda i: line.set_ydata([0, i]), frames=3).save("a.gif", writer="pillow")
"""
KINDS = """
x, y = np.meshgrid(np.linspace(-2, 2, 30), np.linspace(-2, 2, 30))
plt.figure(layout="constrained")
plt.subplot(221, projection="3d").plot_surface(x, y, x * y)
plt.subplot(222, projection="polar").plot([1, 2, 3])
plt.subplot(223).contourf(x, y, np.sin(x * y))
plt.subplot(224).hist(x.ravel())
"""
FONTS = """
names = ["SimHei", "Microsoft YaHei", "PingFang SC", "MS Gothic", "Malgun Gothic", "NanumGothic", "Noto Sans CJK SC"]
fig, axes = plt.subplots(len(names) + 3)
for ax, name in zip(axes, names):
    with plt.rc_context({"font.sans-serif": [name]}):
        ax.set_title("中文 日本語 한국어", fontweight="bold")
        ax.set_xlabel("\\u22121")
axes[-1].set_title("中文 日本語 한국어", family="serif")
axes[-2].set_title(r"温度 $T_0$ 한 $\\alpha^{中}$")
with plt.style.context("seaborn-v0_8"):
    axes[-3].set_title("中文 日本語 한국어", family="monospace")
assert plt.rcParams == plt.rcParamsDefault | {"backend": plt.rcParams["backend"]}
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    """Return the engine's client; containers of this module are removed at the end, whatever happened."""
    client = docker.from_env()
    yield client
    for container in client.containers.list(all=True, filters={"label": LABEL}):
        container.remove(force=True)
    client.close()


@pytest.fixture
def run(engine: Any) -> Run:
    """Run the image with bytes on stdin; return exit code, stdout and stderr."""

    def run_image(stdin: bytes, *command: str, **options: Any) -> tuple[int, bytes, bytes]:
        container = engine.containers.create(
            IMAGE, list(command), stdin_open=True, network_mode="none", labels=[LABEL], **options
        )
        try:
            with attach(engine.api, container.id) as stream:
                container.start()
                stream.sendall(stdin)
                stream.shutdown(socket.SHUT_WR)
                stdout, stderr = read_streams(stream)
            return container.wait(timeout=slowed(60))["StatusCode"], stdout, stderr
        finally:
            container.remove(force=True)

    return run_image


def test_by_hand(run: Run) -> None:
    """A script on stdin gives its picture on stdout, with nothing set but the network off."""
    code, stdout, stderr = run(b"plt.plot([1, 2])\nprint('hello')\n")
    assert (code, stderr) == (0, b"hello\n")
    assert stdout.startswith(PNG_SIGNATURE)


@pytest.mark.parametrize(
    "program", [ALL_FORMATS, LIBRARIES, KINDS, FONTS], ids=["formats", "libraries", "kinds", "fonts"]
)
def test_everything_works_under_the_hardening(run: Run, program: str) -> None:
    """No limit or filter is in the way of an honest plot, and there are no warnings."""
    code, stdout, stderr = run(b"import warnings; warnings.simplefilter('error')\n" + program.encode(), **HARDENED)
    assert (code, stderr.replace(b"The PostScript backend does not support transparency; partially transparent "
                                 b"artists will be rendered opaque.\n", b"")) == (0, b"")  # fmt: skip
    assert stdout.startswith(PNG_SIGNATURE)


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_example_is_drawn_without_a_word(run: Run, example: Path) -> None:
    """Every example draws under the hardening and says nothing."""
    code, stdout, stderr = run(example.read_bytes(), **HARDENED)
    assert (code, stderr) == (0, b"")
    assert stdout.startswith(PNG_SIGNATURE)


def test_asserts_and_tracebacks_are_the_programs_own(run: Run) -> None:
    """The libraries run optimised, the program doesn't; its traceback names no file of the image."""
    code, stdout, stderr = run(b"x = 1\nassert x == 2, 'no'\n", **HARDENED)
    assert (code, stdout) == (1, b"")
    assert b'File "plot.py", line 2, in <module>\n    assert x == 2' in stderr
    assert b"/opt" not in stderr
    assert b"/usr" not in stderr


def test_set_is_as_ever(run: Run) -> None:
    """Leaving out the signatures at the import changes neither ``set()`` nor later classes."""
    program = """
import inspect
from matplotlib.lines import Line2D
fig, ax = plt.subplots()
ax.set(xlim=(0, 2), title="t")
assert ax.get_xlim() == (0, 2) and ax.get_title() == "t"
for wrong in ({"nonsense": 1}, {"lw": 1, "linewidth": 2}):
    try:
        Line2D([], []).set(**wrong)
    except (AttributeError, TypeError) as error:
        print(error)
    else:
        raise AssertionError
class Mine(Line2D):
    def set_mine(self, value): pass
assert "mine" in inspect.signature(Mine.set).parameters
"""
    code, _, stderr = run(program.encode(), **HARDENED)
    assert code == 0, stderr
    assert b"unexpected keyword argument 'nonsense'" in stderr
    assert b"aliases" in stderr


def test_baked_font_list_is_used(run: Run) -> None:
    """No container looks at every font file anew."""
    program = """
import os, matplotlib
from matplotlib import font_manager
folder = matplotlib.get_cachedir()
assert folder == os.environ["MPLCONFIGDIR"]
(name,) = (name for name in os.listdir(folder) if name.startswith("fontlist"))
baked = "/opt/figbox/mplconfig/" + name
assert open(baked).read() == open(os.path.join(folder, name)).read()
assert "Noto Sans CJK SC" in font_manager.get_font_names()
plt.figure()
"""
    code, _, stderr = run(program.encode(), **HARDENED)
    assert (code, stderr) == (0, b"")


def test_image_holds_no_tools(run: Run) -> None:
    """No pip, compiler or build program, no setuid or setgid file, nothing unreadable or writable for the job's uid."""
    program = """
import importlib.util, os, shutil, stat
for name in ("pip", "ensurepip"):
    assert importlib.util.find_spec(name) is None, name
for name in "pip pip3 cc gcc clang ld make curl wget su mount sudo".split():
    assert shutil.which(name) is None, name
assert not os.path.exists("/opt/figbox/build")
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(folder, f) not in ("/proc", "/sys", "/dev", "/tmp")]
    for name in files:
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode):
            assert not mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH), path
            assert os.access(path, os.R_OK) or not path.startswith("/opt/figbox"), path
plt.figure()
"""
    code, _, stderr = run(program.encode(), **HARDENED)
    assert (code, stderr) == (0, b"")


def test_probe_sees_the_hardening(run: Run) -> None:
    """The probe reports each part of the hardening as it was set."""
    code, stdout, stderr = run(b"", "probe", **HARDENED)
    assert (code, stderr) == (0, b"")
    view = json.loads(stdout)
    assert (view["uid"], view["gid"], view["interfaces"]) == (31337, 31337, ["lo"])
    assert view["tmp"] == {"bytes": 64 * MiB, "inodes": 4096, "noexec": True, "nosuid": True, "nodev": True}
    assert all(view["refused"].values()), view["refused"]
    assert view["writable"]["/"] == view["writable"]["/opt/figbox"] == "EROFS"
    if view["status"]["Seccomp"] is not None:
        assert view["status"] | {"Groups": ""} == {
            "CapEff": "0" * 16, "CapBnd": "0" * 16, "CapPrm": "0" * 16, "CapInh": "0" * 16, "CapAmb": "0" * 16,
            "NoNewPrivs": "1", "Seccomp": "2", "Groups": "",
        }  # fmt: skip


def test_facts_are_the_same_each_time(run: Run) -> None:
    """The image says what it is made of, under the whole hardening too, and says the same twice."""
    answers = {run(b"", "facts", **HARDENED) for _ in range(2)}
    ((code, stdout, stderr),) = answers
    assert (code, stderr) == (0, b"")
    facts = json.loads(stdout)
    assert facts["packages"]["pandas"]
    assert not any(path in stdout for path in (b"/opt", b"/usr"))
