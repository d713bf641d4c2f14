"""Options become the members of a JSON request."""

from __future__ import annotations

import base64
import json
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from figbox.exchange import Request, advance
from figbox.exchange import render as render_conversation
from figbox.options import Options, as_json, file_as_json
from figbox.retries import Retries
from tests.client.service import OPTIONS


def test_every_option_of_the_contract_can_be_given() -> None:
    """The client knows the contract's options, all of them and no others."""
    assert set(get_type_hints(Options)) | {"code"} == OPTIONS


def test_options_are_sent_as_they_are() -> None:
    """Values arrive with their own types; sequences become lists."""
    plain: Options = {"dpi": 150, "style": "ggplot", "transparent": False, "seed": 0}
    rc = {"axes.grid": True, "lines.linewidth": 2.5, "figure.figsize": (4, 3), "font.family": "serif"}
    sent = as_json({**plain, "format": ("png", "svg"), "rc": rc})
    assert sent == {**plain, "format": ["png", "svg"], "rc": {**rc, "figure.figsize": [4, 3]}}


def test_none_leaves_an_option_to_the_service() -> None:
    """None and an option that wasn't given are the same."""
    assert as_json({"dpi": None, "cache": None, "width": 3}) == {"width": 3}


def test_unknown_option_is_a_type_error() -> None:
    """A mistyped name is a TypeError that lists the right ones."""
    with pytest.raises(TypeError, match=r"unknown option 'fromat'; the options are format, dpi"):
        as_json({"fromat": "svg"})  # type: ignore[typeddict-unknown-key]


@given(st.one_of(st.text().filter(lambda text: text.isprintable()), st.binary()))
def test_any_file_arrives_as_it_is(content: str | bytes) -> None:
    """Any file's JSON form gives the same bytes."""
    sent = json.loads(json.dumps(file_as_json(content)))
    came = sent["text"].encode() if "text" in sent else base64.b64decode(sent["base64"], validate=True)
    assert came == (content.encode() if isinstance(content, str) else content)


def test_text_travels_as_text_and_the_rest_as_base64() -> None:
    """UTF-8 is sent as text; other bytes, and zero bytes, as base64."""
    assert file_as_json(b"a,b\n") == {"text": "a,b\n"}
    assert file_as_json("ä\r\n".encode()) == {"text": "ä\r\n"}
    assert file_as_json(b"\xff\xfe") == {"base64": "//4="}
    assert file_as_json(b"a\0b") == {"base64": "YQBi"}


def test_request_is_json_in_utf_8() -> None:
    """Code of any script travels as UTF-8, not as escapes."""
    step = advance(render_conversation("print('é')", {"timeout_s": 7}, Retries()))
    assert isinstance(step, Request)
    assert (step.method, step.path, step.extra_s) == ("POST", "/v1/render", 7)
    assert step.headers == {"Content-Type": "application/json", "Accept": "application/json"}
    assert step.body == '{"code": "print(\'é\')", "timeout_s": 7}'.encode()


@pytest.mark.parametrize(("code", "options"), [("\ud800", {}), ("1", {"dpi": float("nan")})])
def test_what_json_cannot_contain_is_a_value_error(code: str, options: Options) -> None:
    """Lone surrogates and NaN fail before anything is sent."""
    with pytest.raises(ValueError, match=r"surrogates|JSON"):
        render_conversation(code, options, Retries())
