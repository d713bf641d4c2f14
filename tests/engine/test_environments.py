"""Environments on a real engine: what code finds in each, the limits of each, and the operator's own images."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import shutil
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import ImageNotFound
from PIL import Image

from bootstrap.images import environments, image
from tests.documents.pages import ENVIRONMENTS, blocks, commands
from tests.fakes import until
from tests.support.command import run, start_and_fail
from tests.support.live import (
    IMAGE,
    ROOT,
    Response,
    end_gateway,
    engine_client,
    engine_url,
    live_gateway,
)
from tests.support.machine import slowed
from tests.support.split import live_launcher, start_split_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

#: Seconds that a job may take in `default`, and in `science`.
WALL_LIMIT_S, SCIENCE_WALL_LIMIT_S = slowed(2), slowed(20)

SCIENCE = environments.tag_of(IMAGE, "science")
EXAMPLES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "examples-science").glob("*.py"))}

#: What `science` has and `default` lacks, as code imports it.
ONLY_SCIENCE = (*("fastparquet", "networkx", "openpyxl", "plotnine", "seaborn", "skimage", "sklearn", "statsmodels"),)

VIDEO = environments.tag_of(IMAGE, "video")

#: An animation of an odd size, and reading a film back.
FILM = """
from matplotlib.animation import FFMpegWriter, FuncAnimation
fig, ax = plt.subplots(figsize=(3.01, 2.03), dpi=100)
line, = ax.plot([0, 1])
film = FuncAnimation(fig, lambda n: line.set_ydata([0, n / 20]), frames=20, interval=100)
def tell(name):
    import av
    with av.open(name) as opened:
        stream = opened.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in opened.decode(stream)]
        codec = stream.codec_context.name
        print(name, codec, stream.width, stream.height, len(frames), round(float(opened.duration / 1e6), 2))
        assert (frames[0] != frames[-1]).any()
