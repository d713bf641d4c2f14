"""Whole jobs on a real engine: all that a client gets back, the same bytes everywhere, and limits lowered for real."""

from __future__ import annotations

import asyncio
import io
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from PIL import Image

from gateway.model.jobs import Format, Limits, MiB, NamedFile
from gateway.model.results import LimitExceeded, Outcome, Result
from tests.support.executors import LiveExecutor, live_executor
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.second_engine import SecondEngine

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]

EVERY_FORMAT = {"formats": tuple(Format), "all_figures": True}

RICH = """
import pandas as pd, warnings
print("reading"); frame = pd.read_csv("data.csv")
warnings.warn("careful")
fig, ax = plt.subplots(num="first"); frame.plot(ax=ax); ax.set_title("$x^2$ für 中文")
plt.figure("second"); plt.bar([1, 2], [3, 4], hatch="//", label="a"); plt.legend()
frame.describe().to_csv("summary.csv"); fig.savefig("own.pdf")
print("done")
"""
DATA = NamedFile("data.csv", b"x,y\n1,2\n3,4\n")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def warm() -> AsyncIterator[LiveExecutor]:
    """Return an executor with a warm pool and default limits."""
    async with live_executor(size=2) as running:
        await running.full()
        yield running


async def test_everything_comes_back(warm: LiveExecutor) -> None:
    """Figures in every format, files, prints, warnings: a whole job under the whole hardening."""
    result = await warm.run(RICH, files=(DATA,), options=EVERY_FORMAT)
    assert result.outcome is Outcome.OK, result.error
    assert [(figure.number, figure.label) for figure in result.figures] == [(1, "first"), (2, "second")]
    for figure in result.figures:
        assert [picture.format for picture in figure.pictures] == list(Format)
        assert {(picture.width_px, picture.height_px) for picture in figure.pictures} == {(640, 480), (461, 346)}
        assert all((picture.pixels_sha256 is None) == (picture.format in ("svg", "pdf")) for picture in figure.pictures)
    assert [file.name for file in result.files] == ["own.pdf", "summary.csv"]
    assert not result.files_truncated
    assert result.stdout.text == "reading\ndone\n"
    assert [(warning.message, warning.line) for warning in result.warnings] == [("careful", 4)]


async def test_animation_is_a_file(warm: LiveExecutor) -> None:
    """An animation saved as GIF comes back as one, and the figure shows its last frame."""
    result = await warm.run(
        "from matplotlib.animation import FuncAnimation\nfig, ax = plt.subplots()\n(line,) = ax.plot([0, 1])\n"
        "FuncAnimation(fig, lambda n: line.set_ydata([0, n]), frames=3).save('a.gif', writer='pillow')"
    )
    (file,) = result.files
    with Image.open(io.BytesIO(file.data)) as image:
        assert (image.format, image.n_frames) == ("GIF", 3)


async def test_figures_of_libraries(warm: LiveExecutor) -> None:
    """Pandas and SciPy draw with pyplot, and with figures that pyplot doesn't know."""
    result = await warm.run(
        """
import pandas as pd
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram, linkage
frame = pd.DataFrame({"a": range(9), "b": range(9)}, index=pd.date_range("2024-01-01", periods=9))
fig = Figure(); axes = fig.subplots(2, 2)
frame.plot(ax=axes[0, 0]); frame.plot.bar(ax=axes[0, 1]); frame.boxplot(ax=axes[1, 0])
dendrogram(linkage(np.arange(10).reshape(5, 2)), ax=axes[1, 1])
"""
    )
    assert result.outcome is Outcome.OK, result.error
    assert result.figures[0].number == 0
    assert (await warm.run("import pandas as pd; pd.Series([1, 2]).plot()")).outcome is Outcome.OK


def contents(result: Result) -> list[bytes]:
    """Return the bytes of all pictures."""
    assert result.outcome is Outcome.OK, result.error
    return [picture.data for figure in result.figures for picture in figure.pictures]


async def test_same_job_gives_the_same_bytes_warm_and_cold(warm: LiveExecutor) -> None:
    """Every format comes out the same in many runs, of warm and cold containers alike."""
    runs = [await warm.run(RICH, files=(DATA,), options=EVERY_FORMAT) for _ in range(5)]
    async with live_executor() as cold:
        runs += await asyncio.gather(*(cold.run(RICH, files=(DATA,), options=EVERY_FORMAT) for _ in range(2)))
    for run in runs:
        assert contents(run) == contents(runs[0])
        assert run.files == runs[0].files


