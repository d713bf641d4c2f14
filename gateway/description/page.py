"""`/docs`: the description as a page for people, of the same source as `/openapi.json`.

It has neither scripts nor styles nor pictures, so it works under the content policy of every other response.
"""

from __future__ import annotations

from html import escape
from typing import Any

#: Members of a schema that say which values an option takes.
_BOUNDS = {"minimum": "from {}", "maximum": "to {}", "maxItems": "at most {}"}


def page(description: dict[str, Any]) -> str:
    """Return the page about what a description describes."""
    info = description["info"]
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in info["description"].strip().split("\n\n"))
    schemas = description["components"]["schemas"]
    prefix = description["servers"][0]["url"].rstrip("/")
    operations = [
        _operation(method, prefix + path, operation, schemas)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>\n'
        f"<h1>{escape(info['title'])}</h1>\n{paragraphs}\n"
        '<p>For programs: <a href="openapi.json">openapi.json</a></p>\n' + "".join(operations) + "</html>\n"
    )


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    lines = [f"<h2><code>{method.upper()} {escape(path)}</code></h2>", f"<p>{escape(operation['summary'])}.</p>"]
    if "description" in operation:
        lines.append(f"<p>{escape(operation['description'])}</p>")
    parameters = operation.get("parameters", [])
    if parameters:
        lines.append("<table><tr><th>Option<th>Values<th>Meaning")
        lines += [_row(parameter, schemas) for parameter in parameters]
        lines.append("</table>")
    if "requestBody" in operation:
        lines.append(f"<p>Body: {_codes(operation['requestBody']['content'])}</p>")
    lines.append("<dl>")
    for status, response in operation["responses"].items():
        kinds = f" ({_codes(response['content'])})" if "content" in response else ""
        lines.append(f"<dt>{status}<dd>{escape(response['description'])}{kinds}")
    return "\n".join([*lines, "</dl>\n"])


def _row(parameter: dict[str, Any], schemas: dict[str, Any]) -> str:
    values = _values(parameter.get("schema", {}), schemas)
    return f"<tr><td><code>{parameter['name']}</code><td>{values}<td>{escape(parameter['description'])}"


def _values(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    inner = schema.get("items", schema)
    inner = schemas[inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
    if "enum" in inner:
        return _codes(inner["enum"])
    bounds = [words.format(inner[name]) for name, words in _BOUNDS.items() if name in inner]
    return escape(" ".join([str(inner.get("type", "JSON")), *bounds]))


def _codes(texts: Any) -> str:
    return ", ".join(f"<code>{escape(str(text))}</code>" for text in texts)