"""
SAVED = {
    "as scripts do": ("film.save('x.mp4')", "x.mp4 h264 300 202 20 2.0\n"),
    "by name": (
        "film.save('x.mp4', writer='ffmpeg', fps=40, bitrate=500, dpi=50, metadata={'title': 'x'})",
        "x.mp4 h264 150 100 20 0.5\n",
    ),
    "by class": (
        (
            "writer = FFMpegWriter(fps=10, codec='libx264', extra_args=['-pix_fmt', 'yuv444p', '-crf', '30'])\n"
            "with writer.saving(fig, 'x.mov', 100):\n    for n in range(5): line.set_ydata([n, 0]); writer.grab_frame()"
        ),
        "x.mov h264 300 202 5 0.5\n",
    ),
    "as WebM": ("film.save('x.webm')", "x.webm vp9 300 202 20 2.0\n"),
    "as Matroska": ("film.save('x.mkv')", "x.mkv h264 300 202 20 2.0\n"),
}

#: Programs that need what only `science` has, and what each prints.
TABLES = {
    "workbook": (
        (
            "import pandas as pd\npd.DataFrame({'a': [1, 2]}).to_excel('x.xlsx', index=False)\n"
            "print(len(pd.read_excel('x.xlsx')))\nplt.plot([1])"
        ),
        "2\n",
    ),
    "workbook with sheets and dates": (
        (
            "import pandas as pd\ndays = pd.DataFrame("
            "{'day': pd.date_range('2024-01-01', periods=3), 'ä': list('xyz')})\n"
            "with pd.ExcelWriter('x.xlsx') as book:\n    days.to_excel(book, sheet_name='One')\n"
            "    days.to_excel(book, sheet_name='Two')\n"
            "sheets = pd.read_excel('x.xlsx', sheet_name=None, index_col=0)\n"
            "print(list(sheets), sheets['Two']['day'].dt.day.sum())\nplt.plot([1])"
        ),
        "['One', 'Two'] 6\n",
    ),
    "parquet": (
        (
            "import pandas as pd\nframe = pd.DataFrame({'n': [1, 2], 'ä': ['x', 'ü'],"
            " 't': pd.date_range('2024-01-01', periods=2)})\nframe.to_parquet('x.parquet')\n"
            "back = pd.read_parquet('x.parquet')\nprint(back.n.sum(), list(back['ä']), back.t.dt.day.max())\n"
            "plt.plot([1])"
        ),
        "3 ['x', 'ü'] 2\n",
    ),
    "compressed parquet": (
        (
            "import pandas as pd\nframe = pd.DataFrame({'n': range(1000)})\n"
            "for kind in ('snappy', 'gzip', None):\n    frame.to_parquet('x.parquet', compression=kind)\n"
            "    print(pd.read_parquet('x.parquet').n.sum())\nplt.plot([1])"
        ),
        "499500\n499500\n499500\n",
    ),
    "tips": (
        (
            "import seaborn as sns\ntips = sns.load_dataset('tips')\n"
            "print(tips.shape, list(tips.day.cat.categories), round(tips.tip.sum(), 2))\n"
            "sns.boxplot(data=tips, x='day', y='tip')"
        ),
        "(244, 7) ['Thur', 'Fri', 'Sat', 'Sun'] 731.58\n",
    ),
    "iris": (
        (
            "import seaborn as sns\niris = sns.load_dataset('iris')\n"
            "print(list(iris), iris.species.nunique())\nsns.scatterplot(iris, x='sepal_length', y='petal_width')"
        ),
        "['sepal_length', 'sepal_width', 'petal_length', 'petal_width', 'species'] 3\n",
    ),
    "penguins": (
        (
            "import seaborn as sns\npenguins = sns.load_dataset('penguins')\n"
            "print(penguins.shape, sorted(penguins.sex.dropna().unique()), penguins.body_mass_g.max())\n"
            "sns.histplot(penguins, x='body_mass_g', hue='species')"
        ),
        "(344, 7) ['Female', 'Male'] 6300.0\n",
    ),
    "flights": (
        (
            "import seaborn as sns\nflights = sns.load_dataset('flights')\n"
            "wide = flights.pivot(index='month', columns='year', values='passengers')\n"
            "print(wide.shape, wide.index[0], wide[1960]['Dec'])\nsns.heatmap(wide)"
        ),
        "(12, 12) Jan 432\n",
    ),
    "diamonds": (
        (
            "import seaborn as sns\ndiamonds = sns.load_dataset('diamonds')\n"
            "print(diamonds.shape, diamonds.cut.cat.categories[0])\nsns.countplot(diamonds, x='cut')"
        ),
        "(53940, 10) Ideal\n",
    ),
    "anscombe": (
        (
            "import seaborn as sns\nanscombe = sns.load_dataset('anscombe')\n"
            "print(anscombe.groupby('dataset').x.mean().to_dict())\nsns.lmplot(anscombe, x='x', y='y', col='dataset')"
        ),
        "{'I': 9.0, 'II': 9.0, 'III': 9.0, 'IV': 9.0}\n",
    ),
    "plotnine": (
        (
            "from plotnine import aes, geom_point, ggplot\nfrom plotnine.data import mtcars\n"
            "figure = (ggplot(mtcars, aes('wt', 'mpg')) + geom_point()).draw(show=True)\nprint(len(figure.axes))"
        ),
        "1\n",
    ),
}


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    """Return a client of the engine."""
    with engine_client() as client:
        yield client


@pytest.fixture(scope="module")
def science_image(client: docker.APIClient) -> str:
    """Return the digest of the image of `science`, which `make test` builds."""
    return str(client.inspect_image(SCIENCE)["Id"])


@pytest.fixture(scope="module")
def gateway(science_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway with `science` beside `default`, which has smaller limits."""
    folder = tmp_path_factory.mktemp("environments")
    science = {"image": SCIENCE, "wall_limit_s": SCIENCE_WALL_LIMIT_S, "memory_limit_mib": 512}
    with live_gateway(
        folder,
        FIGBOX_ENVIRONMENTS_FILE=write_environments(folder, science=science),
        FIGBOX_WALL_LIMIT_S=WALL_LIMIT_S,
        FIGBOX_MEMORY_LIMIT_MIB=192,
        FIGBOX_POOL_SIZE=1,
    ) as running:
        yield running


async def ask(gateway: LiveGateway, code: str, environment: str) -> Response:
    """Render code in an environment."""
    return await gateway.render_v1(accept="image/png", json={"code": code, "environment": environment})


def write_environments(folder: Path, **environments: dict[str, object]) -> Path:
    """Write a file of environments; return its path."""
    file = folder / "environments.toml"
    rows = (
        f"[environments.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())
        for name, fields in environments.items()
    )
    file.write_text("".join(rows))
    return file


