"""`/v1` as its clients see it: a running gateway, a real engine, real pictures."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

from gateway.model.jobs import Format
from gateway.v1.response.accept import PICTURE_TYPES
from tests.support.live import ROOT, live_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = [pytest.mark.engine, pytest.mark.core]

EXAMPLES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "examples").glob("*.py"))}
#: Those of them that `make test` draws.
FEW = {"image", "pandas_frame", "surface_3d"}

LINE = "plt.plot([1, 3, 2])"
PYTHON = {"Content-Type": "text/x-python"}


async def _document(gateway: LiveGateway, status: int = 200, **body: Any) -> dict[str, Any]:
    response = await gateway.render_v1(accept="application/json", json=body)
    assert response.status == status, response.json
    return response.json


def _size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.size


async def test_script_with_curl_s_manners(gateway: LiveGateway) -> None:
    """A raw script with options in the query gives the picture alone."""
    query = "?dpi=50&width=4&height=2&rc.axes.grid=true"
    response = await gateway.render_v1(query, headers=PYTHON, data=LINE)
    assert (response.status, response.headers["Content-Type"]) == (200, "image/png")
    assert _size(response.body) == (200, 100)


@pytest.mark.parametrize("kind", Format)
async def test_each_format_alone(gateway: LiveGateway, kind: Format) -> None:
    """Each format has its type; the same request gives the same bytes and tag, and 304 to a client that has them."""
    response = await gateway.render_v1(f"?format={kind}", headers=PYTHON, data=LINE)
    assert (response.status, response.headers["Content-Type"]) == (200, PICTURE_TYPES[kind]), response.body
    tag = response.headers["ETag"]
    assert tag == f'"{hashlib.sha256(response.body).hexdigest()}"'
    known = await gateway.render_v1(f"?format={kind}", headers={**PYTHON, "If-None-Match": tag}, data=LINE)
    assert (known.status, known.body) == (304, b"")


async def test_data_file_in_a_form(gateway: LiveGateway) -> None:
    """`pd.read_csv("data.csv")` simply works."""
    form = aiohttp.FormData()
    form.add_field("code", "import pandas as pd\npd.read_csv('data.csv').plot()", filename="script.py")
    form.add_field("file", io.BytesIO(b"x,y\n1,2\n3,4\n"), filename="data.csv")
    form.add_field("dpi", "50")
    response = await gateway.render_v1(data=form)
    assert response.status == 200, response.body
    assert _size(response.body) == (320, 240)


async def test_everything_in_a_document(gateway: LiveGateway) -> None:
    """All figures in all formats, files, prints, warnings, and the manifest of how they came about."""
    code = (
        "import warnings\nprint('hello')\nwarnings.warn('careful')\n"
        "plt.figure('one'); plt.plot(np.loadtxt('in.txt'))\nplt.figure('two')\n"
        "open('table.csv', 'w').write('a,b\\n1,2\\n')\n"
    )
    document = await _document(
        gateway, code=code, format=[*Format], figures="all", files={"in.txt": "1 2 3"}, seed=7, timeout_s=20
    )
    assert [figure["label"] for figure in document["figures"]] == ["one", "two"]
    for figure in document["figures"]:
        assert [picture["format"] for picture in figure["pictures"]] == [*Format]
        for picture in figure["pictures"]:
            data = base64.b64decode(picture["data"])
            assert hashlib.sha256(data).hexdigest() == picture["sha256"]
            if picture["format"] not in ("svg", "pdf"):
                assert _size(data) == (picture["width_px"], picture["height_px"]) == (640, 480)
    (file,) = document["files"]
    assert (file["name"], file["content_type"]) == ("table.csv", "text/csv; charset=utf-8")
    assert base64.b64decode(file["data"]) == b"a,b\n1,2\n"
    assert document["stdout"] == {"text": "hello\n", "truncated": False}
    assert document["warnings"] == [{"category": "UserWarning", "message": "careful", "line": 3}]
    manifest = document["manifest"]
    assert manifest["image"].startswith("sha256:")
    assert manifest["code_sha256"] == hashlib.sha256(code.encode()).hexdigest()
    assert manifest["limits"]["wall_limit_s"] == 20
    assert manifest["usage"] is None or manifest["usage"]["cpu_s"] > 0


async def test_archive(gateway: LiveGateway) -> None:
    """The ZIP unpacks to pictures, files, prints and the manifest."""
    body = {"code": "print('x'); plt.plot([1]); open('a.txt', 'w').write('b')", "format": ["png", "pdf"]}
    response = await gateway.render_v1(accept="application/zip", json=body)
    assert response.status == 200, response.body
    archive = zipfile.ZipFile(io.BytesIO(response.body))
    names = ["figure-1.png", "figure-1.pdf", "files/a.txt", "stdout.txt", "stderr.txt", "manifest.json"]
    assert archive.namelist() == names
    assert archive.read("stdout.txt") == b"x\n"
    assert json.loads(archive.read("manifest.json"))["figures"][0]["pictures"][1]["name"] == "figure-1.pdf"


@pytest.mark.parametrize(
    "example", [pytest.param(name, marks=() if name in FEW else pytest.mark.variant) for name in EXAMPLES]
)
async def test_gallery_in_every_format(gateway: LiveGateway, example: str) -> None:
    """Each example is drawn in each format."""
    document = await _document(gateway, code=EXAMPLES[example], format=[*Format])
    pictures = document["figures"][0]["pictures"]
    assert [picture["format"] for picture in pictures] == [*Format]
    sizes = {
        _size(base64.b64decode(picture["data"])) for picture in pictures if picture["format"] not in ("svg", "pdf")
    }
    assert len(sizes) == 1


@pytest.mark.variant
async def test_same_bytes_each_time(gateway: LiveGateway) -> None:
    """Many requests, warm and cold, give the same bytes in every deterministic part."""
    body = {"code": EXAMPLES["formulas"], "format": ["png", "svg", "pdf"], "seed": 1}
    tags = set()
    for _ in range(3):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_tag(gateway, body)) for _ in range(4)]
        tags |= {task.result() for task in tasks}
    assert len(tags) == 1


async def _tag(gateway: LiveGateway, body: dict[str, Any]) -> str:
    response = await gateway.render_v1(accept="application/json", json=body)
    assert response.status == 200, response.body
    return response.headers["ETag"]


async def test_styles_and_parameters_reach_the_figure(gateway: LiveGateway) -> None:
    """A style, a parameter and transparency each change the picture."""
    tags = [
        await _tag(gateway, {"code": LINE, **options})
        for options in (
            {},
            {"style": "ggplot"},
            {"style": ["ggplot", "dark_background"]},
            {"rc": {"lines.linewidth": 5}},
            {"rc": {"axes.prop_cycle": "cycler('color', ['red'])"}},
            {"transparent": True},
            {"bbox_inches": "tight"},
        )
    ]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize(
    ("code", "options", "expected"),
    [
        (
            "x = 1\nfoo(x)\n",
            {},
            {
                "outcome": "program_error",
                "fault": {
                    "type": "NameError",
                    "message": "name 'foo' is not defined",
                    "line": 2,
                    "column": 1,
                    "source": "foo(x)",
                    "hint": None,
                },
            },
        ),
        ("plt.plot([1]); plt.close('all')", {}, {"outcome": "no_figure", "figures": {"drawn": 1, "closed": 1}}),
        ("while True: pass", {"timeout_s": 1}, {"outcome": "time_limit"}),
        ("x = bytearray(400 << 20)", {"memory_mib": 192}, {"outcome": "memory_limit"}),
        ("import ctypes; ctypes.string_at(0)", {}, {"outcome": "killed", "signal": "SIGSEGV"}),
    ],
)
async def test_failures_say_what_to_mend(
    gateway: LiveGateway, code: str, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Each way to fail is 422 with its detail, and with what was printed until then."""
    document = await _document(gateway, 422, code=f"{code}", **options)
    assert {name: document[name] for name in expected} == expected
    assert document["status"] == 422
    if expected["outcome"].endswith("_limit"):
        limit = document["limit"]
        assert limit["name"] == expected["outcome"].replace("time", "wall")
        assert limit["allowed"] == {"wall_limit": 1, "memory_limit": 192 << 20}[limit["name"]]
    assert {"stdout", "stderr", "warnings"} <= document.keys()


