"""``/openapi.json``, made from the routes, their descriptions and the boundary documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Flask, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from services.router.guard import OPEN_ENDPOINTS
from services.router.operations import Media, Operation, operation_of
from services.router.problems import PROBLEM_JSON, OpenAIErrorDocument, ProblemDocument, TGIErrorDocument

_REFERENCE = "#/components/schemas/{model}"
_DOCUMENTED_METHODS = ("GET", "POST", "DELETE")

_PARAMETERS: dict[str, dict[str, Any]] = {
    "wait": {
        "name": "wait",
        "in": "query",
        "description": "Seconds to wait for the end: 200 and the final document when it comes in time, else 202.",
        "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": 120},
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Sending the same request again under the same key gives the same behavior, not a second one.",
        "schema": {"type": "string", "pattern": "^[!-+\\--~]{1,200}$"},
    },
    "Last-Event-ID": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "Id of the last event seen; the stream goes on after it.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,16}-[0-9]{1,9}$"},
    },
    "still": {
        "name": "still",
        "in": "query",
        "description": "The last moment only, which does not move.",
        "schema": {"type": "boolean"},
        "allowEmptyValue": True,
    },
    "X-Backend": {
        "name": "X-Backend",
        "in": "header",
        "description": "Name of the backend to use instead of the default one.",
        "schema": {"type": "string"},
    },
}
_ANSWER_HEADERS: dict[tuple[str, int], tuple[str, ...]] = {
    ("behaviors.submit", 200): ("Location", "Idempotent-Replayed"),
    ("behaviors.submit", 202): ("Location", "Idempotent-Replayed"),
}
_PROBLEM_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}


def build_openapi(*, needs_key: bool) -> dict[str, Any]:
    """The OpenAPI 3.1 description of the current application.

    Raises LookupError for a route without a description, so that none is forgotten.
    """
    app = current_app
    described = list(_described(app))
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, operation in described:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        entry = paths.setdefault(path, {})
        entry[method.lower()] = _operation_object(rule, operation, needs_key)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Robot behavior engine",
            "version": engine_version(),
            "description": "Orders in plain words become checked programs of robot API calls, and are carried out.",
        },
        "paths": paths,
        "components": {"schemas": _schemas(operation for _, _, operation in described)},
    }
    if needs_key:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"key": []}]
    return document


def _described(app: Flask) -> Iterable[tuple[Rule, str, Operation]]:
    for rule in app.url_map.iter_rules():
        operation = operation_of(app.view_functions[rule.endpoint])
        if operation is None:
            raise LookupError(f"{rule.rule} has no description")
        for method in _DOCUMENTED_METHODS:
            if method in (rule.methods or ()):
                yield rule, method, operation


def _operation_object(rule: Rule, operation: Operation, needs_key: bool) -> dict[str, Any]:
    answers = {str(status): _answer(rule, status, answer) for status, answer in operation.answers.items()}
    is_open = rule.endpoint in OPEN_ENDPOINTS
    refusals = () if is_open else (401,) if needs_key else (403,)
    for status in (*operation.problems, *refusals):
        answers[str(status)] = _problem(status, operation.errors)
    answers["default"] = _problem(500, operation.errors)
    result: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": operation.summary,
        "responses": answers,
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in sorted(rule.arguments)
    ]
    parameters += [_PARAMETERS[name] for name in operation.parameters]
    if parameters:
        result["parameters"] = parameters
    if operation.body is not None:
        result["requestBody"] = {"required": True, "content": _content(operation.body)}
        if isinstance(operation.body, Media):
            result["requestBody"]["description"] = operation.body.description
    if needs_key and is_open:
        result["security"] = []
    return result


def _answer(rule: Rule, status: int, answer: type[BaseModel] | Media | None) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if isinstance(answer, Media):
        described["description"] = answer.description
    if answer is not None:
        described["content"] = _content(answer)
    if names := _ANSWER_HEADERS.get((rule.endpoint, status)):
        described["headers"] = {name: {"schema": {"type": "string"}} for name in names}
    return described


def _problem(status: int, shape: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": "Any other error" if status == HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus(status).phrase,
        "content": _error_content(shape),
    }
    if names := _PROBLEM_HEADERS.get(status):
        described["headers"] = {name: {"schema": {"type": "string"}} for name in names}
    return described


def _error_content(shape: str) -> dict[str, Any]:
    if shape == "problem":
        return {PROBLEM_JSON: {"schema": _reference(ProblemDocument)}}
    return _content(OpenAIErrorDocument if shape == "openai" else TGIErrorDocument)


def _content(what: type[BaseModel] | Media) -> dict[str, Any]:
    if isinstance(what, Media):
        return {media_type: {"schema": what.schema} if what.schema else {} for media_type in what.types}
    return {"application/json": {"schema": _reference(what)}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    errors = (ProblemDocument, OpenAIErrorDocument, TGIErrorDocument)
    models: dict[str, type[BaseModel]] = {model.__name__: model for model in errors}
    for operation in operations:
        for what in (operation.body, *operation.answers.values()):
            if isinstance(what, type):
                models[what.__name__] = what
    _, schema = models_json_schema([(model, "validation") for model in models.values()], ref_template=_REFERENCE)
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


def engine_version() -> str:
    """Version of this package; 0 from a checkout."""
    try:
        return version("robot-behavior-engine")
    except PackageNotFoundError:
        return "0"
