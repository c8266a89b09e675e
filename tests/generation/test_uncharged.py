"""Costs of uncharged calls: counted once, by reason, up to the day's ceiling."""

from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import AuditEvent, Tenant
from accounts.services import refuse_above_ceiling
from accounts.services.office.tenants import set_uncharged_ceiling
from billing.models import UnchargedCost
from billing.upstream_cost import Costs
from generation.channels.errors import AttemptClass, UpstreamError
from generation.dispatch.endings import Begun, WrongSize, end_of
from generation.lifecycle import attempts
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import AttemptEnd, not_stored
from generation.lifecycle.settlement import fail
from generation.models import Attempt, Channel, Generation, Route
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.money import Micros
from tests.making.factories import PayingCustomer, asked, at, begun, make_delivery, route_info, take

NOON, MIDNIGHT = at("2026-11-20T12:00:00Z"), at("2026-11-21T00:00:00Z")
WRONG = WrongSize("asked for 1024x1024, got 512x512")


def billed(attempt_class: str) -> UpstreamError:
    return UpstreamError(AttemptClass(attempt_class), "no image", may_have_billed=True)


def ended(
    claim: Claim,
    channel: Channel,
    cause: UpstreamError = WRONG,
    *,
    cost: int | None = 30_000,
    now: datetime = NOON,
) -> AttemptEnd:
    """Begin one more attempt of the claim and end it as a dispatch does."""
    attempt_id = begun(claim, channel, Attempt.objects.count() + 1)
    assert attempt_id is not None
    end = end_of(
        Begun(attempt_id, asked(n=claim.generation.n)), cause, route_info(costs=Costs(cost))
    )
    attempts.end_failed_call(end, generation=claim.generation, now=now)
    return end


def losses() -> list[tuple[str, str, int, int]]:
    rows = UnchargedCost.objects.order_by("day", "loss")
    return [(str(row.day), row.loss, row.attempts, row.cost_micros) for row in rows]


def refused_until(customer: PayingCustomer) -> datetime | None:
    return Tenant.objects.get(id=customer.id).uncharged_until


def ceiling(customer: PayingCustomer, micros: int | None) -> None:
    set_uncharged_ceiling(
        tenant=customer.tenant,
        ceiling=None if micros is None else Micros(micros),
        actor="test",
    )


@pytest.mark.parametrize(
    ("cause", "cost", "counted"),
    [
        (WRONG, 30_000, [("wrong_size", 30_000)]),
        (WRONG, None, [("wrong_size", 52_680)]),
        (WRONG, 0, []),
        (billed("moderated"), None, [("refused_billed", 52_680)]),
        (billed("rejected"), 7, [("refused_billed", 7)]),
        (UpstreamError(AttemptClass.MODERATED, "no"), None, []),
        (billed("unknown"), 7, [("unknown", 7)]),
        (billed("bad_result"), 7, [("bad_result", 7)]),
        (billed("storage_failed"), 7, [("storage_failed", 7)]),
        (UpstreamError(AttemptClass.REFUSED, "busy"), None, []),
    ],
    ids=str,
)
def test_each_reason_is_counted_with_what_it_cost_or_else_the_quote(
    claim, channel, cause, cost, counted
):
    ended(claim, channel, cause, cost=cost)

    assert losses() == [("2026-11-20", loss, 1, micros) for loss, micros in counted]


@pytest.mark.parametrize("cost", [30_000, None])
def test_calls_interrupted_by_our_own_end_are_counted_apart(claim, channel, cost):
    Route.objects.update(cost_micros=cost)
    begun(claim, channel)
    Generation.objects.update(state="queued", worker_id=None)

    attempts.cut_off(generation_ids=[claim.generation.id], now=NOON)

    assert losses() == [("2026-11-20", "interrupted", 1, cost or 52_680)]


def test_images_that_could_not_be_stored_are_counted_apart(claim, spools):
    delivery = make_delivery(claim, spools)

    fail(claim=claim, failure=not_stored(delivery, "no room"), now=NOON)

    assert losses() == [("2026-11-20", "storage_failed", 1, 30_000)]


def test_a_test_costs_nothing(acme, channel, worker):
    Channel.objects.update(serves="both")
    claim = take(generation_id=acme.tester().generation().id, worker=worker)
    assert claim is not None

    ended(claim, channel, cost=None)

    assert losses() == []


