"""Holds every answer of the router against what its own ``/openapi.json`` promises."""

from __future__ import annotations

import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator


class OpenAPICheck:
    """Response hook for httpx: fails the test on an answer that is not documented as it came."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._routes = [
            (re.compile(re.sub(r"\{\w+\}", r"[^/]+", path)), operations)
            for path, operations in document["paths"].items()
        ]

    def __call__(self, response: httpx.Response) -> None:
        request = response.request
        operation = self._operation(request)
        if operation is None:
            return  # outside the API: the framework's 404, 405 and OPTIONS
        where = f"{request.method} {request.url.path} {response.status_code}"
        answer = operation["responses"].get(str(response.status_code))
        assert answer is not None, f"{where} is not documented"
        for name in answer.get("headers", {}):
            if name != "Idempotent-Replayed":  # which only a replayed answer has
                assert name in response.headers, f"{where} has no {name}"
        if "content" not in answer:
            assert response.read() == b"", f"{where} is documented without content"
            return
        media_type = response.headers["Content-Type"].partition(";")[0]
        assert media_type in answer["content"], f"{where}: {media_type} is not documented"
        schema = answer["content"][media_type].get("schema")
        if schema is not None and media_type.endswith("json") and request.method != "HEAD":
            response.read()
            Draft202012Validator({**schema, "components": self._components}).validate(response.json())

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        method = "get" if request.method == "HEAD" else request.method.lower()
        for pattern, operations in self._routes:
            if pattern.fullmatch(request.url.path) and method in operations:
                found: dict[str, Any] = operations[method]
                return found
        return None
