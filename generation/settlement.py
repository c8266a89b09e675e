"""How a generation ends: settled by what was delivered, or failed with its hold released.

Each end is one transaction that begins with the conditional UPDATE making the generation final.
When that changes nothing (a lost claim, a second settlement) nothing else is written, so a hold
ends exactly once and both functions may be called again after any crash.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import transaction

from billing import pricing
from billing import services as billing
from billing.selectors import table_of
from generation import claims
from generation.catalogue import RouteInfo
from generation.channels.base import AttemptClass, UpstreamAnswer, UpstreamError
from generation.claims import AttemptEnd, Claim
from generation.models import Attempt, Generation, IdempotencyRecord, State
from pictor.kit.errors import (
    GenerationTimeout,
    InvalidRequest,
    NoChannelAvailable,
    PictorError,
    UpstreamFailed,
)
from pictor.kit.money import Micros
from pictor.kit.spool import SpoolFile
from storage.models import StoredImage

logger = logging.getLogger(__name__)

ECHOED_QUALITIES = frozenset({"low", "medium", "high", "xhigh", "max"})
ECHOED_BACKGROUNDS = frozenset({"transparent", "opaque"})


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """An image whose bytes were decoded: what they really are."""

    spool: SpoolFile
    format: str
    width: int
    height: int
    revised_prompt: str | None

    @property
    def size(self) -> str:
        """'WxH', read from the bytes."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a channel delivered, verified. Closing it frees the spools."""

    attempt_id: UUID
    route: RouteInfo
    plan: str
    upstream_size: str
    ignored: tuple[str, ...]
    answer: UpstreamAnswer
    images: tuple[VerifiedImage, ...]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.answer.close()
        for image in self.images:
            image.spool.close()


