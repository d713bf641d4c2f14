"""Docstrings of the types that are in documents, as descriptions of their members."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

_ATTRIBUTES = "\n\nAttributes:\n"

#: A name at the beginning of its line, and all that is said of it.
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def tell_attributes(schema: dict[str, Any]) -> None:
    """Move what the docstring of a type says of each of its attributes to that member of its schema."""
    text, found, attributes = cleandoc(schema.get("description", "")).partition(_ATTRIBUTES)
    if not found:
        return
    schema["description"] = text
    for name, said in _ATTRIBUTE.findall(attributes):
        member = schema["properties"].get(name)
        if member is not None and "$ref" not in member:
            member["description"] = " ".join(said.split())
