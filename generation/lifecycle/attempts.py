"""Each try of a generation on a channel, recorded before the call and closed after it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from prometheus_client import Counter, Histogram
from psycopg.errors import IntegrityConstraintViolation

from accounts.services import refuse_above_ceiling
from billing.selectors import uncharged_of_day
from billing.services import book_upstream_cost, count_uncharged
from billing.upstream_cost import (
    COUNTED,
    NO_COST,
    Cost,
    Costs,
    Loss,
    SentRequest,
    UpstreamResult,
    upstream_cost,
)
from generation.catalogue.contracts import RouteInfo
from generation.catalogue.traffic.errors import fingerprint_of, readable_words
from generation.channels.errors import AttemptClass
from generation.lifecycle.claims import CLAIMED, Claim
from generation.lifecycle.outcome import AttemptEnd, cost_of_jobs
from generation.models import Attempt, Generation, Route, State
from generation.selectors import cost_tables
from pictor.kit.database import model_rows, prepared
from pictor.kit.database.loop_connections import fetch_async
from pictor.kit.database.prepared import SqlPart, Statement
from pictor.kit.watching.metrics import LONG
from pictor.kit.words import ids
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json, Row

logger = logging.getLogger("generation.attempts")  # named in docs/operations/monitoring.md

ATTEMPTS = Counter(
    "pictor_attempts", "Calls to channels that ended.", ["channel", "model", "class"]
)
UNCHARGED_ATTEMPTS = Counter(
    "pictor_uncharged_attempts", "Calls that may be paid and are charged to nobody.", ["class"]
)
UNCHARGED_COST = Counter(
    "pictor_uncharged_cost_micros",
    "What these cost, or the quote where that is unknown.",
    ["class"],
)
SECONDS = Histogram("pictor_attempt_seconds", "What a call took.", ["channel"], buckets=LONG)

_ATTEMPT = """
INSERT INTO generation_attempt
    (id, generation_id, dispatch, number, channel_id, upstream_model, upstream_size,
     upstream_quality, n,
     attempt_class, upstream_request_id, may_have_billed, cost_micros, detail)
SELECT a.id, g.id, g.dispatch, a.number, a.channel_id, a.upstream_model, a.upstream_size,
       left(coalesce(a.qualities ->> g.quality_sent, a.quality, g.quality_sent), 64), g.n,
       '', '', false, 0, ''
"""
_FACTS = """
id uuid, number smallint, channel_id bigint, upstream_model text, upstream_size text,
qualities jsonb, quality text
"""
_BEGIN_ATTEMPT = f"""
{_ATTEMPT} FROM generation_generation AS g, jsonb_to_recordset(%s::jsonb) AS a ({_FACTS})
WHERE g.id = %s AND g.state = 'running' AND g.dispatch = %s
  AND g.deadline_at > clock_timestamp()
ON CONFLICT (id) DO UPDATE SET number = excluded.number
RETURNING started_at
"""
_BEGIN_WITH_CLAIMS = f"""
{_ATTEMPT} FROM {CLAIMED} AS g
JOIN jsonb_to_recordset(%s::jsonb)
  AS a ({_FACTS}, generation_id uuid, model text, size text, revision bigint)
  ON a.generation_id = g.id
WHERE g.dispatch = 1 AND g.livemode AND g.task = 'generate' AND g.inputs = '[]'
  AND g.model = a.model AND g.size = a.size AND g.revision = a.revision
RETURNING generation_id, started_at
"""
_MAY_CLOSE = """
(jobs IS NULL OR dispatch = %s AND EXISTS (
    SELECT FROM generation_generation AS g WHERE g.id = generation_attempt.generation_id
      AND (g.finished_at IS NOT NULL
           OR g.state = 'running' AND g.dispatch = generation_attempt.dispatch)))
