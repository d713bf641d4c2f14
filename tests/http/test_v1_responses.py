"""`POST /v1/render`: the forms of a response, and which one a client gets."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from multidict import CIMultiDict

from gateway.model.jobs import Format, NamedFile
from gateway.model.results import LimitExceeded, Outcome, ProgramError, PythonWarning, Result, Text
from tests.fakes import PNG
from tests.http.v1 import AUTH, FACTS, GOOD, PATH, figures_result, problem, rich_result

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.http.conftest import Rig
    from tests.http.v1 import Client

JSON = "application/json"
ZIP = "application/zip"
TYPES = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "apng": "image/apng",
    "awebp": "image/webp",
}


async def _render(client: Client, accept: str | None = None, **values: Any) -> ClientResponse:
    headers = {**AUTH, **values.pop("headers", {}), **({"Accept": accept} if accept is not None else {})}
    return await client.post(PATH, headers=headers, json={**GOOD, **values})


@pytest.mark.parametrize("name", TYPES)
async def test_picture_alone(client: Client, rig: Rig, name: str) -> None:
    """A picture is served as what it is, guarded, and with its digest as its tag."""
    rig.launcher.result = figures_result(Format(name))
    response = await _render(client, format=name)
    body = await response.read()
    assert (response.status, response.headers["Content-Type"], body) == (200, TYPES[name], b"1 " + name.encode())
    assert response.headers["ETag"] == f'"{hashlib.sha256(body).hexdigest()}"'
    names = ("X-Content-Type-Options", "Content-Security-Policy", "Cache-Control", "Vary", "X-Figbox-Cache")
    expected = ["nosniff", "default-src 'none'; sandbox", "private, no-cache", "Accept", "off"]
    assert [response.headers[name] for name in names] == expected
    assert response.headers["Server-Timing"].startswith("queue;dur=")
    assert len(response.headers["X-Request-ID"]) == 32
    attachment = f'attachment; filename="figure-1.{name}"' if name in ("svg", "pdf") else None
    assert response.headers.get("Content-Disposition") == attachment


@pytest.mark.parametrize(
    ("expected", "accepts"),
    [
        ("image/png", [None, "", "*/*", "image/*", "IMAGE/PNG", "garbage, image/png"]),
        (
            "image/png",
            ["image/png, application/json", "application/json, image/png", "application/json;q=0.1, */*;q=0.2"],
        ),
        (
            JSON,
            [
                "application/json",
                "application/json; charset=utf-8",
                "application/*",
                "application/json, text/plain, */*",
            ],
        ),
        (JSON, ["application/json;q=0.9, image/png;q=0.8", "image/png;q=0, application/json;q=0.001"]),
        (JSON, ["application/*;q=0.5, application/zip;q=0"]),
        (ZIP, ["application/zip", "application/zip;q=0.5, application/json;q=0.4"]),
        (None, ["image/png;q=0, */*", "image/png;q=0, image/*", "text/html", "image/tiff", "garbage"]),
        (None, ["application/json;q=0", "application/json;q=2", "text/html, " * 40 + "image/png"]),
    ],
)
async def test_negotiation(client: Client, rig: Rig, accepts: list[str | None], expected: str | None) -> None:
    """`Accept` decides, by its quality values; what it excludes is refused before anything runs."""
    for accept in accepts:
        rig.launcher.jobs.clear()
        headers = {"Accept": accept} if accept is not None else {}
        response = await client.post(PATH, headers={**AUTH, **headers}, json=GOOD, skip_auto_headers=["Accept"])
        if expected is None:
            document = await problem(response, 406)
            expected_error = "Accept must allow image/png, application/json or application/zip"
            assert document["error"] == f"{expected_error}; the option format says which type the picture has", accept
            assert rig.launcher.jobs == []
        else:
            assert (response.status, response.headers["Content-Type"]) == (200, expected), accept


@pytest.mark.parametrize("accept", [None, "*/*", "image/*", "image/png", "image/png, */*"])
async def test_several_formats_need_a_document_or_an_archive(client: Client, rig: Rig, accept: str | None) -> None:
    """Two pictures can't be returned as a picture alone, and no other form is chosen instead."""
    response = await _render(client, accept, format=["png", "svg"])
    assert (await problem(response, 406))["error"] == "Accept must allow application/json or application/zip"
    assert rig.launcher.jobs == []
    rig.launcher.result = figures_result(Format.PNG, Format.SVG)
    for better in (JSON, ZIP):
        response = await _render(client, f"{accept or '*/*'}, {better};q=0.1", format=["png", "svg"])
        assert (response.status, response.headers["Content-Type"]) == (200, better)


