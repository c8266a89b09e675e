"""The one service that writes the demo workspace's past: generations, images, money and usage.

Nothing here knows a price, an answer's shape or a seal. Each request of the story goes through
admission's rules and quote, settlement's bill and answer, and billing's transfers; the only
differences are that the rows are written together and dated in the past. `ledger_check` proves the
result, and `usage_rebuild` counts the same.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from accounts.callers import Caller, caller_of_key
from accounts.models import Tenant
from accounts.services import Actor
from accounts.services.office.api_keys import KeyRules, issue_api_key, revoke_api_key
from accounts.services.office.tenants import backdate_tenant
from billing.services.office.backfill import PastCost, PastHold, Refills, write_past
from billing.token_formula import formula_tokens
from billing.upstream_cost import CostSource
from generation.admission.quoting import Quoted, quoted_order
from generation.admission.service import Submission, new_generation
from generation.channels.base import TokenUsage, UpstreamAnswer
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.size_rules import Size
from generation.dispatch.call import ignored_by, sent_request
from generation.dispatch.endings import error_of
from generation.lifecycle import evidence
from generation.lifecycle.answer import answer_of
from generation.lifecycle.outcome import Verified, VerifiedImage, error_row
from generation.lifecycle.settlement import bill_of, hold_of
from generation.management.history import story, surroundings
from generation.management.history.story import SampleRequest
from generation.models import Attempt, Generation, Source, State
from generation.oversight.usage_recount import recount_at_once
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.database.bulk import copy_rows
from pictor.kit.words import ids
from pictor.kit.words.ids import GenerationId
from pictor.kit.words.money import Micros
from storage.models import StoredImage
from storage.services import image_key_of

DISPATCH = 1
"""Every generation of the demo data was dispatched once."""
REFILLS = Refills(
    least=Micros(20_000_000), full=Micros(100_000_000), reason="refilled to 100 USD (demo data)"
)

_MAY_HAVE_BILLED = {AttemptClass.DELIVERED, AttemptClass.UNKNOWN, AttemptClass.BAD_RESULT}
_MOMENT = timedelta(milliseconds=4)
_BYTES_PER_PIXEL = 0.05
"""About the size of a compressed image."""
_GONE = Spools(Path(), SpoolBudget(0)).new(max_bytes=0)
"""The bytes of every image of the past, which never existed."""


def write(*, tenant: Tenant, now: datetime, actor: Actor) -> None:
    """Write the past up to `now` into a new tenant, with keys of its own.

    Every generation is marked: its source is `demo`. Images are written as deleted;
    `demo_pictures.py` paints the newest. Call it in a transaction. Raises LedgerError if the
    tenant's ledger has begun.
    """
    callers = _callers(tenant, now, actor)
    rows = _Rows(callers, now)
    for sample in story.sample_requests(now):
        rows.add(sample)
    copy_rows(rows.generations)
    copy_rows(rows.attempts)
    copy_rows(rows.images)
    write_past(
        tenant_id=tenant.id, holds=rows.holds, costs=rows.costs, refills=REFILLS, actor=actor
    )
    surroundings.write(callers, rows.attempts[-1].channel_id, now=now)
    recount_at_once()


def _callers(tenant: Tenant, now: datetime, actor: Actor) -> dict[str, Caller]:
    """The story's keys by name, one of them revoked; their secrets are discarded."""
    rules = {
        story.PRODUCTION: KeyRules(budget_month=Micros(500_000_000)),
        story.STAGING: KeyRules(requests_per_minute=story.STAGING_A_MINUTE),
        story.REVOKED: KeyRules(),
    }
    keys = {
        name: issue_api_key(tenant=tenant, name=name, rules=rule, actor=actor)[0]
        for name, rule in rules.items()
    }
    revoke_api_key(key=keys[story.REVOKED], now=story.revoked_at(now), actor=actor)
    backdate_tenant(tenant=tenant, at=story.begins_at(now))
    return {name: caller_of_key(key.id) for name, key in keys.items()}


