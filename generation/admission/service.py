"""Admission: find a request that is already known, or hold the money for a new one.

The order matters: first the search for a known request, then the contract and the price
(quoting.py), and only then the money. Before that there are only reads, except for a retry that
takes over an orphan. One statement holds the money and writes the generation; a transaction adds
the record of an idempotency key. The caller and their rate limits were checked before
(identity.py). A 2xx is sent only after the commit.

The general path is `admit`, in a thread; a plain request takes the short cut `hold` on the loop.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from prometheus_client import Histogram

from accounts.callers import Caller, unchanged_callers_part
from accounts.rates.daily_bytes import ROWS_BYTES
from billing import locks
from billing.services import PLACED, Hold, HoldLimits, Placing, Refusal, place_holds_statement
from generation.admission import idempotency, retry_shield, room
from generation.admission.arrival import Arrival
from generation.admission.identity import CountedRequest, Identity
from generation.admission.quoting import Quoted, check_ceiling, quoted_order, quoted_order_async
from generation.admission.retry_shield import Attendance, InDoubt, Turn
from generation.lifecycle import evidence
from generation.models import Generation, Source, State
from pictor.kit.database import model_rows, pools, prepared
from pictor.kit.database.batches import Batches, lock_timeout
from pictor.kit.database.prepared import SetStatement, is_answer_lost
from pictor.kit.watching import log
from pictor.kit.watching.metrics import SHORT
from pictor.kit.words import ids
from pictor.kit.words.errors import InvalidRequest, PictorError
from pictor.kit.words.ids import GenerationId
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json

logger = logging.getLogger(__name__)

HOLD_SECONDS = Histogram(
    "pictor_hold_seconds", "The statement or transaction that places a hold.", buckets=SHORT
)


@dataclass(frozen=True, slots=True)
class Submission:
    """The caller, the request's typed fields, and the facts from its headers."""

    caller: Caller
    request: Json
    is_remembered: bool = False
    """The caller is remembered: the hold checks that nothing has changed."""
    request_id: str = ""
    idempotency_key: str | None = None
    attendance: Attendance | None = None
    """The waiting caller, kept for a later retry; never with an idempotency key."""
    is_retry: bool = False
    inputs: Sequence[Json] = ()
    is_streamed: bool = False
    """The caller takes events; for others no partial images are made."""
    source: Source = Source.API
    most: Micros | None = None
    """The most that may be held for it, if a price was shown before."""
    refusal: PictorError | None = None
    """Refuses it unless an earlier request made its generation."""

    @classmethod
    def of(
        cls, arrival: Arrival, identity: Identity, fields: Json, refusal: PictorError | None
    ) -> "Submission":
        """Build it from a request that arrived, and its caller."""
        return cls(
            caller=identity.caller,
            request=fields,
            is_remembered=identity.is_remembered,
            request_id=arrival.request_id,
            idempotency_key=arrival.idempotency_key,
            attendance=arrival.attendance,
            is_retry=arrival.is_retry,
            # A caller that does not wait to the end takes no events.
            is_streamed=bool(fields.get("stream")) and arrival.prefer.wait_seconds is None,
            refusal=refusal,
        )

    @property
    def is_plain(self) -> bool:
        """True if it must be new, as for `Arrival`."""
        return self.idempotency_key is None and not self.is_retry


