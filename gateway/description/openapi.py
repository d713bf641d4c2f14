"""`/openapi.json`: the interface as OpenAPI 3.1, made from the types that check requests and write responses.

`python -m gateway.description.openapi` prints it, to generate clients without a running service.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from gateway.description.docstrings import tell_attributes
from gateway.description.openapi_responses import (
    header_components,
    problem_responses,
    reference,
    render_headers,
)
from gateway.keys.keyring import HEADER
from gateway.model.code import CODE_PATTERN
from gateway.model.jobs import DEFAULT_ENVIRONMENT
from gateway.model.results import Outcome
from gateway.server.problems import CONTENT_TYPE as PROBLEM
from gateway.v1.request.json_body import FILES_LIMIT, RenderRequest
from gateway.v1.request.options import Options, TextSyntax
from gateway.v1.request.reading import FORM, JSON, PYTHON
from gateway.v1.response.accept import PICTURE_TYPES, Form
from gateway.v1.response.documents import (
    EnvironmentsDocument,
    FailureDocument,
    InvalidRequestDocument,
    ProblemDocument,
    RenderDocument,
)

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaMode

#: Version of the interface, as in its paths; not of the software.
VERSION = "1"

DESCRIPTION = """\
Runs untrusted Matplotlib code, each time in a container of its own, and returns what it drew.

All requests need a key in `X-API-Key`, or below `/v1` as a bearer token, except those for the state of the service and
for this description. Failures are
`application/problem+json` (RFC 9457): `type` says what went wrong, and `error` describes it for a person. 429 and 503
have `Retry-After`. Whatever can be asked by GET can be asked by HEAD.
"""

_MODELS: tuple[tuple[type[BaseModel], JsonSchemaMode], ...] = (
    (RenderRequest, "validation"),
    (RenderDocument, "serialization"),
    (EnvironmentsDocument, "serialization"),
    (ProblemDocument, "serialization"),
    (InvalidRequestDocument, "serialization"),
    (FailureDocument, "serialization"),
)

#: Where a key may be a bearer token, too.
_EITHER_WAY: list[dict[str, list[str]]] = [{"key": []}, {"bearer": []}]

#: Name of the schema of Matplotlib's parameters.
_PARAMETERS = "Parameters"

#: Code for the old endpoint, which counts more characters as blank: those of `str.isspace`.
_LEGACY_PATTERN = (
    r"^[^\u0000]*[^\u0000\s\u001c-\u001f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$"
)

_CODE = {"type": "string", "minLength": 1, "pattern": CODE_PATTERN, "description": "Python source, UTF-8"}


def describe(prefix: str = "") -> dict[str, Any]:
    """Return the description of the whole service.

    Args:
        prefix: The path that comes before all others.
    """
    _, made = models_json_schema(_MODELS, ref_template="#/components/schemas/{model}")
    schemas: dict[str, Any] = made["$defs"]
    for schema in schemas.values():
        tell_attributes(schema)
    schemas[_PARAMETERS] = _shared_parameters(schemas["RenderRequest"]["properties"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Figbox", "version": VERSION, "description": DESCRIPTION, "license": {"name": "MIT"}},
        "servers": [{"url": prefix or "/"}],
        "security": [{"key": []}],
        "tags": [
            {"name": "render", "description": "Drawing"},
            {"name": "service", "description": "The state of the service, and its description"},
        ],
        "paths": {
            "/v1/render": {"post": _render()},
            "/v1/environments": {"get": _environments()},
            "/render-matplotlib": {"post": _render_matplotlib()},
            "/": {"get": _plain("live", "Tell that the service is live", "text/plain", {"type": "string"})},
            "/healthz": {"get": _plain("healthz", "Tell that the process runs", JSON, _status("ok"))},
            "/readyz": {"get": _readyz()},
            "/openapi.json": {"get": _plain("openapi", "This description", JSON, {"type": "object"})},
            "/docs": {"get": _plain("docs", "This description as a page", "text/html", {"type": "string"})},
        },
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "headers": header_components(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": HEADER, "description": "A key from the operator"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "The same key"},
            },
        },
    }


def _shared_parameters(properties: dict[str, Any]) -> dict[str, Any]:
    """Replace the long schema of Matplotlib's parameters by a reference, and return it."""
    schema: dict[str, Any] = properties["rc"]
    properties["rc"] = {"$ref": f"#/components/schemas/{_PARAMETERS}", "description": schema["description"]}
    return {key: value for key, value in schema.items() if key not in ("title", "default", "description")}


def _render() -> dict[str, Any]:
    return {
        "operationId": "render",
        "tags": ["render"],
        "security": _EITHER_WAY,
        "summary": "Run code and get what it draws",
        "description": (
            "The body is JSON, the raw script, or a form. Options are in it or in the query, which takes precedence. "
            "`Accept` chooses the form of the response: the picture alone (also for `*/*`, if one figure is wanted in "
            "one format), a JSON document with all results, or a ZIP of the same. A query or a form can also set one "
            "of Matplotlib's parameters at a time, as in `rc.axes.grid=true`. `If-None-Match` with the `ETag` of an "
            "earlier response gets 304 if nothing has changed."
        ),
        "parameters": _query(),
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"$ref": "#/components/schemas/RenderRequest"}},
                PYTHON: {"schema": _CODE},
                FORM: {"schema": _form(), "encoding": {"file": {"contentType": "application/octet-stream"}}},
            },
        },
        "responses": {
            "200": {
                "description": "What the code drew, in the form that `Accept` chooses",
                "headers": {**render_headers(), **reference("ETag", "Vary", "Content-Disposition")},
                "content": {
                    # Some generators of clients use only the first one, so it is the one with a schema.
                    Form.JSON.value: {"schema": {"$ref": "#/components/schemas/RenderDocument"}},
                    **{name: {"schema": _binary(name)} for name in PICTURE_TYPES.values()},
                    Form.ZIP.value: {"schema": _binary(Form.ZIP.value)},
                },
            },
            "304": {
                "description": "The client has this result already",
                "headers": {**render_headers(), **reference("ETag", "Vary")},
            },
            "422": {
                "description": "The code produced no picture, or one with findings that `fail_on` names",
                "headers": render_headers(),
                "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/FailureDocument"}}},
            },
            **problem_responses(400, 401, 406, 408, 413, 415, 429, 431, 500, 503),
        },
    }