def test_an_attempt_that_is_closed_again_counts_once(claim, channel):
    end = ended(claim, channel)

    attempts.end_failed_call(end, generation=claim.generation, now=NOON)

    assert losses() == [("2026-11-20", "wrong_size", 1, 30_000)]


def test_both_reasons_of_the_callers_come_to_one_ceiling(acme, claim, channel):
    ceiling(acme, 60_000)

    ended(claim, channel)
    before = refused_until(acme)
    ended(claim, channel, billed("moderated"))

    assert (before, refused_until(acme)) == (None, MIDNIGHT)


def test_other_losses_reach_no_ceiling(acme, claim, channel):
    ceiling(acme, 1)

    for name in ("unknown", "bad_result", "storage_failed"):
        ended(claim, channel, billed(name))

    assert refused_until(acme) is None


def test_without_a_ceiling_of_its_own_a_tenant_has_that_of_all(acme, claim, channel, settings):
    settings.UNCHARGED_CEILING = 30_000

    ended(claim, channel)

    assert refused_until(acme) == MIDNIGHT


def test_a_tenant_has_twenty_dollars_a_day(acme, claim, channel):
    ended(claim, channel, cost=19_999_999)
    before = refused_until(acme)
    ended(claim, channel, cost=1)

    assert (before, refused_until(acme)) == (None, MIDNIGHT)


def test_each_utc_day_begins_anew(acme, claim, channel):
    ceiling(acme, 60_000)

    for now in (at("2026-11-20T23:59:59Z"), MIDNIGHT):
        ended(claim, channel, now=now)

    assert refused_until(acme) is None


def test_calls_in_flight_at_the_ceiling_are_counted_and_audited_once(acme, claim, channel):
    ceiling(acme, 30_000)

    for _ in range(3):
        ended(claim, channel)

    assert losses() == [("2026-11-20", "wrong_size", 3, 90_000)]
    assert AuditEvent.objects.filter(actor_name="uncharged ceiling").count() == 1


def test_a_count_interrupted_by_the_database_is_repeated_once(acme, claim, channel, monkeypatch):
    ceiling(acme, 30_000)
    away = [OperationalError("the connection is closed")]

    def lost(**tenant: Any) -> None:
        if away:
            raise away.pop()
        refuse_above_ceiling(**tenant)

    monkeypatch.setattr(attempts, "refuse_above_ceiling", lost)
    attempt_id = begun(claim, channel)
    assert attempt_id is not None
    end = end_of(Begun(attempt_id, asked()), WRONG, route_info(costs=Costs(30_000)))
    with pytest.raises(OperationalError):
        attempts.end_failed_call(end, generation=claim.generation, now=NOON)

    attempts.end_failed_call(end, generation=claim.generation, now=NOON)

    assert losses() == [("2026-11-20", "wrong_size", 1, 30_000)]
    assert refused_until(acme) == MIDNIGHT


def test_a_tenant_at_the_ceiling_orders_nothing_until_the_day_ends(acme, claim, channel):
    Channel.objects.update(serves="both")
    ceiling(acme, 30_000)
    ended(claim, channel)

    with pytest.raises(InsufficientQuota, match="resets at 2026-11-21T00:00:00Z") as refused:
        acme.submit(now=at("2026-11-20T23:59:59Z"))

    assert refused.value.limit == "uncharged"
    assert acme.submit(now=MIDNIGHT).is_new
    assert acme.tester().submit(now=NOON).is_new


def test_an_order_from_before_is_found(acme):
    before = acme.submit(idempotency_key="one", now=NOON).generation
    Tenant.objects.update(uncharged_until=MIDNIGHT)

    assert acme.submit(idempotency_key="one", now=NOON).generation == before


def test_a_ceiling_of_its_own_lets_it_order_again_until_that_is_reached(acme, claim, channel):
    ceiling(acme, 30_000)
    ended(claim, channel)

    ceiling(acme, 90_000)

    assert acme.submit(now=NOON).is_new
    ended(claim, channel)
    assert refused_until(acme) is None
    ended(claim, channel)
    assert refused_until(acme) == MIDNIGHT
