"""What died with its worker begins again here: a group at a time, beside everything else.

One of a group may have killed the worker and may kill this one too. Then it takes no other of the
quarantine along, so its neighbours are called once more, not twice. The rows say how large a group
may be (claims.py); the next one is begun when the last of a group has ended.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from uuid import UUID

from django.db import InterfaceError, OperationalError

from generation import claims
from generation.claims import Claim
from generation.lease import WorkerEpoch
from pictor.kit import pools

logger = logging.getLogger(__name__)


class Quarantine:
    """The lane of one image worker; on its event loop.

    Args:
        worker: under whose lease groups are claimed.
        carry: carries one claim to its end.
        is_stopping: set when nothing more is to be claimed.
    """

    def __init__(
        self,
        *,
        worker: WorkerEpoch,
        carry: Callable[[Claim], Awaitable[None]],
        is_stopping: threading.Event,
    ) -> None:
        self._worker = worker
        self._carry = carry
        self._is_stopping = is_stopping
        self._may_wait = asyncio.Event()
        self.changing = threading.Lock()
        """Held while a group is claimed, so that nobody finds claims that `in_hand` lacks."""
        self.in_hand: set[UUID] = set()

    def look(self) -> None:
        """There may be something; to be called on the loop."""
        self._may_wait.set()

    async def run(self) -> None:
        """Take group after group, until cancelled."""
        while True:
            self._may_wait.clear()
            group = await self._next()
            if not group:
                await self._may_wait.wait()
                continue
            logger.info("%d begin again in quarantine", len(group))
            await asyncio.gather(*map(self._carry_one, group))

    async def _next(self) -> list[Claim]:
        if self._is_stopping.is_set():
            return []
        try:
            return await pools.database(self._take)
        except (OperationalError, InterfaceError) as error:
            logger.warning("the quarantine could not be looked at: %s", error)
            return []

    def _take(self) -> list[Claim]:
        with self.changing:
            group = claims.take_quarantined(worker=self._worker)
            self.in_hand.update(claim.generation.id for claim in group)
            return group

    async def _carry_one(self, claim: Claim) -> None:
        try:
            await self._carry(claim)
        except Exception:
            logger.exception("a generation was let go of")
        finally:
            self.in_hand.discard(claim.generation.id)
