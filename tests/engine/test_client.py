"""The client against a live gateway: every promise of the contract is kept."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

import figbox
from tests.client.conftest import write
from tests.documents.pages import ROOT
from tests.fakes import KEY
from tests.support.command import command_folder, environment, run_shell
from tests.support.live import LiveGateway, live_gateway
from tests.support.machine import slowed

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Figbox = Callable[[str], subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.engine, pytest.mark.core]

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\n"
BEGINNINGS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF"}
BEGINNINGS |= {"gif": b"GIF89a", "apng": b"\x89PNG", "awebp": b"RIFF"}


@pytest.fixture(scope="module")
def client(gateway: LiveGateway) -> Iterator[figbox.Client]:
    """Return a client of the file's gateway."""
    with figbox.Client(gateway.url, KEY) as open_client:
        yield open_client


@pytest.fixture
def command(tmp_path: Path, gateway: LiveGateway) -> Figbox:
    """Run a line with `figbox` in it in the test's folder, whatever its exit status."""
    variables = environment(command_folder(tmp_path / "bin"), FIGBOX_URL=gateway.url, FIGBOX_API_KEY=KEY)
    return lambda line: run_shell(line, tmp_path, variables)


def test_every_format_of_every_figure(client: figbox.Client) -> None:
    """One run, two figures, all formats; each is what it says, with its size and digest."""
    code = "plt.figure(figsize=(4, 3))\nplt.plot([1, 2])\nplt.figure('second')\nplt.plot([2, 1])\n"
    render = client.render(code, format=list(BEGINNINGS), figures="all", dpi=50)
    assert [figure.number for figure in render.figures] == [1, 2]
    assert render.figures[1].label == "second"
    for figure in render.figures:
        assert [picture.format for picture in figure.pictures] == list(BEGINNINGS)
        for picture in figure.pictures:
            assert picture.data.startswith(BEGINNINGS[picture.format])
            assert picture.sha256 == hashlib.sha256(picture.data).hexdigest()
    png = render.figures[0].picture("png")
    with Image.open(io.BytesIO(png.data)) as picture:
        assert picture.size == (png.width_px, png.height_px) == (200, 150)
        assert png.pixels_sha256 == hashlib.sha256(picture.convert("RGBA").tobytes()).hexdigest()


def test_options_change_the_picture(client: figbox.Client) -> None:
    """Size, transparency, style and parameters take effect."""
    render = client.render(
        PLOT,
        width=3,
        height=2,
        dpi=100,
        transparent=True,
        style=["dark_background"],
        rc={"axes.grid": True, "lines.linewidth": 4.5, "font.family": ["serif"]},
    )
    with Image.open(io.BytesIO(render.picture.data)) as picture:
        assert picture.size == (300, 200)
        assert picture.convert("RGBA").getpixel((1, 1))[3] == 0  # type: ignore[index]
    assert render.picture.data != client.render(PLOT, width=3, height=2, dpi=100).picture.data


def test_files_go_in_and_come_out(client: figbox.Client) -> None:
    """Text, bytes and modules go in beside the code; what it writes and prints comes back."""
    code = (
        "import helper\nframe = pd.read_csv('größe 1.csv')\nprint(len(frame), open('raw.bin', 'rb').read())\n"
        "import os; os.mkdir('out'); frame.to_csv('out/copy.csv')\nhelper.draw(frame)\n"
    )
    files = {
        "größe 1.csv": "x,y\n1,2\n3,4\n",
        "raw.bin": b"\x00\xff",
        "helper.py": "def draw(frame):\n    frame.plot(x='x')\n",
    }
    render = client.render("import pandas as pd\n" + code, files=files)
    assert render.stdout == figbox.Printed("2 b'\\x00\\xff'\n")
    assert [(file.name, file.truncated) for file in render.files] == [("out/copy.csv", False)]
    assert render.files[0].data == b",x,y\n0,1,2\n1,3,4\n"