async def test_all_figures_may_be_one(client: Client, rig: Rig) -> None:
    """How many figures there are is known once they are drawn: one is a picture alone, two need another form."""
    rig.launcher.result = figures_result(Format.PNG)
    response = await _render(client, "image/png", figures="all")
    assert (response.status, response.headers["Content-Type"]) == (200, "image/png")
    rig.launcher.result = figures_result(Format.PNG, figures=2)
    document = await problem(await _render(client, "image/png", figures="all"), 406)
    assert document["error"].startswith("The code drew 2 figures")
    response = await _render(client, "image/png, application/zip;q=0.1", figures="all")
    assert (response.status, response.headers["Content-Type"]) == (200, ZIP)


async def test_document(client: Client, rig: Rig) -> None:
    """The JSON document has every figure, file and text, and the manifest of how it came about."""
    rig.launcher.environments["default"] = FACTS
    rig.launcher.result = rich_result()
    response = await _render(client, JSON, format=["png", "svg"], figures="all")
    document = await response.json()
    assert (response.status, response.headers["Content-Type"]) == (200, JSON)
    assert document.pop("request_id") == response.headers["X-Request-ID"]
    figures = document.pop("figures")
    assert [(figure["number"], figure["label"]) for figure in figures] == [(1, "figure 1"), (2, "figure 2")]
    data = b"2 svg"
    assert figures[1]["pictures"][1] == {
        "format": "svg",
        "content_type": "image/svg+xml",
        "width_px": 1,
        "height_px": 1,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "pixels_sha256": None,
        "data": base64.b64encode(data).decode(),
    }
    assert figures[0]["pictures"][0]["pixels_sha256"] == "a" * 64
    files = document.pop("files")
    assert [(file["name"], file["content_type"], base64.b64decode(file["data"])) for file in files] == [
        ("out/table.csv", "text/csv; charset=utf-8", b"a,b\n1,2\n"),
        ("page.html", "text/plain; charset=utf-8", b"<script>alert(1)</script>"),
    ]
    assert files[0]["truncated"] is False
    manifest = document.pop("manifest")
    assert document == {
        "outcome": "ok",
        "cached": False,
        "figures_truncated": False,
        "files_truncated": True,
        "stdout": {"text": "printed\n", "truncated": True},
        "stderr": {"text": "warned\n", "truncated": False},
        "warnings": [{"category": "UserWarning", "message": "odd", "line": 3}],
    }
    assert manifest["limits"].pop("wall_limit_s") == 5
    assert manifest["limits"]["memory_limit_bytes"] == 1024 * 1024 * 1024
    assert set(manifest.pop("stages_ms")) == {"queue", "acquire", "run", "check"}
    manifest.pop("limits")
    assert manifest == {
        "image": "sha256:1234",
        "environment": "default",
        "runtime": "runc",
        "versions": {"matplotlib": "3.11.2"},
        "fonts": "f" * 64,
        "code_sha256": hashlib.sha256(GOOD["code"].encode()).hexdigest(),
        "usage": {"cpu_s": 0.25, "memory_peak_bytes": 90_000_000},
        "warm": False,
    }


async def test_archive(client: Client, rig: Rig) -> None:
    """The ZIP has the same as files, under names that are ours or made safe, with a constant date."""
    rig.launcher.environments["default"] = FACTS
    rig.launcher.result = rich_result()
    response = await _render(client, ZIP, format=["png", "svg"], figures="all")
    body = await response.read()
    assert (response.status, response.headers["Content-Type"]) == (200, ZIP)
    assert response.headers["Content-Disposition"] == 'attachment; filename="figures.zip"'
    archive = zipfile.ZipFile(io.BytesIO(body))
    assert archive.testzip() is None
    assert archive.namelist() == [
        "figure-1.png",
        "figure-1.svg",
        "figure-2.png",
        "figure-2.svg",
        "files/out/table.csv",
        "files/page.html",
        "stdout.txt",
        "stderr.txt",
        "manifest.json",
    ]
    assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert archive.read("figure-2.svg") == b"2 svg"
    assert archive.read("stdout.txt") == b"printed\n"
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["image"] == "sha256:1234"
    assert manifest["figures"][1]["pictures"][1]["name"] == "figure-2.svg"
    assert manifest["files"][0]["archived_as"] == "files/out/table.csv"
    assert manifest["warnings"] == [{"category": "UserWarning", "message": "odd", "line": 3}]
    assert "data" not in manifest["figures"][0]["pictures"][0]


