"""The live processes of 0.2.0, which may run beside this release during an upgrade.

Web processes of both releases hold an advisory lock each, ours besides a shared one. Image workers
of 0.2.0 write no version. Its short-work workers leave no trace, and neither quote nor settle.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from generation.models import Worker
from pictor.kit.database.cursors import first_row
from pictor.kit.database.lock_numbers import AFTER_0_2, WEB_PROCESSES

# One look at the locks: `classid` and `objid` are the halves of a lock's number.
_WEB = """
SELECT count(*) FROM (
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY pid
    HAVING bool_or(mode = 'ExclusiveLock' AND classid::bigint << 32 >= %s)
       AND NOT bool_or(mode = 'ShareLock' AND classid = 0 AND objid = %s)) AS older
"""


def processes_of_release_before() -> list[str]:
    """Their names for a person, such as "2 web processes" and "image worker img1/4711"."""
    (web,) = first_row(_WEB, [WEB_PROCESSES, AFTER_0_2])
    alive = Now() - timedelta(seconds=settings.LEASE_SECONDS)
    workers = Worker.objects.filter(version="", stopped_at=None, seen_at__gt=alive)
    named = [f"image worker {worker}" for worker in workers.order_by("host", "pid")]
    return [*([f"{web} web process{'' if web == 1 else 'es'}"] if web else []), *named]