"""
"""SQL: an attempt with jobs is closed by who holds its generation, or once that is final."""


class FirstCall(NamedTuple):
    """The call that a claim records, if its row asks for the route's model in this `size`."""

    attempt_id: UUID
    route: RouteInfo
    upstream_size: str
    size: str
    revision: int
    """The configuration's revision in which it was chosen."""


class TakesNoTests(Exception):
    """The channel took tests when it was chosen, but no longer does."""


def begin_attempt_statement(
    *,
    attempt_id: UUID,
    claim: Claim,
    number: int,
    route: RouteInfo,
    upstream_size: str,
) -> Statement[datetime | None]:
    """The statement that records a call that is about to begin.

    Its result is the time of the beginning, or None if the claim is lost or it is too late. Safe to
    repeat with the same id: the first answer may have been lost with the connection.
    """
    facts = prepared.rows_json([_facts(attempt_id, number, route, upstream_size)])
    return Statement(_BEGIN_ATTEMPT, [facts, claim.generation.id, claim.dispatch], _moment)


async def begin(attempt: Statement[datetime | None]) -> datetime | None:
    """Run `begin_attempt_statement` on the loop. Raises TakesNoTests."""
    try:
        return await fetch_async(attempt)
    except IntegrityError as error:
        if isinstance(error.__cause__, IntegrityConstraintViolation):  # raised by our own trigger
            raise TakesNoTests(str(error)) from error
        raise


def begin_with_claims_part(calls: Mapping[UUID, FirstCall]) -> SqlPart:
    """The part of a claims' statement that begins first attempts, by generation.

    Only of plain live requests that were never dispatched before and are as expected. The database
    may refuse a test's attempt, which would undo the claims.
    """
    rows = [
        {
            **_facts(call.attempt_id, 1, call.route, call.upstream_size),
            "generation_id": generation_id,
            "model": call.route.model,
            "size": call.size,
            "revision": call.revision,
        }
        for generation_id, call in calls.items()
    ]
    return SqlPart(_BEGIN_WITH_CLAIMS, [prepared.rows_json(rows)])


def _facts(attempt_id: UUID, number: int, route: RouteInfo, upstream_size: str) -> Json:
    """The values of an attempt's row that do not come from its generation's."""
    is_sent = "quality" in route.abilities.fields
    return {
        "id": attempt_id,
        "number": number,
        "channel_id": route.channel_id,
        "upstream_model": route.upstream_model,
        "upstream_size": upstream_size,
        "qualities": dict(route.quality_map) if is_sent else {},
        "quality": None if is_sent else "",
    }


def _moment(row: Row | None) -> datetime | None:
    return None if row is None else row[0]


@transaction.atomic
def close_uncalled(attempt_id: UUID, *, generation_id: UUID, why: str, now: datetime) -> None:
    """Close an attempt that was recorded and not sent, if there is one.

    Waits for a claim still in progress, which has the row locked.
    """
    # FOR NO KEY UPDATE lets others insert rows that refer to it.
    generation = Generation.objects.select_for_update(no_key=True).get(id=generation_id)
    end = AttemptEnd(attempt_id, AttemptClass.NOT_REACHED, detail=why)
    end_attempt(end, generation=generation, now=now)


def end_failed_call(end: AttemptEnd, *, generation: Generation, now: datetime) -> None:
    """Close an attempt; if its cost reaches the day's ceiling, the tenant's orders are refused.

    Each step commits by itself and is safe to repeat: if this process dies in between, the next
    such attempt finds the ceiling reached.
    """
    end_attempt(end, generation=generation, now=now)
    # The ceiling counts only losses that a caller can bring about (ADR 0036).
    if end.loss in COUNTED and generation.livemode:
        uncharged = uncharged_of_day(generation.tenant_id, now)
        refuse_above_ceiling(tenant_id=generation.tenant_id, uncharged=uncharged, now=now)