def test_same_seed_same_bytes(client: figbox.Client) -> None:
    """With a seed, random numbers are the same every time, and so is the picture."""
    code = "plt.plot(np.random.default_rng().normal(size=9))"
    first, second = (client.render(code, seed=7, format=["png", "svg"], cache=False) for _ in range(2))
    assert [picture.sha256 for picture in first.figures[0].pictures] == [
        picture.sha256 for picture in second.figures[0].pictures
    ]
    assert first.request_id != second.request_id


@pytest.mark.parametrize(
    ("code", "options", "outcome"),
    [
        ("x = 1", {}, figbox.Outcome.NO_FIGURE),
        ("while True: pass", {"timeout_s": slowed(2) - 0.5}, figbox.Outcome.TIME_LIMIT),  # enough for the print
        ("x = bytearray(600 * 2**20)", {"memory_mib": 256}, figbox.Outcome.MEMORY_LIMIT),
        ("import ctypes; ctypes.string_at(0)", {}, figbox.Outcome.KILLED),
    ],
)
def test_failures_have_their_outcome(
    client: figbox.Client, code: str, options: figbox.Options, outcome: figbox.Outcome
) -> None:
    """Each failure has its outcome, with the detail that belongs to it."""
    with pytest.raises(figbox.RenderFailed) as caught:
        client.render(f"print('before', flush=True)\n{code}", **options)
    failure = caught.value
    assert failure.outcome == outcome
    assert failure.request_id
    assert (failure.limit is not None) == outcome.endswith("_limit")
    assert (failure.signal == "SIGSEGV") == (outcome is figbox.Outcome.KILLED)
    assert (failure.figures is not None) == (outcome is figbox.Outcome.NO_FIGURE)
    assert failure.stdout.text == "before\n"


def test_program_error_names_line_column_and_source(client: figbox.Client) -> None:
    """A program error points at the place in the code that was sent."""
    with pytest.raises(figbox.RenderFailed) as caught:
        client.render("x = 1\n\nplt.plot([1], undefined)\n")
    error = caught.value.fault
    assert error is not None
    assert (error.type, error.line) == ("NameError", 3)
    assert error.source is not None
    assert error.column is not None
    assert error.source[error.column - 1 :].startswith("undefined")


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"dpi": 5000}, "dpi"),
        ({"format": "tiff"}, "format"),
        ({"style": "nonsense"}, "style"),
        ({"rc": {"backend": "pdf"}}, "rc.backend"),
        ({"environment": "nowhere"}, "environment"),
        ({"timeout_s": 599}, "timeout_s"),
        ({"files": {"../a.csv": "1"}}, "files.../a.csv"),
    ],
)
def test_refusals_name_the_option(client: figbox.Client, options: figbox.Options, option: str) -> None:
    """Every refusal names the option that the service doesn't take."""
    with pytest.raises(figbox.Refused) as caught:
        client.render(PLOT, **options)
    assert caught.value.status == 400
    assert [error.option.removesuffix(".0") for error in caught.value.errors] == [option]


def test_environment_and_manifest_agree(client: figbox.Client) -> None:
    """The manifest of a picture agrees with the environment that the service lists."""
    (environment_default,) = [found for found in client.environments() if found.name == "default"]
    manifest = client.render(PLOT).manifest
    assert manifest["environment"] == "default"
    assert manifest["image"] == environment_default.image
    assert environment_default.limits["wall_limit_s"] == manifest["limits"]["wall_limit_s"]
    assert client.ready()


def test_wrong_key_is_told(gateway: LiveGateway) -> None:
    """A wrong key is the client's `Unauthorized`."""
    with figbox.Client(gateway.url, "another") as stranger, pytest.raises(figbox.Unauthorized):
        stranger.render(PLOT)


