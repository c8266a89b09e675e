"""Choose the next channel: by the configuration, and by its health in this process.

Only on the worker's event loop. A call counts from the moment it is chosen, before anything is
awaited, because others choose meanwhile.
"""

import asyncio
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import InterfaceError, OperationalError

from generation.catalogue.contracts import AUTO, Catalogue, ContractTerms, RouteInfo
from generation.catalogue.plans import CLOSEST, Candidate
from generation.catalogue.selection import candidates
from generation.catalogue.snapshot import latest_catalogue
from generation.catalogue.traffic import open_breakers
from generation.catalogue.traffic.open_breakers import BreakerKey
from generation.channels.base import ORDERS_AT_ONCE
from generation.channels.declaration import PLAIN, Needs
from generation.channels.errors import AttemptClass, UpstreamError
from generation.dispatch.call import needs_of
from generation.dispatch.channel_health import Health
from generation.dispatch.circuits import UpstreamCall
from generation.dispatch.endings import counted_as, gate_seconds, refused
from generation.lifecycle.attempts import FirstCall
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import NO_STRICT_CHANNEL, Failure, error_for
from pictor.kit.database import pools
from pictor.kit.words import ids

logger = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 15.0
"""The longest wait of a generation for a gate, a full cap, or a channel's first outcomes."""
LOOK_AGAIN_SECONDS = 0.1


class NotNow(Exception):
    """No call was begun: storage is away, or an operator stopped it. It is queued again."""


UNMADE = UpstreamError(AttemptClass.REJECTED, "not called at all")
"""The outcome of a chosen call that was never made."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The first call of an unclaimed generation, chosen by its doorbell's message.

    `queue` holds every channel of `catalogue` that may serve it.
    """

    attempt_id: UUID
    size: str
    candidate: Candidate
    call: UpstreamCall
    queue: Sequence[Candidate]
    catalogue: Catalogue

    @property
    def first_call(self) -> FirstCall:
        """What the claim records of it."""
        return FirstCall(
            attempt_id=self.attempt_id,
            route=self.candidate.route,
            upstream_size=self.candidate.upstream_size,
            size=self.size,
            revision=self.catalogue.revision,
        )


