"""A document is the same whether it is written as a whole or sent in pieces, whatever is in it."""

from __future__ import annotations

import base64
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.jobs import Format, Job, NamedFile
from gateway.model.results import Figure, Outcome, Picture, Result, Text
from gateway.server.sending import PIECE_BYTES, AsBase64, gathered
from gateway.v1.response.rendering import Rendering, document_parts
from tests.http.v1 import FACTS

#: What could be taken for the place of a picture's bytes.
UNEXPLAINED = '"alt_text":null,"description":null,"findings":null,"findings_left_out":null'
TRAPS = st.sampled_from(
    [
        *(UNEXPLAINED, json.dumps(UNEXPLAINED)),
        *(',"data":""', '\\",\\"data\\":\\"\\"', '","data":"', '"data":""}', "\\", '"'),
    ]
)
TEXTS = st.text(max_size=20) | st.lists(TRAPS, max_size=3).map("".join)
BLOBS = st.binary(max_size=100) | st.integers(0, 200_000).map(lambda size: bytes(range(256)) * (size // 256 + 1))


def explanation(alt_text: str | None) -> bytes | None:
    """Return what is said of a figure, as it is kept; None if nothing is."""
    if alt_text is None:
        return None
    members = {"alt_text": alt_text, "description": {"title": alt_text}, "findings": [], "findings_left_out": 0}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@settings(deadline=None, max_examples=200)
@given(
    pictures=st.lists(st.tuples(TEXTS, BLOBS), min_size=1, max_size=3),
    files=st.lists(st.tuples(TEXTS, BLOBS), max_size=3),
    printed=TEXTS,
    said=st.lists(st.none() | TEXTS, min_size=3, max_size=3),
)
def test_pieces_are_the_whole_document(
    pictures: list[tuple[str, bytes]], files: list[tuple[str, bytes]], printed: str, said: list[str | None]
) -> None:
    """Pictures, files and explanations are in their places, texts as they were, and the length is known beforehand."""
    figures = tuple(
        Figure(number, label, (Picture(Format.PNG, data, 1, 1),), explanation(said[number]))
        for number, (label, data) in enumerate(pictures)
    )
    named = tuple(NamedFile(name, data) for name, data in files)
    result = Result(Outcome.OK, figures, files=named, stdout=Text(printed))
    rendering = Rendering(Job("x"), FACTS, result, cached=False)
    document = rendering.document("id")
    parts = document_parts(document, rendering)
    pieces = list(gathered(parts))
    whole = b"".join(pieces)
    assert len(whole) == sum(map(len, parts))
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)
    assert len(pieces) <= 2 * len(whole) // PIECE_BYTES + 1
    expected = document.model_dump(mode="json")
    shown = [picture for figure in expected["figures"] for picture in figure["pictures"]] + expected["files"]
    for item, (_, data) in zip(shown, [*pictures, *files], strict=True):
        item["data"] = base64.b64encode(data).decode()
    for figure, alt_text in zip(expected["figures"], said, strict=False):
        figure.update(json.loads(explanation(alt_text) or b"{}"))
    assert json.loads(whole) == expected


@given(st.binary(max_size=1000))
def test_length_of_base64_is_known(data: bytes) -> None:
    """The announced length of bytes as base64 is what is sent."""
    assert len(AsBase64(data)) == len(base64.b64encode(data))
