"""Try channels in order, record each attempt, and bring back verified images.

One Dispatcher per worker process, on its event loop. Pixel work that takes time runs in the
conversion pool, storage in its own; the loop itself moves bytes into spool files, begins attempts
and verifies small pngs.
"""

import time
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.plans import Candidate
from generation.catalogue.snapshot import catalogue_at, loaded_catalogue
from generation.channels.base import UpstreamAnswer
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError, no_room
from generation.channels.origins import private_origins
from generation.channels.size_rules import Size
from generation.dispatch.call import begun_at, make_call, wanted_of
from generation.dispatch.choosing import UNMADE, Chooser, NotNow, Opening
from generation.dispatch.circuits import UpstreamCall
from generation.dispatch.claiming import ClaimLost
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
from generation.dispatch.retry import Next, decide
from generation.dispatch.storage_gate import Gate
from generation.dispatch.takeover import Followed, may_cancel, take_over, writing_jobs
from generation.dispatch.tries import Ended, Tries
from generation.lifecycle import attempts, outcome
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import Failure, Verified, VerifiedImage
from pictor.kit.bytes.spool import SpoolFull, Spools
from pictor.kit.database import pools
from pictor.kit.outbound.http import HttpPool
from pictor.kit.words import clock, ids

if TYPE_CHECKING:  # the web process never calls an upstream
    from pictor.kit.outbound.http_pools import HttpPools

STORING_SECONDS = 20.0
"""A call ends this long before the deadline, so that its images can still be stored."""
TIMING_SLACK_SECONDS = 0.05
"""An attempt that ended this close to its deadline timed out."""
LOOK_SECONDS = 5.0
"""The least for orders of an earlier worker: their images may be ready."""
TEST_SECONDS = 60.0
"""The longest call of a test, even on a slower channel: it holds a slot for free."""
MAX_TEST_IMAGE_BYTES = 8_000_000
TESTS = "tests"
"""The owner under which all tests share the spool budget."""


