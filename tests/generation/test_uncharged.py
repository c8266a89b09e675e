"""What calls cost that nobody is charged for: counted once, by reason."""

from datetime import datetime

import pytest

from billing.models import UnchargedCost
from generation import attempts
from generation.channels.errors import AttemptClass, UpstreamError
from generation.claims import Claim, take
from generation.dispatch.endings import WrongSize, end_of
from generation.models import Attempt, Channel, Generation, Route
from generation.outcome import AttemptEnd, not_stored
from generation.settlement import fail
from tests.factories import at, begun, make_delivery, route_info

NOON = at("2026-11-20T12:00:00Z")
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
    """One more attempt of that claim, ended as a dispatch ends it."""
    attempt_id = begun(claim, channel, Attempt.objects.count() + 1)
    assert attempt_id is not None
    end = end_of(attempt_id, cause, route_info(cost_micros=cost), claim.generation.n)
    attempts.end_attempt(end, generation=claim.generation, now=now)
    return end


def losses() -> list[tuple[str, str, int, int]]:
    rows = UnchargedCost.objects.order_by("day", "loss")
    return [(str(row.day), row.loss, row.attempts, row.cost_micros) for row in rows]


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
def test_what_our_own_end_cut_off_is_counted_apart(claim, channel, cost):
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

    attempts.end_attempt(end, generation=claim.generation, now=NOON)

    assert losses() == [("2026-11-20", "wrong_size", 1, 30_000)]
