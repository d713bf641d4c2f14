"""What is imported beforehand, in the images themselves: state and pictures are those of a runner that imports."""

from __future__ import annotations

import inspect
import json
import socket
import textwrap
import uuid
from typing import TYPE_CHECKING, Any

import docker
import pytest

from bootstrap.images import environments
from tests.engine.test_pixels import INLINE
from tests.support import figures
from tests.support.containers import attach, read_streams
from tests.support.live import IMAGE, ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.engine

SCIENCE = environments.tag_of(IMAGE, "science")
PROGRAM = (ROOT / "tests" / "support" / "preload_comparison.py").read_text("utf-8")
LABEL = f"figbox.test.preload.{uuid.uuid4().hex}"
LIMIT_S = slowed(240)

IMPORTS = (
    "",
    "import pandas",
    "import pandas.core.frame",
    "import pandas as pd\nfrom pandas.plotting import scatter_matrix\nimport matplotlib.dates",
    "import pandas as pd\npd.DataFrame({'a': [1, 2]}).plot()",
    "import scipy",
    "import scipy\nscipy.ndimage.zoom",
    "import scipy.stats",
    "import scipy.special._basic",
    "import scipy.sparse.linalg\nimport pandas",
    "from scipy import signal\nfrom scipy.optimize import curve_fit",
    "import scipy.odr",
    "import json, csv, statistics, decimal, matplotlib.animation",
    "import multiprocessing, asyncio, sqlite3, unittest.mock, urllib.request",
    "import matplotlib.backends.backend_pdf\nimport mpl_toolkits.axisartist",
    "from PIL import Image\nImage.init()",
    "import pylab",
    "import matplotlib.style.core",
    "import nothing_like_it",
)
IMPORTS_OF_SCIENCE = (
    "import nothing_like_it",
    "import seaborn",
    "import pandas\nimport seaborn\nimport scipy.stats",
    "import sklearn\nsklearn.svm.SVC",
    "import sklearn.cluster\nimport sklearn.ensemble",
    "from sklearn.experimental import enable_iterative_imputer",
    "import statsmodels.api\nimport sklearn.linear_model\nimport pandas",
    "import networkx",
    "import skimage",
    "from skimage import filters, io, data",
    "import joblib\nimport tifffile",
)

#: With a seed, what is drawn while something is imported comes out of the same sequence as what a program draws.
SEEDED = (
    "import random\nplt.plot([random.random(), *np.random.rand(5), *np.random.default_rng().random(5)])",
    "import scipy.stats\nplt.plot(np.random.default_rng().random(5))",
)
SEEDED_OF_SCIENCE = (
    "import sklearn.ensemble, seaborn\nplt.plot(np.random.default_rng().random(5)); plt.title(np.random.rand())",
    (
        "from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower\n"
        "plt.plot([each.random() for each in TreeGrower.__init__.__defaults__ if hasattr(each, 'random')])"
    ),
)
FIGURES = tuple(f"{inspect.getsource(figures)}\nfigure = {each.__name__}()" for each in figures.FIGURES)


def examples(folder: str) -> list[str]:
    """Return the examples of a folder."""
    return [path.read_text("utf-8") for path in sorted((ROOT / folder).glob("*.py"))]


@pytest.fixture(scope="module", params=["default", "science"])
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what is different in an image."""
    if request.param == "default":
        return compare(IMAGE, IMPORTS, (*SEEDED, *examples("examples")))
    jobs = (*SEEDED_OF_SCIENCE, *FIGURES, *map(textwrap.dedent, INLINE.values()), *examples("examples-science"))
    return compare(SCIENCE, IMPORTS_OF_SCIENCE, jobs)


def compare(image: str, imports: Sequence[str], jobs: Sequence[str]) -> dict[str, Any]:
    """Run the comparison in an image."""
    client = docker.from_env(timeout=int(LIMIT_S))
    container = client.containers.create(
        image,
        ["-c", PROGRAM, "/opt/figbox"],
        entrypoint=["python3"],
        stdin_open=True,
        network_mode="none",
        labels=[LABEL],
    )
    try:
        with attach(client.api, container.id) as stream:
            stream.settimeout(LIMIT_S)
            container.start()
            stream.sendall(json.dumps({"imports": imports, "jobs": jobs}).encode())
            stream.shutdown(socket.SHUT_WR)
            stdout, stderr = read_streams(stream)
        assert container.wait(timeout=LIMIT_S)["StatusCode"] == 0, stderr.decode()
    finally:
        container.remove(force=True)
        client.close()
    document: dict[str, Any] = json.loads(stdout)
    return document


def test_nobody_can_tell(found: dict[str, Any]) -> None:
    """After any imports the process is as it would be without, and every picture has the same bytes."""
    assert found["different"] == {}


def test_codes_do_what_they_should(found: dict[str, Any]) -> None:
    """What is compared is states and pictures: nothing fails but what ought to."""
    assert set(found["errors"].values()) == {"ModuleNotFoundError: No module named 'nothing_like_it'"}


def test_all_is_imported(found: dict[str, Any]) -> None:
    """Nothing of the lists fails in the images, nothing is executed twice, and no thread has been started."""
    report = found["report"]
    assert (report["failed"], report["forgotten"], found["threads"]) == ({}, [], 1)
    assert report["modules"] > 1000
