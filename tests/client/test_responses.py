"""Responses become values or errors of the tree, whatever they contain."""

from __future__ import annotations

import base64
import copy
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import figbox
from figbox.responses import Response, read_environments, read_readiness, read_render, retry_after_s
from tests.client.service import ENVIRONMENT, Canned, failed, figure, problem, rendered, written

JSON = {"content-type": "application/json"}
PROBLEM = {"content-type": "application/problem+json; charset=utf-8"}


def response(canned: Canned, **headers: str) -> Response:
    """Return a prepared response as the transport would."""
    kind = JSON if canned.status == 200 else PROBLEM
    given_headers = {name.lower(): value for name, value in canned.headers.items()}
    return Response(canned.status, {**kind, **given_headers, **headers}, json.dumps(canned.document).encode())


def test_everything_of_a_render_is_read() -> None:
    """Each member of the contract's document is in `Render`."""
    canned = rendered(
        [{**figure(3, "png", "svg"), "label": "the third"}],
        cached=True,
        files=[written("sub/out.csv", b"1,2\n"), written("big.bin", b"\0\0", truncated=True)],
        files_truncated=True,
        stdout={"text": "hello\n", "truncated": True},
        warnings=[{"category": "UserWarning", "message": "careful", "line": 7}],
        manifest={"image": "sha256:0123", "warm": True},
        something_new={"from": "a newer service"},
    )
    render = read_render(response(canned))
    assert (render.request_id, render.cached) == ("id-of-a-render", True)
    assert [(found.number, found.label) for found in render.figures] == [(3, "the third")]
    png, svg = render.figures[0].pictures
    assert (png.format, png.content_type, png.width_px, png.height_px) == ("png", "image/png", 640, 480)
    assert png.data == b"png of figure 3"
    assert (svg.width_px, svg.pixels_sha256) == (None, None)
    assert render.figures[0].picture("svg") is svg
    with pytest.raises(KeyError):
        render.figures[0].picture("pdf")
    assert [(file.name, file.data, file.truncated) for file in render.files] == [
        ("sub/out.csv", b"1,2\n", False),
        ("big.bin", b"\0\0", True),
    ]
    assert render.files_truncated
    assert (str(render.stdout), render.stdout.truncated) == ("hello\n", True)
    assert render.stderr == figbox.Printed()
    assert render.warnings == (figbox.RenderWarning("UserWarning", "careful", 7),)
    assert render.manifest == {"image": "sha256:0123", "warm": True}


def test_only_picture_is_at_hand() -> None:
    """A single picture is at hand; with several it is an error."""
    assert read_render(response(rendered([figure(1, "png")]))).picture.data == b"png of figure 1"
    with pytest.raises(ValueError, match="2 pictures"):
        _ = read_render(response(rendered([figure(1, "png", "svg")]))).picture


def test_bytes_stay_out_of_reprs() -> None:
    """Logs stay short, without pictures, files and manifests."""
    text = repr(read_render(response(rendered([figure(1, "png")], files=[written("a", b"secret")]))))
    assert not [word for word in ("png of figure", "secret", "3.11.2") if word in text]


def test_everything_of_a_failure_is_read() -> None:
    """Each member of the contract's 422 is in `RenderFailed`."""
    canned = failed(
        "program_error",
        "Traceback …",
        fault={"type": "ValueError", "message": "no", "line": 3, "column": 5, "source": "plot()", "hint": "try"},
        stdout={"text": "before", "truncated": False},
        stderr={"text": "oh", "truncated": True},
        warnings=[{"category": "UserWarning", "message": "careful", "line": None}],
    )
    with pytest.raises(figbox.RenderFailed, match="Traceback …") as caught:
        read_render(response(canned))
    failure = caught.value
    assert failure.outcome == figbox.Outcome.PROGRAM_ERROR
    assert failure.fault == figbox.Fault("ValueError", "no", 3, 5, "plot()", "try")
    assert failure.stdout.text == "before"
    assert failure.stderr == figbox.Printed("oh", truncated=True)
    assert failure.warnings[0].line is None
    assert failure.request_id == "id-of-a-problem"
    assert (failure.limit, failure.signal, failure.figures) == (None, None, None)


@pytest.mark.parametrize(
    ("canned", "name", "value"),
    [
        (
            failed("time_limit", "Too slow", limit={"name": "wall", "allowed": 1.0, "unit": "s", "used": None}),
            "limit",
            figbox.Limit("wall", 1.0, None, "s"),
        ),
        (failed("killed", "Killed", signal="SIGSEGV"), "signal", "SIGSEGV"),
        (failed("no_figure", "None", figures={"drawn": 2, "closed": 2}), "figures", figbox.FigureCount(2, 2)),
        (failed("an_outcome_of_tomorrow", "?"), "outcome", "an_outcome_of_tomorrow"),
    ],
)
def test_each_outcome_has_its_detail(canned: Canned, name: str, value: object) -> None:
    """Limits, signals and figure counts are read; an unknown outcome is passed on."""
    with pytest.raises(figbox.RenderFailed) as caught:
        read_render(response(canned))
    assert getattr(caught.value, name) == value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, figbox.Unauthorized),
        *((status, figbox.Refused) for status in (400, 404, 406, 413, 422)),
        *((status, figbox.Busy) for status in (429, 502, 503, 504)),
        *((status, figbox.BadResponse) for status in (500, 302, 204, 799)),
    ],
)
@pytest.mark.parametrize("ours", [True, False], ids=["problem", "foreign"])
def test_every_status_has_its_error(status: int, kind: type[figbox.FigboxError], ours: bool) -> None:  # noqa: FBT001
    """The status decides the class, whether the service responded or something in front of it."""
    received = response(Canned(status, problem(status, "why"))) if ours else Response(status, {}, b"<html>\xff")
    with pytest.raises(figbox.FigboxError) as caught:
        read_render(received)
    assert type(caught.value) is kind
    assert caught.value.request_id == ("id-of-a-problem" if ours else None)
    if ours:
        assert "why" in str(caught.value)


