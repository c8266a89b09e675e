"""A tenant on the running stack, seen as its developers see it: a key and HTTP."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from tests.servers import Stack

GENERATIONS = "/v1/images/generations"

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


@dataclass(frozen=True)
class Customer:
    """One tenant with one key."""

    name: str
    api_key: str
    key_id: str
    stack: Stack
    client: httpx.Client

    @classmethod
    def create(cls, stack: Stack, name: str, balance: str, *options: str) -> "Customer":
        created = stack.manage("tenant", "create", name, "--balance", balance, "--json", *options)
        assert created.returncode == 0, created.stderr
        found = json.loads(created.stdout)
        client = httpx.Client(
            base_url=stack.base_url,
            headers={"Authorization": f"Bearer {found['api_key']}"},
            timeout=120,
            trust_env=False,
        )
        return cls(name, found["api_key"], found["key_id"], stack, client)

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
        """All at once, one connection each; the answers in order."""
        import asyncio

        async with httpx.AsyncClient(
            base_url=self.stack.base_url,
            headers={"Authorization": f"Bearer {self.api_key}", **(headers or {})},
            timeout=180,
            trust_env=False,
            limits=httpx.Limits(max_connections=None),
        ) as client:
            calls = [
                client.post(GENERATIONS, json={"model": "gpt-image-2-origin", **body})
                for body in bodies
            ]
            return list(await asyncio.gather(*calls))

    def balance(self) -> tuple[int, int]:
        """Available and held, micro-USD."""
        (row,) = self._rows(_BALANCE)
        return int(row[0]), int(row[1])

    def states(self) -> dict[str, int]:
        """How many generations are in each state."""
        return {state: count for state, count in self._rows(_STATES)}

    def captures(self) -> list[int]:
        """Every charge, micro-USD, in order."""
        return [int(amount) for (amount,) in self._rows(_CAPTURES)]

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack.env["DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(sql, [self.name]).fetchall()
