"""Requests as they reach the event loop, without a web process or a connection."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from django.db import connection

from accounts.authentication import digests_of
from generation import pipeline
from generation.admission.arrival import Arrival
from generation.admission.prefer import Prefer
from generation.admission.service import Admitted
from generation.admission.waiting_callers import callers
from generation.api import requests
from pictor.kit.bytes.spools import process_spools
from pictor.kit.database import pools
from pictor.kit.endpoints.body import Body
from pictor.kit.words.ids import GenerationId, new_uuid
from tests.making.factories import ORIGIN, PayingCustomer


@dataclass(frozen=True)
class Request:
    """A request that arrived, and callbacks for when its caller is gone."""

    arrival: Arrival
    id: GenerationId = field(default_factory=lambda: GenerationId(new_uuid()))
    on_end: list[Callable[[bool], None]] = field(default_factory=list)

    @classmethod
    def of(cls, customer: PayingCustomer, *, is_retry: bool = False, key: str | None = None,
           **fields: object) -> "Request":  # fmt: skip
        """A request of the customer's: an image in medium unless fields say otherwise."""
        asked = {"model": ORIGIN, "prompt": "a fox", "quality": "medium", **fields}
        return cls(
            Arrival(
                key_digests=tuple(digests_of(customer.plaintext)),
                ip="203.0.113.9",
                request_id="req_1",
                body=Body(json.dumps(asked).encode()),
                spools=process_spools().scope(),
                parse=requests.generation,
                idempotency_key=key,
                is_retry=is_retry,
                prefer=Prefer(),
            )
        )

    async def submitted(self) -> Admitted:
        arrival = self.arrival
        if arrival.idempotency_key is None:
            arrival = replace(arrival, attendance=callers.attend(self.id, self.on_end))
        return await pipeline.submit(arrival, generation_id=self.id)

    def ended(self, *, was_answered: bool) -> None:
        """The caller was answered, or left before the answer."""
        for told in self.on_end:
            told(was_answered)


async def money(customer: PayingCustomer) -> tuple[int, int]:
    """Available and held."""
    return await pools.database(lambda: customer.money)


def asked(statement: str, *values: object) -> list[Any]:
    """Run on a connection of its own, committed."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        return [row[0] for row in other.execute(statement, values).fetchall()]
