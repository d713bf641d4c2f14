"""`/docs`: the description of every endpoint as one page, without script, fonts or anything from another host.

The packages that bring a viewer of OpenAPI along are either years old or want a web framework, and all need script
and inline styles on the very origin that takes keys; a page that only shows needs neither.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
code { background: var(--soft); border-radius: 3px; padding: 0 .25em; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; }
details > summary { cursor: pointer; }
"""

#: Lets the page's one style sheet through, and nothing else.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)

#: Names and values shown of a long list; the rest is in the description.
SHOWN_LIMIT = 40


def render_page(description: dict[str, Any]) -> str:
    """Return a description as a page of HTML."""
    info = description["info"]
    operations = [
        (method.upper(), path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    contents = "".join(
        f'<li><a href="#{_id(operation)}"><code>{method} {_text(path)}</code></a> {_text(operation["summary"])}</li>'
        for method, path, operation in operations
    )
    schemas = "".join(_schema_section(name, schema) for name, schema in description["components"]["schemas"].items())
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>{_text(info['title'])}</h1>{_paragraphs(info['description'])}"
        f'<p>For programs: <a href="openapi.json">openapi.json</a>.</p><ul>{contents}</ul>'
        + "".join(_operation(method, path, operation) for method, path, operation in operations)
        + f"<h2>Documents</h2>{schemas}</body></html>\n"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [
        f'<h2 id="{_id(operation)}"><code>{method} {_text(path)}</code></h2><p>{_text(operation["summary"])}.</p>',
        _paragraphs(operation.get("description", "")),
    ]
    if "requestBody" in operation:
        bodies = operation["requestBody"]["content"].items()
        rows = [(f"<code>{_text(kind)}</code>", _type(media["schema"])) for kind, media in bodies]
        parts.append("<h3>Bodies</h3>" + _table(("Content-Type", "What it is"), rows))
    if "parameters" in operation:
        options = [_parameter_row(parameter) for parameter in operation["parameters"]]
        parts.append("<h3>Options in the query</h3>" + _table(("Name", "Values", "Meaning"), options))
    answers = [_response_row(status, response) for status, response in sorted(operation["responses"].items())]
    parts.append("<h3>Answers</h3>" + _table(("Status", "When", "Content-Type", "Header fields"), answers))
    return "".join(parts)


def _parameter_row(parameter: dict[str, Any]) -> tuple[str, ...]:
    schema = parameter["schema"] if "schema" in parameter else parameter["content"]["application/json"]["schema"]
    return f"<code>{_text(parameter['name'])}</code>", _type(schema), _inline(parameter["description"])


def _response_row(status: str, response: dict[str, Any]) -> tuple[str, ...]:
    kinds = ", ".join(f"<code>{_text(kind)}</code>" for kind in response.get("content", {}))
    names = ", ".join(f"<code>{_text(name)}</code>" for name in response.get("headers", {}))
    return _text(status), _inline(response["description"]), kinds, names


def _schema_section(name: str, schema: dict[str, Any]) -> str:
    head = f'<h3 id="{_text(name)}">{_text(name)}</h3>{_paragraphs(schema.get("description", ""))}'
    if "properties" not in schema:
        return f"{head}<p>{_type(schema)}</p>"
    required = schema.get("required", ())
    rows = [
        (
            f"<code>{_text(member)}</code>",
            _type(described),
            _default(described) if member not in required else "always there",
            _inline(described.get("description", "")),
        )
        for member, described in schema["properties"].items()
    ]
    return head + _table(("Member", "Values", "Default", "Meaning"), rows)


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    return "" if value in (None, [], {}) else f"<code>{_text(_value(value))}</code>"


def _type(schema: dict[str, Any]) -> str:
    """Return what values a schema allows, in a few words."""
    if "$ref" in schema:
        name = _text(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(map(_type, schema[several]))
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return _choices(values) if values is not None else _plain_type(schema)


def _plain_type(schema: dict[str, Any]) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema['items'])}{_between(schema, 'minItems', 'maxItems', 'long')}"
        case "object":
            return _object(schema)
        case None:
            return "anything"
        case kind:
            return (
                _text(kind)
                + _between(schema, "minimum", "maximum")
                + _between(schema, "minLength", "maxLength", "characters")
                + (f" of {_text(schema['contentMediaType'])}" if "contentMediaType" in schema else "")
                + (f" of {_text(schema['contentEncoding'])}" if "contentEncoding" in schema else "")
            )


def _object(schema: dict[str, Any]) -> str:
    if "properties" in schema:
        return "object of " + ", ".join(f"<code>{_text(name)}</code>" for name in schema["properties"])
    words = "object" + _between(schema, "minProperties", "maxProperties", "members")
    rows = [(_choices(_names(pattern), 1000), _type(value)) for pattern, value in _patterns(schema)]
    return words + (f"<details><summary>names</summary>{_table(('Names', 'Values'), rows)}</details>" if rows else "")


def _patterns(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(schema.get("patternProperties", {}).items())


def _names(pattern: str) -> list[Any]:
    """Return the names that a pattern of ours is made of."""
    return pattern.removeprefix("^(?:").removesuffix(")$").replace("\\", "").split("|")


def _choices(values: list[Any], limit: int = SHOWN_LIMIT) -> str:
    shown = ", ".join(f"<code>{_text(_value(value))}</code>" for value in values[:limit])
    return shown + (f" and {len(values) - limit} more" if len(values) > limit else "")


def _between(schema: dict[str, Any], least: str, most: str, unit: str = "") -> str:
    if least not in schema and most not in schema:
        return ""
    if least in schema and most in schema:
        words = f"from {schema[least]} to {schema[most]}"
    else:
        words = f"at least {schema[least]}" if least in schema else f"at most {schema[most]}"
    return f", {words} {unit}".rstrip()


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _inline(text: str) -> str:
    """Return text with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _id(operation: dict[str, Any]) -> str:
    return _text(operation["operationId"])


def _text(text: object) -> str:
    return html.escape(str(text))
