"""Orders that outlive their worker: written down with their plan, followed by the next claim.

No key and no word of the prompt is written. A takeover orders nothing: it brings the pictures of
the jobs that were written (ADR 0068).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from django.db import Error

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.plans import Candidate
from generation.catalogue.snapshot import present_route
from generation.channels.base import (
    ORDERS_AT_ONCE,
    Adapter,
    Job,
    OnJob,
    UpstreamAnswer,
    UpstreamRequest,
)
from generation.channels.declaration import OVERLAYS, Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.registry import open_adapter
from generation.channels.size_rules import Size
from generation.dispatch.call import request_for
from generation.dispatch.endings import Begun
from generation.lifecycle.attempts import sent_request_of
from generation.lifecycle.claims import Claim
from generation.lifecycle.jobs import (
    TakenOver,
    may_cancel_statement,
    take_over_statement,
    write_job_statement,
)
from generation.models import Generation
from pictor.kit.bytes.spool import Spools
from pictor.kit.database import pools
from pictor.kit.database.loop_connections import fetch_async
from pictor.kit.outbound.http import HttpPool
from pictor.kit.words.untyped import Json

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1.0
"""The first look at an order waits this long for the database; the write goes on beside it."""


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """What following a job needs of the plan by which it was ordered; stands with each job as JSON.

    Attributes:
        origin: the channel's, to which its key belonged.
        made_into: the size made from the vendor's images; "" leaves theirs.
        qualities: the route's quality words.
        ignored: the caller's fields that were not sent.
        pixels: of each reference image.
    """

    origin: str
    plan: str
    task: str
    suffix: str
    made_into: str
    qualities: Mapping[str, str]
    ignored: Sequence[str]
    pixels: Sequence[int]

    @classmethod
    def of(
        cls, candidate: Candidate, *, ignored: Sequence[str], pixels: Sequence[int]
    ) -> "OrderPlan":
        """The plan by which this candidate's jobs are ordered."""
        return cls(
            origin=_origin_of(candidate.route),
            plan=candidate.plan,
            task=candidate.task,
            suffix=candidate.prompt_suffix,
            made_into=str(candidate.made_into or ""),
            qualities=candidate.route.quality_map,
            ignored=ignored,
            pixels=pixels,
        )

    def candidate(self, route: RouteInfo, upstream_size: str) -> Candidate:
        """The candidate of `of`, on the route as it is now."""
        return Candidate(
            route=replace(route, quality_map=self.qualities),
            plan=self.plan,
            upstream_size=upstream_size,
            prompt_suffix=self.suffix,
            made_into=Size.parse(self.made_into) if self.made_into else None,
            task=Task(self.task),
        )


@asynccontextmanager
async def writing_jobs(
    begun: Begun, claim: Claim, plan: Callable[[], OrderPlan]
) -> AsyncIterator[OnJob]:
    """Write each order of an attempt to its row, while its call lasts.

    While the database is away the write is retried beside the looks: what is paid is followed. A
    job ahead of its order is written first: else nobody would know of that.
    """
    writes: set[asyncio.Task[bool]] = set()

    async def on_job(job: Job) -> None:
        begun.jobs.append(job)
        row = {**job.as_json(), "plan": asdict(plan())}
        write = asyncio.create_task(_write(begun, claim, row))
        writes.add(write)
        if job.is_ahead and not await write:
            raise UpstreamError(AttemptClass.NOT_REACHED, "the order's job was not written")
        await asyncio.wait({write}, timeout=WRITE_SECONDS)

    try:
        yield on_job
    finally:  # the end of the attempt is written next
        for write in writes:
            write.cancel()
        await asyncio.gather(*writes, return_exceptions=True)


async def _write(begun: Begun, claim: Claim, row: Json) -> bool:
    statement = write_job_statement(begun.attempt_id, dispatch=claim.dispatch, job=row)
    try:
        is_written = await pools.again(partial(fetch_async, statement))
    except Exception:
        logger.exception("a job of %s could not be written", claim.generation.id)
        return False
    if not is_written:
        logger.warning("a job of %s is not written: no room, or too late", claim.generation.id)
    return is_written


