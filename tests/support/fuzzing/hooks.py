"""Requests that the fuzzer must not make up, because nothing says what their response should be."""

from __future__ import annotations

import re

import schemathesis

from gateway.model.file_paths import find_clash
from gateway.v1.request import rcparams
from gateway.v1.request.file_names import NAME_PATTERN, find_name_error


@schemathesis.hook
def filter_case(_: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Leave out scripts and file names about which the description can't say what is right.

    A script that isn't a string is sent as text, and can't be told from one. No pattern says which characters are
    printable, or that no file may be below another. Options as text have more spellings than the description lists.
    """
    if any(_is_spelling(value) for value in (case.query or {}).values()):
        return False
    if case.media_type == "multipart/form-data" and isinstance(case.body, dict):
        return not any(_is_spelling(value) for value in case.body.values())
    if case.media_type == "text/x-python":
        return isinstance(case.body, str)
    files = case.body.get("files") if isinstance(case.body, dict) else None
    names = [name for name in files if isinstance(name, str)] if isinstance(files, dict) else []
    if any(re.search(NAME_PATTERN, name) and find_name_error(name) for name in names):
        return False
    return find_clash(names) is None


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case, __: object) -> None:
    """Leave out a bearer token: the command line gives the key, and two that differ are refused."""
    if case.headers:
        case.headers.pop("Authorization", None)


def _is_spelling(value: object) -> bool:
    """Tell whether an option's text may be taken although the description doesn't have it."""
    values = value if isinstance(value, list) else [value]
    words = {*rcparams.TRUTHS, "", "none", "null"}
    return any(str(each).strip().lower() in words and not isinstance(each, bool) for each in values)
