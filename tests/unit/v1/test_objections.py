"""What a request objects to in what is said of figures."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from gateway.model import explanation
from gateway.model.codec import flat
from gateway.model.explanation import Description, Explanation, Finding, Severity
from gateway.model.explanation_reader import read_explanations
from gateway.model.jobs import Describe
from gateway.model.results import Figure, Outcome, Result
from gateway.v1.response import objections

SIZE = (100, 80)
CUT = Finding("text-cut-off", Severity.ERROR, 'It says "findings":[],"findings_left_out":9.', "Move it.")


def read(*findings: Finding, title: str = "", left_out: int = 0) -> bytes:
    """Return what is said of a figure as the gateway keeps it."""
    description = Description(Describe.FULL, *SIZE, 72, 1, 1, title=title)
    said = Explanation(title, description, findings, left_out)
    (found,) = read_explanations(json.dumps([flat(said)]).encode(), Describe.FULL, [SIZE])
    assert found.text is not None
    return found.text


async def codes(text: bytes, fail_on: list[str]) -> tuple[str, list[Any]]:
    """Return what is objected to."""
    result = Result(Outcome.OK, (Figure(1, "", (), text),))
    found = await objections.find_objections(result, fail_on, lambda _: None)
    return ("", []) if found is None else (found.text, [each["code"] for each in found.findings])


@pytest.mark.parametrize(
    "title", ["", '"findings":[]', '\\"findings":[],"findings_left_out":0}', "\\", '","findings":']
)
async def test_texts_of_the_figure_hide_no_finding(title: str) -> None:
    """Whatever a title looks like, and a finding's own sentence."""
    assert await codes(read(CUT, title=title), ["error"]) == (
        f"Figure 1: error: {CUT.sentence} Move it. (text-cut-off)",
        ["text-cut-off"],
    )
    assert await codes(read(title=title), ["error"]) == ("", [])
    text, found = await codes(read(title=title, left_out=1), ["error"])
    assert text.startswith("Figure 1 has more findings")
    assert found == []


async def test_descriptions_are_not_parsed() -> None:
    """They can have 2 MiB, whose parsing would hold up every other client, in whichever thread."""
    whole = read(CUT)
    begin, end = whole.index(b'"description":') + len(b'"description":'), whole.rindex(b',"findings":')
    unparsable = whole[:begin] + b"?" + whole[end:]
    assert (await codes(unparsable, ["error"]))[1] == ["text-cut-off"]


def test_no_other_member_has_the_name() -> None:
    """Of what is said of a figure, so that its findings can be found by it."""
    kinds = [kind for kind in vars(explanation).values() if is_dataclass(kind)]
    names = [each.name for kind in kinds for each in fields(kind)]
    assert names.count("findings") == 1
