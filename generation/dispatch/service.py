"""Try channels in order, write each attempt down, and bring back verified images.

One Dispatcher a worker process, on its event loop. Database work runs in the database pool, pixel
work in the conversion pool, storage in its own; the loop itself only moves bytes into spool files.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from generation import attempts
from generation.catalogue.contracts import AUTO, Catalogue, ContractTerms, RouteInfo, Size
from generation.catalogue.plans import Candidate
from generation.catalogue.snapshot import catalogue_at, loaded_catalogue
from generation.channels.base import LargeValue, UpstreamAnswer
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError, no_room
from generation.channels.origins import private_origins
from generation.claims import Claim
from generation.dispatch.call import ask, ignored_by, needs_of, wanted_of
from generation.dispatch.endings import (
    WrongSize,
    counted_as,
    end_of,
    error_of,
    gate_seconds,
    overridden,
    refused,
)
from generation.dispatch.health import Health, UpstreamCall
from generation.dispatch.inputs import Fetching, readable
from generation.dispatch.partials import Partials
from generation.dispatch.pixels import verified
from generation.dispatch.retry import History, Next, decide
from generation.dispatch.selection import candidates
from generation.models import Generation
from generation.outcome import (
    NO_CHANNEL,
    TIMED_OUT,
    Delivery,
    Failure,
    VerifiedImage,
    error_for,
)
from pictor.kit import clock, ids, pools
from pictor.kit.errors import PictorError
from pictor.kit.http import HttpPool
from pictor.kit.http_pools import HttpPools
from pictor.kit.spool import SpoolFull, Spools

LONGEST_WAIT_SECONDS = 15.0
"""How long a generation waits for a gate, a full cap, or the first outcomes of a channel."""
LOOK_AGAIN_SECONDS = 0.1
TIMING_SLACK_SECONDS = 0.05
"""An attempt that ended this close to its deadline ended by it."""


@dataclass
class _Run:
    """One dispatch of one generation: what is left to try, and what was spent."""

    claim: Claim
    queue: list[Candidate]
    partials: Partials
    spools: Spools
    """The dispatch's scope."""
    history: History = field(default_factory=History)
    number: int = 0
    ends_at: float = 0.0
    large: Mapping[str, LargeValue] = field(default_factory=dict)

    @property
    def generation(self) -> Generation:
        return self.claim.generation

    @property
    def seconds_left(self) -> float:
        return self.ends_at - time.monotonic()


