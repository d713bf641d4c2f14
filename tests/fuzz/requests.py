"""The fuzzer as a client of `/v1/render`: bodies in JSON and as forms."""

from __future__ import annotations

import json
from dataclasses import replace

from gateway.launcher.remote.messages import check_job
from gateway.model.codec import build, encode, parse
from gateway.model.errors import BodyTooLarge, InvalidOptions, InvalidRequest
from gateway.model.jobs import DEFAULT_ENVIRONMENT, Job
from gateway.v1.request.form_body import FormReader
from gateway.v1.request.json_body import read_json
from gateway.v1.request.text_options import options_from_text

CODE_LIMIT_BYTES = 512
BOUNDARY = "b"

#: Longest message about one option, and longest name that is repeated to the client.
MESSAGE_LIMIT = 400


def fuzz_submission(data: bytes) -> None:
    """Check that a JSON body is refused in words fit to send, or makes a job that the launcher reads the same way."""
    try:
        job, _ = read_json(data, {}, [])
    except InvalidRequest as error:
        _check_refusal(error)
        return
    _check_job(job)


def fuzz_form(data: bytes) -> None:
    """Check the same for a form, however it is split on its way; the first line is the query."""
    if not data:
        return
    step, (query, _, form) = data[0] % 32 + 1, data[1:].partition(b"\n")
    pieces = [form[start : start + step] for start in range(0, len(form), step)]
    first, second = _read_form(query, [form]), _read_form(query, pieces)
    assert first == second
    if isinstance(first, Job):
        _check_job(first)


def _read_form(query: bytes, pieces: list[bytes]) -> Job | str:
    pairs = [pair.partition("=")[::2] for pair in query.decode("utf-8", "replace").split("&") if pair]
    try:
        options, errors = options_from_text(pairs)
        reader = FormReader(BOUNDARY, CODE_LIMIT_BYTES)
        for piece in pieces:
            reader.take(piece)
        return reader.job(options, errors)[0]
    except (InvalidRequest, BodyTooLarge) as error:
        _check_refusal(error)
        return str(error)


def _check_refusal(error: Exception) -> None:
    text = str(error)
    assert text.isprintable()
    if isinstance(error, InvalidOptions):
        for wrong in error.errors:
            assert len(wrong.option) <= MESSAGE_LIMIT
            assert len(wrong.message) <= MESSAGE_LIMIT
            assert wrong.option.isprintable()
            assert wrong.message.isprintable()


def _check_job(job: Job) -> None:
    job = replace(job, environment=DEFAULT_ENVIRONMENT)  # the gateway compares others with those that exist
    check_job(job)
    document, beside = encode(job)
    assert build(Job, parse(document), b"".join(beside)) == job


_FULL = {
    "code": "plt.plot([1])",
    "format": ["png", "svg"],
    "dpi": 80.5,
    "width": 4,
    "height": 3.5,
    "bbox_inches": "tight",
    "transparent": True,
    "style": ["ggplot", "bmh"],
    "rc": {"lines.linewidth": 2, "axes.grid": True, "figure.figsize": [4, 3], "font.family": "serif"},
    "figures": "all",
    "files": {"a.csv": "1,2", "b": {"text": "é"}, "c": {"base64": "AAH/"}},
    "environment": "default",
    "timeout_s": 2.5,
    "memory_mib": 256,
    "seed": 7,
    "cache": False,
    "embed_alt_text": True,
}

SUBMISSION_SEEDS = (
    b'{"code": "x"}',
    json.dumps(_FULL).encode(),
    b'{"code": "x", "dpi": "many", "nothing": 1, "rc": {"x": 1}, "files": {"../a": "x", "plot.py": ""}}',
    b'{"code": "\\ud800", "style": "nothing", "format": ["png", "png"]}',
)

_PART = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
_FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\nContent-Type: text/csv\r\n\r\n%b\r\n'

_CODE = _PART % (b"code", b"x")
_END = b"--b--\r\n"

FORM_SEEDS = (
    b"\x00\n" + _CODE + _END,
    b"\x05format=png,svg&rc.lines.linewidth=2\n" + _CODE + _FILE % (b"a.csv", b"1,2") + _END,
    b"\x1fdpi=80&seed=1&cache=false\n" + _CODE + _PART % (b"rc", b'{"axes.grid": true}') + _END,
    b"\x03\n" + _PART % (b"style", b"ggplot") + _FILE % (b"", b"") + _PART % (b"code", b"\xff") + _END,
)