@pytest.mark.variant
def test_examples_are_rendered_by_the_command(command: Figbox, tmp_path: Path) -> None:
    """Every example, in two formats, with a report that agrees with the files."""
    done = command(f"figbox render {ROOT / 'examples'} -o out --format png,svg --json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    count = len(list((ROOT / "examples").rglob("*.py")))
    assert report["summary"]["rendered"] == count
    for entry in report["scripts"]:
        for picture in entry["pictures"]:
            data = (tmp_path / picture["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == picture["sha256"]
    assert len(list((tmp_path / "out").rglob("*.*"))) == 2 * count


def test_broken_script_among_others(command: Figbox, tmp_path: Path) -> None:
    """A broken script's traceback is shown; another script gets its data file, and what it writes is kept."""
    write(tmp_path / "plots" / "broken.py", "import matplotlib.pyplot as plt\n\nplt.plot([1, 2], [1])\n")
    write(tmp_path / "plots" / "north" / "rain.csv", "day,mm\n1,7\n2,3\n")
    write(
        tmp_path / "plots" / "north" / "rain.py",
        "import pandas as pd\nf = pd.read_csv('rain.csv')\nf.plot(x='day')\nf.to_csv('copy.csv')\n",
    )
    done = command("figbox render plots -o out --files")
    assert done.returncode == 1
    assert "FAILED  plots/broken.py:3: program_error: ValueError: x and y must have same first dimension" in done.stderr
    assert '    |   File "plot.py", line 3, in <module>\n    |     plt.plot([1, 2], [1])\n' in done.stderr
    assert {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")} == {
        "north/rain.png",
        "north/rain.files",
        "north/rain.files/copy.csv",
    }


@pytest.mark.variant
def test_small_service_is_not_overrun(tmp_path: Path) -> None:
    """A service with one place and a queue of one refuses; the command waits, and renders every script in the end."""
    for number in range(12):
        write(tmp_path / "plots" / f"{number}.py", PLOT)
    with live_gateway(tmp_path, FIGBOX_RUNNING_LIMIT=1, FIGBOX_QUEUE_LIMIT=1) as small:
        variables = environment(command_folder(tmp_path / "bin"), FIGBOX_URL=small.url, FIGBOX_API_KEY=KEY)
        done = run_shell("figbox render plots -o out -v --patience 100", tmp_path, variables)
        assert done.returncode == 0, done.stderr
        assert "12 rendered in " in done.stderr
        assert "waiting " in done.stderr
        assert len(list((tmp_path / "out").iterdir())) == 12


def test_doctor_and_environments(command: Figbox) -> None:
    """Both commands report that all is well."""
    done = command("figbox doctor && figbox environments")
    assert done.returncode == 0, done.stdout
    assert "ok     it renders: " in done.stdout
    assert "\ndefault\n  image     " in done.stdout


async def test_many_at_once(gateway: LiveGateway) -> None:
    """The asynchronous client has several renders under way, and mixes none of them up."""
    async with figbox.AsyncClient(gateway.url, KEY) as asynchronous:
        renders = await asyncio.gather(
            *(asynchronous.render(f"print({number})\nplt.plot([{number}, 1])") for number in range(6))
        )
    assert [render.stdout.text for render in renders] == [f"{number}\n" for number in range(6)]


@pytest.mark.variant
def test_cached_render_says_so(tmp_path: Path) -> None:
    """With a cache, the second render is a copy of the first; `--no-cache` renders anew."""
    write(tmp_path / "a.py", PLOT)
    with live_gateway(tmp_path, FIGBOX_CACHE_MIB=16, FIGBOX_CACHE_FILE=tmp_path / "cache") as caching:
        variables = environment(command_folder(tmp_path / "bin"), FIGBOX_URL=caching.url, FIGBOX_API_KEY=KEY)
        lines = ("figbox render a.py -o one", "figbox render a.py -o two", "figbox render a.py -o three --no-cache")
        said = [run_shell(line, tmp_path, variables).stderr for line in lines]
    assert ["(cached)" in text for text in said] == [False, True, False]
    assert len({(tmp_path / folder / "a.png").read_bytes() for folder in ("one", "two", "three")}) == 1
