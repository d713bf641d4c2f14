"""`/openapi.json`: valid, complete, public, and the same as what is checked."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.description.openapi import describe
from gateway.description.page import page
from gateway.model.errors import GatewayError, NotReady, TooManyConnections
from gateway.model.jobs import Format
from gateway.model.results import Outcome
from gateway.server.problems import PROBLEMS
from gateway.settings import ROOT
from gateway.v1.request.options import Options
from gateway.v1.response.accept import PICTURE_TYPES
from gateway.v1.response.documents import FailureDocument, RenderDocument
from tests.http.v1 import AUTH, GOOD, PATH, rich_result
from tests.support.machine import slowed

if TYPE_CHECKING:
    from tests.http.conftest import Rig
    from tests.http.v1 import Client


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """Return the description."""
    return describe()


def test_valid(description: dict[str, Any]) -> None:
    """The description is OpenAPI 3.1."""
    OpenAPIV31SpecValidator(description).validate()
    assert description["openapi"].startswith("3.1")


async def test_served_without_a_key(client: Client, description: dict[str, Any]) -> None:
    """It can be read without a key."""
    response = await client.get("/openapi.json")
    assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
    assert await response.json() == description


async def test_page_says_the_same(client: Client, description: dict[str, Any]) -> None:
    """`/docs` names every path and option, escapes everything, and loads nothing."""
    response = await client.get("/docs")
    text = await response.text()
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for path, methods in description["paths"].items():
        assert all(f"<code>{method.upper()} {path}</code>" in text for method in methods)
    for name in Options.model_fields:
        assert f"<td><code>{name}</code>" in text
    assert all(f"<code>{kind.value}</code>" in text for kind in Format)
    assert not any(mark in text for mark in ("<script", "<style", "<link", "<img", "onclick"))
    assert page({**description, "info": {"title": "<b>", "description": "<i>"}}).count("&lt;b&gt;") == 2


def test_printed_by_its_module(description: dict[str, Any]) -> None:
    """The command prints the description that is served."""
    command = [sys.executable, "-m", "gateway.description.openapi"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=slowed(60)).stdout
    assert json.loads(printed) == description


def test_every_route_is_described(rig: Rig, description: dict[str, Any]) -> None:
    """The application has exactly the paths and methods that the description has, and HEAD wherever there is GET."""
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in rig.app().router.routes()
        if route.resource and route.method != hdrs.METH_ANY  # these refuse
    }
    described = {(method, path) for path, methods in description["paths"].items() for method in methods}
    assert routes == described | {("head", path) for method, path in described if method == "get"}


def test_every_problem_is_described(description: dict[str, Any]) -> None:
    """Every status and type of the table of problems is among the responses to a render."""
    responses = description["paths"]["/v1/render"]["post"]["responses"]
    elsewhere = {NotReady, TooManyConnections}
    for kind, problem in PROBLEMS.items():
        if kind not in elsewhere:
            assert f"`{problem.slug}`" in responses[str(problem.status)]["description"], problem
        assert issubclass(kind, GatewayError) or kind is Exception
    assert set(responses) >= {"200", "304", "422"}


def test_every_option_is_described_in_every_body(description: dict[str, Any]) -> None:
    """JSON, query and form have the same options."""
    render = description["paths"]["/v1/render"]["post"]
    content = render["requestBody"]["content"]
    assert set(content) == {"application/json", "text/x-python", "multipart/form-data"}
    names = set(Options.model_fields)
    assert {parameter["name"] for parameter in render["parameters"]} == names
    assert set(content["multipart/form-data"]["schema"]["properties"]) == names | {"code", "file"}
    assert set(description["components"]["schemas"]["RenderRequest"]["properties"]) == names | {"code", "files"}


def test_every_form_of_an_answer_is_described(description: dict[str, Any]) -> None:
    """Pictures of every format, documents and archives."""
    content = description["paths"]["/v1/render"]["post"]["responses"]["200"]["content"]
    assert content.keys() == {*PICTURE_TYPES.values(), "application/json", "application/zip"}
    assert len(content) == len(Format) - 1 + 2  # both kinds of WebP have one type


async def test_answers_are_what_is_described(client: Client, rig: Rig) -> None:
    """Documents that are sent can be read back by the types that describe them, with nothing left over."""
    rig.launcher.result = rich_result()
    headers = {**AUTH, "Accept": "application/json"}
    body = await (await client.post(PATH, headers=headers, json={**GOOD, "figures": "all"})).read()
    assert json.loads(RenderDocument.model_validate_json(body).model_dump_json()) == json.loads(body)
    for outcome in Outcome:
        if outcome is not Outcome.OK:
            rig.launcher.result = type(rig.launcher.result)(outcome, error="x", figures_drawn=1)
            body = await (await client.post(PATH, headers=headers, json=GOOD)).read()
            document = FailureDocument.model_validate_json(body)
            assert json.loads(document.model_dump_json(exclude_unset=True)) == json.loads(body)
