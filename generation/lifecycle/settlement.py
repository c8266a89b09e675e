"""The end of a generation: settled for its delivery, or failed with its hold released.

Each end is one transaction around the conditional UPDATE that makes the generation final; without a
webhook to announce it, a success is one statement. The given object is updated like its row. If
that UPDATE changes nothing (a lost claim, a second settlement), nothing is written, so a hold ends
exactly once and every end may be repeated after a crash.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

from django.db import transaction
from prometheus_client import Histogram

from billing import pricing
from billing.selectors import known_table_of, table_of
from billing.services import (
    Hold,
    HoldEnd,
    PaidCost,
    Usage,
    book_costs_part,
    end_hold,
    end_holds_part,
    record_usage,
    record_usages_part,
)
from billing.token_formula import Delivered
from generation.lifecycle import evidence
from generation.lifecycle.answer import answer_of
from generation.lifecycle.attempts import cut_off, end_attempt, end_attempts_part
from generation.lifecycle.claims import STILL_HELD, Claim, held_by, locked_part
from generation.lifecycle.outcome import BROKEN, Failure, Verified, error_row
from generation.models import Generation, IdempotencyRecord, State
from pictor.kit.database import model_rows, pools, prepared
from pictor.kit.database.batches import Batches, lock_timeout
from pictor.kit.database.prepared import SetStatement, SqlPart
from pictor.kit.watching.metrics import LONG, SHORT
from pictor.kit.words.errors import PictorError
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json, Row
from storage.models import StoredImage
from storage.services import insert_images_part
from webhooks.announcing import announce, no_listeners_part
from webhooks.models import CANCELED, FAILED, SUCCEEDED

logger = logging.getLogger(__name__)

NOTHING = Micros(0)
SETTLE_SECONDS = Histogram(
    "pictor_settle_seconds", "The transaction in which a hold ends.", buckets=SHORT
)
IMAGE_SECONDS = Histogram(
    "pictor_generation_seconds",
    "From request to settled images; without tests.",
    ["model"],
    buckets=LONG,
)

_EVENT_TYPES = {State.SUCCEEDED: SUCCEEDED, State.FAILED: FAILED, State.CANCELED: CANCELED}

_FINAL = SqlPart("SELECT id FROM final", ())


class _Settling(NamedTuple):
    """A delivery that is to be charged, its generation's final values, and its hold's end."""

    claim: Claim
    delivery: Verified
    bill: pricing.AmountDue
    stored: Sequence[StoredImage]
    at: datetime
    final: Json
    hold: HoldEnd

    @property
    def generation(self) -> Generation:
        return self.claim.generation


async def settle_unheard(
    *,
    claim: Claim,
    delivery: Verified,
    stored: Sequence[StoredImage],
    at: Callable[[], datetime],
) -> bool:
    """Charge the delivery in one statement; the generation succeeds.

    False if the claim is lost, or if a webhook must announce it.

    `at` is called right before it is sent, so the ledger has the time of the write.
    """
    generation = claim.generation
    books = pricing.PricedRequest.from_json(generation.priced).books
    table = known_table_of(books)
    if table is None:  # this process has not read these prices yet
        table = await pools.database(table_of, books)
    bill = bill_of(generation, delivery, table)
    began, settling = 0.0, None

    def make() -> _Settling:
        nonlocal began, settling
        began = time.perf_counter()
        settling = _settling(claim, delivery, bill, stored, at())
        return settling

    is_final = await _settlements.write(generation.tenant_id, make)
    if is_final and settling:
        SETTLE_SECONDS.observe(time.perf_counter() - began)
        _succeed(settling)
    return is_final


@SETTLE_SECONDS.time()
def settle_and_tell(
    *, claim: Claim, delivery: Verified, stored: Sequence[StoredImage], now: datetime
) -> bool:
    """Like `settle_unheard`, in one transaction with the webhooks' event.

    Returns False if the claim is lost.
    """
    generation = claim.generation
    table = table_of(pricing.PricedRequest.from_json(generation.priced).books)
    settling = _settling(claim, delivery, bill_of(generation, delivery, table), stored, now)
    with transaction.atomic():
        _announce(generation, State.SUCCEEDED, now)
        (is_final,) = prepared.fetch_set(_settle_statement([settling], is_told=True))
        transaction.set_rollback(not is_final)  # with a lost claim, the event must go too
    if is_final:
        _succeed(settling)
    return is_final


def _settling(
    claim: Claim,
    delivery: Verified,
    bill: pricing.AmountDue,
    stored: Sequence[StoredImage],
    now: datetime,
) -> _Settling:
    generation = claim.generation
    final = {
        "state": State.SUCCEEDED,
        "finished_at": now,
        "captured_micros": bill.total,
        "quality_billed": bill.quality_billed,
        "quality_source": bill.quality_source,
        "channel_id": delivery.route.channel_id,
        "answer": answer_of(generation, delivery, bill, now),
    }
    outcome = evidence.of_outcome(
        tenant=generation.tenant_id,
        state=State.SUCCEEDED.value,
        quality_billed=bill.quality_billed,
        quality_source=bill.quality_source,
        images=[(image.index, image.width, image.height) for image in stored],
    )
    # A test's hold is 0: its charge is shown and moves no money (ADR 0020).
    captured = bill.total if generation.livemode else NOTHING
    hold = HoldEnd(hold_of(generation), captured, outcome)
    return _Settling(claim, delivery, bill, stored, now, final, hold)


def _succeed(settling: _Settling) -> None:
    generation, bill = settling.generation, settling.bill
    _end(generation, settling.final)
    if bill.excess:
        logger.warning("%s: worth %d micros more than its hold", generation.id, bill.excess)
    if generation.livemode:
        took = settling.at - generation.created_at
        IMAGE_SECONDS.labels(generation.model).observe(took.total_seconds())


def _settle_statement(
    settling: Sequence[_Settling], *, is_told: bool = False
) -> SetStatement[list[bool]]:
    """The statement of settlements: the final UPDATE, and what follows for those it applied to.

    Its result says for each whether it did. Unless `is_told`, those of which a webhook must hear
    stay as they are: it is part of the statement, so that no new endpoint is missed. The reaper
    holds a generation's row while it waits for the balance, so all rows are locked before all
    balances; the part that counts usage reads from the holds' end for the same reason.
    """
    ids = [one.generation.id for one in settling]
    finals = [
        {"id": one.generation.id, "dispatch": one.claim.dispatch, **one.final} for one in settling
    ]
    parts = {
        "locked": locked_part(ids, lock_timeout=lock_timeout(settling)),
        "settled": SqlPart("SELECT id FROM locked", ()) if is_told else no_listeners_part("locked"),
        "final": model_rows.update_rows_part(
            Generation, finals, only=STILL_HELD, from_part="settled"
        ),
        "ended": end_holds_part([one.hold for one in settling], from_part="final"),
        "closed": end_attempts_part(
            [(one.delivery.ended, one.at) for one in settling], from_part="ended"
        ),
        "kept": insert_images_part(
            [image for one in settling for image in one.stored], from_part="ended"
        ),
    }
    costs = [cost for one in settling if (cost := _cost_of(one)).amount > 0]
    if costs:
        parts["booked"] = book_costs_part(costs, from_part="closed")
    counted = (one for one in settling if one.generation.livemode)
    usages = {one.generation.id: _usage_of_images(one) for one in counted}
    if usages:
        parts["counted"] = record_usages_part(usages, from_part="ended")

    def read(rows: Sequence[Row]) -> list[bool]:
        final = {generation_id for (generation_id,) in rows}
        return [generation_id in final for generation_id in ids]

    return SetStatement(*prepared.joined_part(answer=_FINAL, **parts), read)


_settlements: Batches[_Settling, bool] = Batches("settle", _settle_statement)


def fail(*, claim: Claim, failure: Failure, now: datetime) -> bool:
    """Release the whole hold and make the generation fail. False if the claim is lost."""
    # In a transaction of its own: the attempt is a fact, with or without the claim.
    if failure.ended is not None:
        end_attempt(failure.ended, generation=claim.generation, now=now)
    return end_without_image(
        generation=claim.generation,
        state=State.FAILED,
        condition=held_by(claim),
        error=failure.error,
        now=now,
    )


def fail_unforeseen(*, claim: Claim, now: datetime) -> bool:
    """Fail it after an unforeseen error; the open attempt may have been paid for."""
    # First: `cut_off` spares the attempt of a generation that still runs.
    is_failed = fail(claim=claim, failure=Failure(BROKEN), now=now)
    if is_failed:
        cut_off(generation_ids=[claim.generation.id], now=now)
    return is_failed


@SETTLE_SECONDS.time()
def end_without_image(
    *,
    generation: Generation,
    state: State,
    condition: Json,
    error: PictorError | None,
    now: datetime,
) -> bool:
    """Make a generation final without a charge, if `condition` still holds.

    A final generation never changes, whatever the condition.
    """
    ending: dict[str, object] = {
        "state": state,
        "finished_at": now,
        "captured_micros": 0,
        "error": None if error is None else error_row(error),
    }
    with transaction.atomic():
        if not Generation.objects.filter(**condition, finished_at=None).update(**ending):
            return False
        if error is not None and error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            # Not remembered: the same key may be tried again once there is a channel.
            IdempotencyRecord.objects.filter(generation_id=generation.id).delete()
        _announce(generation, state, now)
        outcome = evidence.of_outcome(tenant=generation.tenant_id, state=state.value)
        end_hold(hold=hold_of(generation), captured=NOTHING, evidence=outcome)
        if generation.livemode:
            record_usage(_usage_of(generation, state, at=now))
    # Only after the commit: a rollback must not leave the object ahead of its row.
    _end(generation, ending)
    return True


def cancel(*, generation: Generation, now: datetime) -> bool:
    """Cancel an unclaimed generation and release its hold. False if it is too late."""
    # Once it was dispatched, a call for it may have been paid.
    condition = {"id": generation.id, "state": State.QUEUED, "dispatch": 0}
    return end_without_image(
        generation=generation, state=State.CANCELED, condition=condition, error=None, now=now
    )


def hold_of(generation: Generation) -> Hold:
    """The hold, from the generation's columns."""
    return Hold(
        tenant_id=generation.tenant_id,
        key_id=generation.api_key_id,
        generation_id=generation.id,
        amount=Micros(generation.hold_micros),
        placed_at=generation.created_at,
    )