def test_refusal_names_its_options() -> None:
    """Programs can read what is wrong with which option."""
    errors = [{"option": "dpi", "message": "must be at most 1200"}, {"option": "format", "message": "unknown"}]
    with pytest.raises(figbox.Refused) as caught:
        read_render(response(Canned(400, problem(400, "Bad options", errors=errors))))
    assert caught.value.status == 400
    assert caught.value.errors[0] == figbox.OptionError("dpi", "must be at most 1200")
    assert len(caught.value.errors) == 2


def test_retry_after_is_read_in_both_forms() -> None:
    """A number of seconds or a date; anything else is ignored."""
    assert retry_after_s("0") == 0
    assert retry_after_s(" 17 ") == 17
    later = retry_after_s(format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True))
    assert later is not None
    assert 90 < later <= 100
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    for nonsense in (None, "", "soon", "-1", "1.5", "²", "9" * 400 + "x"):
        assert retry_after_s(nonsense) is None
    with pytest.raises(figbox.Busy) as caught:
        read_render(response(Canned(429, problem(429, "share"), {"Retry-After": "3"})))
    assert (caught.value.status, caught.value.retry_after_s) == (429, 3)


@given(
    st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,9} [A-Z][a-z]{2} \d{1,12} \d\d:\d\d:\d{1,3} [A-Z+0-9-]{1,6}\Z")
)
def test_any_retry_after_can_be_read(value: str) -> None:
    """Whatever the header says, the result is a number of seconds or None."""
    seconds = retry_after_s(value)
    assert seconds is None or seconds >= 0


def test_wrong_digest_is_noticed() -> None:
    """Bytes that don't match their digest are refused."""
    document = rendered([figure(1, "png")])
    assert document.document is not None
    document.document["figures"][0]["pictures"][0]["data"] = base64.b64encode(b"others").decode()
    with pytest.raises(figbox.BadResponse, match=r"figures\[0\]: pictures\[0\]: sha256 doesn't match the data"):
        read_render(response(document))


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"\x89PNG", "image/png", "the response is image/png, not JSON: is this the address of a Figbox?"),
        (b"hello", "", "the response is of an unknown type, not JSON"),
        (b"{", "application/json", "the response is not a JSON document"),
        (b"[" * 100_000, "application/json", "the response is not a JSON document"),
        (b"[]", "application/json", "the response is not an object"),
        (b'{"figures": 3}', "application/json", "the response: figures is not a list"),
        (b'{"figures": [{}]}', "application/json", r"the response: figures\[0\]: number is missing"),
    ],
)
def test_nonsense_says_where_it_is_wrong(body: bytes, kind: str, message: str) -> None:
    """The error names the first thing that isn't what the contract says."""
    with pytest.raises(figbox.BadResponse, match=message):
        read_render(Response(200, {"content-type": kind}, body))


def test_environments_are_read() -> None:
    """Names, images, versions, packages and limits."""
    canned = Canned(200, {"environments": [ENVIRONMENT, {"name": "bare"}]})
    default, bare = read_environments(response(canned))
    assert default.versions["matplotlib"] == "3.11.2"
    assert default.packages[1] == figbox.Package("pandas", "3.1.1")
    assert default.limits == ENVIRONMENT["limits"]
    assert bare == figbox.Environment("bare", "", {}, (), {})


def test_readiness_is_a_value_even_when_it_is_not_ready() -> None:
    """A 503 of `/readyz` is an ordinary result."""
    assert read_readiness(Response(200, JSON, b"{}"))
    readiness = read_readiness(response(Canned(503, problem(503, "the pool is being filled"))))
    assert not readiness
    assert readiness.reason == "the pool is being filled"
    with pytest.raises(figbox.Refused):
        read_readiness(Response(404, {}, b""))


_WHOLE = rendered(
    [figure(1, "png", "svg")],
    files=[written("a.csv", b"1")],
    warnings=[{"category": "W", "message": "m", "line": 1}],
).document
_FAILURE = failed(
    "time_limit",
    "slow",
    fault={"type": "T", "message": "m", "line": 1, "column": 1, "source": "s", "hint": "h"},
    limit={"name": "wall", "allowed": 1, "unit": "s", "used": 2},
    figures={"drawn": 1, "closed": 1},
    errors=[{"option": "dpi", "message": "m"}],
).document
_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def _paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values below a document's root."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, member in members for place in [(*path, name), *_paths(member, (*path, name))]]


@given(st.data(), _junk)
@pytest.mark.parametrize(("status", "document"), [(200, _WHOLE), (422, _FAILURE), (400, _FAILURE), (503, _FAILURE)])
def test_any_document_gives_a_render_or_an_error_of_the_tree(
    status: int, document: dict[str, Any], data: st.DataObject, junk: object
) -> None:
    """Whatever a response contains, callers only need to catch `FigboxError`."""
    changed = copy.deepcopy(document)
    place = data.draw(st.sampled_from(_paths(changed)))
    holder: Any = changed
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = junk
    try:
        found = read_render(Response(status, JSON, json.dumps(changed).encode()))
    except figbox.FigboxError:
        return
    assert isinstance(found, figbox.Render)


def test_picture_by_the_other_name_of_its_format() -> None:
    """What was asked for as jpg is found as jpg."""
    picture = figbox.Picture("jpeg", "image/jpeg", 1, 1, "", None, b"")
    assert figbox.Figure(1, "", (picture,)).picture("jpg") is picture
