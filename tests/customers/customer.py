"""A tenant on the running stack, as its developers use it: a key and HTTP."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import psycopg

from tests.customers.openapi import Document
from tests.stack.servers import ROOT, Stack

GENERATIONS = "/v1/images/generations"
SCOPES = "images:write,images:read,billing:read,webhooks:write,keys:write"
CALLS_OF_A_CLIENT = 25
"""Calls of one httpx client, which looks at all calls under way when one ends."""

_BALANCE = """
SELECT b.available, b.held FROM billing_tenantbalance AS b
JOIN accounts_tenant AS t ON t.id = b.tenant_id WHERE t.name = %s
"""
_STATES = """
SELECT g.state, count(*) FROM generation_generation AS g
JOIN accounts_tenant AS t ON t.id = g.tenant_id WHERE t.name = %s GROUP BY g.state
"""
_CAPTURES = """
SELECT x.amount FROM billing_transfer AS x JOIN accounts_tenant AS t ON t.id = x.tenant_id
WHERE t.name = %s AND x.kind = 'capture' ORDER BY x.seq
"""


@cache
def _document_of(base_url: str) -> Document:
    return Document(httpx.get(f"{base_url}/openapi.json", trust_env=False, timeout=60).json())


class Operator:
    """Runs operator commands in an environment, as a stack's is; asserts that each succeeds."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stack.operator_loop"],
            cwd=ROOT,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str) -> str:
        """Return the standard output of `manage.py ARGUMENTS`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        outcome = json.loads(self._process.stdout.readline())
        assert outcome["returncode"] == 0, outcome
        return str(outcome["stdout"])

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@dataclass(frozen=True)
class Customer:
    """A tenant with one key."""

    name: str
    api_key: str
    key_id: str
    stack: Stack
    client: httpx.Client
    document: Document
    """Every JSON answer to `client` is checked against it."""

    @classmethod
    def create(
        cls, stack: Stack, operator: "Operator", name: str, balance: str, *options: str
    ) -> "Customer":
        created = operator(
            "tenant", "create", name, "--balance", balance, "--scopes", SCOPES, "--json", *options
        )
        return cls._of(stack, name, created)

    @classmethod
    def _of(cls, stack: Stack, name: str, created: str) -> "Customer":
        found = json.loads(created)
        document = _document_of(stack.base_url)
        client = httpx.Client(
            base_url=stack.base_url,
            headers={"Authorization": f"Bearer {found['api_key']}"},
            timeout=120,
            trust_env=False,
            event_hooks={"response": [document.check]},
        )
        return cls(name, found["api_key"], found["key_id"], stack, client, document)

    def with_key(self, created: str) -> "Customer":
        """The same tenant with another key, printed by `key create --json`."""
        return self._of(self.stack, self.name, created)

    def close(self) -> None:
        self.client.close()

    def generate(
        self, prompt: str = "a fox", *, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """POST with gpt-image-2-origin unless another model is named."""
        body = {"model": "gpt-image-2-origin", "prompt": prompt, **fields}
        return self.client.post(GENERATIONS, json=body, headers=headers)

    async def generate_many(
        self, bodies: list[dict[str, Any]], *, headers: dict[str, str] | None = None
    ) -> list[httpx.Response]:
        """Send all at once, one connection each; return the answers in order."""
        async with contextlib.AsyncExitStack() as clients:
            calls = []
            for first in range(0, len(bodies), CALLS_OF_A_CLIENT):
                client = await clients.enter_async_context(
                    httpx.AsyncClient(
                        base_url=self.stack.base_url,
                        headers={"Authorization": f"Bearer {self.api_key}", **(headers or {})},
                        timeout=180,
                        trust_env=False,
                    )
                )
                calls += [
                    client.post(GENERATIONS, json={"model": "gpt-image-2-origin", **body})
                    for body in bodies[first : first + CALLS_OF_A_CLIENT]
                ]
            return list(await asyncio.gather(*calls))

    def balance(self) -> tuple[int, int]:
        """Available and held, micro-USD."""
        (row,) = self._rows(_BALANCE)
        return int(row[0]), int(row[1])

    def states(self) -> dict[str, int]:
        """The number of generations in each state."""
        return dict(self._rows(_STATES))

    def captures(self) -> list[int]:
        """Every charge, micro-USD, in order."""
        return [int(amount) for (amount,) in self._rows(_CAPTURES)]

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return _rows(self.stack.env["DATABASE_URL"], sql, self.name)


_connections: dict[str, "psycopg.Connection[Any]"] = {}


def _rows(database_url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows by a kept connection, which is made again if it has ended."""
    with contextlib.suppress(KeyError, psycopg.OperationalError):
        return _connections[database_url].execute(sql, values).fetchall()
    made = _connections[database_url] = psycopg.connect(database_url, autocommit=True)
    return made.execute(sql, values).fetchall()


def facts_of(response: httpx.Response) -> tuple[int, str, str, str | None]:
    """Status, type, code and param, after checks of the parts that every error has."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["access-control-allow-origin"] == "*"
    document = response.json()
    assert set(document) == {"error"}
    error = document["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert 0 < len(error["message"]) < 2_000
    return response.status_code, error["type"], error["code"], error["param"]


def by_test_key(customer: Customer, **rules: Any) -> Customer:
    """The same tenant with a new test key."""
    wish = {"livemode": False, "scopes": SCOPES.split(","), **rules}
    made = customer.client.post("/v1/api_keys", json=wish).json()
    return customer.with_key(json.dumps({"api_key": made["api_key"], "key_id": made["id"]}))