async def test_both_kinds_of_webp_in_one_archive(client: Client, rig: Rig) -> None:
    """A still WebP and an animated one have names of their own, and the ending that programs know."""
    rig.launcher.result = figures_result(Format.WEBP, Format.AWEBP)
    response = await _render(client, ZIP, format=["webp", "awebp"])
    archive = zipfile.ZipFile(io.BytesIO(await response.read()))
    assert archive.namelist()[:2] == ["figure-1.webp", "figure-1.animated.webp"]
    assert archive.read("figure-1.animated.webp") == b"1 awebp"


@pytest.mark.parametrize("accept", ["image/png", JSON, ZIP])
async def test_tags(client: Client, rig: Rig, accept: str) -> None:
    """The same render has the same tag, another has another; a client that knows the tag gets 304 and nothing else."""
    rig.launcher.result = figures_result(Format.PNG, stdout=Text("a"))
    first = await _render(client, accept)
    rig.launcher.result = figures_result(Format.PNG, stdout=Text("a"))
    again = await _render(client, accept)
    tag = first.headers["ETag"]
    assert again.headers["ETag"] == tag
    assert tag.startswith('"' if accept == "image/png" else 'W/"')
    for known in (tag, f'"x", {tag}', tag.removeprefix("W/"), f"W/{tag.removeprefix('W/')}"):
        response = await _render(client, accept, headers={"If-None-Match": known})
        assert (response.status, await response.read()) == (304, b""), known
        assert response.headers["ETag"] == tag
        assert response.headers["Vary"] == "Accept"
        assert response.headers["X-Figbox-Cache"] == "off"
    for unknown in ('"x"', "*", tag.strip('W/"'), ""):
        assert (await _render(client, accept, headers={"If-None-Match": unknown})).status == 200
    lines = CIMultiDict({**AUTH, "Accept": accept, "If-None-Match": '"x"'})
    lines.add("If-None-Match", tag)
    assert (await client.post(PATH, headers=lines, json=GOOD)).status == 304, "a list may be split over header lines"
    rig.launcher.result = figures_result(Format.PNG, figures=1, stdout=Text("b"))
    other = await _render(client, accept)
    assert (other.headers["ETag"] == tag) == (accept == "image/png")


async def test_forms_have_different_tags(client: Client) -> None:
    """The picture, the document and the archive of one render have different tags."""
    assert len({(await _render(client, accept)).headers["ETag"] for accept in ("image/png", JSON, ZIP)}) == 3


#: For each failing outcome the members of its result, and those of its document.
FAILURES: dict[Outcome, tuple[dict[str, Any], dict[str, Any]]] = {
    Outcome.PROGRAM_ERROR: (
        {"program_error": ProgramError("ValueError", "bad", 3, 5, "x = 1", "try y")},
        {"fault": {"type": "ValueError", "message": "bad", "line": 3, "column": 5, "source": "x = 1", "hint": "try y"}},
    ),
    Outcome.NO_FIGURE: ({"figures_drawn": 2}, {"figures": {"drawn": 2, "closed": 2}}),
    Outcome.TIME_LIMIT: (
        {"limit": LimitExceeded("wall_limit", 5, "s", 5.1)},
        {"limit": {"name": "wall_limit", "allowed": 5, "unit": "s", "used": 5.1}},
    ),
    **{
        outcome: (
            {"limit": LimitExceeded(outcome.value, 5, "bytes")},
            {"limit": {"name": outcome.value, "allowed": 5, "unit": "bytes", "used": None}},
        )
        for outcome in (Outcome.MEMORY_LIMIT, Outcome.OUTPUT_LIMIT)
    },
    Outcome.INVALID_OUTPUT: ({}, {}),
    Outcome.KILLED: ({"signal": "SIGSEGV"}, {"signal": "SIGSEGV"}),
    Outcome.FINDINGS: ({}, {"findings": [], "explanations": []}),
}


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
@pytest.mark.parametrize("accept", ["image/png", JSON, ZIP])
async def test_failures_of_the_code(client: Client, rig: Rig, accept: str, outcome: Outcome) -> None:
    """Every failure of the code is 422 whatever is accepted, and says what a person needs to correct it."""
    given, expected = FAILURES[outcome]
    texts = {"stdout": Text("out", truncated=True), "stderr": Text("err"), "warnings": (PythonWarning("W", "m", None),)}
    rig.launcher.result = Result(outcome, error="Trace\n\x1b", **given, **texts)
    response = await _render(client, accept)
    document = await problem(response, 422, outcome.value.replace("_", "-"))
    assert response.headers["X-Figbox-Cache"] == "off"
    assert "Server-Timing" in response.headers
    common = {"type", "title", "status", "detail", "request_id"}
    assert {name: value for name, value in document.items() if name not in common} == {
        "outcome": outcome.value,
        "error": "Trace\n\N{REPLACEMENT CHARACTER}",
        **expected,
        "files": [],
        "files_truncated": False,
        "stdout": {"text": "out", "truncated": True},
        "stderr": {"text": "err", "truncated": False},
        "warnings": [{"category": "W", "message": "m", "line": None}],
    }