def _query() -> list[dict[str, Any]]:
    """Return the options as query parameters."""
    parameters = []
    for name, schema in _text_schemas().items():
        field = Options.model_fields[name]
        parameter: dict[str, Any] = {"name": name, "in": "query", "description": str(field.description)}
        if TextSyntax.PARAMETERS in field.metadata:
            parameter["content"] = {JSON: {"schema": schema}}
        else:
            parameter["schema"] = schema
        parameters.append(parameter)
    return parameters


def _form() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "code": _CODE,
            "file": {
                "type": "array",
                "items": _binary("application/octet-stream"),
                "maxItems": FILES_LIMIT,
                "description": "Files placed in the working directory, under their filenames",
            },
            **_text_schemas(),
        },
        "required": ["code"],
        "additionalProperties": False,
    }


def _text_schemas() -> dict[str, Any]:
    """Return the schemas of options as text: without null, and with lists where one or several are allowed."""
    properties = Options.model_json_schema(ref_template="#/components/schemas/{model}")["properties"]
    _shared_parameters(properties)
    schemas = {}
    for name, schema in properties.items():
        kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
        lists = [kind for kind in kinds if kind.get("type") == "array"]
        plain = dict((lists or kinds)[0])
        plain["description"] = schema["description"]
        # Without defaults: generated clients would send them, and so override the body's options.
        schemas[name] = {key: value for key, value in plain.items() if key not in ("title", "default")}
    return schemas


def _environments() -> dict[str, Any]:
    return {
        "operationId": "environments",
        "tags": ["render"],
        "security": _EITHER_WAY,
        "summary": "List the environments",
        "description": "Every environment that a request can name, with its packages and the key's limits there.",
        "responses": {
            "200": {
                "description": "The environments",
                "headers": reference("X-Request-ID", "RateLimit", "RateLimit-Policy"),
                "content": {JSON: {"schema": {"$ref": "#/components/schemas/EnvironmentsDocument"}}},
            },
            **problem_responses(401, 408, 429, 431, 500, 503),
        },
    }


def _render_matplotlib() -> dict[str, Any]:
    return {
        "operationId": "renderMatplotlib",
        "tags": ["render"],
        "summary": "Run code and get its current figure as PNG, as the Matplotlib Graph Render API did",
        "description": (
            "200 dots per inch, cut to what is drawn, in the environment "
            f"`{DEFAULT_ENVIRONMENT}`. A failure of the code is 500 with an `outcome`."
        ),
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {
                        "type": "object",
                        "properties": {"code": {**_CODE, "pattern": _LEGACY_PATTERN}},
                        "required": ["code"],
                    }
                },
            },
        },
        "responses": {
            "200": {
                "description": "The picture",
                "headers": reference("X-Request-ID", "RateLimit", "RateLimit-Policy", "Server-Timing"),
                "content": {"image/png": {"schema": _binary("image/png")}},
            },
            **problem_responses(400, 401, 408, 413, 415, 429, 431, 503),
            "500": {
                "description": "The code produced no picture, and `outcome` says why; or, without `outcome`, a defect "
                "of the service",
                "headers": reference("X-Request-ID", "RateLimit", "RateLimit-Policy"),
                "content": {
                    PROBLEM: {
                        "schema": {
                            "allOf": [{"$ref": "#/components/schemas/ProblemDocument"}],
                            "properties": {
                                "outcome": {"enum": [name.value for name in Outcome if name is not Outcome.OK]}
                            },
                        }
                    }
                },
            },
        },
    }


def _readyz() -> dict[str, Any]:
    ready = _status("ready")
    ready["properties"]["self_test"] = {
        "type": "object",
        "description": "Result of the last self-test of the sandbox",
        "properties": {"holds": {"type": "boolean"}, "age_s": {"type": "integer", "minimum": 0}},
        "required": ["holds", "age_s"],
    }
    ready["properties"]["warm_start"] = {
        "type": "object",
        "description": "By environment, how its warm runners start, and if it isn't from a snapshot, why",
        "additionalProperties": {
            "type": "object",
            "properties": {"way": {"enum": ["snapshot", "import"]}, "reason": {"type": "string"}},
            "required": ["way"],
        },
    }
    described = _plain("readyz", "Tell whether a render would work now", JSON, ready)
    described["responses"] |= problem_responses(503)
    return described


def _plain(name: str, summary: str, content_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a request without parameters that needs no key."""
    return {
        "operationId": name,
        "tags": ["service"],
        "summary": summary,
        "security": [],
        "responses": {
            "200": {
                "description": "Success",
                "headers": reference("X-Request-ID"),
                "content": {content_type: {"schema": schema}},
            },
            **problem_responses(408, 431, 500),
        },
    }


def _status(value: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"status": {"const": value}}, "required": ["status"]}


def _binary(content_type: str) -> dict[str, Any]:
    # `format` repeats the media type, but generators of clients still use it.
    return {"type": "string", "format": "binary", "contentMediaType": content_type}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe(), indent=1) + "\n")