@contextlib.contextmanager
def committed(client: docker.APIClient, change: str) -> Iterator[str]:
    """Make an image of the runner's with one change of its Dockerfile; yield its digest."""
    container = client.create_container(IMAGE)["Id"]
    try:
        image_id = client.commit(container, changes=[change], conf={})["Id"]
    finally:
        client.remove_container(container)
    try:
        yield image_id
    finally:
        client.remove_image(image_id)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_example_of_science(gateway: LiveGateway, name: str) -> None:
    """An example of `science` gives a picture with something in it, and no warning."""
    response = await ask(gateway, "import warnings; warnings.simplefilter('error')\n" + EXAMPLES[name], "science")
    assert response.status == 200, response.json
    with Image.open(io.BytesIO(response.body)) as picture:
        assert picture.format == "PNG"
        assert picture.convert("RGB").getcolors(64) is None, "it has hardly a colour"


@pytest.mark.parametrize("name", TABLES)
async def test_tables_of_science(gateway: LiveGateway, name: str) -> None:
    """Workbooks, Parquet, seaborn's example tables and plotnine work without network, and say nothing else."""
    code, printed = TABLES[name]
    response = await gateway.render_v1(accept="application/json", json={"code": code, "environment": "science"})
    assert response.status == 200, response.json
    assert (response.json["stdout"]["text"], response.json["stderr"]["text"]) == (printed, "")
    assert len(response.json["figures"]) == 1


async def test_packages_are_in_their_environment_alone(gateway: LiveGateway) -> None:
    """What `science` brings is not in `default`; what `default` has is in both, and in the same versions."""
    imports = "\n".join(f"import {name}" for name in ONLY_SCIENCE)
    assert (await ask(gateway, f"{imports}\nplt.plot([1])", "science")).status == 200
    for name in ONLY_SCIENCE:
        response = await ask(gateway, f"import {name}", "default")
        assert (response.status, response.json["outcome"]) == (422, "program_error")
        assert f"No module named '{name}'" in response.json["error"]
    found = {
        name: {p["name"]: p["version"] for p in facts["packages"]}
        for name, facts in (await gateway.environments()).items()
    }
    assert found["default"].items() <= found["science"].items()
    only = {"networkx", "openpyxl", "plotnine", "scikit-image", "scikit-learn", "seaborn", "statsmodels"}
    assert only <= found["science"].keys()


async def test_environments_are_told(gateway: LiveGateway, science_image: str) -> None:
    """Each is listed with its image, its own limits, and the versions that decide how pictures look."""
    found = await gateway.environments()
    assert set(found) == {"default", "science"}
    assert found["science"]["image"] == science_image
    limits = {name: facts["limits"] for name, facts in found.items()}
    told = {name: (of["wall_limit_s"], of["memory_limit_bytes"] >> 20) for name, of in limits.items()}
    assert told == {"default": (WALL_LIMIT_S, 192), "science": (SCIENCE_WALL_LIMIT_S, 512)}
    for facts in found.values():
        assert {"python", "matplotlib", "numpy", "freetype"} <= set(facts["versions"])


async def test_each_has_limits_of_its_own(gateway: LiveGateway) -> None:
    """The same code is within one environment's limits and beyond another's."""
    greedy = "x = b'x' * (300 << 20); plt.plot([1])"
    assert (await ask(gateway, greedy, "science")).status == 200
    assert (await ask(gateway, greedy, "default")).json["outcome"] == "memory_limit"
    slow = f"import time; time.sleep({WALL_LIMIT_S + 1}); plt.plot([1])"
    assert (await ask(gateway, slow, "science")).status == 200
    assert (await ask(gateway, slow, "default")).json["outcome"] == "time_limit"


async def test_each_has_warm_containers_of_its_own(
    gateway: LiveGateway, client: docker.APIClient, science_image: str
) -> None:
    """A container waits for each environment, made from its image and with its limits, and serves no other."""

    def layers(image: str) -> list[str]:
        return list(client.inspect_image(image)["RootFS"]["Layers"])

    def warm() -> dict[int, bool]:
        """Return the memory of each container, and whether its image is science's, or that with a snapshot on top."""
        records = []
        for row in client.containers(filters={"label": f"figbox.installation={gateway.installation}"}):
            with contextlib.suppress(docker.errors.NotFound):  # an earlier job's, removed since they were listed
                records.append(client.inspect_container(row["Id"]))
        science = layers(science_image)
        return {
            record["HostConfig"]["Memory"] >> 20: layers(record["Image"])[: len(science)] == science
            for record in records
        }

    await until(lambda: warm() == {192: False, 512: True}, "a warm container of each environment")


