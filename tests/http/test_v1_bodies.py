"""`POST /v1/render`: three kinds of bodies, one meaning, and what is refused of each."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from gateway.model.jobs import Format, Job, MiB, NamedFile, SaveOptions
from tests.fakes import PNG
from tests.http.v1 import AUTH, FACTS, GOOD, JSON, ONLY_THESE, PATH, PYTHON, option_errors, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.conftest import Rig
    from tests.http.v1 import Client

CODE = "plt.plot([1, 2])\n"
BROKEN = "Body is not valid JSON: line"
DOT = "a file's name must not start with a dot, and no part of it may"
PARTS = "a file's name must have 1 to 8 parts with a / between them, none of them empty"
NOT_BASE64 = "must be base64 (RFC 4648)"


def _form(*parts: tuple[str, bytes | str, str | None]) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True, quote_fields=False)
    for name, value, filename in parts:
        if filename is None:
            form.add_field(name, value)
        else:  # as a stream, because aiohttp warns about long values in memory
            data = value.encode() if isinstance(value, str) else value
            form.add_field(name, io.BytesIO(data), filename=filename)
    return form


def _raw_form(
    *heads_and_data: tuple[bytes, bytes], boundary: str | None = "frontier", end: bytes = b"--"
) -> dict[str, Any]:
    line = f"--{boundary}".encode()
    body = b"".join(line + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n" for head, data in heads_and_data)
    content_type = "multipart/form-data" + (f"; boundary={boundary}" if boundary is not None else "")
    return {"data": body + line + end + b"\r\n", "headers": {**AUTH, "Content-Type": content_type}}


def _head(name: str, rest: str = "") -> bytes:
    return f'Content-Disposition: form-data; name="{name}"{rest}'.encode()


def _job(**values: Any) -> Job:
    """Return the job of a request that asks for no limits."""
    return Job(CODE, collect=True, wall_limit_s=30, memory_limit_bytes=1024 * MiB, **values)


async def test_the_three_bodies_mean_the_same(client: Client, rig: Rig) -> None:
    """JSON, a script with a query, and a form lead to the same job."""
    options = {"format": "svg", "dpi": 72.5, "rc": {"axes.grid": True}, "seed": 7, "timeout_s": 5, "memory_mib": 128}
    query = "?format=svg&dpi=72.5&rc.axes.grid=true&seed=7&timeout_s=5&memory_mib=128"
    form = _form(("code", CODE, None), *((name, str(value), None) for name, value in options.items() if name != "rc"))
    form.add_field("rc.axes.grid", "true")
    await client.post(PATH, headers=AUTH, json={"code": CODE, **options})
    await client.post(PATH + query, headers=PYTHON, data=CODE)
    await client.post(PATH, headers=AUTH, data=form)
    await client.post(PATH + query, headers=AUTH, json={"code": CODE})
    save_options = SaveOptions((Format.SVG,), dpi=72.5, rc={"axes.grid": True})
    expected = Job(CODE, save_options, wall_limit_s=5, memory_limit_bytes=128 * MiB, seed=7, collect=True)
    assert rig.launcher.jobs == [expected] * 4


async def test_nothing_asked_for_is_matplotlibs_default(client: Client, rig: Rig) -> None:
    """Without options the picture alone comes back, drawn as Matplotlib would."""
    response = await client.post(PATH, headers=PYTHON, data=CODE)
    assert (response.status, response.headers["Content-Type"], await response.read()) == (200, "image/png", PNG)
    assert rig.launcher.jobs == [_job()]


async def test_files_in_json(client: Client, rig: Rig) -> None:
    """Files are text, text in an object, or base64."""
    files = {"b.txt": "ü", "a.txt": {"text": "x\0"}, "c.bin": {"base64": base64.b64encode(bytes(range(256))).decode()}}
    response = await client.post(PATH, headers=AUTH, json={"code": CODE, "files": files})
    assert response.status == 200
    expected = (NamedFile("a.txt", b"x\0"), NamedFile("b.txt", "ü".encode()), NamedFile("c.bin", bytes(range(256))))
    assert [job.files for job in rig.launcher.jobs] == [expected]


async def test_files_in_a_form(client: Client, rig: Rig) -> None:
    """Every `file` or `files` with a filename is a data file; a browser's empty choice is not."""
    data = bytes(range(256)) * 3
    form = _form(("file", data, "b.bin"), ("files", "1,2", "ü.csv"), ("code", CODE, "script.py"), ("file", "", ""))
    response = await client.post(PATH, headers=AUTH, data=form)
    assert response.status == 200, await response.text()
    assert [job.files for job in rig.launcher.jobs] == [(NamedFile("b.bin", data), NamedFile("ü.csv", b"1,2"))]
    assert [job.code for job in rig.launcher.jobs] == [CODE]


