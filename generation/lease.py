"""A worker's lease: one row for one life of one image worker, renewed every few seconds.

Generations are claimed under it; whatever a worker unseen for too long has in hand is taken back.
Every comparison of times uses the database's clock.
"""

import os
import socket
from typing import NewType
from uuid import UUID

from django.conf import settings
from django.db import connection

from generation.models import Worker
from pictor.kit import ids

WorkerEpoch = NewType("WorkerEpoch", UUID)


def enlist() -> WorkerEpoch:
    """A new life of this process: a row with a fresh epoch."""
    worker = Worker.objects.create(epoch=ids.new_uuid(), host=socket.gethostname(), pid=os.getpid())
    return WorkerEpoch(worker.epoch)


def renew(*, worker: WorkerEpoch) -> bool:
    """Say that we are alive; False where there is no such lease: it was ended, or its row is gone.

    Also after the lease had run out: what others took from us meanwhile has another dispatch
    number, so nothing we still write can touch it, and what they left is ours to finish.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_worker SET seen_at = clock_timestamp()"
            " WHERE epoch = %s AND stopped_at IS NULL",
            [worker],
        )
        return bool(cursor.rowcount)


def alive() -> int:
    """How many image workers have renewed their lease in time, as seen from outside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM generation_worker WHERE stopped_at IS NULL"
            " AND seen_at > clock_timestamp() - make_interval(secs => %s)",
            [settings.LEASE_SECONDS],
        )
        (count,) = cursor.fetchone()
    return int(count)


def retire(*, worker: WorkerEpoch) -> None:
    """End the lease at once: nothing is claimed under this epoch any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_worker SET stopped_at = clock_timestamp() WHERE epoch = %s",
            [worker],
        )
