"""The description: whole, and in itself sound. That answers keep to it is checked by the client of all other tests."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_every_path_is_there(document: dict[str, Any]) -> None:
    described = {(method, path) for path, operations in document["paths"].items() for method in operations}
    assert described == {
        ("post", "/v1/behaviors"),
        ("get", "/v1/behaviors/{behavior_id}"),
        ("delete", "/v1/behaviors/{behavior_id}"),
        ("get", "/v1/behaviors/{behavior_id}/events"),
        ("get", "/v1/behaviors/{behavior_id}/picture.svg"),
        ("post", "/v1/robots/{robot}/stop"),
        ("get", "/v1/robots"),
        ("get", "/v1/robots/{robot}"),
        ("get", "/v1/robots/{robot}/documentation"),
        ("post", "/v1/chat/completions"),
        ("post", "/v1/completions"),
        ("post", "/generate"),
        ("post", "/generate_stream"),
        ("post", "/"),
        ("get", "/health"),
        ("get", "/info"),
        ("get", "/v1/models"),
        ("get", "/v1/backends"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/metrics"),
        ("get", "/openapi.json"),
        ("get", "/"),
    }


def test_references_resolve_and_schemas_are_sound(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    text = json.dumps(document)
    references = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= schemas.keys()
    assert {"BehaviorRequest", "BehaviorResult", "ProblemDocument"} <= references


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ids)


def test_the_request_schema_takes_and_refuses_what_the_router_does(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    body_schema = document["paths"]["/v1/behaviors"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**body_schema, "components": document["components"]})
    for body in (
        {"instruction": "Wave"},
        {"instruction": "Wave", "scene": {"objects": [{"name": "ball", "position": [0.1, 0, 0]}], "battery": 50}},
        {},
        {"instruction": ""},
        {"instruction": "Wave", "priority": 10},
        {"instruction": "Wave", "scene": {"objects": [{"name": "ball", "position": [0.1]}]}},
        {"instruction": "Wave", "unknown": 1},
    ):
        taken = client.post("/v1/behaviors", json=body).status_code == 202
        assert validator.is_valid(body) == taken, body