@pytest.mark.parametrize("size", [0, 10, 600_000])
@pytest.mark.parametrize("accept", ["image/png", JSON, ZIP])
@pytest.mark.parametrize("outcome", [Outcome.PROGRAM_ERROR, Outcome.NO_FIGURE, Outcome.INVALID_OUTPUT])
async def test_files_of_failing_code(client: Client, rig: Rig, outcome: Outcome, accept: str, size: int) -> None:
    """What the code wrote comes back although it failed, whatever is accepted, as in a document."""
    given, _ = FAILURES[outcome]
    files = (NamedFile("out/a.csv", b"1,2\n"), NamedFile("b.png", PNG + bytes(size)))
    error = 'E: ,"data":"" '
    rig.launcher.result = Result(outcome, error=error, files=files, files_truncated=True, stdout=Text(error), **given)
    document = await problem(await _render(client, accept), 422, outcome.value.replace("_", "-"))
    assert (document["error"], document["stdout"]["text"], document["files_truncated"]) == (error, error, True)
    rig.launcher.result = figures_result(Format.PNG, files=files)
    assert document["files"] == (await (await _render(client, JSON)).json())["files"]
    assert base64.b64decode(document["files"][1]["data"]) == PNG + bytes(size)


async def test_figures_that_are_left_out(client: Client, rig: Rig) -> None:
    """Document and archive say whether all figures are in them."""
    for truncated in (False, True):
        rig.launcher.result = figures_result(Format.PNG, figures=2, figures_truncated=truncated)
        document = await (await _render(client, JSON, figures="all")).json()
        assert document["figures_truncated"] is truncated
        archive = zipfile.ZipFile(io.BytesIO(await (await _render(client, ZIP, figures="all")).read()))
        assert json.loads(archive.read("manifest.json"))["figures_truncated"] is truncated


async def test_large_responses_are_made_in_a_thread(client: Client, rig: Rig) -> None:
    """A large response, made outside the event loop, is complete."""
    data = PNG + bytes(600_000)
    rig.launcher.result = figures_result(Format.PNG, files=(NamedFile("a.bin", data),))
    document = await (await _render(client, JSON)).json()
    assert base64.b64decode(document["files"][0]["data"]) == data
    archive = zipfile.ZipFile(io.BytesIO(await (await _render(client, ZIP)).read()))
    assert archive.read("files/a.bin") == data


async def test_environments(client: Client, rig: Rig) -> None:
    """The list of environments has what each is made of and what the key may use; it needs a key."""
    assert (await client.get("/v1/environments")).status == 401
    rig.launcher.environments = {
        "science": replace(FACTS, name="science"),
        "default": FACTS,
    }
    response = await client.get("/v1/environments", headers=AUTH)
    assert response.status == 200
    first, second = (await response.json())["environments"]
    assert second["name"] == "science"
    assert first["limits"]["wall_limit_s"] == 30
    assert {**first, "limits": None} == {
        "name": "default",
        "image": "sha256:1234",
        "runtime": "runc",
        "versions": {"matplotlib": "3.11.2"},
        "packages": [{"name": "numpy", "version": "2.4.6"}, {"name": "Pillow", "version": "13"}],
        "limits": None,
    }