@pytest.fixture(scope="module")
def with_films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway with `video` beside `default`."""
    folder = tmp_path_factory.mktemp("films")
    file = write_environments(folder, video={"image": VIDEO})
    with live_gateway(folder, FIGBOX_ENVIRONMENTS_FILE=file, FIGBOX_POOL_SIZE=1) as running:
        yield running


@pytest.mark.parametrize("name", SAVED)
async def test_films_are_saved(with_films: LiveGateway, name: str) -> None:
    """In `video`, Matplotlib saves films of the right codec, number of frames and duration, and of even sizes."""
    save, told = SAVED[name]
    code = f"{FILM}{save}\ntell({told.split()[0]!r})"
    response = await with_films.render_v1(accept="application/json", json={"code": code, "environment": "video"})
    assert response.status == 200, response.json
    assert (response.json["stdout"]["text"], response.json["stderr"]["text"]) == (told, "")
    (file,) = response.json["files"]
    assert file["name"] == told.split()[0]
    assert file["content_type"].startswith("video/")
    assert file["bytes"] > 1000


async def test_gifs_are_saved_beside_films(with_films: LiveGateway) -> None:
    """Where films can be saved, Pillow saves what it saved before, and pages get their films."""
    code = FILM + "film.save('x.gif'); print('video/mp4' in film.to_html5_video())"
    response = await with_films.render_v1(accept="application/json", json={"code": code, "environment": "video"})
    assert response.status == 200, response.json
    assert response.json["stdout"]["text"] == "True\n"
    with Image.open(io.BytesIO(base64.b64decode(response.json["files"][0]["data"]))) as gif:
        assert (gif.format, gif.n_frames) == ("GIF", 20)


async def test_films_are_told_where_they_can_be_saved(with_films: LiveGateway) -> None:
    """Code that saves a film elsewhere is told of the environment that can."""
    for save in ("film.save('x.mp4')", "FFMpegWriter().setup(fig, 'x.mp4')"):
        response = await ask(with_films, FILM + save, "default")
        assert (response.status, response.json["outcome"]) == (422, "program_error")
        assert "Films can be saved in the environment video: POST /v1/render" in response.json["error"]


async def test_unknown_environment_is_refused_before_anything_is_used(gateway: LiveGateway) -> None:
    """An unknown environment is a bad request that names the option and the known names; no job is counted."""
    before = await gateway.metric('figbox_environment_jobs_total{environment="default"}')
    response = await ask(gateway, "plt.plot([1])", "nowhere")
    assert response.status == 400
    assert response.json["errors"] == [{"option": "environment", "message": "must be one of default, science"}]
    assert await gateway.metric('figbox_environment_jobs_total{environment="default"}') == before
    assert "nowhere" not in gateway.log_text()


async def test_jobs_are_counted_by_environment(gateway: LiveGateway) -> None:
    """Each job counts for its environment, and its log line names it."""
    name = 'figbox_environment_jobs_total{environment="science"}'
    before = await gateway.metric(name)
    assert (await ask(gateway, "plt.plot([1])", "science")).status == 200
    assert await gateway.metric(name) == before + 1
    assert '"environment": "science"' in gateway.log_text()


async def test_environments_of_a_launcher_of_its_own(science_image: str, tmp_path: Path) -> None:
    """A launcher that is a process of its own reads the file, and the gateway asks the launcher."""
    limit_s = slowed(7)
    file = write_environments(tmp_path, science={"image": science_image, "wall_limit_s": limit_s})
    with live_launcher(tmp_path, FIGBOX_ENVIRONMENTS_FILE=file, FIGBOX_POOL_SIZE=1) as launcher:
        gateway = start_split_gateway(tmp_path, launcher, FIGBOX_ENVIRONMENTS_FILE=tmp_path / "nowhere.toml")
        try:
            found = (await gateway.environments())["science"]
            assert (found["image"], found["limits"]["wall_limit_s"]) == (science_image, limit_s)
            assert (await ask(gateway, "import seaborn; plt.plot([1])", "science")).status == 200
            assert (await ask(gateway, "plt.plot([1])", "nowhere")).status == 400
        finally:
            end_gateway(gateway.process)


def refused(tmp_path: Path, image_name: str) -> str:
    """Return what a gateway with an environment of that image says instead of starting."""
    file = write_environments(tmp_path, other={"image": image_name})
    return start_and_fail(FIGBOX_ENVIRONMENTS_FILE=file, FIGBOX_INSTALLATION="test-refused", DOCKER_HOST=engine_url())


def test_missing_image_stops_the_start(tmp_path: Path) -> None:
    """An environment whose image isn't there is named, with what to do."""
    said = refused(tmp_path, "figbox-none:none")
    assert "environment 'other': the engine has no image 'figbox-none:none'" in said
    assert "make image ENVIRONMENT=other" in said