# A savepoint inside a caller's transaction would cost round trips (ADR 0022).
@transaction.atomic(savepoint=False)
def end_attempt(
    end: AttemptEnd, *, generation: Generation, now: datetime, dispatch: int | None = None
) -> bool:
    """Close an attempt's row and book its cost, as a loss if it delivered nothing to charge for.

    It is a fact about a call, so it needs no claim, unless it has jobs, which the next claim would
    follow: then it must be of this `dispatch` (the generation's if None), and that one the last.
    Only once: for a closed row it is False.
    """
    # Without words there is no fingerprint: a delivery's statement stays as it was (ADR 0050).
    words = readable_words(end.detail[:500], generation)
    closing = end_attempt_part(
        end,
        dispatch=generation.dispatch if dispatch is None else dispatch,
        now=now,
        fingerprint=words and fingerprint_of(words),
    )
    is_open = prepared.fetch_one(*closing) is not None
    if is_open:
        book_upstream_cost(
            generation_id=generation.id,
            attempt_id=end.attempt_id,
            amount=end.cost.micros,
            as_loss=end.attempt_class != AttemptClass.DELIVERED,
        )
        if end.loss is not None:
            _count_uncharged(end, end.loss, generation, now)
    return is_open


def _count_uncharged(end: AttemptEnd, loss: Loss, generation: Generation, now: datetime) -> None:
    """Count its cost, or the quote if unknown; a test has no quote and costs nothing."""
    amount = end.cost.micros if end.cost.is_known else Micros(generation.hold_micros)
    if amount:
        count_uncharged(tenant_id=generation.tenant_id, loss=loss, amount=amount, now=now)
        # Only after the commit: a transaction that is rolled back and repeated would count twice.
        transaction.on_commit(UNCHARGED_ATTEMPTS.labels(loss.value).inc)
        transaction.on_commit(partial(UNCHARGED_COST.labels(loss.value).inc, amount))


def end_attempt_part(
    end: AttemptEnd, *, dispatch: int, now: datetime, fingerprint: str = ""
) -> SqlPart:
    """The statement that ends an attempt if it is open, as `end_attempt` says."""
    # Bills are matched by the request id: an end that does not know it leaves it as it is.
    closing = {
        name: value
        for name, value in _closing(end, now).items()
        if value or name != "upstream_request_id"
    }
    return model_rows.update_part(
        Attempt,
        where={"id": end.attempt_id, "finished_at": None},
        only=SqlPart(_MAY_CLOSE, [dispatch]),
        **closing,
        **({"fingerprint": fingerprint} if fingerprint else {}),
    )


def end_attempts_part(ends: Sequence[tuple[AttemptEnd, datetime]], *, from_part: str) -> SqlPart:
    """The part that ends the open attempts, each at its time, of generations in `from_part`."""
    rows = [{"id": end.attempt_id, **_closing(end, now)} for end, now in ends]
    facts = {"only": "g.finished_at IS NULL", "from_part": from_part, "by": "generation_id"}
    return model_rows.update_rows_part(Attempt, rows, kept="upstream_request_id", **facts)


def _closing(end: AttemptEnd, now: datetime) -> Json:
    tokens = end.came.tokens
    return {
        "finished_at": now,
        "attempt_class": end.attempt_class,
        "http_status": end.http_status,
        "upstream_request_id": end.upstream_request_id[:200],
        "may_have_billed": end.may_have_billed,
        "images_received": len(end.came.images),
        "input_text_tokens": tokens.input_text if tokens else None,
        "input_image_tokens": tokens.input_image if tokens else None,
        "output_tokens": tokens.output if tokens else None,
        "cost_micros": end.cost.micros,
        "cost_source": end.cost.source,
        "detail": end.detail[:500],
        "jobs": None,
    }