class _Rows:
    """The rows of the whole story, not written yet."""

    def __init__(self, callers: Mapping[str, Caller], now: datetime) -> None:
        self._callers = callers
        self._now = now
        self.generations: list[Generation] = []
        self.attempts: list[Attempt] = []
        self.images: list[StoredImage] = []
        self.holds: list[PastHold] = []
        self.costs: list[PastCost] = []

    def add(self, sample: SampleRequest) -> None:
        """Add one request: its generation in its final state, and all that belongs to it."""
        caller = self._callers[sample.key]
        submission = Submission(
            caller=caller,
            request=sample.request,
            request_id=ids.public(ids.REQUEST, ids.new_uuid_of(sample.at)),
            source=Source.DEMO,
        )
        quoted = quoted_order(caller=caller, request=sample.request, now=self._now)
        generation_id = GenerationId(ids.new_uuid_of(sample.at))
        generation = new_generation(submission, quoted, generation_id, digest=b"", now=sample.at)
        generation.captured_micros = 0
        ended_at = self._call(generation, sample, quoted)
        if sample.images:
            stored = self._succeed(generation, sample, quoted, ended_at)
        else:
            stored = []
            _end_without_image(generation, sample, ended_at, now=self._now)
        self.generations.append(generation)
        self.images += stored
        self.holds.append(_hold(generation, stored))

    def _call(self, generation: Generation, sample: SampleRequest, quoted: Quoted) -> datetime:
        """Add the attempts; returns the generation's end."""
        at = sample.at + timedelta(seconds=sample.queued_seconds)
        if not sample.calls:
            return at
        generation.started_at = at
        generation.dispatch = DISPATCH
        route = quoted.plan.route
        for number, call in enumerate(sample.calls, start=1):
            begun = at + _MOMENT
            at = begun + timedelta(seconds=call.seconds)
            if call.attempt_class == AttemptClass.DELIVERED:
                at += timedelta(seconds=sample.stored_seconds)
            self.attempts.append(
                Attempt(
                    id=ids.new_uuid_of(begun),
                    generation=generation,
                    dispatch=DISPATCH,
                    number=number,
                    channel_id=route.channel_id,
                    upstream_model=route.upstream_model,
                    upstream_size=quoted.plan.upstream_size,
                    started_at=begun,
                    finished_at=at,
                    attempt_class=call.attempt_class,
                    http_status=call.http_status,
                    n=generation.n,
                    may_have_billed=call.attempt_class in _MAY_HAVE_BILLED,
                    detail=call.detail,
                )
            )
        return at

    def _succeed(
        self, generation: Generation, sample: SampleRequest, quoted: Quoted, ended_at: datetime
    ) -> list[StoredImage]:
        """Settle it for the delivered images; returns their rows."""
        images = _gone_images(generation, sample)
        answer = UpstreamAnswer(images=(), quality=sample.reported, usage=_usage(sample, images))
        delivery = Verified(
            attempt_id=self.attempts[-1].id,
            route=quoted.plan.route,
            plan=quoted.plan.plan,
            upstream_size=quoted.plan.upstream_size,
            ignored=ignored_by(generation, quoted.plan, answer),
            answer=answer,
            images=images,
            sent=sent_request(generation, quoted.plan, at=self.attempts[-1].started_at),
        )
        bill = bill_of(generation, delivery, quoted.prices)
        generation.state = State.SUCCEEDED
        generation.finished_at = ended_at
        generation.captured_micros = bill.total
        generation.quality_billed, generation.quality_source = (
            bill.quality_billed,
            bill.quality_source,
        )
        generation.channel_id = delivery.route.channel_id
        generation.answer = answer_of(generation, delivery, bill, ended_at)
        self._book(generation, sample, ended_at)
        return [self._stored_row(generation, index, image) for index, image in enumerate(images)]

    def _book(self, generation: Generation, sample: SampleRequest, ended_at: datetime) -> None:
        """Record the cost of the call that delivered."""
        call = self.attempts[-1]
        call.cost_micros = (generation.captured_micros or 0) * sample.cost // 100
        call.cost_source = CostSource.FLAT
        call.images_received = sample.images
        if call.cost_micros:
            self.costs.append(PastCost(generation.id, call.id, Micros(call.cost_micros), ended_at))

    def _stored_row(self, generation: Generation, index: int, image: VerifiedImage) -> StoredImage:
        """The row of an image that has expired, at the latest at the time of writing."""
        ended_at = generation.finished_at or generation.created_at
        gone_at = min(ended_at + timedelta(days=settings.IMAGE_RETENTION_DAYS), self._now)
        return StoredImage(
            tenant_id=generation.tenant_id,
            generation_id=generation.id,
            index=index,
            object_key=image_key_of(
                generation.id, generation.created_at, DISPATCH, index, image.format
            ),
            content_type=f"image/{image.format}",
            format=image.format,
            size_bytes=round(image.width * image.height * _BYTES_PER_PIXEL),
            width=image.width,
            height=image.height,
            created_at=ended_at,
            expires_at=gone_at,
            deleted_at=gone_at,
        )


def _end_without_image(
    generation: Generation, sample: SampleRequest, ended_at: datetime, *, now: datetime
) -> None:
    """End it as failed by its last call, or canceled before one. Nothing is left to clean up."""
    generation.finished_at = ended_at
    generation.cleaned_at = now
    if not sample.calls:
        generation.state = State.CANCELED
        return
    last = sample.calls[-1]
    generation.state = State.FAILED
    cause = UpstreamError(last.attempt_class, last.detail)
    generation.error = error_row(error_of(cause, timed_out=sample.timed_out))


def _gone_images(generation: Generation, sample: SampleRequest) -> tuple[VerifiedImage, ...]:
    size = Size.parse(sample.came_as or generation.size)
    image = VerifiedImage(_GONE, generation.output_format, size.width, size.height, None)
    return (image,) * sample.images


def _usage(sample: SampleRequest, images: Sequence[VerifiedImage]) -> TokenUsage | None:
    """Tokens, if the upstream reports the quality."""
    if sample.reported is None:
        return None
    words = len(sample.request["prompt"]) // 4
    tokens = sum(
        formula_tokens(image.width, image.height, quality=sample.reported) for image in images
    )
    return TokenUsage(words, tokens, words + tokens, input_text_tokens=words)


def _hold(generation: Generation, stored: Sequence[StoredImage]) -> PastHold:
    """The hold and its end, with the evidence of both."""
    outcome = evidence.of_outcome(
        tenant=generation.tenant_id,
        state=generation.state,
        quality_billed=generation.quality_billed,
        quality_source=generation.quality_source,
        images=[(image.index, image.width, image.height) for image in stored],
    )
    return PastHold(
        hold=hold_of(generation),
        captured=Micros(generation.captured_micros or 0),
        ended_at=generation.finished_at or generation.created_at,
        placed_for=evidence.of_request(generation),
        ended_with=outcome,
    )