class Dispatcher:
    """Sends generations to channels and brings back verified images."""

    def __init__(
        self, *, http: "HttpPools", allow: Collection[str], spools: Spools, gate: Gate
    ) -> None:
        self.gate = gate
        """The gate of storage: while it is closed, no call begins."""
        self._http = http
        self._fetching = Fetching(http.strangers)
        self._allow = allow
        self._spools = spools
        self._chooser = Chooser()
        self.changes, self.learn = self._chooser.changes, self._chooser.learn
        """The changes of its breakers and gates, and its ear for those of other workers."""

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
        run = Tries(claim, Partials(claim, spools), spools, is_redispatch=claim.dispatch > 1)
        run.ends_at = time.monotonic() + claim.seconds_left - STORING_SECONDS
        if run.is_redispatch and (followed := await take_over(claim)):
            delivery = await self._follow(run, followed)
            if delivery is not None:
                return delivery
        catalogue = opening.catalogue if opening else loaded_catalogue(claim.revision)
        if catalogue is None:
            catalogue = await pools.surely(catalogue_at, claim.revision)
        queue = self._chooser.queue_of(claim, catalogue, opening, is_redispatch=run.is_redispatch)
        run.queue = [each for each in queue if each.route.channel_id != run.refused_by]
        if not run.queue:
            raise Failure(run.refusal)
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

    async def _deliver(self, run: Tries, opening: Opening | None) -> Verified:
        if opening is None:
            candidate, call = await self._next(run)
        else:
            candidate, call = opening.candidate, opening.call
            at = run.claim.begun_at
            run.begun = begun_at(at, opening.attempt_id, run.generation, candidate)
        while True:
            try:
                delivery = await self._attempt(run, candidate, call)
            except Ended as ended:
                run.history = run.history.after(ended.cause.attempt_class)
                self._requeue(run, candidate, ended)
            else:
                # Another channel delivered what these rejected, so the rejection was about them.
                for route in run.doubted:
                    self._chooser.proved_wrong(route)
                return delivery
            candidate, call = await self._next(run)

    async def _follow(self, run: Tries, followed: Followed) -> Verified | None:
        """Follow an earlier worker's orders, whatever would hold up a new one.

        None if the vendor proves that it never ran them: others may be called. Raises Failure.
        """
        run.followed, run.number = followed, followed.taken.attempt.number
        candidate, left = followed.candidate, run.claim.seconds_left
        seconds = self._seconds_of(run, candidate, spent=followed.taken.seconds)
        orders = len(followed.begun.jobs)
        call = self._chooser.called(candidate.route, run.generation.tenant_id, orders=orders)
        try:
            seconds = min(max(seconds, LOOK_SECONDS), left)
            return await self._finish(run, candidate, call, followed.begun, seconds)
        except Ended as ended:
            if ended.cause.attempt_class != AttemptClass.REFUSED or ended.cause.may_have_billed:
                raise Failure(ended.error) from None
            run.followed, run.is_redispatch = None, followed.taken.may_be_paid_besides
            run.refused_by, run.refusal = candidate.route.channel_id, ended.error
            return None
        finally:
            self._chooser.count_out(call, UNMADE)

    async def _next(self, run: Tries) -> tuple[Candidate, UpstreamCall]:
        queue = [candidate for candidate in run.queue if run.has_time_for(candidate)]
        if not queue:
            raise Failure(outcome.TIMED_OUT)
        return await self._chooser.next_of(
            queue,
            tenant=run.generation.tenant_id,
            seconds_left=run.seconds_left,
            is_strict=run.pays_for_wrong,
        )

    def _requeue(self, run: Tries, candidate: Candidate, ended: "Ended") -> None:
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

    async def _attempt(self, run: Tries, candidate: Candidate, call: UpstreamCall) -> Verified:
        """Make one call that counts already; it stops counting here, with any outcome."""
        try:
            begun, seconds = await self._begin(run, candidate)
            # Checked again, since others' images may have closed it since the claim (ADR 0038).
            if not self.gate.is_open:
                await self._give_up_uncalled(run, begun.attempt_id)
            run.at_once = self._chooser.widened(call, n=run.generation.n)
            return await self._finish(run, candidate, call, begun, seconds)
        finally:
            self._chooser.count_out(call, UNMADE)

    async def _finish(
        self,
        run: Tries,
        candidate: Candidate,
        call: UpstreamCall,
        begun: Begun,
        seconds: float,
    ) -> Verified:
        """Carry a recorded attempt to its images, or close it and raise Ended."""
        call.sent_at = started = time.monotonic()
        try:
            with run.spools.scope() as spools:
                answer = await self._ask(run, candidate, begun, seconds, spools)
                delivery = await self._verify(run, candidate, begun, answer, spools)
                # A failed attempt frees its spools here; a delivery waits to be stored.
                spools.keep(*(image.spool for image in delivery.images))
        except UpstreamError as error:
            cause = error if error.is_taken else overridden(error, candidate.route)
            # First: others wait for the outcome.
            self._chooser.count_out(call, cause)
            # Taken before the database is waited for.
            timed_out = time.monotonic() - started >= seconds - TIMING_SLACK_SECONDS
            await self._close(run, candidate.route, begun, cause)
            run.log_end(candidate, cause.attempt_class, cause.http_status, started=started)
            raise Ended(cause, error_of(cause, timed_out=timed_out)) from None
        self._chooser.count_out(call, None)
        run.log_end(candidate, AttemptClass.DELIVERED, answer.http_status, started=started)
        if delivery.other_model and run.generation.livemode:
            self.changes.other_model(candidate.route, delivery.other_model)
        return delivery

    async def _begin(self, run: Tries, candidate: Candidate) -> tuple[Begun, float]:
        """The attempt's row and its seconds.

        Raises Failure if too few are left, ClaimLost, or Ended if the channel takes no tests.
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
            raise Ended(cause, outcome.NO_CHANNEL) from None
        begun = begun_at(at, attempt_id, run.generation, candidate)
        if begun is None:
            raise ClaimLost
        return begun, self._seconds_of(run, candidate)

    @staticmethod
    async def _give_up_uncalled(run: Tries, attempt_id: UUID) -> None:
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
    def _seconds_of(run: Tries, candidate: Candidate, *, spent: float = 0.0) -> float:
        most = float(candidate.route.timeout_seconds)
        most = most if run.generation.livemode else min(most, TEST_SECONDS)
        return min(most - spent, run.seconds_left)

    @staticmethod
    async def _close(run: Tries, route: RouteInfo, begun: Begun, cause: UpstreamError) -> None:
        await pools.surely(
            attempts.end_failed_call,
            end_of(begun, cause, route),
            generation=run.generation,
            now=clock.now(),
        )

    async def _ask(
        self, run: Tries, candidate: Candidate, begun: Begun, seconds: float, spools: Spools
    ) -> UpstreamAnswer:
        http = self._way_to(candidate.route)
        if run.followed:
            return await run.followed.resume(run.claim, seconds=seconds, http=http, spools=spools)
        call = partial(
            make_call,
            run.generation,
            candidate,
            seconds=seconds,
            queue_seconds=run.queue_seconds(candidate, self._chooser.can_take),
            at_once=run.at_once,
            large=run.large,
            http=http,
            spools=spools,
            may_cancel=partial(may_cancel, begun, run.claim),
        )
        # A refused strict request must not have shown its image, which is not charged.
        may_show = not run.pays_for_wrong or self._chooser.was_right(candidate)
        async with writing_jobs(begun, run.claim, partial(run.plan_of, candidate)) as on_job:
            if not run.generation.partial_images or not may_show:
                return await call(on_job=on_job, on_partial=None)
            async with run.partials.sending(wanted_of(run.generation, candidate)) as on_partial:
                return await call(on_job=on_job, on_partial=on_partial)

    def _way_to(self, route: RouteInfo) -> HttpPool:
        return self._http.allowing(
            private_origins(channel=route.channel_name, base_url=route.base_url, allow=self._allow)
        )

    async def _verify(
        self,
        run: Tries,
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
            ignored=run.ignored(candidate, answer),
            answer=answer,
            images=tuple(images),
            reference_pixels=run.reference_pixels,
        )

    def _check(self, run: Tries, candidate: Candidate, images: Sequence[VerifiedImage]) -> None:
        if not images:
            raise UpstreamError(AttemptClass.BAD_RESULT, "no image that could be verified")
        size, sizes = run.generation.size, [image.size for image in images]
        if run.generation.livemode:  # a sandbox draws the size that a prompt names
            self._chooser.delivered(candidate, wanted=size, sizes=sizes)
        if run.is_strict:
            wrong = [came for came in sizes if came != str(Size.parse(size))]
            if wrong:
                raise WrongSize(f"asked for {size}, got {', '.join(wrong)}")