def _end(generation: Generation, ending: Json) -> None:
    for name, value in ending.items():
        setattr(generation, name, value)


def _announce(generation: Generation, state: State, now: datetime) -> None:
    """Announce it to webhooks before the balance is locked: they need no lock on it."""
    announce(
        tenant_id=generation.tenant_id,
        livemode=generation.livemode,
        event_type=_EVENT_TYPES[state],
        subject_id=generation.id,
        at=now,
    )


def _usage_of(generation: Generation, state: State, *, at: datetime) -> Usage:
    """The usage of a generation without an image, to be counted in its hour unless it is a test."""
    return Usage(
        tenant_id=generation.tenant_id,
        key_id=generation.api_key_id,
        model=generation.model,
        tier=generation.tier,
        channel="",
        status=state.value,
        at=at,
        images=0,
        captured=NOTHING,
        took=None,
    )


def _cost_of(settling: _Settling) -> PaidCost:
    end = settling.delivery.ended
    return PaidCost(settling.generation.id, end.attempt_id, end.cost.micros)


def _usage_of_images(settling: _Settling) -> Usage:
    generation, delivery, at = settling.generation, settling.delivery, settling.at
    return replace(
        _usage_of(generation, State.SUCCEEDED, at=at),
        channel=delivery.route.channel_name,
        images=len(delivery.images),
        captured=settling.bill.total,
        took=at - generation.created_at,
    )


def bill_of(
    generation: Generation, delivery: Verified, table: pricing.PriceTable
) -> pricing.AmountDue:
    """The bill of a delivery, at the prices of the books it was quoted from."""
    priced = pricing.PricedRequest.from_json(generation.priced)
    usage = delivery.answer.usage
    return pricing.due(
        table,
        priced=priced,
        delivered=[Delivered(image.width, image.height) for image in delivery.images],
        reported_quality=_our_quality(delivery, priced.rows),
        output_tokens=usage.output_tokens if usage else None,
        input_image_tokens=usage.input_image_tokens if usage else 0,
        reference_pixels=delivery.reference_pixels,
        hold=Micros(generation.held_micros),
    )


def _our_quality(delivery: Verified, qualities: Collection[str]) -> str | None:
    """The upstream's word for the quality in ours; None if it is the word for none or several."""
    words, reported = delivery.route.quality_map, delivery.answer.quality
    same = [quality for quality in qualities if words.get(quality, quality) == reported]
    return same[0] if len(same) == 1 else None
