"""`POST /v1/render` as the world's clients spell their requests: one meaning, or an error that says which spelling."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest

from gateway.model.jobs import Format
from tests.http.v1 import AUTH, GOOD, ONLY_THESE, PATH, PYTHON, figures_result, option_errors, problem

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.http.conftest import Rig
    from tests.http.v1 import Client

DATA = bytes(range(256)) * 3


def _form(**fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in {"code": "x", **fields}.items():
        form.add_field(name, value)
    return form


async def _ask_each_way(client: Client, name: str, value: str) -> list[ClientResponse]:
    """Give an option in JSON, in a form, and in the queries of a script and of JSON."""
    query = f"{PATH}?{name}={quote(value)}"
    return [
        await client.post(PATH, headers=AUTH, json={**GOOD, name: value}),
        await client.post(PATH, headers=AUTH, data=_form(**{name: value})),
        await client.post(query, headers=PYTHON, data="x"),
        await client.post(query, headers=AUTH, json=GOOD),
    ]


@pytest.mark.parametrize("name", ["jpg", "JPG", "jpeg", "Jpeg", ".jpg", " jpg "])
async def test_jpg_is_jpeg(client: Client, rig: Rig, name: str) -> None:
    """However a format is spelt, and wherever it is given, it is drawn, served and described by its one name."""
    rig.launcher.result = figures_result(Format.JPEG)
    responses = await _ask_each_way(client, "format", name)
    assert [(each.status, each.headers["Content-Type"]) for each in responses] == [(200, "image/jpeg")] * 4
    assert {job.options.formats for job in rig.launcher.jobs} == {(Format.JPEG,)}
    document = {**AUTH, "Accept": "application/json"}
    answer = await (await client.post(PATH, headers=document, json={**GOOD, "format": name})).json()
    assert [picture["format"] for picture in answer["figures"][0]["pictures"]] == ["jpeg"]


@pytest.mark.parametrize("name", ["tiff", "svgz", "raw", "image/png", "jpgg", "..png", "x" * 100_000])
async def test_other_formats_are_refused_with_the_list(client: Client, rig: Rig, name: str) -> None:
    """A format that isn't ours is refused by a message that lists ours."""
    responses = await _ask_each_way(client, "format", name) if len(name) < 100 else []
    responses.append(await client.post(PATH, headers=AUTH, json={**GOOD, "format": name}))
    for response in responses:
        assert (await option_errors(response))["format"] == ONLY_THESE
    assert rig.launcher.jobs == []


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("image/svg+xml", Format.SVG),
        ("image/svg", Format.SVG),
        ("application/pdf", Format.PDF),
        ("application/x-pdf, image/png;q=0.5", Format.PDF),
        ("image/jpg", Format.JPEG),
        ("IMAGE/JPG; q=1", Format.JPEG),
        ("image/jpeg, image/*;q=0.8", Format.JPEG),
        ("image/webp, */*", Format.WEBP),
        ("image/gif", Format.GIF),
        ("image/apng", Format.APNG),
        ("image/avif, image/webp, image/apng, image/*, */*;q=0.8", Format.WEBP),
        ("image/png, image/svg+xml", Format.PNG),
        ("image/svg+xml;q=0.5, */*;q=0.8", Format.PNG),
        ("image/*", Format.PNG),
        ("*/*", Format.PNG),
        ("image/tiff, image/gif;q=0.9, image/jpg;q=0.1", Format.GIF),
        ("text/html, application/xhtml+xml, image/avif, image/webp, */*;q=0.8", Format.WEBP),
    ],
)
async def test_type_in_accept_is_the_format(client: Client, rig: Rig, accept: str, kind: Format) -> None:
    """Without the option, the picture's type that `Accept` prefers is what is drawn, whichever body it is."""
    rig.launcher.result = figures_result(kind)
    headers = {"Accept": accept}
    for request in (
        {"headers": {**AUTH, **headers}, "json": GOOD},
        {"headers": {**PYTHON, **headers}, "data": "x"},
        {"headers": {**AUTH, **headers}, "data": _form(format="")},
    ):
        response = await client.post(PATH, **request)
        assert response.status == 200, await response.text()
    assert [job.options.formats for job in rig.launcher.jobs] == [(kind,)] * 3


async def test_given_format_wins_over_accept(client: Client, rig: Rig) -> None:
    """The option counts; if `Accept` doesn't take it, the refusal says that the option chooses the type."""
    headers = {**AUTH, "Accept": "image/svg+xml"}
    for response in (
        await client.post(PATH, headers=headers, json={**GOOD, "format": "png"}),
        await client.post(PATH, headers=headers, data=_form(format="png")),
        await client.post(f"{PATH}?format=png", headers=headers, json=GOOD),
    ):
        assert "the option format" in (await problem(response, 406))["error"]
    rig.launcher.result = figures_result(Format.PDF)
    response = await client.post(PATH, headers={**AUTH, "Accept": "image/svg+xml, */*"}, json={**GOOD, "format": "pdf"})
    assert response.headers["Content-Type"] == "application/pdf"


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "on", "yes", "1", "t", "Y"])
async def test_true_in_forms_and_queries(client: Client, rig: Rig, text: str) -> None:
    """True is taken as programs and browsers write it."""
    await client.post(PATH, headers=AUTH, data=_form(transparent=text))
    await client.post(f"{PATH}?transparent={text}", headers=PYTHON, data="x")
    assert [job.options.transparent for job in rig.launcher.jobs] == [True, True]