@pytest.mark.parametrize("cut", [1, 7, 64])
async def test_form_in_pieces(client: Client, rig: Rig, cut: int) -> None:
    """However a form is split on its way, it is the same form."""
    request = _raw_form((_head("code"), CODE.encode()), (_head("file", '; filename="a\'b.csv"'), b"\r\n--front\r\n"))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(request["data"]), cut):
            yield request["data"][start : start + cut]
            await asyncio.sleep(0)

    response = await client.post(PATH, data=pieces(), headers=request["headers"])
    assert response.status == 200, await response.text()
    assert rig.launcher.jobs == [_job(files=(NamedFile("a'b.csv", b"\r\n--front\r\n"),))]


async def test_byte_order_mark_is_removed(client: Client, rig: Rig) -> None:
    """A mark before a script is removed; code is UTF-8 whatever the charset says."""
    headers = {**AUTH, "Content-Type": "text/x-python; charset=latin-1"}
    await client.post(PATH, headers=headers, data=b"\xef\xbb\xbf# \xc3\xbc")
    assert [job.code for job in rig.launcher.jobs] == ["# ü"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "text/json", "multipart/mixed", ""]
)
async def test_other_content_types(client: Client, rig: Rig, kind: str) -> None:
    """Any other type is 415, and the response names the supported ones."""
    headers = {**AUTH, "Content-Type": kind} if kind else AUTH
    response = await client.post(PATH, headers=headers, data=b"x=1", skip_auto_headers=["Content-Type"])
    document = await problem(response, 415, "unsupported-type")
    assert "application/json, text/x-python or multipart/form-data" in document["error"]
    assert rig.launcher.jobs == []


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
@pytest.mark.parametrize("kind", ["application/json", "text/x-python", "multipart/form-data; boundary=frontier"])
async def test_compressed_bodies(client: Client, rig: Rig, kind: str, coding: str) -> None:
    """A compressed body of any kind is 415."""
    headers = {**AUTH, "Content-Type": kind, "Content-Encoding": coding}
    await problem(await client.post(PATH, headers=headers, data=b"x" * 10), 415, "unsupported-encoding")
    assert rig.launcher.jobs == []


async def test_bodies_with_files_have_the_larger_limit(client: Client, rig: Rig) -> None:
    """A script has the small limit (4 KiB here), JSON and forms that of files (1 MiB); code has its own in each."""
    large, too_large = "x" * 500_000, "x" * 1_100_000
    assert (await client.post(PATH, headers=AUTH, json={"code": "x", "files": {"a": large}})).status == 200
    assert (await client.post(PATH, headers=AUTH, data=_form(("code", "x", None), ("file", large, "a")))).status == 200
    json_body = io.BytesIO(json.dumps({"files": {"a": too_large}}).encode())
    for headers, body, error in (
        (AUTH, _form(("code", "x", None), ("file", too_large, "a")), "Body is larger than 1048576 bytes"),
        (JSON, json_body, "Body is larger than 1048576 bytes"),
        (PYTHON, "x" * 4097, "Body is larger than 4096 bytes"),
        (JSON, json.dumps({"code": "é" * 513}), "'code' is longer than 1024 bytes"),
        (PYTHON, "é" * 513, "'code' is longer than 1024 bytes"),
        (AUTH, _form(("code", "é" * 513, "code.py")), "'code' is longer than 1024 bytes"),
    ):
        assert (await problem(await client.post(PATH, headers=headers, data=body), 413))["error"] == error
    assert len(rig.launcher.jobs) == 2


