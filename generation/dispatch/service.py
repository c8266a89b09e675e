"""Try channels in order, record each attempt, and bring back verified images.

One Dispatcher per worker process, on its event loop. Pixel work that takes time runs in the
conversion pool, storage in its own; the loop itself moves bytes into spool files, begins attempts
and verifies small pngs.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from generation.catalogue.contracts import AUTO, RouteInfo, Size
from generation.catalogue.plans import Candidate
from generation.catalogue.snapshot import catalogue_at, loaded_catalogue
from generation.channels.base import LargeValue, UpstreamAnswer
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError, no_room
from generation.channels.origins import private_origins
from generation.dispatch.call import begun_at, ignored_by, make_call, wanted_of
from generation.dispatch.channel_health import UpstreamCall
from generation.dispatch.choosing import UNMADE, Chooser, NotNow, Opening
from generation.dispatch.endings import (
    Begun,
    WrongSize,
    end_of,
    error_of,
    out_of_time,
    overridden,
    too_large_for_a_test,
)
from generation.dispatch.inputs import Fetching, readable
from generation.dispatch.partials import Partials
from generation.dispatch.pixels import verify_on_loop, without_echo
from generation.dispatch.retry import History, Next, decide
from generation.dispatch.storage_gate import Gate
from generation.lifecycle import attempts, outcome
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import Failure, Verified, VerifiedImage
from generation.models import Generation
from pictor.kit.bytes.spool import SpoolFull, Spools
from pictor.kit.database import pools
from pictor.kit.outbound.http import HttpPool
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import PictorError

STORING_SECONDS = 20.0
"""A call ends this long before the deadline, so that its images can still be stored."""
LEAST_SECONDS = 30.0
"""No call begins with less than this until it must end, or less than its channel's time-out if that
is shorter: it would hardly end in time, and be paid for."""
TIMING_SLACK_SECONDS = 0.05
"""An attempt that ended this close to its deadline timed out."""
TEST_SECONDS = 60.0
"""The longest call of a test, even on a slower channel: it holds a slot for free."""
MAX_TEST_IMAGE_BYTES = 8_000_000
TESTS = "tests"
"""The owner under which all tests share the spool budget."""


@dataclass
class _Run:
    """One dispatch of one generation: the channels left, and the budgets spent."""

    claim: Claim
    queue: list[Candidate]
    partials: Partials
    spools: Spools
    """The dispatch's scope."""
    begun: Begun | None = None
    """The first attempt, if it began with the claim."""
    history: History = field(default_factory=History)
    doubted: list[RouteInfo] = field(default_factory=list)
    """Channels that rejected it and may be wrong."""
    number: int = 0
    ends_at: float = 0.0
    large: Mapping[str, LargeValue] = field(default_factory=dict)

    @property
    def generation(self) -> Generation:
        return self.claim.generation

    @property
    def is_strict(self) -> bool:
        """True if an image of another size is refused."""
        return self.generation.strict_size and self.generation.size != AUTO

    @property
    def pays_for_wrong(self) -> bool:
        """True if a wrong size is at our cost; a test costs nothing."""
        return self.is_strict and self.generation.livemode

    @property
    def seconds_left(self) -> float:
        return self.ends_at - time.monotonic()

    def has_time_for(self, candidate: Candidate) -> bool:
        return self.seconds_left >= min(LEAST_SECONDS, candidate.route.timeout_seconds)


