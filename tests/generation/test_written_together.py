"""Holds, claims and settlements that go together: each decided as if it came alone."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
import pytest
import uvloop
from django.db import IntegrityError, connection, connections

from accounts.callers import Caller
from billing.models import Transfer
from billing.selectors.office.ledger import ledger_findings
from billing.services.holds import ConditionFailed
from generation.admission.service import Submission, hold
from generation.dispatch.claiming import claim_generation
from generation.lifecycle import claims
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import Verified
from generation.lifecycle.settlement import settle_unheard
from generation.models import Generation
from pictor.kit.words import clock
from pictor.kit.words.errors import PictorError
from pictor.kit.words.ids import GenerationId, new_uuid
from storage.models import StoredImage
from tests.making.factories import (
    ORIGIN,
    PayingCustomer,
    make_delivery,
    make_worker,
    stored_images,
    take,
)

pytestmark = pytest.mark.usefixtures("pooled_connections", "channel")

FOR_TEN = 526_800
"""A balance for ten images."""


def on_two_loops(
    first: Coroutine[Any, Any, list[Any]], second: Coroutine[Any, Any, list[Any]]
) -> list[Any]:
    """Run both at once, each on a loop and connections of its own, as two processes would."""

    def run(work: Coroutine[Any, Any, list[Any]]) -> list[Any]:
        try:
            return uvloop.run(work)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(run, first), pool.submit(run, second)
        return [*one.result(60), *other.result(60)]


async def held(callers: Sequence[tuple[str, Caller]]) -> list[str]:
    """Order an image for each at once; return the names of those who got a hold."""

    async def outcome(name: str, caller: Caller) -> str:
        request = {"model": ORIGIN, "prompt": "a fox", "quality": "medium"}
        submission = Submission(caller=caller, request=request)
        try:
            await hold(submission, generation_id=GenerationId(new_uuid()), now=clock.now())
        except PictorError as error:
            return type(error).__name__
        return name

    return await asyncio.gather(*(outcome(name, caller) for name, caller in callers))


def test_two_processes_that_share_tenants_lock_in_one_order_and_meet_each_balance():
    customers = [PayingCustomer(name, balance=FOR_TEN) for name in ("a", "b", "c")]
    callers = [(customer.tenant.name, customer.caller()) for customer in customers]

    found = on_two_loops(held(callers * 10), held(callers[::-1] * 10))

    assert Counter(found) == {"a": 10, "b": 10, "c": 10, "InsufficientQuota": 30}
    assert [customer.money for customer in customers] == [(0, FOR_TEN)] * 3
    assert ledger_findings() == []


def test_two_processes_meet_the_caps_of_a_tenant_and_of_a_key(acme):
    caller = acme.caller()
    by_key = replace(caller, limits=replace(caller.limits, key_in_flight=7))
    by_tenant = replace(caller, limits=replace(caller.limits, tenant_in_flight=12))

    found = on_two_loops(*(held([("key", by_key), ("tenant", by_tenant)] * 20) for _ in range(2)))

    assert Counter(found)["RateLimited"] == 80 - 12
    assert Counter(found)["key"] <= 7
    assert acme.money == (10_000_000 - 12 * 52_680, 12 * 52_680)


def test_a_key_that_changed_holds_nothing_and_the_others_of_its_batch_do(acme):
    caller = acme.caller()
    changed = replace(caller, version="another")
    request = {"model": ORIGIN, "prompt": "a fox", "quality": "medium"}

    async def all_at_once() -> list[Any]:
        holding = (
            hold(
                Submission(caller=one, request=request, is_remembered=True),
                generation_id=GenerationId(new_uuid()),
                now=clock.now(),
            )
            for one in (caller, caller, changed, caller)
        )
        return await asyncio.gather(*holding, return_exceptions=True)

    found = uvloop.run(all_at_once())

    assert isinstance(found.pop(2), ConditionFailed)
    assert [one.is_new for one in found] == [True] * 3
    assert acme.money == (10_000_000 - 3 * 52_680, 3 * 52_680)


def test_a_bell_that_two_workers_hear_is_claimed_once(acme):
    ids = [acme.generation().id for _ in range(12)]
    workers = [make_worker() for _ in range(2)]

    async def claimed(worker: Any, heard: Sequence[UUID]) -> list[UUID]:
        found = await asyncio.gather(*(claim_generation(one, worker, None) for one in heard))
        return [claim.generation.id for claim in found if claim]

    found = on_two_loops(claimed(workers[0], ids + ids), claimed(workers[1], ids[::-1]))

    assert sorted(found) == ids
    assert set(Generation.objects.values_list("dispatch", flat=True)) == {1}


@pytest.fixture
def acme() -> PayingCustomer:
    return PayingCustomer("acme")


Running: TypeAlias = "tuple[Claim, Verified, list[StoredImage]]"


def begun(customer: PayingCustomer, spools: Any) -> Running:
    """A claim, its delivery and stored images."""
    claim = take(generation_id=customer.generation().id, worker=make_worker())
    assert claim
    delivery = make_delivery(claim, spools)
    return claim, delivery, stored_images(claim, delivery)


@pytest.fixture
def running(acme: PayingCustomer, spools: Any) -> list[Running]:
    """Six that are ready to be settled."""
    return [begun(acme, spools) for _ in range(6)]


async def settled(running: Sequence[Running]) -> list[bool | BaseException]:
    """Settle all at once: the first goes alone, the others wait for it."""
    settling = (
        settle_unheard(claim=claim, delivery=delivery, stored=stored, at=clock.now)
        for claim, delivery, stored in running
    )
    return await asyncio.gather(*settling, return_exceptions=True)


@pytest.mark.parametrize("place", [1, 3, 5])
def test_a_settlement_without_its_hold_fails_and_the_others_are_charged_once(acme, running, place):
    closed = running[place][0].generation.id
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_transfer DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE billing_transfer SET generation_id = %s WHERE generation_id = %s",
            [new_uuid(), closed],
        )
        cursor.execute("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")

    found = uvloop.run(settled(running))

    assert isinstance(found.pop(place), IntegrityError)
    assert found == [True] * 5
    assert Transfer.objects.filter(kind="capture").count() == 5
    assert StoredImage.objects.count() == 5
    assert acme.money == (10_000_000 - 6 * 52_680, 52_680)
    assert Generation.objects.get(id=closed).state == "running"


def test_a_lost_lease_within_a_batch_settles_nothing(running, acme):
    lost, *_ = claims.hand_back(
        worker=running[2][0].generation.worker_id, only=[running[2][0].generation.id]
    )

    assert uvloop.run(settled(running)) == [True, True, False, True, True, True]
    assert Generation.objects.get(id=lost.generation_id).state == "queued"
    assert acme.money == (10_000_000 - 6 * 52_680, 52_680)
    assert ledger_findings() == []


def test_a_row_that_another_has_locked_holds_up_no_other_tenants_settlement(running, spools):
    locked = begun(PayingCustomer("other"), spools)

    async def settled_meanwhile() -> tuple[list[Any], list[Any]]:
        first, *others = running
        settling = [asyncio.create_task(settled(some)) for some in ([first], [locked], others)]
        found = await settling[0] + await settling[2]
        elsewhere.rollback()
        return found, await settling[1]

    with psycopg.connect(**connection.get_connection_params()) as elsewhere:
        lock = "SELECT FROM generation_generation WHERE id = %s FOR NO KEY UPDATE"
        elsewhere.execute(lock, [locked[0].generation.id])
        found, at_last = uvloop.run(settled_meanwhile())

    assert (found, at_last) == ([True] * 6, [True])
    assert ledger_findings() == []
