"""What the tests of the endpoints share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.model.jobs import EnvironmentFacts, Format, Limits, NamedFile
from gateway.model.results import Figure, Outcome, Picture, PythonWarning, Result, Text, Usage
from tests.fakes import KEY, PNG

if TYPE_CHECKING:
    from aiohttp import ClientResponse, web
    from aiohttp.test_utils import TestClient

    Client = TestClient[web.Request, web.Application]

PATH = "/v1/render"

#: What is said of any other format.
ONLY_THESE = "Input should be 'png', 'svg', 'pdf', 'jpeg', 'webp', 'gif', 'apng' or 'awebp'"

AUTH = {"X-API-Key": KEY}
PYTHON = {**AUTH, "Content-Type": "text/x-python"}
JSON = {**AUTH, "Content-Type": "application/json"}
GOOD = {"code": "plt.plot([1, 2])"}

FACTS = EnvironmentFacts(
    "default", "sha256:1234", "runc", Limits(), {"matplotlib": "3.11.2"}, {"numpy": "2.4.6", "Pillow": "13"}, "f" * 64
)


def picture(kind: Format = Format.PNG, data: bytes = PNG) -> Picture:
    """Return a picture of one pixel."""
    return Picture(kind, data, 1, 1, "a" * 64 if kind is Format.PNG else None)


def figures_result(*formats: Format, figures: int = 1, **members: Any) -> Result:
    """Return the result of a job that drew figures in some formats."""
    drawn = tuple(
        Figure(number, f"figure {number}", tuple(picture(kind, b"%d %s" % (number, kind.encode())) for kind in formats))
        for number in range(1, figures + 1)
    )
    return Result(Outcome.OK, drawn, **members)


def rich_result() -> Result:
    """Return a success with something in every field."""
    return figures_result(
        Format.PNG,
        Format.SVG,
        figures=2,
        files=(NamedFile("out/table.csv", b"a,b\n1,2\n"), NamedFile("page.html", b"<script>alert(1)</script>")),
        files_truncated=True,
        stdout=Text("printed\n", truncated=True),
        stderr=Text("warned\n"),
        warnings=(PythonWarning("UserWarning", "odd", 3),),
        limits=Limits(wall_limit_s=5),
        usage=Usage(0.25, 90_000_000),
    )


def check_headers(response: ClientResponse) -> None:
    """Check the header fields of every response that isn't a picture of `/v1`."""
    names = ("Server", "X-Content-Type-Options", "Content-Security-Policy", "Cache-Control")
    expected = ["figbox", "nosniff", "default-src 'none'; sandbox", "no-store"]
    assert [response.headers[name] for name in names] == expected
    assert len(response.headers["X-Request-ID"]) == 32


async def problem(response: ClientResponse, status: int, slug: str | None = None) -> dict[str, Any]:
    """Check what all problems have in common, and return the document."""
    body = await response.read()
    assert response.status == status, body
    assert response.headers["Content-Type"] == "application/problem+json"
    check_headers(response)
    document: dict[str, Any] = json.loads(body)
    assert response.headers["X-Request-ID"] == document["request_id"]
    kind = slug or document["type"].rpartition(":")[2]
    assert (document["status"], document["type"]) == (status, f"urn:figbox:problem:{kind}")
    return document


async def option_errors(response: ClientResponse) -> dict[str, str]:
    """Return what is wrong with each option, by its name."""
    document = await problem(response, 400, "invalid-request")
    return {error["option"]: error["message"] for error in document["errors"]}