async def test_same_job_gives_the_same_bytes_on_two_engines(warm: LiveExecutor, own_engine: SecondEngine) -> None:
    """Another engine with the same image draws the same bytes, seeded random numbers included."""
    code = RICH + "\nplt.figure(); plt.plot(np.random.default_rng().normal(size=50))"
    job = {"files": (DATA,), "options": EVERY_FORMAT, "seed": 7}
    async with live_executor(url=own_engine.url) as other:
        theirs = await other.run(code, **job)
    ours = await warm.run(code, **job)
    assert contents(ours) == contents(theirs)


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("while True: pass", Outcome.TIME_LIMIT),
        ("import re; re.match('(a+)+$', 'a' * 60 + 'b')", Outcome.TIME_LIMIT),
        ("x = b'x' * (2 << 30)", Outcome.MEMORY_LIMIT),
        ("import ctypes; ctypes.string_at(0)", Outcome.KILLED),
        ("import os; os._exit(0)", Outcome.INVALID_OUTPUT),
        ("import os\nwhile True: os.write(1, b'x' * 65536)", Outcome.OUTPUT_LIMIT),
        ("while True: print('x' * 1000)", Outcome.OUTPUT_LIMIT),
        ("1 / 0", Outcome.PROGRAM_ERROR),
    ],
)
async def test_what_was_printed_before_an_end_is_told(warm: LiveExecutor, ending: str, outcome: Outcome) -> None:
    """However a job ends, what it wrote last to both streams is in the result."""
    code = f"import sys\nprint('step 1'); print('hm', file=sys.stderr); print('step 2')\n{ending}"
    result = await warm.run(code, wall_limit_s=slowed(5))
    assert result.outcome is outcome, result.error
    assert result.stdout.text.startswith("step 1\nstep 2\n")
    assert result.stderr.text.startswith("hm\n")
    assert result.stdout.truncated == (outcome is Outcome.OUTPUT_LIMIT)


async def test_one_second_is_one_second(warm: LiveExecutor) -> None:
    """A job that may take a second is stopped after it, whatever the usual limit."""
    began = time.monotonic()
    result = await warm.run("while True: pass", wall_limit_s=1.0)
    assert result.outcome is Outcome.TIME_LIMIT
    assert result.limit == LimitExceeded("wall_limit", 1.0, "s")
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("start", ["warm", "cold", "to order"])
async def test_memory_is_lowered_for_real(start: str) -> None:
    """A job that may use 128 MiB is killed beyond it, and not before, in containers of every origin."""
    size = 0 if start == "cold" else 3
    async with live_executor(size=size, lowers_memory=start != "to order") as running:
        await running.full()
        memory = {"memory_limit_bytes": 128 * MiB}
        fits = await running.run("x = b'x' * (48 << 20); plt.plot([1])", **memory)
        assert fits.outcome is Outcome.OK, fits.error
        assert fits.stages.warm == (start == "warm")
        assert fits.limits is not None
        assert fits.limits.memory_limit_bytes == 128 * MiB
        exceeds = await running.run("x = b'x' * (128 << 20); plt.plot([1])", **memory)
        assert exceeds.outcome is Outcome.MEMORY_LIMIT
        assert exceeds.limit is not None
        assert exceeds.limit.allowed == 128 * MiB
        usual = await running.run("x = b'x' * (128 << 20); plt.plot([1])")
        assert usual.outcome is Outcome.OK, usual.error


async def test_smallest_memory_draws(warm: LiveExecutor) -> None:
    """The least that a request may ask for is enough for a figure."""
    result = await warm.run("plt.plot([1, 2])", memory_limit_bytes=64 * MiB)
    assert result.outcome is Outcome.OK, result.error


async def test_data_beyond_the_working_directory_is_told() -> None:
    """Data that doesn't fit the working directory ends the job with a sentence that says so."""
    async with live_executor(limits=Limits(tmpfs_limit_bytes=4 * MiB)) as running:
        result = await running.run("plt.plot([1])", files=(NamedFile("big.bin", bytes(5 * MiB)),))
    assert result.outcome is Outcome.PROGRAM_ERROR
    assert result.error == "The data file 'big.bin' can't be written: No space left on device."


async def test_files_never_exceed_the_output(warm: LiveExecutor) -> None:
    """Of a working directory full of files as many come back as fit, and the output limit is never met."""
    result = await warm.run("for n in range(20): open(f'{n:02}', 'wb').write(bytes(1 << 20))\nplt.plot([1])")
    assert result.outcome is Outcome.OK, result.error
    assert len(result.files) == 15
    assert result.files_truncated