async def test_slow_body(client: Client, rig: Rig) -> None:
    """A body that doesn't arrive in time is 408, whichever kind it is."""
    object.__setattr__(rig.settings, "body_timeout_s", 0.05)

    async def never() -> AsyncIterator[bytes]:
        yield b"--frontier\r\n"
        await asyncio.sleep(30)

    for kind in ("application/json", "text/x-python", "multipart/form-data; boundary=frontier"):
        response = await client.post(PATH, headers={**AUTH, "Content-Type": kind}, data=never())
        await problem(response, 408, "body-timeout")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", "Body is not valid JSON: line 1, column 2: it ends here, before the document does"),
        (b"", "Body is not valid JSON: line 1, column 1: it is empty"),
        (b"[]", "Body must be a JSON object, not an array"),
        (b'{"code": "x",\n"code": "y"}', f"{BROKEN} 2, column 1: the name 'code' is given twice in one object"),
        (b'{"code": "x", "dpi": NaN}', f"{BROKEN} 1, column 22: JSON has neither NaN nor infinity"),
        (b'{"code": "x", "dpi": 1e400}', f"{BROKEN} 1, column 22: the number is too large"),
        (b'{"code": "x\n"}', f"{BROKEN} 1, column 12: a line end within a string must be written as \\n"),
        (b'{"code": "\xff"}', f"{BROKEN} 1, byte 11: a byte that isn't UTF-8"),
        (b'{"code": "\\ud800"}', "Body has half of a surrogate pair"),
        (b'{"code": "x", "rc": ' + b"[" * 20 + b"]" * 20 + b"}", "Body is nested too deeply"),
    ],
)
async def test_broken_json(client: Client, rig: Rig, body: bytes, expected: str) -> None:
    """What isn't strict JSON is 400, with where and why, and no options named."""
    response = await client.post(PATH, headers=JSON, data=body)
    document = await problem(response, 400)
    assert (document["error"], document.get("errors")) == (expected, None)
    assert rig.launcher.jobs == []


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, {"code": "is missing"}),
        ({"code": ""}, {"code": "must not be blank"}),
        ({"code": " \n"}, {"code": "must not be blank"}),
        ({"code": "a\0"}, {"code": "must not contain NUL characters"}),
        ({"code": 1}, {"code": "Input should be a valid string"}),
        ({"code": None}, {"code": "Input should be a valid string"}),
        ({"code": "x", "dpi": 9}, {"dpi": "Input should be greater than or equal to 10"}),
        ({"code": "x", "files": {"../x": "a"}}, {"files.../x": DOT}),
        ({"code": "x", "files": {"a/../../x": "a"}}, {"files.a/../../x": DOT}),
        ({"code": "x", "files": {"/etc/x": "a"}}, {"files./etc/x": PARTS}),
        ({"code": "x", "files": {"a": "1", "a/b": "2"}}, {"files.a/b": "is below the name of another file"}),
        ({"code": "x", "files": {"a": 5}}, {"files.a": "must be text, or an object with text or base64"}),
        ({"code": "x", "files": {"a": {}}}, {"files.a": "must be an object with either text or base64"}),
        ({"code": "x", "files": {"a": {"base64": "AA\n="}}}, {"files.a": NOT_BASE64}),
        ({"code": "x", "files": {"a": {"base64": "é"}}}, {"files.a": NOT_BASE64}),
        ({"code": "x", "files": ["a"]}, {"files": "must be an object of names and values"}),
        ({"code": "x", "transparent": "True"}, {"transparent": "must be true or false"}),
        ({"code": "x", "format": "tiff"}, {"format": ONLY_THESE}),
        ({"code": "x", "format": ["jpg", "jpeg"]}, {"format": "must not repeat a value"}),
    ],
)
async def test_wrong_members(client: Client, rig: Rig, document: dict[str, Any], expected: dict[str, str]) -> None:
    """Each wrong member is named, with what is wrong."""
    assert await option_errors(await client.post(PATH, headers=AUTH, json=document)) == expected
    assert rig.launcher.jobs == []


