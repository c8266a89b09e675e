"""Who may take one of an image worker's slots: everybody a share, and tests a small one.

A tenant holds at most nine times the slots that it leaves free, and always at least one, so that
whoever comes next begins at once, however many requests of one tenant are slow. It is the rule of
the spool budget. What is refused here stays queued (docs/adr/0035).
"""

import math
import threading
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

FAIRNESS = 9
"""A tenant holds at most this many times the slots that it leaves free."""
TESTS_PART = 20
"""Tests of all tenants together take one slot in so many, at least one."""
TESTS_AT_ONCE = 10
"""Tests of one tenant that one worker process calls upstreams for at the same time."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a tenant has in hand, and how many more of each mode it may take."""

    in_hand: int
    live: int
    tests: int


class Slots:
    """The slots of one worker process. Asked by Celery's consumer, the loop and the heartbeat."""

    def __init__(self, total: int) -> None:
        self._left = total
        self._most = math.inf
        self._most_tests = max(1, total // TESTS_PART)
        self._in_hand: Counter[UUID] = Counter()
        self._tests: Counter[UUID] = Counter()
        self._changed = threading.Condition()
        self.is_wanted = False
        """Whether rows wait, as far as is known: one was refused, or found by the last look."""

    def wait(self, seconds: float) -> bool:
        """Whether any is free, waiting this long for one."""
        with self._changed:
            self.is_wanted |= self._any_left() < 1
            return self._changed.wait_for(lambda: self._any_left() > 0, seconds)

    def take(self, tenant_id: UUID, *, livemode: bool) -> bool:
        """Take one for this tenant; False where it has its share, or tests have theirs."""
        with self._changed:
            room = self._room(tenant_id)
            if not (room.live if livemode else room.tests):
                self.is_wanted = True
                return False
            self._count(tenant_id, 1, livemode=livemode)
            return True

    def limit(self, most: float) -> None:
        """Have no more than this in hand from now on."""
        with self._changed:
            self._most = most
            self._changed.notify_all()

    def give_back(self, tenant_id: UUID, *, livemode: bool) -> None:
        """One that this tenant took is free again."""
        with self._changed:
            self._count(tenant_id, -1, livemode=livemode)
            self._changed.notify()

    def of_tenants(self) -> Counter[UUID]:
        """How many each tenant has in hand."""
        with self._changed:
            return self._in_hand.copy()

    def rooms(self) -> tuple[Room, dict[UUID, Room]]:
        """Of a tenant with nothing in hand, and of each that has something."""
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

    def _any_left(self) -> int:
        """Slots that are free, as far as any may be taken now."""
        return int(max(0, min(self._left, self._most - self._in_hand.total())))

    def _room(self, tenant_id: UUID | None) -> Room:
        in_hand = self._in_hand[tenant_id] if tenant_id else 0
        tests = self._tests[tenant_id] if tenant_id else 0
        share = (FAIRNESS * self._left - in_hand) // (FAIRNESS + 1)
        live = min(self._any_left(), max(share, 0 if in_hand else 1))
        tests_left = min(TESTS_AT_ONCE - tests, self._most_tests - self._tests.total())
        return Room(in_hand, live, max(0, min(live, tests_left)))