async def test_other_words_are_told_how_to_write_it(client: Client) -> None:
    """What is neither gets a message that says what is."""
    for response in await _ask_each_way(client, "transparent", "perhaps"):
        assert await option_errors(response) == {"transparent": "must be true or false"}


async def test_form_with_every_field_empty(client: Client, rig: Rig) -> None:
    """A browser's form in which nothing but the code was filled in is a request without options."""
    names = (
        "format", "dpi", "width", "height", "bbox_inches", "transparent", "style", "rc", "figures", "environment",
        "timeout_s", "memory_mib", "seed", "cache", "embed_alt_text", "file", "files", "rc.axes.grid",
    )  # fmt: skip
    response = await client.post(PATH, headers=AUTH, data=_form(**dict.fromkeys(names, "")))
    assert response.status == 200, await response.text()
    query = "&".join(f"{name}=" for name in names if name not in ("file", "files"))
    assert (await client.post(f"{PATH}?{query}", headers=PYTHON, data="x")).status == 200
    assert (await client.post(PATH, headers=PYTHON, data="x")).status == 200
    assert rig.launcher.jobs[0] == rig.launcher.jobs[1] == rig.launcher.jobs[2]
    errors = await option_errors(await client.post(PATH, headers=AUTH, data=_form(code="", bogus="")))
    assert errors == {"code": "must not be blank", "bogus": "is not an option"}


async def test_rc_as_python_prints_it_is_told(client: Client) -> None:
    """An object that is Python's and not JSON gets a message that says where and why."""
    response = await client.post(PATH, headers=AUTH, data=_form(rc="{'axes.grid': True}"))
    message = (await option_errors(response))["rc"]
    assert "single quotes" in message
    assert "column 2" in message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(base64.encodebytes(DATA).decode(), id="MIME"),
        pytest.param(base64.encodebytes(DATA).decode().replace("\n", "\r\n") + "\r\n", id="Java"),
        pytest.param(" " + base64.b64encode(DATA).decode() + "\t\n", id="around"),
        pytest.param("\n".join(base64.b64encode(DATA).decode()), id="each"),
    ],
)
async def test_base64_with_line_ends(client: Client, rig: Rig, text: str) -> None:
    """Base64 is taken as the usual programs wrap it."""
    response = await client.post(PATH, headers=AUTH, json={**GOOD, "files": {"a": {"base64": text}}})
    assert response.status == 200, await response.text()
    assert rig.launcher.jobs[0].files[0].data == DATA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (base64.urlsafe_b64encode(DATA).decode(), "url-safe"),
        ("YSxi_w==", "url-safe"),
        ("YQ", "padding"),
        ("YWI\n", "padding"),
        ("YWJjZ", "cut"),
        ("data:text/csv;base64,YSxi", "data URL"),
        ("DATA:,x", "data URL"),
        ("YQ==YQ==", "must be base64"),
        ("a,b\n1,2\n", "must be base64"),
        ("YSxi\0", "must be base64"),
        ("YSxi\u00a0", "must be base64"),
        ("=" * 40, "must be base64"),
        ("\ufeffYSxi", "must be base64"),
    ],
)
async def test_other_base64_is_told_apart(client: Client, rig: Rig, text: str, said: str) -> None:
    """What is near to base64 is refused by a message that says what it is; nothing of it is quoted."""
    response = await client.post(PATH, headers=AUTH, json={**GOOD, "files": {"a": {"base64": text}}})
    message = (await option_errors(response))["files.a"]
    assert said in message
    assert text.strip() not in json.dumps(message)
    assert rig.launcher.jobs == []


async def test_file_name_in_another_form(client: Client, rig: Rig) -> None:
    """A name as macOS takes it apart is the name that the code has, in JSON and in a form."""
    code, sent = "open('r\u00e9sum\u00e9.csv')", "re\u0301sume\u0301.csv"
    form = aiohttp.FormData(default_to_multipart=True, quote_fields=False)
    form.add_field("code", code)
    form.add_field("file", b"x", filename=sent)
    for request in ({"json": {"code": code, "files": {sent: "x"}}}, {"data": form}):
        response = await client.post(PATH, headers=AUTH, **request)
        assert response.status == 200, await response.text()
    assert [[file.name for file in job.files] for job in rig.launcher.jobs] == [["r\u00e9sum\u00e9.csv"]] * 2


async def test_other_types_of_json(client: Client, rig: Rig) -> None:
    """A type that is built on JSON is JSON."""
    for kind in ("application/vnd.api+json", "Application/LD+JSON; charset=utf-8", "application/figbox.v1+json"):
        response = await client.post(PATH, headers={**AUTH, "Content-Type": kind}, data=json.dumps(GOOD))
        assert response.status == 200, kind
    kinds: list[Any] = ["application/+json", "text/x+json", "application/json+xml", "application/x/y+json"]
    for kind in kinds:
        response = await client.post(PATH, headers={**AUTH, "Content-Type": kind}, data=json.dumps(GOOD))
        await problem(response, 415, "unsupported-type")
    assert len(rig.launcher.jobs) == 3
