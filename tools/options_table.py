"""Print the table of options in docs/api.md, made from the options: `python -m tools.options_table`."""

from __future__ import annotations

import json
import sys
from typing import Any

from gateway.v1.request.json_body import RenderRequest

#: Names that are written out; `/openapi.json` has all of them.
NAMES_LIMIT = 8


def options_table() -> str:
    """Return the rows of a Markdown table of every option: its name, values, default and meaning."""
    schema = RenderRequest.model_json_schema()
    properties: dict[str, Any] = schema["properties"]
    names = ["code", "files", *(name for name in properties if name not in ("code", "files"))]
    rows = [_row(name, properties[name], schema["$defs"], required=name in schema["required"]) for name in names]
    return "\n".join(rows) + "\n"


def _row(name: str, schema: dict[str, Any], definitions: dict[str, Any], *, required: bool) -> str:
    default = "required" if required else _default(schema.get("default"))
    values = _values(schema, definitions)
    return f"| `{name}` | {values} | {default} | {str(schema['description']).replace('|', chr(92) + '|')} |"


def _default(value: object) -> str:
    if value in (None, [], {}):
        return "none"
    value = value[0] if isinstance(value, list) else value
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _values(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return what values a schema allows, in words."""
    if "$ref" in schema:
        return _values(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        kinds = [kind for kind in schema["anyOf"] if kind.get("type") != "null"]
        return " or ".join(_values(kind, definitions) for kind in kinds)
    if "enum" in schema:
        names = schema["enum"]
        shown = ", ".join(f"`{name}`" for name in names)
        return shown if len(names) <= NAMES_LIMIT else f"one of {len(names)} names"
    return _WORDS[schema["type"]].format(**schema)


_WORDS = {
    "number": "number from {minimum:g} to {maximum:g}",
    "integer": "whole number from {minimum} to {maximum}",
    "boolean": "`true`, `false`",
    "string": "text",
    "array": "a list of up to {maxItems}",
    "object": "object of up to {maxProperties}",
}


if __name__ == "__main__":
    sys.stdout.write("| Option | Values | Default | Meaning |\n| --- | --- | --- | --- |\n" + options_table())