async def test_number_of_files_is_bounded(client: Client) -> None:
    """64 files are accepted in JSON and in a form, 65 are not."""
    for count, status in ((64, 200), (65, 400)):
        files = {f"file{number}": "x" for number in range(count)}
        form = _form(("code", "x", None), *(("file", "x", name) for name in files))
        assert (await client.post(PATH, headers=AUTH, json={"code": "x", "files": files})).status == status
        assert (await client.post(PATH, headers=AUTH, data=form)).status == status


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], {"code": "is missing"}),
        ([("code", " ", None)], {"code": "must not be blank"}),
        ([("code", b"\xff", "code.py")], {"code": "must be UTF-8"}),
        ([("code", "x", None), ("code", "y", None)], {"code": "is given twice"}),
        ([("code", "x", None), ("file", "y", None)], {"files": "each needs a filename"}),
        ([("code", "x", None), ("file", "y", ".hidden")], {"files..hidden": DOT}),
        ([("code", "x", None), ("file", "y", "data/../x")], {"files.data/../x": DOT}),
        (
            [("code", "x", None), ("file", "y", "a/b"), ("file", "z", "a")],
            {"files.a/b": "is below the name of another file"},
        ),
        ([("code", "x", None), ("file", "y", "a"), ("files", "z", "a")], {"files.a": "is given twice"}),
        ([("code", "x", None), ("file", "y", "plot.py")], {"files.plot.py": "plot.py is the name of the code itself"}),
        ([("code", "x", None), ("dpi", "y", "d")], {"dpi": "takes text, not a file; data files are parts named file"}),
        ([("code", "x", None), ("dpi", "5", None)], {"dpi": "Input should be greater than or equal to 10"}),
        ([("code", "x", None), ("dpi", "50", None), ("dpi", "50", None)], {"dpi": "is given twice"}),
        ([("code", "x", None), ("bogus", "5", None)], {"bogus": "is not an option"}),
        ([("code", "x", None), ("", "5", None)], {"": "is not an option"}),
    ],
)
async def test_wrong_parts(
    client: Client, rig: Rig, parts: list[tuple[str, bytes | str, str | None]], expected: dict[str, str]
) -> None:
    """Each wrong part of a form is named, with what is wrong."""
    form = _form(*parts or [("dpi", "50", None)])
    assert await option_errors(await client.post(PATH, headers=AUTH, data=form)) == expected
    assert rig.launcher.jobs == []


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(_raw_form((_head("code"), b"x"), end=b""), id="no end"),
        pytest.param(_raw_form((_head("code"), b"x"), end=b"-"), id="half an end"),
        pytest.param(_raw_form() | {"data": b""}, id="empty"),
        pytest.param(_raw_form() | {"data": b"garbage" * 20}, id="garbage"),
        pytest.param(_raw_form((b"X: y", b"x")), id="no disposition"),
        pytest.param(_raw_form((b"Content-Disposition: attachment", b"x")), id="other disposition"),
        pytest.param(_raw_form((_head("code") + b"\r\nX: " + b"y" * 5000, b"x")), id="long head"),
        pytest.param(_raw_form((_head("code") + b"\r\nX: y" * 20, b"x")), id="many heads"),
        pytest.param(_raw_form(*[(_head("file", f'; filename="{n}"'), b"") for n in range(400)]), id="many parts"),
        pytest.param(_raw_form((_head("code") + b"\r\nContent-Transfer-Encoding: base64", b"eA==")), id="encoded part"),
        pytest.param(_raw_form((_head("code"), b"x"), boundary=None), id="no boundary"),
        pytest.param(_raw_form((_head("code"), b"x"), boundary="b" * 71), id="long boundary"),
    ],
)
async def test_broken_forms(client: Client, rig: Rig, request_: dict[str, Any]) -> None:
    """An incomplete or malformed form is 400 with a constant text."""
    document = await problem(await client.post(PATH, **request_), 400)
    assert document["error"] in (
        "Body is not valid multipart/form-data",
        "Content-Transfer-Encoding of a part must be binary",
    )
    assert rig.launcher.jobs == []


async def test_options_in_a_form(client: Client) -> None:
    """An option that isn't UTF-8 is refused by its name, and one as long as a file is refused while it arrives."""
    response = await client.post(PATH, **_raw_form((_head("code"), b"x"), (_head("dpi"), b"\xff")))
    assert await option_errors(response) == {"dpi": "must be UTF-8"}
    response = await client.post(PATH, headers=AUTH, data=_form(("code", "x", None), ("rc", "x" * 70_000, None)))
    assert (await problem(response, 413))["error"] == "An option is longer than 65536 bytes"


async def test_query_goes_before_the_body(client: Client, rig: Rig) -> None:
    """If an option is in both places, the query's counts; members that belong in the body are refused in a query."""
    await client.post(f"{PATH}?dpi=50", headers=AUTH, json={**GOOD, "dpi": 60, "width": 3})
    form = _form(("code", "x", None), ("dpi", "60", None), ("width", "3", None))
    await client.post(f"{PATH}?dpi=50", headers=AUTH, data=form)
    assert [(job.options.dpi, job.options.width_in) for job in rig.launcher.jobs] == [(50, 3), (50, 3)]
    misplaced = await option_errors(await client.post(f"{PATH}?code=x&files=y", headers=AUTH, json={}))
    assert (misplaced["code"], misplaced["files"]) == ("must be in the body", "must be in the body")
    assert await option_errors(await client.post(f"{PATH}?code=x", headers=PYTHON, data="x")) == {
        "code": "is not an option"
    }


async def test_bounds_of_the_service(client: Client, rig: Rig) -> None:
    """More time or memory than the service allows, and an environment that isn't there, are refused by name."""
    rig.launcher.environments["default"] = FACTS
    for name, value, message in (
        ("timeout_s", 30.5, "may be at most 30 here"),
        ("memory_mib", 1025, "may be at most 1024 here"),
        ("environment", "science", "must be one of default"),
    ):
        assert await option_errors(await client.post(PATH, headers=AUTH, json={**GOOD, name: value})) == {name: message}
    good = {**GOOD, "timeout_s": 30, "memory_mib": 1024, "environment": "default"}
    assert (await client.post(PATH, headers=AUTH, json=good)).status == 200


async def test_nothing_of_ours_breaks_on_odd_queries(client: Client) -> None:
    """Queries that are not text, or very many options, are refused like others."""
    for query in ("?%ff=1", "?dpi=%ff", "?=", "?dpi", "?&&&", "?rc=%00", "?" + "&".join(f"o{n}=1" for n in range(500))):
        response = await client.post(PATH + query, headers=AUTH, json=GOOD)
        assert response.status in (200, 400), query
        if response.status == 400:
            assert json.loads(await response.read())["errors"]