class Chooser:
    """Chooses for one worker process."""

    def __init__(self) -> None:
        self._health = Health()
        self.changes, self.learn = self._health.changes, self._health.learn
        self._waiting: dict[int, Counter[UUID]] = defaultdict(Counter)
        """By channel, the tenants that wait for a place below its cap."""

    @contextmanager
    def opening(self, model: str, size: str, tenant: UUID) -> Iterator[Opening | None]:
        """The first call of a plain live request, counted until the end at the latest.

        None if model or size are not known, if it is stopped or must wait for a channel, if its
        prompt may need one more sentence, or if a strict request goes to another channel.
        """
        opening = self._opening(model, size, tenant)
        try:
            yield opening
        finally:
            # A call that was made has ended before, and counts only once.
            if opening is not None:
                self.count_out(opening.call, UNMADE)

    def _opening(self, model: str, size: str, tenant: UUID) -> Opening | None:
        catalogue = latest_catalogue()
        contract = catalogue.contracts.get(model)
        if contract is None or not (size == AUTO or contract.option(size)):
            return None
        # The claim finds the stop in its own snapshot and queues it again (ADR 0056).
        if catalogue.stop_of(model, tenant):
            return None
        queue = self._capable(catalogue, contract, size=size)
        chosen = self._best_of(queue, tenant, now=time.monotonic(), is_patient=True)
        # The bell does not carry the prompt, which may leave no room for the ratio's sentence.
        if chosen is None or chosen.plan == CLOSEST:
            return None
        # Nor does it say whether the request is strict.
        if self._health.was_wrong_size(chosen.route, chosen.upstream_size):
            return None
        # A probe must be won first, among all workers.
        if self._health.probe_of(chosen.route, now=time.monotonic()):
            return None
        call = self._health.started(chosen.route, tenant=tenant)
        return Opening(ids.new_uuid(), size, chosen, call, queue, catalogue)

    def queue_of(
        self, claim: Claim, catalogue: Catalogue, opening: Opening | None, *, is_redispatch: bool
    ) -> list[Candidate]:
        """Every channel that may serve the claimed generation, best first.

        After an earlier dispatch that may have been paid for, `is_redispatch`, only those that
        allow it. Raises NotNow if it was stopped after its doorbell rang.
        """
        generation = claim.generation
        if catalogue.stop_of(generation.model, generation.tenant_id):
            raise NotNow
        contract = catalogue.contracts.get(generation.model)
        if contract is None:
            return []
        # The opening's own objects: `_requeue` takes the called one out by identity.
        capable = (
            opening.queue
            if opening
            else self._capable(
                catalogue,
                contract,
                size=generation.size,
                needs=needs_of(generation),
                livemode=generation.livemode,
                is_redispatch=is_redispatch,
            )
        )
        return [
            _within_limit(candidate, contract, generation.prompt)
            for candidate in capable
            # A strict request would refuse what such a plan makes.
            if candidate.keeps_size or not generation.strict_size
        ]

    @staticmethod
    def _capable(
        catalogue: Catalogue,
        contract: ContractTerms,
        *,
        size: str,
        needs: Needs = PLAIN,
        livemode: bool = True,
        is_redispatch: bool = False,
    ) -> list[Candidate]:
        routes = catalogue.routes_for(contract.model, livemode=livemode)
        # An earlier dispatch may have been paid for: only the operator may allow a second payment.
        if is_redispatch:
            routes = tuple(route for route in routes if route.allows_redispatch)
        return candidates(routes, contract=contract, size=size, needs=needs, roll=random.random)

    async def next_of(
        self,
        queue: Sequence[Candidate],
        *,
        tenant: UUID,
        seconds_left: float,
        is_strict: bool = False,
    ) -> tuple[Candidate, UpstreamCall]:
        """The first candidate that may be called now; waits a little for a gate that will open.

        A free place below a cap goes to the waiting tenant with the fewest calls in flight there.
        With every breaker open the first candidate is tried anyway: a breaker lets others go first,
        and there are no others. While no channel has proven itself, a burst waits for the first
        answers instead of going all to the first channel. Raises Failure with the caller's error.

        Args:
            queue: the candidates, best first.
            tenant: the generation's.
            seconds_left: until the generation's deadline.
            is_strict: another size would be refused, at our cost.
        """
        waited_until = time.monotonic() + min(LONGEST_WAIT_SECONDS, seconds_left)
        while True:
            now = time.monotonic()
            fit = self._fit_for_strict(queue, now=now) if is_strict else queue
            chosen = self._best_of(fit, tenant, now=now, is_patient=now < waited_until)
            if chosen is not None:
                probed = self._health.probe_of(chosen.route, now=now)
                call = self._health.started(chosen.route, tenant=tenant)
                if probed and not await self._has_won(probed, call):
                    continue
                if is_strict:
                    self._health.started_strict(call, chosen.upstream_size)
                return chosen, call
            opens_at = now + min(
                self._health.opens_in(candidate.route, now=now) for candidate in fit
            )
            # A gate that opens too late is not waited for at all (ADR 0009).
            if max(now, opens_at) >= waited_until:
                raise Failure(error_for(refused()))
            with self._in_line(fit, tenant):
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _has_won(self, probed: Sequence[BreakerKey], call: UpstreamCall) -> bool:
        """True if this call may be the probe of all workers; else it no longer counts."""
        self._health.probed(probed, now=time.monotonic())
        try:
            call.probe = await pools.database(open_breakers.win, probed)
        except (OperationalError, InterfaceError) as error:
            logger.warning("no probe of a breaker could be won: %s", error)
        finally:
            if call.probe is None:
                self.count_out(call, UNMADE)
        return call.probe is not None

    @contextmanager
    def _in_line(self, queue: Sequence[Candidate], tenant: UUID) -> Iterator[None]:
        """Wait for a place below full caps, or behind others."""
        routes = [candidate.route for candidate in queue]
        lines = [
            self._waiting[route.channel_id]
            for route in routes
            if self._health.is_full(route) or not self._is_turn_of(tenant, route)
        ]
        for line in lines:
            line[tenant] += 1
        try:
            yield
        finally:
            for line in lines:
                line[tenant] -= 1
                if not line[tenant]:
                    del line[tenant]  # a tenant left at 0 would still count as waiting

    def _is_turn_of(self, tenant: UUID, route: RouteInfo) -> bool:
        """True if no tenant with fewer calls in flight waits for a place below the cap."""
        others = self._waiting[route.channel_id]
        if route.max_concurrency is None or not others:
            return True
        mine = self._health.in_flight(route, tenant=tenant)
        return all(self._health.in_flight(route, tenant=other) >= mine for other in others)

    def _fit_for_strict(self, queue: Sequence[Candidate], *, now: float) -> Sequence[Candidate]:
        """Drop channels whose last delivery had another size; if all had, keep those due a probe.

        Checked again while it waits, since deliveries to others count. Raises Failure if none is
        left.
        """
        health = self._health
        fit = [
            candidate
            for candidate in queue
            if not health.was_wrong_size(candidate.route, candidate.upstream_size)
        ]
        fit = fit or [
            candidate
            for candidate in queue
            if health.may_probe(candidate.route, candidate.upstream_size, now=now)
        ]
        if not fit:
            raise Failure(NO_STRICT_CHANNEL)
        return fit

    def _best_of(
        self, queue: Sequence[Candidate], tenant: UUID, *, now: float, is_patient: bool
    ) -> Candidate | None:
        """The first usable candidate, by rank; None means: wait for its outcomes.

        A burst to an unknown channel starts with a few calls while others could serve: it neither
        floods a dead channel nor spills over to a lower rank.
        """
        queue = [candidate for candidate in queue if self._is_turn_of(tenant, candidate.route)]
        usable = [
            candidate for candidate in queue if self._health.is_usable(candidate.route, now=now)
        ]
        for candidate in usable:
            route, size = candidate.route, candidate.upstream_size
            if not self._health.keeps_size(route, size):
                continue
            # A burst to the only channel has nowhere to spill over to, so it need not wait.
            is_waiting = is_patient and len(usable) > 1
            is_waiting = is_waiting and not self._health.is_known(route, now=now)
            return None if is_waiting else candidate
        # A breaker never refuses the last channel (ADR 0009), nor does a run of wrong sizes.
        broken = (
            candidate
            for candidate in queue
            if self._health.is_only_broken(candidate.route, now=now)
        )
        return usable[0] if usable else next(broken, None)

    def can_take(self, candidate: Candidate) -> bool:
        """True if its channel may be called now, and does well."""
        return self._health.is_well(candidate.route, candidate.upstream_size, now=time.monotonic())

    def called(self, route: RouteInfo, tenant: UUID, *, orders: int) -> UpstreamCall:
        """Count a call of which there is no choice: the channel has its orders already."""
        call = self._health.started(route, tenant=tenant)
        call.places = min(orders, ORDERS_AT_ONCE)
        return call

    def widened(self, call: UpstreamCall, *, n: int) -> int:
        """The most orders for n images that may be under way at once, which all count now."""
        self._health.widen(call, call.route.abilities.orders_for(n))
        return call.places

    def count_out(self, call: UpstreamCall, cause: UpstreamError | None) -> None:
        """End a call; `None` means that it delivered. Counts only once."""
        self._health.ended(
            call,
            failed_as=counted_as(cause),
            retry_after=gate_seconds(cause),
            now=time.monotonic(),
        )

    def doubts(self, route: RouteInfo, *, tenant: UUID) -> bool:
        """True if a rejection of this tenant's request may be about the channel."""
        self._health.rejected(route, tenant=tenant)
        return self._health.is_doubted(route)

    def proved_wrong(self, route: RouteInfo) -> None:
        """Count a failure: another channel delivered a request that this one had rejected."""
        self._health.was_wrong(route, now=time.monotonic())

    def was_right(self, candidate: Candidate) -> bool:
        """True if the channel's last delivery had this size."""
        return self._health.was_right(candidate.route, candidate.upstream_size)

    def delivered(self, candidate: Candidate, *, wanted: str, sizes: Sequence[str]) -> None:
        """Record a call's delivered sizes: a channel that gets one wrong goes after others."""
        sent = candidate.upstream_size
        if sent != AUTO:  # for `auto` no size is wrong
            is_right = all(size in {sent, wanted} for size in sizes)
            now = time.monotonic()
            self._health.delivered(candidate.route, size=sent, was_right=is_right, now=now)


def _within_limit(candidate: Candidate, contract: ContractTerms, prompt: str) -> Candidate:
    """Drop the ratio sentence if the prompt leaves no room for it."""
    suffix = candidate.prompt_suffix
    fits = not suffix or len(prompt) + len(suffix) <= contract.prompt_max_chars
    return candidate if fits else replace(candidate, prompt_suffix="")