async def test_prints_of_a_failure(gateway: LiveGateway) -> None:
    """What failed code printed comes back."""
    document = await _document(gateway, 422, code="print('before')\n1 / 0")
    assert document["stdout"]["text"] == "before\n"
    assert document["fault"]["type"] == "ZeroDivisionError"


async def test_bad_values_that_only_matplotlib_knows(gateway: LiveGateway) -> None:
    """A value of the right kind that Matplotlib refuses is reported as a failure that names the parameter."""
    document = await _document(gateway, 422, code=LINE, rc={"axes.facecolor": "no such colour"})
    assert document["outcome"] == "program_error"
    assert "axes.facecolor" in document["error"]


async def test_environments(gateway: LiveGateway) -> None:
    """The list names what is installed."""
    found = await gateway.environments()
    assert list(found) == ["default"]
    assert found["default"]["image"].startswith("sha256:")


@pytest.mark.variant
async def test_cache_over_a_restart(tmp_path: Path) -> None:
    """What was rendered before a restart is served after it without a container, and says so."""
    settings = {"FIGBOX_CACHE_MIB": 64, "FIGBOX_CACHE_FILE": tmp_path / "renders.sqlite3"}
    bodies = []
    for expected in (["miss", "hit"], ["hit"]):
        with live_gateway(tmp_path, **settings) as gateway:
            for use in expected:
                response = await gateway.render_v1(headers=PYTHON, data=LINE)
                bodies.append(response.body)
                assert (response.status, response.headers["X-Figbox-Cache"]) == (200, use)
            document = await _document(gateway, code=LINE)
            assert document["cached"] is True
            assert await gateway.metric("figbox_cache_hits_total") == expected.count("hit") + 1
    assert len(set(bodies)) == 1
