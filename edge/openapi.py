"""The OpenAPI 3.1 document, made of the route table and the pydantic models: nothing is said twice.

Errors are exact: each route lists the problems it can answer, status by status. Must never describe
what the pipeline does not do; the tests compare the two on live answers.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from edge import openapi_problems
from edge.incoming import ID_MAX
from edge.pipeline import PREFIX
from edge.routing import Access, Route
from engine.errors import Stale

Schema = dict[str, Any]

VERSION: Final = "1.0.0"
"""Of the contract: the first number changes when clients have to."""

_REF: Final = "#/components/schemas/{model}"
_PARAMETER: Final = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BEARER: Final[Schema] = {"bearer": []}


def document(routes: Iterable[Route], *, prefix: str = PREFIX) -> Schema:
    """The whole document, as plain JSON values."""
    routes = tuple(routes)
    models = _Models(routes)
    errors = {error: None for route in routes for error in openapi_problems.errors_of(route)}
    paths: defaultdict[str, Schema] = defaultdict(dict)
    for route in routes:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths[path][route.method.lower()] = _operation(route, models)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "HotHour",
            "version": VERSION,
            "summary": "Seats in classes, sold by a falling price.",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": prefix or "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": dict(paths),
        "components": {
            "schemas": {**models.schemas, **openapi_problems.schemas(errors)},
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


class _Models:
    """The JSON schemas of all models of a table, with names that do not clash."""

    def __init__(self, routes: Sequence[Route]) -> None:
        wanted: list[tuple[tuple[Any, str], JsonSchemaMode, Any]] = [
            *(((route.body, "body"), "validation", route.body) for route in routes),
            *(((route.query, "query"), "validation", route.query) for route in routes),
            *((_answer_key(route), "serialization", route.answer) for route in routes),
        ]
        adapters: dict[tuple[tuple[Any, str], JsonSchemaMode], TypeAdapter[Any]] = {
            (key, mode): TypeAdapter(model) for key, mode, model in wanted if model is not None
        }
        found, shared = TypeAdapter.json_schemas(
            [(key, mode, adapter) for (key, mode), adapter in adapters.items()],
            ref_template=_REF,
        )
        self._found = {key: schema for (key, _), schema in found.items()}
        definitions: dict[str, Schema] = shared.get("$defs", {})
        queries = {
            schema["$ref"].rpartition("/")[2]
            for key, schema in self._found.items()
            if key[1] == "query" and "$ref" in schema
        }
        self._queries = {name: definitions[name] for name in queries}
        self.schemas = {
            name: schema for name, schema in sorted(definitions.items()) if name not in queries
        }

    def body(self, route: Route) -> Schema:
        return self._found[route.body, "body"]

    def answer(self, route: Route) -> Schema:
        return self._found[_answer_key(route)]

    def query(self, route: Route) -> Schema:
        """The object that a query is, with its properties."""
        schema = self._found[route.query, "query"]
        if "$ref" in schema:
            return self._queries[schema["$ref"].rpartition("/")[2]]
        return schema


def _answer_key(route: Route) -> tuple[Any, str]:
    return str(route.answer), "answer"


def _operation(route: Route, models: _Models) -> Schema:
    operation: Schema = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "description": f"For: {route.access.value}.",
        "tags": [route.tag],
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(route, models),
            *_shared(route),
        ],
        "responses": {
            str(route.status): _success(route, models),
            **({"304": _NOT_MODIFIED} if route.conditional else {}),
            **openapi_problems.responses(openapi_problems.errors_of(route)),
        },
        "security": [{}, _BEARER] if route.access is Access.PUBLIC else [_BEARER],
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {"application/json": {"schema": models.body(route)}},
        }
    return operation


def _operation_id(route: Route) -> str:
    words = re.findall(r"\w+", route.path)
    return "_".join([route.method.lower(), *words]).replace("-", "_")


def _path_parameters(route: Route) -> list[Schema]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1, "maximum": ID_MAX}
            if name == "id" or name.endswith("_id")
            else {"type": "string"},
        }
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route, models: _Models) -> list[Schema]:
    if route.query is None:
        return []
    query = models.query(route)
    required = query.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": schema,
            **({"description": schema["description"]} if "description" in schema else {}),
        }
        for name, schema in query.get("properties", {}).items()
    ]


def _shared(route: Route) -> list[Schema]:
    names = ["AcceptLanguage"]
    if route.method in _CHANGING and route.access is not Access.PUBLIC:
        names.append("IdempotencyKey")
    if route.conditional:
        names.append("IfNoneMatch")
    if Stale in route.codes:
        names.append("IfMatch")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _success(route: Route, models: _Models) -> Schema:
    response: Schema = {
        "description": route.summary,
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}},
    }
    if route.conditional:
        response["headers"]["ETag"] = {"$ref": "#/components/headers/ETag"}
    if route.answer is not None:
        response["content"] = {route.content_type: {"schema": models.answer(route)}}
    elif route.content_type != "application/json":
        media_type = route.content_type.partition(";")[0]
        response["content"] = {media_type: {"schema": {"type": "string"}}}
    return response


_NOT_MODIFIED: Final[Schema] = {
    "description": "What If-None-Match names is still so",
    "headers": {
        "X-Request-ID": {"$ref": "#/components/headers/RequestId"},
        "ETag": {"$ref": "#/components/headers/ETag"},
    },
}
_DESCRIPTION: Final = (
    "Instants are ISO-8601 UTC with milliseconds, prices decimal strings with two places,"
    " durations whole seconds. Every path also answers with a trailing slash. Errors are RFC 9457"
    " problems whose `code` never changes."
)

_PARAMETERS: Final[Schema] = {
    "AcceptLanguage": {
        "name": "Accept-Language",
        "in": "header",
        "description": "tr (default) or en: the language of texts, never of codes.",
        "schema": {"type": "string", "examples": ["tr", "en"]},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A retry with the same key gets the committed answer again.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,64}$"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Answer 304 if this is still the ETag.",
        "schema": {"type": "string"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": 'Only if it still has this ETag, or this "<revision>"; else 412.',
        "schema": {
            "type": "string",
            "pattern": r'^(\*|(W/)?"[0-9]{1,18}(\.[0-9]{1,18}\.[A-Z]{1,20})?")$',
            "examples": ['"3"', '"3.17.ACTIVE"'],
        },
    },
}

_HEADERS: Final[Schema] = {
    "ETag": {
        "description": "Of this very version; absent where the answer is not to be kept",
        "schema": {"type": "string"},
    },
    "RequestId": {
        "description": "The request's own, if it sent 8 to 64 of A-Za-z0-9._-",
        "schema": {"type": "string"},
    },
    "RetryAfter": {"description": "Whole seconds", "schema": {"type": "integer", "minimum": 1}},
}