class Failure(Exception):
    """No image came of it. Holds the caller's error and the attempts still to be closed.

    `error` is in our words; what the upstream said stays in the attempt's row.
    """

    def __init__(self, error: PictorError, *, ended: AttemptEnd | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.ended = ended


NOT_CHARGED = " You were not charged."
_MESSAGES: Mapping[AttemptClass, PictorError] = {
    AttemptClass.NOT_REACHED: NoChannelAvailable(
        "No channel that serves this model could be reached." + NOT_CHARGED
    ),
    AttemptClass.REFUSED: NoChannelAvailable(
        "No channel can serve this model at the moment." + NOT_CHARGED
    ),
    AttemptClass.REJECTED: InvalidRequest("The model did not accept this request." + NOT_CHARGED),
    AttemptClass.MODERATED: InvalidRequest(
        # LiteLLM tells a policy refusal from other errors by these very words.
        "Your request was rejected as a result of the safety system of the model." + NOT_CHARGED,
        code="moderation_blocked",
        param="prompt",
    ),
    AttemptClass.UNKNOWN: UpstreamFailed("The model did not answer properly." + NOT_CHARGED),
    AttemptClass.BAD_RESULT: UpstreamFailed(
        "The model answered without a usable image." + NOT_CHARGED
    ),
    AttemptClass.STORAGE_FAILED: UpstreamFailed(
        "The image was made but could not be stored." + NOT_CHARGED
    ),
}
TIMED_OUT = GenerationTimeout("The image was not ready within the time limit." + NOT_CHARGED)
GAVE_UP = UpstreamFailed("The generation was interrupted too often." + NOT_CHARGED)
BROKEN = UpstreamFailed("Something went wrong while the image was made." + NOT_CHARGED)
NO_CHANNEL = NoChannelAvailable("No channel serves this model and size." + NOT_CHARGED)
WRONG_SIZE = UpstreamFailed("The model delivered another size than was asked for." + NOT_CHARGED)


def error_for(failed: UpstreamError) -> PictorError:
    """What the caller is told of an attempt that ended the generation."""
    known = _MESSAGES[failed.attempt_class]
    if failed.attempt_class == AttemptClass.REJECTED and failed.public_message:
        return InvalidRequest(failed.public_message + NOT_CHARGED, param=failed.public_param)
    return known


def not_stored(delivery: Delivery, detail: str) -> Failure:
    """The images came, and storage would not take them: nothing is charged, our cost stays."""
    end = _delivered(delivery)
    ended = replace(end, attempt_class=AttemptClass.STORAGE_FAILED, detail=detail)
    return Failure(_MESSAGES[AttemptClass.STORAGE_FAILED], ended=ended)


def stored_error(error: PictorError) -> dict[str, Any]:
    """An error as a generation keeps it."""
    return {
        "status": error.status,
        "type": error.type,
        "code": error.code,
        "message": error.message,
        "param": error.param,
    }


def settle(
    *, claim: Claim, delivery: Delivery, stored: Sequence[StoredImage], now: datetime
) -> bool:
    """Charge what was delivered; the generation succeeds. False when the claim is lost."""
    generation = claim.generation
    bill = _bill(generation, delivery)
    if bill.excess:
        logger.warning("%s: worth %d micros more than its hold", generation.id, bill.excess)
    with transaction.atomic():
        changed = Generation.objects.filter(**claims.held_by(claim)).update(
            state=State.SUCCEEDED,
            finished_at=now,
            captured_micros=bill.total,
            quality_billed=bill.quality_billed,
            quality_source=bill.quality_source,
            channel_id=delivery.route.channel_id,
            answer=_answer(generation, delivery, bill, now),
        )
        if not changed:
            return False
        billing.end_hold(hold=hold_of(generation), captured=bill.total)
        StoredImage.objects.bulk_create(stored)
        claims.end_attempt(_delivered(delivery), generation_id=generation.id, now=now)
        billing.record_usage(
            **_usage_key(generation, delivery.route.channel_name, State.SUCCEEDED),
            images=len(delivery.images),
            captured=bill.total,
            at=now,
        )
    return True


def fail(*, claim: Claim, failure: Failure, now: datetime) -> bool:
    """Release the whole hold and make the generation fail. False when the claim is lost."""
    if failure.ended is not None:
        claims.end_attempt(failure.ended, generation_id=claim.generation.id, now=now)
    return end_without_image(
        generation=claim.generation,
        state=State.FAILED,
        condition=claims.held_by(claim),
        error=failure.error,
        now=now,
    )


def fail_unforeseen(*, claim: Claim, now: datetime) -> bool:
    """The same after an error nobody foresaw; the open attempt may have been paid for."""
    is_failed = fail(claim=claim, failure=Failure(BROKEN), now=now)
    if is_failed:
        claims.cut_off(generation_ids=[claim.generation.id], now=now)
    return is_failed


def end_without_image(
    *,
    generation: Generation,
    state: State,
    condition: Mapping[str, Any],
    error: PictorError | None,
    now: datetime,
) -> bool:
    """Make a generation final without a charge, if it still is as `condition` says.

    One that is final already stays as it is, whatever the condition says.
    """
    with transaction.atomic():
        changed = Generation.objects.filter(**condition, finished_at=None).update(
            state=state,
            finished_at=now,
            captured_micros=0,
            error=None if error is None else stored_error(error),
        )
        if not changed:
            return False
        if error is not None and error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            # Not remembered: the same key may be tried again when a channel is there.
            IdempotencyRecord.objects.filter(generation_id=generation.id).delete()
        billing.end_hold(hold=hold_of(generation), captured=Micros(0))
        billing.record_usage(
            **_usage_key(generation, "", state), images=0, captured=Micros(0), at=now
        )
    return True


def cancel(*, generation: Generation, now: datetime) -> bool:
    """Cancel what no worker has taken yet, with its hold released. False when it is too late."""
    condition = {"id": generation.id, "state": State.QUEUED, "dispatch": 0}
    return end_without_image(
        generation=generation, state=State.CANCELED, condition=condition, error=None, now=now
    )


def hold_of(generation: Generation) -> billing.Hold:
    """The hold that is this generation's columns."""
    return billing.Hold(
        tenant_id=generation.tenant_id,
        key_id=generation.api_key_id,
        generation_id=generation.id,
        amount=Micros(generation.held_micros),
        placed_at=generation.created_at,
    )


def _usage_key(generation: Generation, channel: str, state: State) -> dict[str, Any]:
    return {
        "tenant_id": generation.tenant_id,
        "key_id": generation.api_key_id,
        "model": generation.model,
        "tier": generation.tier,
        "channel": channel,
        "status": state.value,
    }


def _bill(generation: Generation, delivery: Delivery) -> pricing.Due:
    priced = pricing.PricedRequest.from_json(generation.priced)
    usage = delivery.answer.usage
    return pricing.due(
        table_of(priced.books),
        priced=priced,
        delivered=[pricing.Delivered(image.width, image.height) for image in delivery.images],
        reported_quality=delivery.answer.quality,
        output_tokens=usage.output_tokens if usage else None,
        hold=Micros(generation.held_micros),
    )


def _delivered(delivery: Delivery) -> AttemptEnd:
    cost = (delivery.route.cost_micros or 0) * len(delivery.images)
    return AttemptEnd(
        attempt_id=delivery.attempt_id,
        attempt_class=AttemptClass.DELIVERED,
        http_status=delivery.answer.http_status,
        upstream_request_id=delivery.answer.request_id,
        may_have_billed=True,
        cost_micros=cost,
    )


def _answer(
    generation: Generation, delivery: Delivery, bill: pricing.Due, now: datetime
) -> dict[str, Any]:
    """The caller's answer without its images; render.py adds those."""
    usage = delivery.answer.usage
    first = delivery.images[0]
    answer: dict[str, Any] = {"created": int(now.timestamp()), "size": first.size}
    if bill.quality_billed in ECHOED_QUALITIES:
        answer["quality"] = bill.quality_billed
    background = generation.fields.get("background")
    if isinstance(background, str) and background in ECHOED_BACKGROUNDS:
        answer["background"] = background
    answer["output_format"] = first.format
    answer["usage"] = {
        "input_tokens": usage.input_tokens if usage else 0,
        "output_tokens": usage.output_tokens if usage else 0,
        "total_tokens": usage.total_tokens if usage else 0,
        "input_tokens_details": {
            "text_tokens": usage.input_text_tokens if usage else 0,
            "image_tokens": usage.input_image_tokens if usage else 0,
        },
        "images": len(delivery.images),
    }
    answer["metadata"] = {
        "requested_size": generation.size_requested,
        "upstream_size": delivery.upstream_size,
        "delivered_sizes": [image.size for image in delivery.images],
        "size_plan": delivery.plan,
        "ignored": list(delivery.ignored),
    }
    return answer


def expiry_of(now: datetime) -> datetime:
    """When an image stored now is deleted."""
    return now + timedelta(days=settings.IMAGE_RETENTION_DAYS)


def attempts_of(generation_id: UUID) -> list[Attempt]:
    """Every attempt, in order, with its channel."""
    attempts = Attempt.objects.filter(generation_id=generation_id).select_related("channel")
    return list(attempts.order_by("dispatch", "number"))
