"""Forms from strangers: whatever comes, however it is cut, is a job or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.model.errors import BodyTooLarge, RequestError
from gateway.v1.request.form_body import FormReader

if TYPE_CHECKING:
    from gateway.model.jobs import Job

LIMIT = 1024


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
    """Return what a form says, or the refusal's text."""
    try:
        form = FormReader("b", LIMIT)
        for piece in pieces:
            form.take(piece)
        return form.job({}, ())[0]
    except RequestError as error:
        return str(error)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [*sorted(place % (len(data) + 1) for place in places), len(data)]
    starts = [0, *ends]
    return [data[start:end] for start, end in zip(starts, ends, strict=False) if start < end]


@given(st.lists(st.integers(0, 10_000), max_size=20))
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
    whole = _read([damaged]) if damaged else _read([])
    pieces = _read(_cut(damaged, places))
    # What is wrong first may be found earlier in pieces; whether anything is wrong is the same.
    assert isinstance(pieces, str) == isinstance(whole, str)
    if not isinstance(whole, str):
        assert pieces == whole


@pytest.mark.parametrize("cut", [1, 3, 50])
def test_unfinished_forms_are_refused(cut: int) -> None:
    """A form that stops before its end is none, wherever it stops."""
    for end in range(0, GOOD.index(b"--b--") + 4, cut):
        assert isinstance(_read([GOOD[:end]] if end else []), str), end


def test_code_is_refused_while_it_comes() -> None:
    """Code that is too long is not read to its end."""
    form = FormReader("b", LIMIT)
    form.take(b'--b\r\nContent-Disposition: form-data; name="code"\r\n\r\n' + bytes(LIMIT))
    with pytest.raises(BodyTooLarge):
        form.take(b"x")
