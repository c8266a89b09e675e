"""Restarts generations that died with their worker: one at a time, beside all other work.

One of them may have killed the worker and may kill this one too. Alone, it takes no other along, so
its neighbours are called only once more. The next one begins when the one before has ended or has
used its share of QUARANTINE_SECONDS: long or hanging calls must not keep the others waiting until
their deadlines.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError

from generation.lifecycle import claims
from generation.lifecycle.claims import Claim
from generation.lifecycle.lease import WorkerEpoch
from pictor.kit.database import pools

logger = logging.getLogger(__name__)


class Quarantine:
    """The lane of one image worker; on its event loop.

    Args:
        worker: the worker under whose lease they are claimed.
        in_slots: the number that the worker has of each tenant outside of quarantine.
        carry: carries one claim to its end.
        may_claim: returns True if another one may be claimed now.
    """

    def __init__(
        self,
        *,
        worker: WorkerEpoch,
        in_slots: Callable[[], Counter[UUID]],
        carry: Callable[[Claim], Awaitable[None]],
        may_claim: Callable[[], bool],
    ) -> None:
        self._worker = worker
        self._in_slots = in_slots
        self._carry = carry
        self._may_claim = may_claim
        self._may_wait = asyncio.Event()
        self.changing = threading.Lock()
        """Held during a claim, so that `in_hand` never lacks a committed one."""
        self.in_hand: dict[UUID, UUID] = {}
        """The tenant of each generation in hand."""
        self._tasks: set[asyncio.Task[None]] = set()

    def look(self) -> None:
        """Look again; to be called on the loop."""
        self._may_wait.set()

    async def run(self) -> None:
        """Restart one after the other, until cancelled."""
        while True:
            # Before the claim: a look that is asked for meanwhile counts.
            self._may_wait.clear()
            claim = await self._next()
            if claim is None:
                await self._may_wait.wait()
                continue
            suspects = claim.generation.quarantine
            logger.info("%s begins again in quarantine, one of %d", claim.generation.id, suspects)
            task = asyncio.create_task(self._carry_one(claim))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.wait([task], timeout=settings.QUARANTINE_SECONDS / suspects)

    async def _next(self) -> Claim | None:
        if not self._may_claim():
            return None
        try:
            return await pools.database(self._take)
        except (OperationalError, InterfaceError) as error:
            logger.warning("the quarantine could not be checked: %s", error)
            return None

    def _take(self) -> Claim | None:
        with self.changing:
            in_hand = self._in_slots() + Counter(list(self.in_hand.values()))
            claim = claims.claim_quarantined(worker=self._worker, in_hand=in_hand)
            if claim is not None:
                self.in_hand[claim.generation.id] = claim.generation.tenant_id
            return claim

    async def _carry_one(self, claim: Claim) -> None:
        try:
            await self._carry(claim)
        except Exception:
            logger.exception("work on a generation broke off")
        finally:
            del self.in_hand[claim.generation.id]