class Dispatcher:
    """Sends generations to channels and brings back verified images."""

    def __init__(
        self,
        *,
        http: HttpPools,
        allow: Collection[str],
        spools: Spools,
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._http = http
        self._fetching = Fetching(http.strangers)
        self._allow = allow
        self._spools = spools
        self._roll = roll
        self._health = Health()

    def scope_of(self, claim: Claim) -> Spools:
        """The scope of all spools of this dispatch, to be ended when its images are stored."""
        return self._spools.scope(str(claim.generation.tenant_id))

    async def run(self, claim: Claim, spools: Spools) -> Delivery:
        """Images from the first channel that delivers. Raises Failure with the caller's error.

        Reference images that the caller named by address are fetched first.
        """
        catalogue = loaded_catalogue(claim.revision)
        if catalogue is None:
            catalogue = await pools.surely(catalogue_at, claim.revision)
        run = _Run(claim, self._candidates(claim, catalogue), Partials(claim, spools), spools)
        run.ends_at = time.monotonic() + claim.seconds_left
        if not run.queue:
            raise Failure(NO_CHANNEL)
        async with readable(
            claim.generation.inputs,
            task=Task(claim.generation.task),
            fetching=self._fetching,
            tenant=claim.generation.tenant_id,
            spools=spools,
            seconds=run.seconds_left,
        ) as run.large:
            return await self._delivered(run)

    async def _delivered(self, run: _Run) -> Delivery:
        while True:
            candidate, call = await self._next(run)
            try:
                return await self._attempt(run, candidate, call)
            except _Ended as ended:
                run.history = run.history.after(ended.cause.attempt_class)
                self._requeue(run, candidate, ended)

    # --- choosing -----------------------------------------------------------------------------

    def _candidates(self, claim: Claim, catalogue: Catalogue) -> list[Candidate]:
        generation = claim.generation
        contract = catalogue.contracts.get(generation.model)
        if contract is None:
            return []
        routes = catalogue.routes_for(generation.model, livemode=generation.livemode)
        if claim.dispatch > 1:
            routes = tuple(route for route in routes if route.allows_redispatch)
        found = candidates(
            routes,
            contract=contract,
            size=generation.size,
            needs=needs_of(generation),
            roll=self._roll,
        )
        return [
            _within_limit(one, contract, generation.prompt)
            for one in found
            if one.keeps_size or not generation.strict_size
        ]

    async def _next(self, run: _Run) -> tuple[Candidate, UpstreamCall]:
        """The first candidate that may be called now; waits a little for a gate that will open.

        With every breaker open the first candidate is tried anyway: a breaker lets others go first,
        and there are no others. While no channel has proven itself, a burst waits for the first
        answers instead of going all to the first channel.
        """
        waited_until = time.monotonic() + min(LONGEST_WAIT_SECONDS, run.seconds_left)
        while True:
            now = time.monotonic()
            chosen = self._best_of(run.queue, now=now, is_patient=now < waited_until)
            if chosen is not None:  # counted before any await: others choose meanwhile
                return chosen, self._health.started(chosen.route)
            opens_at = now + min(self._health.opens_in(one.route, now=now) for one in run.queue)
            if max(now, opens_at) >= waited_until:
                raise Failure(error_for(refused()))
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _best_of(
        self, queue: Sequence[Candidate], *, now: float, is_patient: bool
    ) -> Candidate | None:
        """The first usable candidate, by rank; None means: wait for outcomes of it.

        A burst to a channel of which nothing is known goes in a few calls at first, while others
        could serve: it neither floods a dead channel nor spills over to a lower rank.
        """
        usable = [one for one in queue if self._health.is_usable(one.route, now=now)]
        for candidate in usable:
            route, size = candidate.route, candidate.upstream_size
            if not self._health.keeps_size(route, size):
                continue
            is_waiting = is_patient and len(usable) > 1
            is_waiting = is_waiting and not self._health.is_known(route, now=now)
            return None if is_waiting else candidate
        broken = (one for one in queue if self._health.is_only_broken(one.route, now=now))
        return usable[0] if usable else next(broken, None)

    def _requeue(self, run: _Run, candidate: Candidate, ended: "_Ended") -> None:
        """Leave in the queue what may be tried next; raises Failure when nothing may."""
        rest = [other for other in run.queue if other is not candidate]
        match decide(
            ended.cause.attempt_class,
            history=run.history,
            has_next=bool(rest),
            retry_is_free=candidate.route.retry_is_free,
        ):
            case Next.SAME_CHANNEL:
                run.queue = [candidate, *rest]
            case Next.NEXT_CHANNEL:
                run.queue = rest
            case Next.GIVE_UP:
                raise Failure(ended.error)

    # --- one attempt --------------------------------------------------------------------------

    async def _attempt(self, run: _Run, candidate: Candidate, call: UpstreamCall) -> Delivery:
        """One call that `_next` has counted in; whatever its outcome, it is counted out here."""
        cause: UpstreamError | None = UpstreamError(AttemptClass.REJECTED, "not called at all")
        try:
            attempt_id, seconds = await self._begin(run, candidate)
            call.sent_at = started = time.monotonic()
            try:
                with run.spools.scope() as spools:
                    answer = await self._ask(run, candidate, seconds, spools)
                    delivery = await self._verified(run, candidate, attempt_id, answer, spools)
                    spools.keep(*(image.spool for image in delivery.images))
            except UpstreamError as error:
                cause = overridden(error, candidate.route)
                self._count_out(call, cause)  # first, because others wait for the outcome
                timed_out = time.monotonic() - started >= seconds - TIMING_SLACK_SECONDS
                await self._close(run, candidate.route, attempt_id, cause)
                _tell(run, candidate, cause.attempt_class, cause.http_status, started)
                raise _Ended(cause, error_of(cause, timed_out=timed_out)) from None
            cause = None
            _tell(run, candidate, AttemptClass.DELIVERED, answer.http_status, started)
            return delivery
        finally:
            self._count_out(call, cause)

    def _count_out(self, call: UpstreamCall, cause: UpstreamError | None) -> None:
        self._health.ended(
            call,
            failed_as=counted_as(cause),
            retry_after=gate_seconds(cause),
            now=time.monotonic(),
        )

    async def _begin(self, run: _Run, candidate: Candidate) -> tuple[UUID, float]:
        """The attempt's row and its seconds.

        Raises Failure when none are left, ClaimLost, or _Ended where the channel takes no tests.
        """
        run.number += 1
        if run.seconds_left <= 0:
            raise Failure(TIMED_OUT)
        attempt_id = ids.new_uuid()
        try:
            has_begun = await pools.surely(
                attempts.begin_attempt,
                attempt_id=attempt_id,
                claim=run.claim,
                number=run.number,
                channel_id=candidate.route.channel_id,
                upstream_model=candidate.route.upstream_model,
                upstream_size=candidate.upstream_size,
            )
        except attempts.TakesNoTests as error:
            cause = UpstreamError(AttemptClass.REFUSED, str(error))
            raise _Ended(cause, NO_CHANNEL) from None
        if not has_begun:
            raise ClaimLost
        return attempt_id, min(float(candidate.route.timeout_seconds), run.seconds_left)

    @staticmethod
    async def _close(run: _Run, route: RouteInfo, attempt_id: UUID, cause: UpstreamError) -> None:
        await pools.surely(
            attempts.end_attempt,
            end_of(attempt_id, cause, route, run.generation.n),
            generation_id=run.generation.id,
            now=clock.now(),
        )

    async def _ask(
        self, run: _Run, candidate: Candidate, seconds: float, spools: Spools
    ) -> UpstreamAnswer:
        wanted = wanted_of(run.generation, candidate)
        async with run.partials.sending(wanted) as on_partial:
            return await ask(
                run.generation,
                candidate,
                seconds=seconds,
                large=run.large,
                http=self._way_to(candidate.route),
                spools=spools,
                on_partial=on_partial,
            )

    def _way_to(self, route: RouteInfo) -> HttpPool:
        return self._http.allowing(
            private_origins(channel=route.channel_name, base_url=route.base_url, allow=self._allow)
        )

    async def _verified(
        self,
        run: _Run,
        candidate: Candidate,
        attempt_id: UUID,
        answer: UpstreamAnswer,
        spools: Spools,
    ) -> Delivery:
        """Decode every image, convert where another format was asked for, check the size."""
        generation = run.generation
        images: list[VerifiedImage] = []
        wanted = wanted_of(generation, candidate)
        try:
            for image in answer.images:
                good = await pools.conversion(verified, image, wanted=wanted, spools=spools)
                if good is not None:
                    images.append(_without_echo(good, generation.prompt + candidate.prompt_suffix))
        except SpoolFull as error:
            raise no_room(error) from error
        self._check(run, candidate, images)
        return Delivery(
            attempt_id=attempt_id,
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
            raise UpstreamError(
                AttemptClass.BAD_RESULT, "no image that could be decoded", may_have_billed=True
            )
        size = run.generation.size
        if candidate.upstream_size != AUTO:
            self._health.delivered(
                candidate.route,
                size=candidate.upstream_size,
                was_right=all(image.size in {candidate.upstream_size, size} for image in images),
            )
        if run.generation.strict_size and size != AUTO:
            wrong = [image.size for image in images if image.size != str(Size.parse(size))]
            if wrong:
                raise WrongSize(f"asked for {size}, got {', '.join(wrong)}")


class ClaimLost(Exception):
    """Another worker has the generation, or it has ended: nothing more is written about it here."""


class _Ended(Exception):
    """One attempt is over without images."""

    def __init__(self, cause: UpstreamError, error: PictorError) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.error = error


def _tell(
    run: _Run, candidate: Candidate, ended_as: AttemptClass, status: int | None, started: float
) -> None:
    attempts.tell(
        run.generation,
        channel=candidate.route.channel_name,
        attempt_class=ended_as,
        status=status,
        seconds=time.monotonic() - started,
    )


def _within_limit(candidate: Candidate, contract: ContractTerms, prompt: str) -> Candidate:
    """Without the ratio sentence where the prompt leaves no room for it."""
    fits = len(prompt) + len(candidate.prompt_suffix) <= contract.prompt_max_chars
    return candidate if fits else replace(candidate, prompt_suffix="")


def _without_echo(image: VerifiedImage, sent: str) -> VerifiedImage:
    """Without a revised prompt that merely repeats what we sent."""
    return replace(image, revised_prompt=None) if image.revised_prompt == sent else image