@dataclass(frozen=True, slots=True)
class Admitted:
    """The generation a request led to: a new one, or an earlier one (its key's, or its orphan)."""

    generation: Generation
    is_new: bool
    is_streamed: bool = False
    """The caller wants events."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The answer's headers about the caller's rate limits."""

    async def counted_by(self, counted: CountedRequest) -> "Admitted":
        """The same with those headers; an earlier generation takes no images again."""
        headers = counted.headers if self.is_new else await counted.without_images()
        return replace(self, headers=headers)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not admitted yet: its images go to storage first, or an earlier web process may be dead."""

    submission: Submission
    counted: CountedRequest


def admit(submission: Submission, *, generation_id: GenerationId, now: datetime) -> Admitted:
    """Hold the quote and write the generation, or find the request's earlier one.

    Blocks: for a thread. Raises the PictorError that refuses the request, or Undecided; then
    nothing is held or remembered.
    """
    digest = idempotency.digest_of(submission.request)
    # Before anything that may refuse it: a replay needs no money (ADR 0005).
    generation, is_new = _existing_generation(submission, digest, now), False
    if generation is None:
        check_ceiling(submission.caller, now)
        quoted = quoted_order(
            caller=submission.caller, request=submission.request, now=now, to_make=True
        )
        if submission.most is not None and quoted.quote.total > submission.most:
            raise InvalidRequest(
                "This costs more than the price that was shown. Nothing was made or charged:"
                " generate again to accept the present price."
            )
        # After the quote: a refused order must not use up the day's bytes of tests.
        room.require(submission.caller, size_bytes=_bytes_of(submission), now=now)
        fresh = new_generation(submission, quoted, generation_id, digest=digest, now=now)
        with _in_doubt(submission.attendance):
            generation, is_new = _hold_once(submission, fresh, digest=digest, now=now)
    if (departed := _attendance_if_left(submission, generation)) is not None:
        retry_shield.record_departure(departed)
    return Admitted(generation, is_new=is_new, is_streamed=submission.is_streamed)


async def hold(submission: Submission, *, generation_id: GenerationId, now: datetime) -> Admitted:
    """Like `admit` for a plain request, on the running loop.

    Raises ConditionFailed if a remembered caller has changed.
    """
    check_ceiling(submission.caller, now)
    quoted = await quoted_order_async(
        caller=submission.caller, request=submission.request, now=now, to_make=True
    )
    await room.require_async(submission.caller, size_bytes=_bytes_of(submission), now=now)
    digest = idempotency.digest_of(submission.request)
    fresh = new_generation(submission, quoted, generation_id, digest=digest, now=now)
    began = 0.0

    def placing() -> _Admission:
        nonlocal began
        began = time.perf_counter()
        # From here to the statement no caller can leave and repeat the request.
        retry_shield.check_waits(submission.attendance)
        return _admission(submission, fresh)

    try:
        with _in_doubt(submission.attendance):
            await _holds.write(fresh.tenant_id, placing, characters=len(fresh.prompt))
    finally:
        if began:
            HOLD_SECONDS.observe(time.perf_counter() - began)
    model_rows.mark_inserted(fresh)  # the hold's statement wrote its row
    if (departed := _attendance_if_left(submission, fresh)) is not None:
        await pools.database(retry_shield.record_departure, departed)
    return Admitted(fresh, is_new=True, is_streamed=submission.is_streamed)


async def refuse_early(submission: Submission, *, now: datetime) -> None:
    """Refuse it before its images cost anything if its hold would fail; not a known request."""
    if submission.is_plain:
        check_ceiling(submission.caller, now)
        await quoted_order_async(
            caller=submission.caller, request=submission.request, now=now, to_make=True
        )
        # Its bytes are counted with the hold.
        await room.require_async(submission.caller, size_bytes=0, now=now)


def _bytes_of(submission: Submission) -> int:
    """The bytes it leaves behind if it is a test."""
    return ROWS_BYTES + room.bytes_of(submission.inputs)


@contextmanager
def _in_doubt(attendance: Attendance | None) -> Iterator[None]:
    """Raise InDoubt if the database goes away, perhaps after the commit: a retry must find it.

    An error that the database itself reports, with a state of its own, has changed nothing.
    """
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if not is_answer_lost(error):
            raise
        if attendance is not None:
            attendance.is_in_doubt = True
        logger.warning("an admission is in doubt: %s", error)
        raise InDoubt from error


def _attendance_if_left(submission: Submission, generation: Generation) -> Attendance | None:
    """The attendance of a caller who left while the generation was committed."""
    # Noted here as well as by the answer, since the caller may be gone by then.
    log.note(
        generation=generation.public_id,
        model=generation.model,
        tenant=ids.public(ids.TENANT, generation.tenant_id),
        key=ids.public(ids.KEY, generation.api_key_id),
    )
    attendance = submission.attendance
    if attendance is None:
        return None
    has_left = retry_shield.attend(attendance, Turn(generation.id, generation.turn))
    return attendance if has_left else None


def _existing_generation(submission: Submission, digest: bytes, now: datetime) -> Generation | None:
    """The generation of this idempotency key, or the orphan that a retry takes over.

    None for a key that may not order the model: it gets no earlier image of it either, and is
    refused like a new request.
    """
    caller = submission.caller
    if submission.is_plain or not caller.may_use(submission.request["model"]):
        return None
    if submission.idempotency_key is not None:
        return idempotency.find(
            tenant_id=caller.tenant_id,
            livemode=caller.livemode,
            key=submission.idempotency_key,
            body_digest=digest,
            now=now,
        )
    if submission.attendance is None:
        return None
    adopted = retry_shield.adopt(
        key_id=caller.key_id,
        body_digest=digest,
        by=submission.attendance.process,
        now=now,
    )
    return None if adopted is None else Generation.objects.get(id=adopted.generation_id)


def _hold_once(
    submission: Submission, fresh: Generation, *, digest: bytes, now: datetime
) -> tuple[Generation, bool]:
    """Lock, look again, hold and remember; also whether the generation is the new one."""
    prepared.connect()  # without a connection the failure is certain, and not in doubt
    with HOLD_SECONDS.time(), transaction.atomic():
        return _hold_under_lock(submission, fresh, digest=digest, now=now)


def _hold_under_lock(
    submission: Submission, fresh: Generation, *, digest: bytes, now: datetime
) -> tuple[Generation, bool]:
    # Equal requests take turns here: the second finds the first, even if that used the balance up.
    locks.account_for_update(submission.caller.tenant_id)
    known = _existing_generation(submission, digest, now)
    if known is not None:
        return known, False
    if submission.refusal is not None:
        raise submission.refusal
    retry_shield.check_waits(submission.attendance)
    (refusal,) = prepared.fetch_set(_holds_statement([_admission(submission, fresh)]))
    if refusal is not None:
        raise refusal
    model_rows.mark_inserted(fresh)
    # In this transaction, so that it exists exactly when the hold does (ADR 0005).
    if submission.idempotency_key is not None:
        idempotency.remember(
            key=submission.idempotency_key, body_digest=digest, generation=fresh, now=now
        )
    return fresh, True


class _Admission(NamedTuple):
    """The hold of a request's highest cost, its generation's row, and its caller if remembered."""

    placing: Placing
    generation: Generation
    remembered: Caller | None


def _admission(submission: Submission, generation: Generation) -> _Admission:
    caller = submission.caller
    amount = Micros(generation.hold_micros)
    hold = Hold(caller.tenant_id, caller.key_id, generation.id, amount, generation.created_at)
    placing = Placing(hold, _hold_limits(caller), evidence.of_request(generation))
    return _Admission(placing, generation, caller if submission.is_remembered else None)


def _holds_statement(admissions: Sequence[_Admission]) -> SetStatement[list[Refusal | None]]:
    """The statement that places holds and writes their generations' rows."""
    rows = [one.generation for one in admissions]
    return place_holds_statement(
        [one.placing for one in admissions],
        condition=unchanged_callers_part([one.remembered for one in admissions]),
        writes=model_rows.insert_rows_part(rows, from_part=PLACED, by="id"),
        lock_timeout=lock_timeout(admissions),
    )


