"""What docs/client.md and the README tell people to type with `figbox` works, on a live gateway."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.client.conftest import write
from tests.fakes import KEY
from tests.support.command import command_folder, environment, run_shell
from tests.support.documents import CLIENT, DOCUMENTED_URL, README, ROOT, blocks
from tests.support.live import LiveGateway, live_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\n"

#: What the page speaks of, as somebody might have it.
FILES = {
    ".env": f"PORT=5150\nAPI_KEY={KEY}\n",
    "plots/sales.py": PLOT,
    "plots/north/map.py": "import house_style\nimport pandas as pd\npd.read_csv('rain.csv').plot(x='day', y='mm')\n",
    "plots/north/house_style.py": PLOT,
    "plots/north/rain.csv": "day,mm\n1,7\n2,3\n",
    "plots/drafts/half.py": PLOT,
    "more/extra.py": PLOT,
    "shared/a.csv": "1\n",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """A gateway that lets a test wait for places, not the other way round."""
    with live_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with what the page speaks of."""
    for name, text in FILES.items():
        write(tmp_path / "work" / name, text)
    (tmp_path / "work" / "examples").mkdir()
    for name in ("bars.py", "polar.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path / "work" / "examples")
    return tmp_path / "work"


@pytest.fixture
def variables(tmp_path: Path, service: LiveGateway) -> dict[str, str]:
    """The environment of somebody who has installed the client, and whose gateway is ours."""
    return environment(command_folder(tmp_path / "bin"), FIGBOX_URL=service.url)


def test_commands_of_the_page_work_one_after_the_other(workplace: Path, variables: dict[str, str]) -> None:
    """Every block of commands, in the order of the page, in one shell, without a failure."""
    script = "\n".join(block for block in blocks(CLIENT, "sh") if not block.startswith("pip install"))
    done = run_shell(script, workplace, variables)
    assert done.returncode == 0, done.stderr
    names = {str(path.relative_to(workplace / "figures")) for path in (workplace / "figures").rglob("*.*")}
    assert {"bars.png", "polar.png", "sales.png", "north/map.png", "north/map.svg", "north/map.pdf"} <= names
    with Image.open(workplace / "line.png") as picture:
        assert picture.size == (640, 480)
    report = json.loads((workplace / "report.json").read_text())
    assert report["summary"]["failed"] == report["summary"]["not_rendered"] == 0
    sent = {entry["script"]: entry["data"] for entry in report["scripts"]}
    assert sent["plots/north/map.py"] == ["house_style.py", "rain.csv"]


def test_settings_of_the_page_are_enough(workplace: Path, variables: dict[str, str], service: LiveGateway) -> None:
    """The page's table for pyproject.toml, and `figbox render plots` behind it."""
    (table,) = blocks(CLIENT, "toml")
    write(workplace / "pyproject.toml", table.replace(DOCUMENTED_URL, service.url))
    bare = {name: value for name, value in variables.items() if name != "FIGBOX_URL"}
    done = run_shell("figbox render plots", workplace, bare | {"FIGBOX_API_KEY": KEY})
    assert done.returncode == 0, done.stderr
    assert f"service: {service.url} (from pyproject.toml)" in done.stderr
    assert (workplace / "figures" / "north" / "map.svg").exists()
    assert not (workplace / "figures" / "drafts").exists()
    with Image.open(workplace / "figures" / "sales.png") as picture:
        assert picture.size == (960, 720)


@pytest.mark.parametrize("position", range(2))
def test_python_of_the_page_works(
    workplace: Path, variables: dict[str, str], service: LiveGateway, position: int
) -> None:
    """Both programs run as they stand, the blocking and the asynchronous one."""
    program = blocks(CLIENT, "python")[position].replace(DOCUMENTED_URL, service.url)
    write(workplace / "program.py", program)
    done = run_shell("python program.py", workplace, variables | {"FIGBOX_API_KEY": KEY})
    assert (done.returncode, done.stderr) == (0, "")
    if position == 0:
        assert {path.name for path in workplace.glob("figure-*")} == {"figure-1.png", "figure-1.svg"}
    else:
        assert len(json.loads(done.stdout)) == 5


def test_failure_looks_as_the_page_shows_it(workplace: Path, variables: dict[str, str]) -> None:
    """The page's example of a failing script, word for word but for the times."""
    (shown,) = blocks(CLIENT, "text")
    source = "import pandas as pd\n\n\nframe = pd.DataFrame({'day': [1]})\n\n\nplt.plot(frame[\"rain\"])\n"
    write(workplace / "plots" / "north" / "map.py", source)
    line = "figbox render plots/sales.py plots/north/map.py -o figures"
    done = run_shell(line, workplace, variables | {"FIGBOX_API_KEY": KEY})
    assert done.returncode == 1
    for expected in shown.splitlines():
        beginning = expected.rpartition(" (")[0] if expected.startswith("ok") else expected
        assert beginning.partition(" in ")[0] in done.stderr, done.stderr


def test_python_of_the_readme_works(workplace: Path, variables: dict[str, str], service: LiveGateway) -> None:
    """The README's few lines with the library write the picture."""
    (program,) = [block for block in blocks(README, "python") if "import figbox" in block]
    write(workplace / "program.py", program.replace(DOCUMENTED_URL, service.url))
    done = run_shell("python program.py", workplace, variables | {"FIGBOX_API_KEY": KEY})
    assert (done.returncode, done.stderr) == (0, "")
    assert "<svg" in (workplace / "plot.svg").read_text()


def test_commands_of_the_readme_work(workplace: Path, variables: dict[str, str]) -> None:
    """The README's lines about the client, in the folder with the gateway's `.env`."""
    lines = [line for block in blocks(README, "sh") for line in block.splitlines() if line.startswith("figbox ")]
    assert lines
    done = run_shell("\n".join(lines), workplace, variables)
    assert done.returncode == 0, done.stderr
