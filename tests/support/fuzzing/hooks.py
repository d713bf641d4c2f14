"""Requests that the fuzzer must not make up, because nothing says what their response should be."""

from __future__ import annotations

import re

import schemathesis

from gateway.v1.request.file_names import NAME_PATTERN, find_name_error


@schemathesis.hook
def filter_case(_: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Leave out scripts and file names about which the description can't say what is right.

    A script that isn't a string is sent as text, and can't be told from one. No pattern says which characters are
    printable, or what the normal form of a name is.
    """
    if case.media_type == "text/x-python":
        return isinstance(case.body, str)
    files = case.body.get("files") if isinstance(case.body, dict) else None
    names = [name for name in files if isinstance(name, str)] if isinstance(files, dict) else []
    return not any(re.search(NAME_PATTERN, name) and find_name_error(name) for name in names)