async def may_cancel(begun: Begun, claim: Claim) -> bool:
    """True if surely nobody else follows the attempt's orders.

    Waits while the database is away: the attempt's end must wait as well, and after it nobody would
    cancel them.
    """
    statement = may_cancel_statement(begun.attempt_id, dispatch=claim.dispatch)
    try:
        return await pools.again(partial(fetch_async, statement))
    except Error:
        return False


@dataclass(frozen=True, slots=True)
class Followed:
    """An attempt that this claim has taken over from an earlier one, with its jobs."""

    taken: TakenOver
    begun: Begun
    candidate: Candidate
    plan: OrderPlan
    unlisted: int
    """Its other orders of which no job was written: they may be paid as well."""

    async def resume(
        self, claim: Claim, *, seconds: float, http: HttpPool, spools: Spools
    ) -> UpstreamAnswer:
        """The images of its jobs. Raises UpstreamError."""
        adapter = adapter_of_orders(
            self.candidate.route, self.plan.origin, seconds=seconds, http=http, spools=spools
        )
        try:
            answer = await adapter.resume(
                self.begun.jobs,
                _without_images(claim.generation, self.candidate),
                timeout_seconds=seconds,
                may_cancel=partial(may_cancel, self.begun, claim),
            )
        except UpstreamError as error:
            if not self.unlisted:
                raise
            # What these say proves nothing of the others.
            is_refused = error.attempt_class is AttemptClass.REFUSED
            attempt_class = AttemptClass.UNKNOWN if is_refused else error.attempt_class
            raise error.but(attempt_class=attempt_class, may_have_billed=True, cost=None) from None
        lost = answer.lost + self.unlisted * self.candidate.route.abilities.max_n
        return replace(answer, lost=min(lost, claim.generation.n - len(answer.images)))


def adapter_of_orders(
    route: RouteInfo, origin: str, *, seconds: float, http: HttpPool, spools: Spools
) -> Adapter:
    """The adapter for orders of this origin. Raises UpstreamError `unknown`.

    The channel's present key is used, since the keys of an account see its jobs, but it does not
    follow them to an origin that the channel has left.
    """
    if not route.api_key or _origin_of(route) != origin:
        raise UpstreamError(AttemptClass.UNKNOWN, "the channel's key or address is gone")
    return open_adapter(route.config(seconds), http, spools)


async def take_over(claim: Claim) -> Followed | None:
    """Move the generation's open attempt with jobs to this claim; None if there is none."""
    taken = await pools.again(partial(fetch_async, take_over_statement(claim)))
    if taken is None:
        return None
    attempt, stored = taken.attempt, taken.jobs[0]["plan"]
    # Fields of a later release are skipped.
    plan = OrderPlan(**{name: stored[name] for name in OrderPlan.__slots__})
    route = await pools.surely(present_route, attempt)
    jobs = [*map(Job.from_json, taken.jobs)]
    # An order keeps its turn while its job is written, so only those with a turn can lack one.
    # What is kept ahead of its order was not ordered where it is not listed.
    orders = 0 if jobs[0].is_ahead else route.abilities.orders_for(claim.generation.n)
    unlisted = min(max(orders - len(jobs), 0), ORDERS_AT_ONCE)
    if unlisted:  # the cost of some is not the cost of all
        jobs = [replace(job, cost=None) for job in jobs]
    begun = Begun(attempt.id, sent_request_of(attempt), jobs=jobs)
    candidate = plan.candidate(route, attempt.upstream_size)
    return Followed(taken, begun, candidate, plan, unlisted)


def _origin_of(route: RouteInfo) -> str:
    url = urlsplit(route.base_url)
    return f"{url.scheme}://{url.hostname}:{url.port}"


def _without_images(generation: Generation, candidate: Candidate) -> UpstreamRequest:
    """The request as it was ordered, without the reference images, which went with the order."""
    plain = request_for(generation, replace(candidate, task=Task.GENERATE), {})
    fields = {name: plain.fields[name] for name in plain.fields if name not in {"image", *OVERLAYS}}
    return replace(plain, task=candidate.task, fields=fields, partial_images=0)