def test_image_with_a_volume_stops_the_start(tmp_path: Path, client: docker.APIClient) -> None:
    """A volume that an image declares would be a folder on the host's disk that jobs can fill."""
    with committed(client, "VOLUME /data") as image_id:
        assert "its image declares volumes (/data)" in refused(tmp_path, image_id)


def test_image_of_another_kind_stops_the_start(tmp_path: Path, client: docker.APIClient) -> None:
    """An image whose program is not the runner is not an environment."""
    with committed(client, 'ENTRYPOINT ["python3", "-c", "print(1)"]') as image_id:
        assert "environment 'other'" in refused(tmp_path, image_id)


async def test_own_environment_as_documented(client: docker.APIClient, tmp_path: Path) -> None:
    """A list of packages becomes an environment by the commands in docs/environments.md."""
    with closing(docker.DockerClient(base_url=engine_url())) as engine:
        runner = image.Recipe(ROOT / "runner-image", tmp_path, IMAGE)
        if not image.is_current(engine, engine.images.get(IMAGE), runner, image.architecture_of(engine)):
            pytest.skip("the runner image is not this checkout's, and would be built: make image")
    checkout = tmp_path / "checkout"
    for name in ("bootstrap", "gateway", "requirements", "runner-image"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", checkout)
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    typed = [line for line in commands(ENVIRONMENTS) if "treemaps" in line]
    assert [line.split()[0] for line in typed] == ["printf", "make", "make"]
    tag = environments.tag_of(IMAGE, "treemaps")
    try:
        for line in typed:
            await asyncio.to_thread(typed_in, checkout, line)
        (file,) = [block for block in blocks(ENVIRONMENTS, "toml") if "treemaps" in block]
        (tmp_path / "environments.toml").write_text(file.replace("figbox-runner-treemaps:latest", tag))
        with live_gateway(tmp_path, FIGBOX_ENVIRONMENTS_FILE=tmp_path / "environments.toml") as running:
            response = await ask(running, "import squarify; squarify.plot([5, 3, 2])", "treemaps")
            assert response.status == 200, response.json
    finally:
        remove_image(client, tag)


async def test_own_image_as_documented(client: docker.APIClient, tmp_path: Path) -> None:
    """A module of the operator's own becomes part of an environment by the Dockerfile in docs/environments.md."""
    (text,) = blocks(ENVIRONMENTS, "dockerfile")
    dockerfile, module = tmp_path / "Dockerfile", tmp_path / "house_style.py"
    dockerfile.write_text(text.replace("FROM figbox-runner", f"FROM {IMAGE}"))
    module.write_text("COLOUR = '#123456'\n")
    build = ROOT / "runner-image" / "build" / "build.py"
    files = {"build/build.py": build, "house_style/__init__.py": module}
    tag = environments.tag_of(IMAGE, "house")
    try:
        with closing(docker.DockerClient(base_url=engine_url())) as engine:
            image.build(engine, "house", tag, dockerfile=dockerfile, arguments={}, files=files, labels={})
        file = write_environments(tmp_path, house={"image": tag})
        with live_gateway(tmp_path, FIGBOX_ENVIRONMENTS_FILE=file) as running:
            response = await ask(running, "import house_style; plt.plot([1], color=house_style.COLOUR)", "house")
            assert response.status == 200, response.json
    finally:
        remove_image(client, tag)


def typed_in(folder: Path, line: str) -> None:
    """Run a line that a user types in a folder."""
    env = {**os.environ, "FIGBOX_IMAGE": IMAGE, "DOCKER_HOST": engine_url(), "PYTHON": sys.executable}
    env.pop("MAKEFLAGS", None)  # arguments of the `make` that runs the tests
    done = run("sh", "-c", line, folder=folder, env=env, limit_s=slowed(300))
    assert done.returncode == 0, done.stdout + done.stderr


def remove_image(client: docker.APIClient, tag: str) -> None:
    """Remove an image that a test may have made."""
    with contextlib.suppress(ImageNotFound):
        client.remove_image(tag)
