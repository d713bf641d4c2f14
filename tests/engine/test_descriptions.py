"""Figures in words: what comes back from a running gateway, and that no program can spoil a picture by them."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import WARM_STARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.support.live import LiveGateway

pytestmark = [pytest.mark.engine, pytest.mark.both_ways]

PLOT = "plt.plot([1, 3, 2], label='signal')\nplt.title('Measured')\n"

#: Members of a figure that are there when it is described.
SAID = ("alt_text", "description", "findings", "findings_left_out")

#: Makes a line do something when it is looked at after the reply, and not while it is drawn.
TRAP = """
import os, sys, time
line, = plt.plot([1, 3, 2])
extent = line.get_window_extent
def reply_fds():
    return [fd for fd in range(100, 120) if os.path.exists(f"/proc/self/fd/{{fd}}")]
def write(data):
    for fd in reply_fds():
        try:
            os.write(fd, data)
        except OSError:
            pass
def spring():
{}
def trap(*given):
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.endswith("explaining.py"):
            spring()
        frame = frame.f_back
    return extent(*given)
line.get_window_extent = line.get_tightbbox = trap
"""

FAILED = "looking at them failed, or took too long."
SLOW = "looking at them took longer than 5 s."
MALFORMED = "the description is malformed."
ENDED = "the container ended before that."

#: What a line may do, and how the warning may end; without any where nothing but the line itself need be lost. On a
#: busy machine the launcher's limit may be over before the runner's own.
TRAPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "raises": ("raise ValueError", ()),
    "raises all": ("raise BaseException", (FAILED, SLOW)),
    "sleeps": ("time.sleep(1000)", (FAILED, SLOW)),
    "spins": ("while True: pass", (FAILED, SLOW)),
    "catches": (
        "while True:\n        try:\n            while True: time.sleep(1)\n        except BaseException: pass",
        (SLOW,),
    ),
    "spins in C": ("sum(range(10 ** 12))", (SLOW,)),
    "exits": ("os._exit(0)", (ENDED,)),
    "kills": ("os.kill(os.getpid(), 9)", (ENDED,)),
    "eats memory": ("kept = []\n    while True: kept.append(bytes(range(256)) * 2 ** 16)", ()),
    "prints": ("print('x' * 10 ** 7); os.write(1, b'x' * 10 ** 7); os.write(2, b'x' * 10 ** 7)", ()),
    "floods": ("while True: write(b'O' + (1000).to_bytes(4, 'big') + bytes(1000))", (MALFORMED,)),
    "floods with zeros": ("while True: write(bytes(10 ** 6))", (MALFORMED,)),
    "announces too much": ("write(b'D' + (2 ** 31).to_bytes(4, 'big'))", ("the description is too large.",)),
    "forges nothing": ("write(b'D' + bytes(4)); os._exit(0)", (MALFORMED,)),
    "forges another": ("write(b'D\\0\\0\\0\\x0b[null,null]'); os._exit(0)", (MALFORMED,)),
    "forges depth": (
        "text = b'[' * 200_000; write(b'D' + len(text).to_bytes(4, 'big') + text); os._exit(0)",
        (MALFORMED,),
    ),
    "ends within": ("write(b'D\\0\\0\\1\\0['); os._exit(0)", (ENDED,)),
}


async def document_of(gateway: LiveGateway, status: int = 200, **body: Any) -> dict[str, Any]:
    """Return the document of a render."""
    response = await gateway.render_v1(accept="application/json", json=body)
    assert response.status == status, response.json
    return response.json


@pytest.fixture(scope="module", params=WARM_STARTS)
def warm_gateway(
    begin_gateway: Callable[..., AbstractContextManager[LiveGateway]], request: pytest.FixtureRequest
) -> Iterator[LiveGateway]:
    """Return a gateway whose runners import, or are restored."""
    with begin_gateway(FIGBOX_WARM_START=request.param) as running:
        yield running


@pytest.mark.parametrize("level", ["summary", "full", "data"])
async def test_each_level(warm_gateway: LiveGateway, level: str) -> None:
    """Each figure is described as much as asked for, and its picture is the same as without."""
    body = {"code": PLOT + "plt.figure(); plt.pie([1, 2])", "figures": "all", "format": ["png", "svg"], "dpi": 80}
    described = await document_of(warm_gateway, **body, describe=level)
    plain = await document_of(warm_gateway, **body)
    for figure, other in zip(described["figures"], plain["figures"], strict=True):
        assert figure["pictures"] == other["pictures"]
        assert figure["description"]["level"] == level
        assert figure["alt_text"]
        size = figure["pictures"][0]["width_px"], figure["pictures"][0]["height_px"]
        assert (figure["description"]["width"], figure["description"]["height"]) == size
        assert {name: other[name] for name in SAID} == dict.fromkeys(SAID)
    axes = described["figures"][0]["description"]["axes"][0]
    assert axes["title"] == "Measured"
    assert axes["artists"][0]["label"] == "signal"
    assert (axes["artists"][0]["data"] is not None) == (level == "data")
    assert described["warnings"] == []


async def test_every_form_has_it(warm_gateway: LiveGateway) -> None:
    """The manifest of an archive says the same as a document; a picture alone is just that."""
    body = {"code": PLOT, "describe": "full"}
    (figure,) = (await document_of(warm_gateway, **body))["figures"]
    archive = await warm_gateway.render_v1(accept="application/zip", json=body)
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(archive.body)).read("manifest.json"))
    assert {name: manifest["figures"][0][name] for name in SAID} == {name: figure[name] for name in SAID}
    picture = await warm_gateway.render_v1(json=body)
    assert picture.body == base64.b64decode(figure["pictures"][0]["data"])
    assert "Measured" not in str(picture.headers)
    assert "Measured" not in warm_gateway.log_text()


@pytest.mark.parametrize("trap", TRAPS)
async def test_hostile_artist_spoils_no_picture(gateway: LiveGateway, trap: str) -> None:
    """Whatever it does after the reply, the picture is served, and the answer says why it isn't described."""
    code, endings = TRAPS[trap]
    body = {"code": TRAP.format("    " + code), "memory_mib": 256}
    plain, described = await asyncio.gather(document_of(gateway, **body), document_of(gateway, **body, describe="full"))
    assert described["figures"][0]["pictures"] == plain["figures"][0]["pictures"]
    warnings = [warning["message"] for warning in described["warnings"]]
    if endings:
        assert {name: described["figures"][0][name] for name in SAID} == dict.fromkeys(SAID)
        assert len(warnings) == 1
        assert warnings[0].startswith("The figures could not be described: ")
        assert warnings[0].endswith(endings)


async def test_refused_findings(gateway: LiveGateway) -> None:
    """What a request refuses makes 422 of its render, and so does a figure of which it can't be known."""
    hidden = "plt.plot([1, 2]); plt.text(0.5, 1.5, 'x' * 300)"
    (figure,) = (await document_of(gateway, code=hidden, describe="full"))["figures"]
    found = figure["findings"][0]
    refused = await document_of(gateway, 422, code=hidden, fail_on=[found["code"]])
    assert (refused["outcome"], refused["type"]) == ("findings", "urn:figbox:problem:findings")
    assert {"figure": 1, **found} in refused["findings"]
    assert refused["explanations"][0]["description"]["level"] == "summary"
    assert (await document_of(gateway, code=hidden, fail_on=["glyph-missing"]))["outcome"] == "ok"
    lost = await document_of(gateway, 422, code=TRAP.format("    os._exit(0)"), describe="full", fail_on=["error"])
    assert lost["findings"] == []
    assert "Figure 1 could not be described" in lost["error"]
