"""`describe` and `fail_on`: what a job is asked for, what every form of the response says, and when it is a failure."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.model.codec import flat
from gateway.model.explanation import Box, Description, Explanation, Finding, Severity
from gateway.model.jobs import Describe, Format, NamedFile
from gateway.model.results import PythonWarning, Result, Text
from tests.http.v1 import AUTH, GOOD, PATH, PYTHON, figures_result, problem

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.http.conftest import Rig
    from tests.http.v1 import Client

JSON = "application/json"
ZIP = "application/zip"
NOTHING = dict.fromkeys(("alt_text", "description", "findings", "findings_left_out"))

OVERLAP = Finding("tick-labels-overlap", Severity.WARNING, "They overlap.", "Rotate them.", (1,), Box(1, 2, 3, 4))
CUT = Finding("text-cut-off", Severity.ERROR, "It is cut off.", "Use a tight box.")
NOTE = Finding("axes-unlabelled", Severity.NOTE, "There is no title.", "Call set_title.")


def said(*findings: Finding, left_out: int = 0, alt_text: str = 'A line: "Größe",\\ "data":""') -> Explanation:
    """Return what is said of a figure; the text looks like JSON."""
    return Explanation(alt_text, Description(Describe.FULL, 1, 1, 72, 1, 1), findings, left_out)


def described(*explanations: Explanation | None, **members: Any) -> Result:
    """Return the result of a job with these explanations."""
    result = figures_result(Format.PNG, Format.SVG, figures=len(explanations), **members)
    texts = [None if each is None else json.dumps(flat(each), ensure_ascii=False).encode() for each in explanations]
    figures = [replace(figure, explanation=text) for figure, text in zip(result.figures, texts, strict=True)]
    return replace(result, figures=tuple(figures))


async def render(client: Client, accept: str = JSON, **values: Any) -> ClientResponse:
    """Ask for a render."""
    return await client.post(
        PATH, headers={**AUTH, "Accept": accept}, json={**GOOD, "format": ["png", "svg"], **values}
    )


@pytest.mark.parametrize(
    ("values", "level"),
    [
        ({}, Describe.NONE),
        ({"describe": "none"}, Describe.NONE),
        ({"describe": "summary"}, Describe.SUMMARY),
        ({"describe": "full"}, Describe.FULL),
        ({"describe": "data", "fail_on": "error"}, Describe.DATA),
        ({"fail_on": ["axes-unlabelled"]}, Describe.SUMMARY),
        ({"fail_on": []}, Describe.NONE),
    ],
)
async def test_job_is_asked_for_it(client: Client, rig: Rig, values: dict[str, Any], level: Describe) -> None:
    """As much as the request says; a failure on findings needs a summary at least."""
    rig.launcher.result = described(said())
    assert (await render(client, **values)).status == 200
    assert rig.launcher.jobs[-1].options.describe is level


async def test_options_as_text(client: Client, rig: Rig) -> None:
    """A query has them as words, several with commas or repeated."""
    rig.launcher.result = described(said(NOTE))
    for query, status in (
        ("describe=full", 200),
        ("fail_on=text-cut-off,axes-unlabelled", 422),
        ("fail_on=text-cut-off&fail_on=error", 200),
        ("fail_on=", 200),
    ):
        response = await client.post(f"{PATH}?{query}&format=png,svg", headers={**PYTHON, "Accept": JSON}, data="x")
        assert response.status == status, await response.text()


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"describe": "everything"}, "describe"),
        ({"describe": True}, "describe"),
        ({"describe": ["full"]}, "describe"),
        ({"fail_on": ["No Title"]}, "fail_on"),
        ({"fail_on": ["a" * 65]}, "fail_on"),
        ({"fail_on": [f"a{number}" for number in range(33)]}, "fail_on"),
        ({"fail_on": {"note": True}}, "fail_on"),
        ({"fail_on": [1]}, "fail_on"),
    ],
)
async def test_wrong_values_are_refused(client: Client, rig: Rig, values: dict[str, Any], option: str) -> None:
    """By the option's name, before anything runs."""
    document = await problem(await render(client, **values), 400)
    assert [error["option"] for error in document["errors"]] == [option]
    assert rig.launcher.jobs == []


async def test_every_form_says_it(client: Client, rig: Rig) -> None:
    """A document and an archive's manifest have what is said of each figure, or null, among its other members."""
    first = said(OVERLAP, NOTE, left_out=3)
    rig.launcher.result = described(first, None, said(), files=(NamedFile("a", b"x"),))
    document = await (await render(client, describe="full", figures="all")).json()
    archive = zipfile.ZipFile(io.BytesIO(await (await render(client, ZIP, describe="full", figures="all")).read()))
    for figures in (document["figures"], json.loads(archive.read("manifest.json"))["figures"]):
        assert [figure["number"] for figure in figures] == [1, 2, 3]
        told = [{name: figure[name] for name in NOTHING} for figure in figures]
        assert told == [json.loads(json.dumps(flat(first))), NOTHING, json.loads(json.dumps(flat(said())))]
        assert all(len(figure["pictures"]) == 2 for figure in figures)
    assert document["files"][0]["data"] == "eA=="