class Dispatcher:
    """Sends generations to channels and brings back verified images."""

    def __init__(
        self, *, http: HttpPools, allow: Collection[str], spools: Spools, gate: Gate
    ) -> None:
        self.gate = gate
        """The gate of storage: while it is closed, no call begins."""
        self._http = http
        self._fetching = Fetching(http.strangers)
        self._allow = allow
        self._spools = spools
        self._chooser = Chooser()
        self.changes = self._chooser.changes
        """The changes of its breakers and gates."""

    def opening(
        self, model: str, size: str, tenant: UUID
    ) -> AbstractContextManager[Opening | None]:
        """The first call of a generation whose doorbell named model and size, if possible."""
        return self._chooser.opening(model, size, tenant)

    def scope_of(self, claim: Claim) -> Spools:
        """The scope of this dispatch's spools, to be ended once its images are stored."""
        generation = claim.generation
        return self._spools.scope(str(generation.tenant_id) if generation.livemode else TESTS)

    async def run(self, claim: Claim, spools: Spools, opening: Opening | None = None) -> Verified:
        """Images from the first channel that delivers. Raises Failure with the caller's error.

        Reference images that the caller named by address are fetched first.

        Args:
            claim: the generation.
            spools: the dispatch's scope.
            opening: the attempt that began with the claim.
        """
        catalogue = opening.catalogue if opening else loaded_catalogue(claim.revision)
        if catalogue is None:
            catalogue = await pools.surely(catalogue_at, claim.revision)
        queue = self._chooser.queue_of(claim, catalogue, opening)
        run = _Run(claim, queue, Partials(claim, spools), spools)
        run.ends_at = time.monotonic() + claim.seconds_left - STORING_SECONDS
        if not run.queue:
            raise Failure(outcome.NO_CHANNEL)
        if not claim.generation.inputs:
            return await self._deliver(run, opening)
        async with readable(
            claim.generation.inputs,
            task=Task(claim.generation.task),
            fetching=self._fetching,
            tenant=claim.generation.tenant_id,
            spools=spools,
            seconds=run.seconds_left,
        ) as run.large:
            return await self._deliver(run, opening)

    async def _deliver(self, run: _Run, opening: Opening | None) -> Verified:
        if opening is None:
            candidate, call = await self._next(run)
        else:
            candidate, call = opening.candidate, opening.call
            at = run.claim.begun_at
            run.begun = begun_at(at, opening.attempt_id, run.generation, candidate)
        while True:
            try:
                delivery = await self._attempt(run, candidate, call)
            except _Ended as ended:
                run.history = run.history.after(ended.cause.attempt_class)
                self._requeue(run, candidate, ended)
            else:
                # Another channel delivered what these rejected, so the rejection was about them.
                for route in run.doubted:
                    self._chooser.proved_wrong(route)
                return delivery
            candidate, call = await self._next(run)

    async def _next(self, run: _Run) -> tuple[Candidate, UpstreamCall]:
        queue = [candidate for candidate in run.queue if run.has_time_for(candidate)]
        if not queue:
            raise Failure(outcome.TIMED_OUT)
        return await self._chooser.next_of(
            queue,
            tenant=run.generation.tenant_id,
            seconds_left=run.seconds_left,
            is_strict=run.pays_for_wrong,
        )

    def _requeue(self, run: _Run, candidate: Candidate, ended: "_Ended") -> None:
        """Leave in the queue the channels to try next; raises Failure if there is none."""
        rest = [other for other in run.queue if other is not candidate]
        is_doubted = (
            ended.cause.attempt_class is AttemptClass.REJECTED
            and not ended.cause.may_have_billed  # a preview had arrived
            and self._chooser.doubts(candidate.route, tenant=run.generation.tenant_id)
        )
        is_wrong_size = isinstance(ended.cause, WrongSize)  # it would come again, and be paid
        if is_doubted:
            run.doubted.append(candidate.route)
        match decide(
            ended.cause.attempt_class,
            history=run.history,
            has_next=bool(rest),
            retry_is_free=candidate.route.retry_is_free and not is_wrong_size,
            is_doubted=is_doubted,
        ):
            case Next.SAME_CHANNEL:
                run.queue = [candidate, *rest]
            case Next.NEXT_CHANNEL:
                run.queue = rest
            case Next.GIVE_UP:
                raise Failure(ended.error)

    # --- one attempt --------------------------------------------------------------------------

    async def _attempt(self, run: _Run, candidate: Candidate, call: UpstreamCall) -> Verified:
        """Make one call that counts already; it stops counting here, with any outcome."""
        cause: UpstreamError | None = UNMADE
        try:
            begun, seconds = await self._begin(run, candidate)
            # Checked again, since others' images may have closed it since the claim (ADR 0038).
            if not self.gate.is_open:
                await self._give_up_uncalled(run, begun.attempt_id)
            call.sent_at = started = time.monotonic()
            try:
                with run.spools.scope() as spools:
                    answer = await self._ask(run, candidate, seconds, spools)
                    delivery = await self._verify(run, candidate, begun, answer, spools)
                    # A failed attempt frees its spools here; a delivery waits to be stored.
                    spools.keep(*(image.spool for image in delivery.images))
            except UpstreamError as error:
                cause = overridden(error, candidate.route)
                self._chooser.count_out(call, cause)  # first: others wait for the outcome
                # Taken before the database is waited for.
                timed_out = time.monotonic() - started >= seconds - TIMING_SLACK_SECONDS
                await self._close(run, candidate.route, begun, cause)
                _log_end(run, candidate, cause.attempt_class, cause.http_status, started)
                raise _Ended(cause, error_of(cause, timed_out=timed_out)) from None
            cause = None
            _log_end(run, candidate, AttemptClass.DELIVERED, answer.http_status, started)
            return delivery
        finally:
            self._chooser.count_out(call, cause)

    async def _begin(self, run: _Run, candidate: Candidate) -> tuple[Begun, float]:
        """The attempt's row and its seconds.

        Raises Failure if too few are left, ClaimLost, or _Ended if the channel takes no tests.
        """
        run.number += 1
        begun, run.begun = run.begun, None
        if not run.has_time_for(candidate):
            raise Failure(outcome.TIMED_OUT, ended=None if begun is None else out_of_time(begun))
        if begun is not None:
            return begun, self._seconds_of(run, candidate)
        attempt_id = ids.new_uuid()
        attempt = attempts.begin_attempt_statement(
            attempt_id=attempt_id,
            claim=run.claim,
            number=run.number,
            route=candidate.route,
            upstream_size=candidate.upstream_size,
        )
        try:
            at = await pools.again(partial(attempts.begin, attempt))
        except attempts.TakesNoTests as error:
            cause = UpstreamError(AttemptClass.REFUSED, str(error))
            raise _Ended(cause, outcome.NO_CHANNEL) from None
        begun = begun_at(at, attempt_id, run.generation, candidate)
        if begun is None:
            raise ClaimLost
        return begun, self._seconds_of(run, candidate)

    @staticmethod
    async def _give_up_uncalled(run: _Run, attempt_id: UUID) -> None:
        """Raise NotNow if no call was made yet, else Failure."""
        await pools.surely(
            attempts.close_uncalled,
            attempt_id,
            generation_id=run.generation.id,
            why="nothing can be stored",
            now=clock.now(),
        )
        if run.number > 1:  # most of its time is spent (ADR 0038)
            raise Failure(outcome.CANNOT_STORE)
        raise NotNow

    @staticmethod
    def _seconds_of(run: _Run, candidate: Candidate) -> float:
        most = min(float(candidate.route.timeout_seconds), run.seconds_left)
        return most if run.generation.livemode else min(most, TEST_SECONDS)

    @staticmethod
    async def _close(run: _Run, route: RouteInfo, begun: Begun, cause: UpstreamError) -> None:
        await pools.surely(
            attempts.end_failed_call,
            end_of(begun, cause, route),
            generation=run.generation,
            now=clock.now(),
        )

    async def _ask(
        self, run: _Run, candidate: Candidate, seconds: float, spools: Spools
    ) -> UpstreamAnswer:
        call = partial(
            make_call,
            run.generation,
            candidate,
            seconds=seconds,
            large=run.large,
            http=self._way_to(candidate.route),
            spools=spools,
        )
        # A refused strict request must not have shown its image, which is not charged.
        may_show = not run.pays_for_wrong or self._chooser.was_right(candidate)
        if not run.generation.partial_images or not may_show:
            return await call(on_partial=None)
        async with run.partials.sending(wanted_of(run.generation, candidate)) as on_partial:
            return await call(on_partial=on_partial)

    def _way_to(self, route: RouteInfo) -> HttpPool:
        return self._http.allowing(
            private_origins(channel=route.channel_name, base_url=route.base_url, allow=self._allow)
        )

    async def _verify(
        self,
        run: _Run,
        candidate: Candidate,
        begun: Begun,
        answer: UpstreamAnswer,
        spools: Spools,
    ) -> Verified:
        """Verify every image, convert it if another format was requested, check the size."""
        generation = run.generation
        images: list[VerifiedImage] = []
        wanted = wanted_of(generation, candidate)
        try:
            for image in answer.images:
                good = await verify_on_loop(image, wanted=wanted, spools=spools)
                if good is not None:
                    if not generation.livemode and good.spool.size > MAX_TEST_IMAGE_BYTES:
                        raise too_large_for_a_test(MAX_TEST_IMAGE_BYTES)
                    images.append(without_echo(good, generation.prompt + candidate.prompt_suffix))
        except SpoolFull as error:
            raise no_room(error) from error
        # Also after a failure: the images that came decide what the call cost.
        finally:
            begun.brought(answer, images)
        self._check(run, candidate, images)
        return Verified(
            attempt_id=begun.attempt_id,
            sent=begun.sent,
            route=candidate.route,
            plan=candidate.plan,
            task=candidate.task,
            upstream_size=candidate.upstream_size,
            ignored=ignored_by(generation, candidate, answer),
            answer=answer,
            images=tuple(images),
        )

    def _check(self, run: _Run, candidate: Candidate, images: Sequence[VerifiedImage]) -> None:
        if not images:
            raise UpstreamError(AttemptClass.BAD_RESULT, "no image that could be verified")
        size, sizes = run.generation.size, [image.size for image in images]
        if run.generation.livemode:  # a sandbox draws the size that a prompt names
            self._chooser.delivered(candidate, wanted=size, sizes=sizes)
        if run.is_strict:
            wrong = [came for came in sizes if came != str(Size.parse(size))]
            if wrong:
                raise WrongSize(f"asked for {size}, got {', '.join(wrong)}")


class ClaimLost(Exception):
    """Another worker has the generation, or it has ended: this one writes nothing more about it."""


class _Ended(Exception):
    """An attempt ended without images."""

    def __init__(self, cause: UpstreamError, error: PictorError) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.error = error


def _log_end(
    run: _Run, candidate: Candidate, ended_as: AttemptClass, status: int | None, started: float
) -> None:
    attempts.log_attempt(
        run.generation,
        channel=candidate.route.channel_name,
        attempt_class=ended_as,
        status=status,
        seconds=time.monotonic() - started,
    )
