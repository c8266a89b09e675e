"""A generation ends once, is charged for delivered images, and never above its hold."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from billing.latency import bucket_of
from billing.models import Transfer, UsageRollup
from billing.selectors.office.balances import statement
from billing.selectors.office.ledger import ledger_findings, usage_findings
from billing.upstream_cost import Cost, CostSource
from generation.channels.base import TokenUsage
from generation.channels.errors import AttemptClass
from generation.lifecycle import claims, outcome, settlement
from generation.lifecycle.claims import Claim
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.outcome import AttemptEnd, Failure, Verified, not_stored
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.models import Attempt, State
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from storage.models import StoredImage
from tests.making.factories import (
    PayingCustomer,
    at,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)

pytestmark = [pytest.mark.django_db, pytest.mark.quick]

LEFT_AFTER_ONE = (9_947_320, 0)
"""10 USD less one 1024x1024 in medium, 0.05268 USD."""


def settled(claim: Claim, delivery: Verified, *, now: datetime | None = None) -> bool:
    return settle_and_tell(
        claim=claim,
        delivery=delivery,
        stored=stored_images(claim, delivery),
        now=now or clock.now(),
    )


def failed(claim: Claim, failure: Failure | None = None) -> bool:
    return fail(claim=claim, failure=failure or Failure(outcome.TIMED_OUT), now=clock.now())


def claimed(customer: PayingCustomer, worker: WorkerEpoch, **fields: Any) -> Claim:
    claim = take(generation_id=customer.generation(**fields).id, worker=worker)
    assert claim is not None
    return claim


def kinds(customer: PayingCustomer) -> list[str]:
    return [line.kind for line in statement(customer.id)]


@pytest.fixture
def delivery(claim, spools):
    return make_delivery(claim, spools)


def test_a_delivered_generation_is_charged(acme, claim, delivery):
    assert settled(claim, delivery, now=at("2026-11-20T12:34:56Z")) is True

    generation = claim.generation
    generation.refresh_from_db()
    assert (generation.state, generation.captured_micros) == ("succeeded", 52_680)
    assert (generation.quality_billed, generation.quality_source) == ("medium", "explicit")
    assert generation.channel_id == delivery.route.channel_id
    assert generation.finished_at == at("2026-11-20T12:34:56Z")
    assert acme.money == LEFT_AFTER_ONE
    assert kinds(acme) == ["top_up", "hold", "capture"]
    assert StoredImage.objects.get().generation_id == generation.id
    assert ledger_findings() == []


def test_the_attempt_is_closed_and_its_cost_booked(claim, delivery):
    settled(claim, delivery)

    attempt = Attempt.objects.get()
    assert (attempt.attempt_class, attempt.cost_micros, attempt.may_have_billed) == (
        "delivered",
        30_000,
        True,
    )
    assert attempt.upstream_request_id == "up-1"
    booked = Transfer.objects.get(attempt_id=delivery.attempt_id)
    assert (booked.kind, booked.amount, booked.generation_id) == (
        "upstream_cost",
        30_000,
        claim.generation.id,
    )


def test_usage_is_counted_in_its_hour(acme, claim, delivery):
    settled(claim, delivery, now=at("2026-11-20T12:34:56Z"))

    row = UsageRollup.objects.get()
    assert (row.tenant_id, row.key_id) == (acme.id, acme.key.id)
    assert (row.model, row.tier, row.channel, row.status) == (
        "gpt-image-2-origin",
        "1K",
        "one",
        "succeeded",
    )
    assert (row.hour, row.generations, row.images, row.captured_micros) == (
        at("2026-11-20T12:00:00Z"),
        1,
        1,
        52_680,
    )
    took = at("2026-11-20T12:34:56Z") - claim.generation.created_at
    assert row.latency == {str(bucket_of(took)): 1}
    assert usage_findings() == []


def test_a_second_settlement_changes_nothing(acme, claim, delivery):
    settled(claim, delivery)

    assert settled(claim, delivery) is False

    assert acme.money == LEFT_AFTER_ONE
    assert kinds(acme) == ["top_up", "hold", "capture"]
    assert StoredImage.objects.count() == 1
    assert Transfer.objects.filter(kind="upstream_cost").count() == 1
    assert ledger_findings() == []


def test_a_settlement_after_a_failure_changes_nothing(acme, claim, delivery):
    failed(claim)

    assert settled(claim, delivery) is False

    claim.generation.refresh_from_db()
    assert claim.generation.state == "failed"
    assert acme.money == (10_000_000, 0)
    assert not StoredImage.objects.exists()
    assert ledger_findings() == []


def test_a_failure_after_a_settlement_changes_nothing(acme, claim, delivery):
    settled(claim, delivery)

    assert failed(claim) is False

    claim.generation.refresh_from_db()
    assert (claim.generation.state, claim.generation.error) == ("succeeded", None)
    assert acme.money == LEFT_AFTER_ONE


def test_a_failure_gives_the_whole_hold_back(acme, claim):
    assert failed(claim) is True

    generation = claim.generation
    generation.refresh_from_db()
    assert (generation.state, generation.captured_micros) == ("failed", 0)
    assert generation.error == {
        "status": 504,
        "type": "upstream_error",
        "code": "generation_timeout",
        "message": "The image was not ready within the time limit. You were not charged.",
        "param": None,
    }
    assert acme.money == (10_000_000, 0)
    assert kinds(acme) == ["top_up", "hold", "release"]
    row = UsageRollup.objects.get()
    assert (row.status, row.channel, row.images, row.captured_micros) == ("failed", "", 0, 0)
    assert ledger_findings() == []


def test_a_zombie_settles_nothing(acme, claim, delivery, worker, spools):
    claims.hand_back(worker=worker)
    second = take(generation_id=claim.generation.id, worker=make_worker())
    assert second is not None
    assert second.dispatch == 2

    assert settled(claim, delivery) is False
    assert failed(claim) is False

    claim.generation.refresh_from_db()
    assert (claim.generation.state, acme.money) == ("running", (9_947_320, 52_680))
    assert not StoredImage.objects.exists()
    assert settled(second, make_delivery(second, spools)) is True
    assert StoredImage.objects.get().object_key.endswith("/2-0.png")
    assert acme.money == LEFT_AFTER_ONE
    assert ledger_findings() == []


def test_the_cost_of_a_zombies_call_is_booked_as_a_loss(claim, delivery, worker):
    claims.hand_back(worker=worker)
    ended = AttemptEnd(
        delivery.attempt_id,
        AttemptClass.UNKNOWN,
        may_have_billed=True,
        cost=Cost(Micros(30_000), CostSource.FLAT),
    )

    ends = [failed(claim, Failure(outcome.TIMED_OUT, ended=ended)) for _ in range(2)]

    assert ends == [False, False]
    transfer = Transfer.objects.get(attempt_id=delivery.attempt_id)
    assert (transfer.kind, transfer.amount) == ("loss", 30_000)


def test_images_that_could_not_be_stored_are_our_loss(acme, claim, delivery):
    assert failed(claim, not_stored(delivery, "no room")) is True

    attempt = Attempt.objects.get()
    assert (attempt.attempt_class, attempt.detail) == ("storage_failed", "no room")
    transfer = Transfer.objects.get(attempt_id=delivery.attempt_id)
    assert (transfer.kind, transfer.amount) == ("loss", 30_000)
    claim.generation.refresh_from_db()
    assert (claim.generation.error["status"], claim.generation.error["code"]) == (
        502,
        "upstream_error",
    )
    assert acme.money == (10_000_000, 0)


def test_fewer_images_than_asked_for_are_charged_as_delivered(acme, worker, spools):
    claim = claimed(acme, worker, n=4)
    assert acme.money == (9_789_280, 210_720)

    settled(claim, make_delivery(claim, spools, sizes=[(1024, 1024)] * 3))

    assert acme.money == (9_841_960, 0)
    assert [(line.kind, line.amount) for line in statement(acme.id)[2:]] == [
        ("capture", 158_040),
        ("release", 52_680),
    ]
    assert Attempt.objects.get().cost_micros == 90_000


@pytest.mark.parametrize(
    ("delivered", "captured"),
    [
        ((1024, 768), 36_120),
        ((2048, 2048), 52_680),
        ((512, 512), 13_170),
    ],
    ids=["smaller and listed", "larger", "smaller and in no table"],
)
def test_another_size_costs_the_lesser_of_both_prices(acme, claim, spools, delivered, captured):
    settled(claim, make_delivery(claim, spools, sizes=[delivered]))

    claim.generation.refresh_from_db()
    assert claim.generation.captured_micros == captured
    assert acme.money == (10_000_000 - captured, 0)
    assert ledger_findings() == []


@pytest.fixture
def auto_claim(acme, worker):
    """A request to gpt-image-2-auto: 0.42816 USD on hold, a 2048x2048 in high."""
    make_channel("auto", "gpt-image-2-auto", priority=5)
    claim = claimed(acme, worker, model="gpt-image-2-auto", quality=None)
    assert claim.generation.held_micros == 428_160
    return claim


def test_auto_is_charged_by_what_came_back(acme, auto_claim, spools):
    settled(auto_claim, make_delivery(auto_claim, spools, sizes=[(1536, 1024)], quality="medium"))

    auto_claim.generation.refresh_from_db()
    assert auto_claim.generation.captured_micros == 41_160
    assert auto_claim.generation.quality_source == "reported"
    assert acme.money == (9_958_840, 0)


def test_auto_is_never_charged_above_its_hold(acme, auto_claim, spools):
    settled(auto_claim, make_delivery(auto_claim, spools, sizes=[(2880, 2880)], quality="high"))

    auto_claim.generation.refresh_from_db()
    assert auto_claim.generation.captured_micros == 428_160
    assert acme.money == (9_571_840, 0)
    assert ledger_findings() == []


def test_a_quality_nobody_named_is_inferred_from_the_tokens(acme, auto_claim, spools):
    usage = TokenUsage(input_tokens=10, output_tokens=200, total_tokens=210)

    settled(auto_claim, make_delivery(auto_claim, spools, usage=usage))

    auto_claim.generation.refresh_from_db()
    assert auto_claim.generation.quality_billed == "low"
    assert auto_claim.generation.quality_source == "inferred"
    assert auto_claim.generation.captured_micros == 5_880


def test_the_answer_says_what_was_made_of_what(acme, worker, spools):
    claim = claimed(acme, worker, background="opaque")
    usage = TokenUsage(12, 1756, 1768, input_text_tokens=10, input_image_tokens=2)

    settled(
        claim,
        make_delivery(claim, spools, sizes=[(1024, 768)], usage=usage),
        now=at("2026-11-20T12:00:00Z"),
    )

    claim.generation.refresh_from_db()
    assert claim.generation.answer == {
        "created": 1_795_176_000,
        "size": "1024x768",
        "quality": "medium",
        "background": "opaque",
        "output_format": "png",
        "usage": {
            "input_tokens": 12,
            "output_tokens": 1756,
            "total_tokens": 1768,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 2},
            "images": 1,
        },
        "metadata": {
            "requested_size": "1024x1024",
            "upstream_size": "1024x1024",
            "delivered_sizes": ["1024x768"],
            "size_plan": "native",
            "ignored": [],
            "content_credentials": [{"status": "none", "marked": False}],
        },
    }


@pytest.mark.parametrize("background", ["auto", {"type": "transparent"}])
def test_values_unknown_to_the_sdks_types_are_not_echoed(acme, worker, spools, background):
    make_channel("old", "dall-e-3")
    claim = claimed(acme, worker, model="dall-e-3", quality="hd", background=background)

    settled(claim, make_delivery(claim, spools))

    claim.generation.refresh_from_db()
    answer = claim.generation.answer
    assert answer is not None
    assert claim.generation.quality_billed == "hd"
    assert not {"quality", "background"} & set(answer)
    assert answer["usage"]["total_tokens"] == 0


def test_a_cancel_is_the_same_update_as_every_end(acme, queued):
    def cancel() -> bool:
        return settlement.end_without_image(
            generation=queued,
            state=State.CANCELED,
            condition={"id": queued.id, "state": State.QUEUED},
            error=None,
            now=clock.now(),
        )

    assert (cancel(), cancel()) == (True, False)

    queued.refresh_from_db()
    assert (queued.state, queued.error, acme.money) == ("canceled", None, (10_000_000, 0))


def test_a_final_generation_stays_as_it_is_whatever_the_condition_says(acme, claim, delivery):
    acme.generation()  # so that a wrong capture would find money on hold
    settled(claim, delivery)
    claim.generation.refresh_from_db()

    is_changed = settlement.end_without_image(
        generation=claim.generation,
        state=State.FAILED,
        condition={"id": claim.generation.id, "state": "succeeded", "dispatch": 1},
        error=outcome.TIMED_OUT,
        now=clock.now(),
    )

    assert is_changed is False
    assert acme.money == (9_894_640, 52_680)
    assert kinds(acme) == ["top_up", "hold", "hold", "capture"]
    assert ledger_findings() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_exactly_one_of_many_ends_at_once_counts(acme, claim, delivery):
    barrier = Barrier(8)

    def end(index: int) -> bool:
        try:
            barrier.wait(10)
            return settled(claim, delivery) if index % 2 else failed(claim)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(end, range(8)))

    assert outcomes == {True: 1, False: 7}
    assert acme.money in {LEFT_AFTER_ONE, (10_000_000, 0)}
    assert len(kinds(acme)) == 3
    assert ledger_findings() == []