async def test_members_are_null_where_nothing_was_asked_for(client: Client, rig: Rig) -> None:
    """They are always there."""
    rig.launcher.result = described(None)
    (figure,) = (await (await render(client)).json())["figures"]
    assert {name: figure[name] for name in NOTHING} == NOTHING


@pytest.mark.parametrize("accept", [JSON, ZIP])
async def test_tag_covers_it(client: Client, rig: Rig, accept: str) -> None:
    """A document that says something else has another tag, and the same has the same."""
    tags = []
    for explanation in (None, said(), said(NOTE), said()):
        rig.launcher.result = described(explanation)
        tags.append((await render(client, accept)).headers["ETag"])
    assert tags[1] == tags[3]
    assert len(set(tags)) == 3


async def test_picture_alone_is_just_that(client: Client, rig: Rig) -> None:
    """And nothing that was said is in a header field."""
    picture = described(said(NOTE)).figures[0]
    rig.launcher.result = replace(described(), figures=(replace(picture, pictures=picture.pictures[:1]),))
    response = await render(client, "image/png", describe="full", format="png")
    assert await response.read() == picture.pictures[0].data
    assert "title" not in str(response.headers)


@pytest.mark.parametrize(
    ("fail_on", "codes"),
    [
        (["tick-labels-overlap"], ["tick-labels-overlap"]),
        (["glyph-missing"], []),
        (["error"], ["text-cut-off"]),
        (["warning"], ["text-cut-off", "tick-labels-overlap"]),
        ("note", ["text-cut-off", "tick-labels-overlap", "axes-unlabelled"]),
        (["error", "axes-unlabelled"], ["text-cut-off", "axes-unlabelled"]),
        (["error", "warning"], ["text-cut-off", "tick-labels-overlap"]),
    ],
)
async def test_refused_findings(client: Client, rig: Rig, fail_on: Any, codes: list[str]) -> None:
    """A code means itself, a severity all that matters as much or more; without any of them the render is fine."""
    rig.launcher.result = described(said(), said(CUT, OVERLAP, NOTE))
    response = await render(client, fail_on=fail_on, figures="all")
    if not codes:
        assert response.status == 200
        return
    document = await problem(response, 422, "findings")
    assert [(found["figure"], found["code"]) for found in document["findings"]] == [(2, code) for code in codes]


async def test_many_refused_findings_are_told_in_few_lines(client: Client, rig: Rig) -> None:
    """The text has the first ones and how many more there are; the list has all."""
    rig.launcher.result = described(said(*[OVERLAP] * 50), said(*[CUT] * 50))
    document = await problem(await render(client, fail_on=["warning"], figures="all"), 422, "findings")
    assert len(document["findings"]) == 100
    *lines, last = document["error"].splitlines()
    assert len(lines) == 50
    assert last == "And 50 more."


@pytest.mark.parametrize("accept", ["image/png", JSON, ZIP])
async def test_failure_tells_everything_but_pictures(client: Client, rig: Rig, accept: str) -> None:
    """The findings with their figures, what is said of all of them, and what the code wrote and printed."""
    rig.launcher.result = described(
        said(),
        said(OVERLAP, alt_text="Bars."),
        files=(NamedFile("a", b"x"),),
        stdout=Text("out"),
        warnings=(PythonWarning("W", "m", None),),
    )
    response = await render(client, accept, fail_on=["warning"], format="png")
    document = await problem(response, 422, "findings")
    assert document["outcome"] == "findings"
    assert document["error"] == "Figure 2: warning: They overlap. Rotate them. (tick-labels-overlap)"
    assert document["findings"] == [{"figure": 2, **json.loads(json.dumps(flat(OVERLAP)))}]
    assert [each["alt_text"] for each in document["explanations"]] == [said().alt_text, "Bars."]
    assert [each["number"] for each in document["explanations"]] == [1, 2]
    assert document["explanations"][1]["description"]["level"] == "full"
    assert (document["files"][0]["data"], document["stdout"]["text"]) == ("eA==", "out")
    assert "pictures" not in document


async def test_what_can_t_be_known_is_a_failure(client: Client, rig: Rig) -> None:
    """A figure that could not be described, or has more findings than are listed, may have what is refused."""
    rig.launcher.result = described(None, said(NOTE))
    document = await problem(await render(client, fail_on=["error"], figures="all"), 422, "findings")
    assert document["findings"] == []
    assert document["error"].startswith("Figure 1 could not be described")
    assert document["explanations"][0]["description"] is None
    rig.launcher.result = described(said(NOTE, left_out=1))
    document = await problem(await render(client, fail_on=["error"]), 422, "findings")
    assert document["error"].startswith("Figure 1 has more findings than are listed")


async def test_large_ones_cost_their_key(client: Client, rig: Rig) -> None:
    """What takes long is looked through in a thread, at the key's expense."""
    rig.launcher.result = described(*[said(*[NOTE] * 50, alt_text="x" * 600)] * 100)
    response = await render(client, fail_on=["error", "axes-unlabelled"], figures="all")
    document = await problem(response, 422, "findings")
    assert len(document["findings"]) == 5000
    assert len(document["error"]) <= 65536
