"""Attempts that cost us nothing, deleted one by one past the database's rules."""

from pathlib import Path

import pytest
from django.db import connection

from generation.lifecycle.attempts import end_attempt
from generation.lifecycle.outcome import AttemptEnd
from generation.lifecycle.settlement import settle_and_tell
from generation.models import Channel, Route
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock
from tests.making.factories import (
    PayingCustomer,
    begun,
    make_delivery,
    make_worker,
    stored_images,
    take,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def free(books: PayingCustomer, tmp_path: Path) -> str:
    """The id of a generation delivered for nothing, after a first call that was not reached."""
    Route.objects.update(cost_micros=None)
    channel = Channel.objects.get(name="one")
    claim = take(generation_id=books.generation().id, worker=make_worker())
    assert claim is not None
    first = begun(claim, channel)
    assert first is not None
    now = clock.now()
    end_attempt(AttemptEnd(first, "not_reached"), generation=claim.generation, now=now)
    delivery = make_delivery(claim, Spools(tmp_path, SpoolBudget(1_000_000)), number=2)
    settle_and_tell(claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=now)
    assert generation_findings() == []
    return claim.generation.public_id


def found_without(generation: str, number: int) -> list[str]:
    """Findings of the proof once that attempt of the generation is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "DELETE FROM generation_attempt a USING generation_generation g"
            " WHERE g.id = a.generation_id AND g.channel_id IS NOT NULL AND cost_micros = 0"
            " AND number = %s",
            [number],
        )
        assert cursor.rowcount == 1
    return [
        f"{finding.check}: {finding.message}"
        for finding in generation_findings()
        if generation in finding.object
    ]


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (1, ["attempt: has 1 of the 2 attempts of dispatch 1"]),
        (2, ["attempt: succeeded, and no attempt of its dispatch 1 delivered"]),
    ],
)
def test_an_attempt_that_cost_nothing_is_missed(free: str, number: int, found: list[str]) -> None:
    assert found_without(free, number) == found