def log_attempt(
    generation: Generation,
    *,
    channel: str,
    attempt_class: AttemptClass,
    status: int | None,
    seconds: float,
) -> None:
    """Log a finished attempt in one line, and count it."""
    ATTEMPTS.labels(channel, generation.model, attempt_class.value).inc()
    SECONDS.labels(channel).observe(seconds)
    facts = {
        "request_id": generation.request_id,  # a reaper carries no request of its own
        "generation": generation.public_id,
        "tenant": ids.public(ids.TENANT, generation.tenant_id),
        "key": ids.public(ids.KEY, generation.api_key_id),
        "model": generation.model,
        "class": attempt_class.value,
        "status": status,
        "ms": int(seconds * 1000),
    }
    logger.info("attempt on %s", channel, extra={"facts": facts})


def cut_off(
    *,
    generation_ids: list[UUID],
    why: str = "cut off by the end of our own process",
    now: datetime,
) -> None:
    """Close attempts cut off by our crash or shutdown: they may have been paid for.

    One with jobs stays open: the next claim follows them, or a reaper ends those `left_running`.
    """
    attempts = Attempt.objects.filter(
        generation_id__in=generation_ids, finished_at=None, jobs__isnull=True
    )
    # An attempt of the present dispatch stays open: the generation was claimed again meanwhile.
    attempts = attempts.exclude(generation__state=State.RUNNING, dispatch=F("generation__dispatch"))
    for attempt in attempts.select_related("generation", "channel"):
        close_abandoned(attempt, why=why, now=now)


def close_abandoned(attempt: Attempt, *, never_ran: bool = False, why: str, now: datetime) -> None:
    """Close an attempt that nobody carries any more: `unknown`, unless it surely never ran.

    Does nothing if it is closed already. An error is logged, so that others go on.
    """
    attempt_class = AttemptClass.REFUSED if never_ran else AttemptClass.UNKNOWN
    end = AttemptEnd(
        attempt_id=attempt.id,
        attempt_class=attempt_class,
        may_have_billed=not never_ran,
        cost=NO_COST if never_ran else cost_of(attempt),
        detail=why,
        loss=None if never_ran else Loss.INTERRUPTED,
    )
    if _try_to_end(end, attempt, now):
        log_attempt(
            attempt.generation,
            channel=attempt.channel.name,
            attempt_class=attempt_class,
            status=None,
            seconds=(now - attempt.started_at).total_seconds(),
        )


def cost_of(attempt: Attempt) -> Cost:
    """The cost of a call that was cut off, as if it had brought all requested images.

    What its vendor named for its jobs goes first.
    """
    named = cost_of_jobs(job.get("cost") for job in attempt.jobs or ())
    came = UpstreamResult(reported=named)
    return upstream_cost(_costs_of(attempt), sent=sent_request_of(attempt), came=came)


def _try_to_end(end: AttemptEnd, attempt: Attempt, now: datetime) -> bool:
    """Close the attempt; False if it was closed already or an error occurred, so others go on."""
    try:
        return end_attempt(end, generation=attempt.generation, now=now, dispatch=attempt.dispatch)
    except Exception:
        # Without a connection, none of the others could be closed either.
        if not connection.is_usable():
            raise
        logger.exception("an attempt of %s could not be closed", attempt.generation.public_id)
        return False


def sent_request_of(attempt: Attempt) -> SentRequest:
    """The request of an attempt, by its row; attempts begun by 0.2.0 have no `n` of their own."""
    return SentRequest(
        model=attempt.upstream_model,
        size=attempt.upstream_size,
        quality=attempt.upstream_quality,
        n=attempt.generation.n,
        at=attempt.started_at,
    )


def _costs_of(attempt: Attempt) -> Costs:
    """The cost of its call; a test's costs nothing."""
    if not attempt.generation.livemode:
        return Costs(is_free=True)
    routes = Route.objects.filter(
        channel_id=attempt.channel_id, contract_id=attempt.generation.model
    )
    # None if the route was removed meanwhile.
    flat = routes.values_list("cost_micros", flat=True).first()
    tables = cost_tables([attempt.channel_id], since=attempt.started_at)
    return Costs(flat, tables[attempt.channel_id])
