"""A worker's lease: one row for one life of one image worker, renewed every few seconds.

Generations are claimed under it; whatever a worker unseen for too long has in hand is taken back.
Every comparison of times uses the database's clock.
"""

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import NewType
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from generation.models import Worker
from pictor import __version__
from pictor.kit import ids

WorkerEpoch = NewType("WorkerEpoch", UUID)

TROUBLE_CHARS = 200
MOST_SEEN = 200
"""Workers that are listed."""


def enlist() -> WorkerEpoch:
    """A new life of this process: a row with a fresh epoch."""
    worker = Worker.objects.create(
        epoch=ids.new_uuid(),
        host=socket.gethostname(),
        pid=os.getpid(),
        version=__version__,
        slots=settings.WORKER_SLOTS,
        in_hand=0,
    )
    return WorkerEpoch(worker.epoch)


def renew(*, worker: WorkerEpoch, trouble: str = "", in_hand: int = 0) -> bool:
    """Say that we are alive; False where there is no such lease: it was ended, or its row is gone.

    And why nothing can be stored, if so, and how many generations are in hand.

    Also after the lease had run out: what others took from us meanwhile has another dispatch
    number, so nothing we still write can touch it, and what they left is ours to finish.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_worker SET seen_at = clock_timestamp(), storage_trouble = %s,"
            " in_hand = %s WHERE epoch = %s AND stopped_at IS NULL",
            [trouble[:TROUBLE_CHARS], in_hand, worker],
        )
        return bool(cursor.rowcount)


@dataclass(frozen=True, slots=True)
class Alive:
    """How many image workers have renewed their lease in time, and how many can store images."""

    workers: int
    can_store: int

    @property
    def storage(self) -> bool | None:
        """Whether images can be stored: by all of them. None where there are none."""
        return self.can_store == self.workers if self.workers else None


def alive() -> Alive:
    """As seen from outside, by what the workers wrote."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE storage_trouble = '')"
            " FROM generation_worker WHERE stopped_at IS NULL"
            " AND seen_at > clock_timestamp() - make_interval(secs => %s)",
            [settings.LEASE_SECONDS],
        )
        return Alive(*cursor.fetchone())


@dataclass(frozen=True, slots=True)
class Seen:
    """An image worker, and for how long it has not been seen."""

    worker: Worker
    unseen_seconds: float

    @property
    def is_alive(self) -> bool:
        """Whether it has renewed its lease in time."""
        return self.unseen_seconds < settings.LEASE_SECONDS


def seen_lately() -> list[Seen]:
    """Those that have not ended by themselves, those that were seen last first.

    Also those that went silent within the hour: what they had in hand was taken back.
    """
    since = Now() - timedelta(hours=1)
    left = Worker.objects.filter(stopped_at=None, seen_at__gt=since).annotate(at=Now())
    rows = left.order_by("-seen_at", "epoch")[:MOST_SEEN]
    return [Seen(row, (row.at - row.seen_at).total_seconds()) for row in rows]


def retire(*, worker: WorkerEpoch) -> None:
    """End the lease at once: nothing is claimed under this epoch any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_worker SET stopped_at = clock_timestamp() WHERE epoch = %s",
            [worker],
        )
