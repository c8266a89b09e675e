"""The meaning of an attempt without images for caller, channel health and books. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from uuid import UUID

from billing.upstream_cost import NOTHING_CAME, Loss, SentRequest, UpstreamResult, upstream_cost
from generation.catalogue.contracts import RouteInfo
from generation.channels.base import Job, UpstreamAnswer
from generation.channels.errors import AttemptClass, UpstreamError
from generation.lifecycle.outcome import (
    TIMED_OUT,
    WRONG_SIZE,
    AttemptEnd,
    VerifiedImage,
    cost_of_jobs,
    error_for,
    upstream_result,
)
from pictor.kit.words.errors import PictorError

DEFAULT_GATE_SECONDS = 5.0
"""The time for which a 429 without Retry-After closes a channel."""


class WrongSize(UpstreamError):
    """Another size than a strict request allows."""

    def __init__(self, detail: str) -> None:
        super().__init__(AttemptClass.BAD_RESULT, detail)


def too_large_for_a_test(most_bytes: int) -> UpstreamError:
    """An image that a live request would have received."""
    words = f"An image of a test may have at most {most_bytes // 1_000_000} MB."
    return UpstreamError(AttemptClass.REJECTED, words, public_message=words)


def refused() -> UpstreamError:
    """No call was made, because no gate opens in time."""
    return UpstreamError(AttemptClass.REFUSED, "every channel's gate is closed")


def error_of(cause: UpstreamError, *, timed_out: bool) -> PictorError:
    """The caller's error."""
    if isinstance(cause, WrongSize):
        return WRONG_SIZE
    if timed_out:
        return TIMED_OUT
    return error_for(cause)


def overridden(error: UpstreamError, route: RouteInfo) -> UpstreamError:
    """The class, overridden by the channel's operator if they set one for the status."""
    other = route.class_overrides.get(error.http_status or 0)
    return error if other is None else error.as_class(AttemptClass(other))


def counted_as(cause: UpstreamError | None) -> AttemptClass | None:
    """The end's effect on the channel's health: our own fault has none, nor has a wrong size.

    The vendor took an order that it then refused, so that is about the model, not the account.
    """
    if cause is None:
        return None
    if cause.is_taken and cause.attempt_class is AttemptClass.REFUSED:
        return AttemptClass.NOT_REACHED
    is_neutral = cause.is_ours or isinstance(cause, WrongSize)
    return AttemptClass.REJECTED if is_neutral else cause.attempt_class


def gate_seconds(cause: UpstreamError | None) -> float | None:
    """The time for which a refusal closes the channel: Retry-After, or briefly after a 429."""
    if cause is None or cause.attempt_class != AttemptClass.REFUSED:
        return None
    if cause.retry_after_seconds is not None:
        return cause.retry_after_seconds
    return DEFAULT_GATE_SECONDS if cause.http_status == HTTPStatus.TOO_MANY_REQUESTS else None


@dataclass
class Begun:
    """A recorded attempt: its request, and its result so far."""

    attempt_id: UUID
    sent: SentRequest
    came: UpstreamResult = NOTHING_CAME
    jobs: list[Job] = field(default_factory=list)
    """The orders that the vendor has taken."""

    def brought(self, answer: UpstreamAnswer, images: Sequence[VerifiedImage]) -> None:
        """Record the result of an answer with these decodable images."""
        self.came = upstream_result(answer, images)


def end_of(begun: Begun, cause: UpstreamError, route: RouteInfo) -> AttemptEnd:
    """The attempt's end; a call that may have been paid for is booked as paid.

    What the vendor names goes first: with its refusal, with its images, with its orders.
    """
    named = (cause.cost, begun.came.reported, cost_of_jobs(job.cost for job in begun.jobs))
    reported = next((amount for amount in named if amount is not None), None)
    cost = upstream_cost(
        route.costs,
        sent=begun.sent,
        came=replace(begun.came, reported=reported),
        may_have_billed=cause.may_have_billed,
    )
    return AttemptEnd(
        attempt_id=begun.attempt_id,
        attempt_class=cause.attempt_class,
        http_status=cause.http_status,
        upstream_request_id=cause.request_id,
        may_have_billed=cause.may_have_billed,
        cost=cost,
        came=begun.came,
        detail=cause.detail,
        loss=_loss_of(cause),
    )


_LOSSES = {
    AttemptClass.REJECTED: Loss.REFUSED_BILLED,
    AttemptClass.MODERATED: Loss.REFUSED_BILLED,
    AttemptClass.BAD_RESULT: Loss.BAD_RESULT,
    AttemptClass.STORAGE_FAILED: Loss.STORAGE_FAILED,
}


def _loss_of(cause: UpstreamError) -> Loss | None:
    if not cause.may_have_billed:
        return None
    # It is a BAD_RESULT as well, but counts towards the tenant's daily ceiling (ADR 0036).
    if isinstance(cause, WrongSize):
        return Loss.WRONG_SIZE
    return _LOSSES.get(cause.attempt_class, Loss.UNKNOWN)


def out_of_time(begun: Begun) -> AttemptEnd:
    """The attempt was recorded, but too little time was left for its call."""
    return AttemptEnd(
        begun.attempt_id, AttemptClass.NOT_REACHED, detail="too little time was left for it"
    )
