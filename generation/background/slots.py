"""Shares an image worker's slots between tenants; tests get a small share.

A tenant holds at most nine times the slots that it leaves free, and always at least one, so the
next tenant begins at once, however many slow requests one tenant has. A refused generation stays
queued (docs/adr/0035). The spool budget leaves more: a single owner gets half (kit/bytes/spool.py).
"""

import math
import threading
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

FAIRNESS = 9
"""The most slots of a tenant, as a multiple of the slots it leaves free."""
TESTS_PART = 20
"""Tests of all tenants together take one slot in this many, at least one."""
TESTS_AT_ONCE = 10
"""Tests of one tenant that a worker process may have in hand at the same time."""


@dataclass(frozen=True, slots=True)
class Room:
    """A tenant's generations in hand, and the number of each mode that it may take."""

    in_hand: int
    live: int
    tests: int


class Slots:
    """The slots of one worker process. Used by Celery's consumer, the loop and the heartbeat."""

    def __init__(self, total: int) -> None:
        self._left = total
        self._most = math.inf
        self._most_tests = max(1, total // TESTS_PART)
        self._in_hand: Counter[UUID] = Counter()
        self._tests: Counter[UUID] = Counter()
        self._changed = threading.Condition()
        self.is_wanted = False
        """True if rows are known to wait: one was refused, or found by the last look."""

    def wait(self, seconds: float) -> bool:
        """Wait at most this long for a free slot; True if there is one."""
        with self._changed:
            self.is_wanted |= self._slots_left() < 1
            return self._changed.wait_for(lambda: self._slots_left() > 0, seconds)

    def take(self, tenant_id: UUID, *, livemode: bool) -> bool:
        """Take a slot for this tenant; False if the tenant, or tests, have their share already."""
        with self._changed:
            room = self._room(tenant_id)
            if not (room.live if livemode else room.tests):
                self.is_wanted = True
                return False
            self._count(tenant_id, 1, livemode=livemode)
            return True

    def limit(self, most: float) -> None:
        """Allow at most this many in hand from now on."""
        with self._changed:
            self._most = most
            self._changed.notify_all()

    def give_back(self, tenant_id: UUID, *, livemode: bool) -> None:
        with self._changed:
            self._count(tenant_id, -1, livemode=livemode)
            self._changed.notify()

    def of_tenants(self) -> Counter[UUID]:
        """The number that each tenant has in hand."""
        with self._changed:
            return self._in_hand.copy()

    def rooms(self) -> tuple[Room, dict[UUID, Room]]:
        """The room of a tenant with nothing in hand, and of each other one."""
        with self._changed:
            return self._room(None), {
                tenant_id: self._room(tenant_id) for tenant_id in self._in_hand
            }

    def _count(self, tenant_id: UUID, number: int, *, livemode: bool) -> None:
        self._left -= number
        for counts in [self._in_hand] if livemode else [self._in_hand, self._tests]:
            counts[tenant_id] += number
            if not counts[tenant_id]:
                del counts[tenant_id]

    def _slots_left(self) -> int:
        """Free slots that may be taken now."""
        return int(max(0, min(self._left, self._most - self._in_hand.total())))

    def _room(self, tenant_id: UUID | None) -> Room:
        in_hand = self._in_hand[tenant_id] if tenant_id else 0
        tests = self._tests[tenant_id] if tenant_id else 0
        share = (FAIRNESS * self._left - in_hand) // (FAIRNESS + 1)
        live = min(self._slots_left(), max(share, 0 if in_hand else 1))
        tests_left = min(TESTS_AT_ONCE - tests, self._most_tests - self._tests.total())
        return Room(in_hand, live, max(0, min(live, tests_left)))