_holds: Batches[_Admission, None] = Batches("hold", _holds_statement)


def _hold_limits(caller: Caller) -> HoldLimits:
    """The limits of the hold. A test spends nothing, so no budget is too small for it."""
    limits = caller.limits
    in_flight = HoldLimits(
        tenant_in_flight=limits.tenant_in_flight, key_in_flight=limits.key_in_flight
    )
    if not caller.livemode:
        return in_flight
    return replace(
        in_flight,
        tenant_budget_day=limits.tenant_budget_day,
        tenant_budget_month=limits.tenant_budget_month,
        key_budget_day=limits.key_budget_day,
        key_budget_month=limits.key_budget_month,
    )


def new_generation(
    submission: Submission,
    quoted: Quoted,
    generation_id: GenerationId,
    *,
    digest: bytes,
    now: datetime,
) -> Generation:
    """The unsaved row of a request that is being admitted."""
    order, quote, attendance = quoted.order, quoted.quote, submission.attendance
    caller = submission.caller
    return Generation(
        id=generation_id,
        tenant_id=caller.tenant_id,
        api_key_id=caller.key_id,
        request_id=submission.request_id,
        source=submission.source,
        livemode=caller.livemode,
        task=order.needs.task.value,
        model=order.model,
        prompt=order.prompt,
        n=order.n,
        size_requested=order.size_requested,
        size=order.size,
        tier=order.tier,
        quality_requested=order.quality,
        quality_sent=order.quality if order.is_quality_explicit else "",
        response_format=order.response_format,
        output_format=order.output_format,
        output_compression=order.output_compression,
        strict_size=order.strict_size,
        partial_images=order.partial_images if submission.is_streamed else 0,
        fields=dict(order.fields),
        inputs=list(submission.inputs),
        state=State.QUEUED,
        deadline_at=now + timedelta(seconds=settings.GENERATION_DEADLINE_SECONDS),
        created_at=now,
        priced=quote.priced.as_json(),
        held_micros=quote.total,
        # Only the retry shield looks for it; a keyed request's digest is in the key's record.
        body_digest=None if attendance is None else digest,
        web_process=None if attendance is None else attendance.process.number,
    )
