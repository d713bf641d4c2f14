"""Untrusted forms: whatever they contain and however they are cut, each is a job or is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.model.errors import BodyTooLarge, RequestError
from gateway.v1.request.form_body import BROKEN, FormReader

if TYPE_CHECKING:
    from gateway.model.jobs import Job

LIMIT = 1024
HEAD = b'Content-Disposition: form-data; name="code"'


def _part(head: bytes, data: bytes) -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + data + b"\r\n"


GOOD = (
    _part(b'name="code"', b"plt.plot([1])\r\n--a\r\n-")
    + _part(b'name="file"; filename="a.csv"', bytes(range(256)))
    + _part(b'name="format"', b"png,svg")
    + _part(b'name="rc"', b'{"axes.grid": true}')
    + b"--b--\r\n"
)


def _read(pieces: list[bytes]) -> Job | str:
    """Return the job that a form asks for, or the text of its refusal."""
    try:
        form = FormReader("b", LIMIT)
        for piece in pieces:
            form.take(piece)
        return form.job({}, ())[0]
    except RequestError as error:
        return str(error)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [*sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end]


@given(st.lists(st.integers(0, 10_000), max_size=20))
@example(list(range(len(GOOD))))
def test_cuts_change_nothing(places: list[int]) -> None:
    """A form is the same form wherever the network cut it."""
    whole = _read([GOOD])
    assert not isinstance(whole, str), whole
    assert whole.code == "plt.plot([1])\r\n--a\r\n-"
    assert [(file.name, file.data) for file in whole.files] == [("a.csv", bytes(range(256)))]
    assert _read(_cut(GOOD, places)) == whole


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=8), st.integers(0, 8)), max_size=6),
    st.lists(st.integers(0, 10_000), max_size=6),
)
@example([(len(GOOD) - 3, b"", 1)], [])
def test_damage_is_refused_or_read(changes: list[tuple[int, bytes, int]], places: list[int]) -> None:
    """A damaged form is another form, or is refused by one of our errors, the same however it is cut."""
    damaged = GOOD
    for place, inserted, removed in changes:
        damaged = damaged[:place] + inserted + damaged[place + removed :]
    whole, pieces = _read(_cut(damaged, [])), _read(_cut(damaged, places))
    # Which error is found first may depend on the pieces; whether there is one does not.
    assert isinstance(pieces, str) == isinstance(whole, str)
    if not isinstance(whole, str):
        assert pieces == whole


def _form(head: bytes = HEAD, before: bytes = b"", boundary: bytes = b"--b") -> bytes:
    return before + boundary + b"\r\n" + head + b"\r\n\r\nx\r\n--b--\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 1000])
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(_form(before=b"preamble\r\n"), id="preamble"),
        pytest.param(_form(before=b"\r\n"), id="line end before"),
        pytest.param(_form(before=b"x--b\r\n"), id="boundary in the middle"),
        pytest.param(_form(boundary=b"--c"), id="another boundary"),
        pytest.param(_form(HEAD + b"\nX: y"), id="bare LF in a head"),
        pytest.param(_form(b"\x0c\n" + HEAD), id="bare LF before a name"),
        pytest.param(_form(HEAD + b"\rX: y"), id="bare CR in a head"),
        pytest.param(_form(HEAD + b"\r\n ; filename=a"), id="folded line"),
    ],
)
def test_what_the_parser_reads_by_its_pieces_is_refused(form: bytes, step: int) -> None:
    """Found by fuzzing: whether these were accepted depended on where the network cut them."""
    honest = _read(_cut(_form(), list(range(0, len(_form()), step))))
    assert not isinstance(honest, str)
    assert honest.code == "x"
    assert _read(_cut(form, list(range(0, len(form), step)))) == BROKEN


def test_unfinished_forms_are_refused() -> None:
    """A form that stops before its end is refused, wherever it stops."""
    for end in range(GOOD.index(b"--b--") + 4):
        assert isinstance(_read(_cut(GOOD[:end], [])), str), end


def test_code_is_refused_while_it_comes() -> None:
    """Code that is too long is not read to its end."""
    form = FormReader("b", LIMIT)
    form.take(b'--b\r\nContent-Disposition: form-data; name="code"\r\n\r\n' + bytes(LIMIT))
    with pytest.raises(BodyTooLarge):
        form.take(b"x")
