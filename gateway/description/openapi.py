"""`/openapi.json`: what the service can be asked, as OpenAPI 3.1, made from the types that check and write it.

`python -m gateway.description.openapi` prints it, to make clients from without a running service.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from gateway.description.openapi_responses import (
    answer_headers,
    header_components,
    problem_responses,
    reference,
)
from gateway.keys.keyring import HEADER
from gateway.model.jobs import DEFAULT_ENVIRONMENT
from gateway.model.results import Outcome
from gateway.server.problems import CONTENT_TYPE as PROBLEM
from gateway.v1.request.code import CODE_PATTERN
from gateway.v1.request.dispatch import FORM, JSON, PYTHON
from gateway.v1.request.json_body import FILES_LIMIT, RenderRequest
from gateway.v1.request.options import Options, TextForm
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

#: Of the interface, which is what the path says; not of the software.
VERSION = "1"

DESCRIPTION = """\
Runs Matplotlib code that nobody has to trust, each time in a container of its own, and answers with what it drew.

Every request but those for the state of the service and for this description carries a key in `X-API-Key`. Everything
that goes wrong is `application/problem+json` (RFC 9457), whose `type` says what it was and whose `error` says it to a
person. 429 and 503 carry `Retry-After`.
"""

_MODELS: tuple[tuple[type[BaseModel], JsonSchemaMode], ...] = (
    (RenderRequest, "validation"),
    (RenderDocument, "serialization"),
    (EnvironmentsDocument, "serialization"),
    (ProblemDocument, "serialization"),
    (InvalidRequestDocument, "serialization"),
    (FailureDocument, "serialization"),
)

#: Name of the schema of Matplotlib's parameters.
_PARAMETERS = "Parameters"

#: What the old endpoint takes for code: it counts more characters as blank, those of `str.isspace`.
_LEGACY_PATTERN = (
    r"^[^\u0000]*[^\u0000\s\u001c-\u001f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$"
)

_CODE = {"type": "string", "minLength": 1, "pattern": CODE_PATTERN, "description": "Python source, UTF-8"}


def describe() -> dict[str, Any]:
    """Return the description of the whole service."""
    _, made = models_json_schema(_MODELS, ref_template="#/components/schemas/{model}")
    schemas: dict[str, Any] = made["$defs"]
    schemas[_PARAMETERS] = _shared_parameters(schemas["RenderRequest"]["properties"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Figbox", "version": VERSION, "description": DESCRIPTION, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [
            {"name": "render", "description": "Drawing"},
            {"name": "service", "description": "The state of the service, and its description"},
        ],
        "paths": {
            "/v1/render": {"post": _render()},
            "/v1/environments": {"get": _environments()},
            "/render-matplotlib": {"post": _render_matplotlib()},
            "/": {"get": _plain("live", "Say that the service is live", "text/plain", {"type": "string"})},
            "/healthz": {"get": _plain("healthz", "Say that the process lives", JSON, _status("ok"))},
            "/readyz": {"get": _readyz()},
            "/openapi.json": {"get": _plain("openapi", "This description", JSON, {"type": "object"})},
        },
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "headers": header_components(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": HEADER, "description": "A key of the operator's"}
            },
        },
    }


def _shared_parameters(properties: dict[str, Any]) -> dict[str, Any]:
    """Put a reference in the place of the schema of Matplotlib's parameters, which is long, and return it."""
    schema: dict[str, Any] = properties["rc"]
    properties["rc"] = {"$ref": f"#/components/schemas/{_PARAMETERS}", "description": schema["description"]}
    return {key: value for key, value in schema.items() if key not in ("title", "default", "description")}


def _render() -> dict[str, Any]:
    return {
        "operationId": "render",
        "tags": ["render"],
        "summary": "Run code and get what it draws",
        "description": (
            "The body is JSON, the raw script, or a form. Options stand in it or in the query, which goes before it. "
            "`Accept` chooses the form of the answer: the picture alone, for which `*/*` stands too, where one figure "
            "is asked for in one format; a JSON document with all that came of it; or a ZIP of the same. "
            "Of Matplotlib's parameters a query can also name one at a time, as in `rc.axes.grid=true`, and so can a "
            "form. `If-None-Match` with an `ETag` from before is answered with 304 when nothing has changed."
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
                "description": "What the code drew, in the form that `Accept` takes",
                "headers": {**answer_headers(), **reference("ETag", "Vary", "Content-Disposition")},
                "content": {
                    # First what makers of clients can make a type of; some take the first and leave out the rest.
                    Form.JSON.value: {"schema": {"$ref": "#/components/schemas/RenderDocument"}},
                    **{name: {"schema": _binary(name)} for name in PICTURE_TYPES.values()},
                    Form.ZIP.value: {"schema": _binary(Form.ZIP.value)},
                },
            },
            "304": {
                "description": "It would be what the client has already",
                "headers": {**answer_headers(), **reference("ETag", "Vary")},
            },
            "422": {
                "description": "The code gave no picture, by its own doing",
                "headers": answer_headers(),
                "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/FailureDocument"}}},
            },
            **problem_responses(400, 401, 406, 408, 413, 415, 429, 431, 500, 503),
        },
    }


def _query() -> list[dict[str, Any]]:
    """Return the options as parameters of a query."""
    parameters = []
    for name, schema in _text_schemas().items():
        field = Options.model_fields[name]
        parameter: dict[str, Any] = {"name": name, "in": "query", "description": str(field.description)}
        if TextForm.PARAMETERS in field.metadata:
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
    """Return the schemas of options where they are given as text: there is no null, and one is a list of one."""
    properties = Options.model_json_schema(ref_template="#/components/schemas/{model}")["properties"]
    _shared_parameters(properties)
    schemas = {}
    for name, schema in properties.items():
        kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
        lists = [kind for kind in kinds if kind.get("type") == "array"]
        plain = dict((lists or kinds)[0])
        plain["description"] = schema["description"]
        # Without defaults: clients made from this would send them along and override the body's options by them.
        schemas[name] = {key: value for key, value in plain.items() if key not in ("title", "default")}
    return schemas


def _environments() -> dict[str, Any]:
    return {
        "operationId": "environments",
        "tags": ["render"],
        "summary": "What code can run in",
        "description": "Every environment that a request can name, what is installed there, and what the key may use.",
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
                "description": "The code gave no picture, by its own doing, and `outcome` says how; or a defect of "
                "the service, without one",
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
        "description": "What the last self-test of the sandbox came to",
        "properties": {"holds": {"type": "boolean"}, "age_s": {"type": "integer", "minimum": 0}},
        "required": ["holds", "age_s"],
    }
    described = _plain("readyz", "Say whether a render would work now", JSON, ready)
    described["responses"] |= problem_responses(503)
    return described


def _plain(name: str, summary: str, content_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a request that takes nothing and needs no key."""
    return {
        "operationId": name,
        "tags": ["service"],
        "summary": summary,
        "security": [],
        "responses": {
            "200": {
                "description": "As it says",
                "headers": reference("X-Request-ID"),
                "content": {content_type: {"schema": schema}},
            },
            **problem_responses(408, 431, 500),
        },
    }


def _status(value: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"status": {"const": value}}, "required": ["status"]}


def _binary(content_type: str) -> dict[str, Any]:
    # `format` says nothing that the media type doesn't, but makers of clients go by it still.
    return {"type": "string", "format": "binary", "contentMediaType": content_type}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe(), indent=1) + "\n")
