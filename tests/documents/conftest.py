"""A reader of the documents: a folder with the files they mention, the commands they use, and a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import write
from tests.documents.pages import DOCUMENTED_URL, ROOT
from tests.fakes import KEY
from tests.support.command import command_folder, environment, run_shell
from tests.support.home import require_set_up
from tests.support.live import LiveGateway, engine_url, live_gateway

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\n"
READS_RAIN = "import pandas as pd\npd.read_csv('rain.csv').plot(x='day', y='mm')\n"
RAIN = "day,mm\n1,7\n2,3\n"

#: Files that the pages mention.
FILES = {
    ".env": f"# a comment\nPORT=5150\nAPI_KEY={KEY}\n",
    "plot.py": f"import os\nimport pandas as pd\n{PLOT}plt.figure()\nplt.plot([2, 1])\n"
    "if os.path.exists('data.csv'):\n    pd.read_csv('data.csv').plot(ax=plt.gca())\n",
    "data.csv": "x,y\n1,2\n3,4\n",
    "rain.py": READS_RAIN,
    "rain.csv": RAIN,
    "plots/sales.py": PLOT,
    "plots/north/map.py": f"import house_style\n{READS_RAIN}",
    "plots/north/house_style.py": PLOT,
    "plots/north/rain.csv": RAIN,
    "plots/drafts/half.py": PLOT,
    "more/extra.py": PLOT,
    "shared/a.csv": "1\n",
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return the gateway that the pages assume."""
    with live_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@dataclass(frozen=True)
class Reader:
    """A user who has installed the client, and does in a folder what the pages say.

    Attributes:
        folder: Has the files that the pages mention; the key is in its `.env` only.
        url: The gateway's; it replaces the documented one.
        variables: The environment of the commands.
    """

    folder: Path
    url: str
    variables: dict[str, str]

    def write(self, name: str, text: str) -> Path:
        """Write a file; return its path."""
        return write(self.folder / name, text.replace(DOCUMENTED_URL, self.url))

    def run(self, script: str, status: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run commands up to the first that fails; check the exit status."""
        if "figbox up" in script or "--local" in script:
            require_set_up()
        done = run_shell(script.replace(DOCUMENTED_URL, self.url), self.folder, self.variables | variables)
        assert done.returncode == status, done.stdout + done.stderr
        return done


@pytest.fixture
def reader(tmp_path: Path, gateway: LiveGateway) -> Iterator[Reader]:
    """Return a reader of the pages, with a folder of their own; a service that they have started is ended."""
    folder = tmp_path / "work"
    for name, text in FILES.items():
        write(folder / name, text)
    for name in ("bars.py", "polar.py"):
        write(folder / "examples" / name, (ROOT / "examples" / name).read_bytes())
    variables = environment(command_folder(tmp_path / "bin"), FIGBOX_URL=gateway.url, DOCKER_HOST=engine_url())
    keyless = {name: value for name, value in variables.items() if name not in {"API_KEY", "FIGBOX_API_KEY"}}
    state = tmp_path / "state"
    found = Reader(folder, gateway.url, keyless | {"XDG_STATE_HOME": str(state)})
    yield found
    if state.exists():
        found.run("figbox down")
