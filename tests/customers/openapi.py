"""The OpenAPI document checked against real answers: nothing missing, nothing undocumented."""

import re
from functools import cached_property
from typing import Any

import httpx
from jsonschema import Draft202012Validator

JSON = "application/json"


class Document:
    """`/openapi.json`, and the operations that have answered so far."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = _strict(document)
        self.succeeded: set[str] = set()

    @cached_property
    def operations(self) -> dict[str, tuple[str, "re.Pattern[str]", dict[str, Any]]]:
        """By id: the method, a pattern of its paths, and its description."""
        return {
            operation["operationId"]: (method.upper(), _pattern(path), operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def check(self, response: httpx.Response) -> None:
        """An httpx hook: assert that a JSON answer of a known operation is as documented.

        It also asserts that every 503 says when to come back, and whether.
        """
        if response.status_code == 503:
            assert int(response.headers["retry-after"]) > 0
            assert response.headers["x-should-retry"] in {"true", "false"}
        if not response.headers.get("content-type", "").startswith(JSON):
            return
        for name, (method, paths, operation) in self.operations.items():
            if response.request.method == method and paths.fullmatch(response.url.path):
                response.read()
                problems = self.problems(operation, response.status_code, response.json())
                assert not problems, f"{name}: {problems}"
                if response.is_success:
                    self.succeeded.add(name)

    def problems(self, operation: dict[str, Any], status: int, body: Any) -> list[str]:
        """Faults of an answer."""
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"{status} is not documented"]
        return self.mismatch(described["content"][JSON]["schema"], body)

    def told(self, event: dict[str, Any]) -> list[str]:
        """Faults of an event sent to a webhook."""
        body = self.document["webhooks"][event["type"]]["post"]["requestBody"]
        return self.mismatch(body["content"][JSON]["schema"], event)

    def mismatch(self, schema: dict[str, Any], value: Any) -> list[str]:
        """Places where a value differs from a schema of this document."""
        whole = {"components": self.document["components"], **schema}
        found = Draft202012Validator(whole).iter_errors(value)
        return [f"{error.json_path}: {error.message[:300]}" for error in found]


def _pattern(path: str) -> "re.Pattern[str]":
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "/?")


def _strict(schema: Any) -> Any:
    """The same with every object closed, so that an undocumented field is a fault."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(value) for name, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        strict["additionalProperties"] = False
    return strict
