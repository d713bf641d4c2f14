"""A form is read alike however it is cut on its way."""

from __future__ import annotations

import pytest

from gateway.model.errors import InvalidRequest
from gateway.model.jobs import Job
from gateway.v1.request.form_body import BROKEN, FormReader

HEAD = b'Content-Disposition: form-data; name="code"'


def _read(form: bytes, step: int) -> Job | str:
    try:
        reader = FormReader("b", 512)
        for start in range(0, len(form), step):
            reader.take(form[start : start + step])
        return reader.job({}, [])[0]
    except InvalidRequest as error:
        return str(error)


def _form(head: bytes = HEAD, before: bytes = b"", boundary: bytes = b"--b") -> bytes:
    return before + boundary + b"\r\n" + head + b"\r\n\r\nx\r\n--b--\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 1000])
def test_whole_form_is_read_in_any_pieces(step: int) -> None:
    """What honest clients send is read, whatever the network makes of it."""
    found = _read(_form(), step)
    assert isinstance(found, Job)
    assert found.code == "x"


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
    """Found by fuzzing: these were taken or refused depending on where the network cut them."""
    assert _read(form, step) == BROKEN
