"""Processes and servers killed under load."""

import time

from tests.drills.ground import Ground
from tests.drills.load import seconds_of
from tests.drills.report import Result
from tests.drills.trial import trial

SLOW = "[sandbox: delay=1.5]"
"""Slow enough that each worker always has some in hand."""
AWAY_SECONDS = 10
MAX_503_SECONDS = 5.0
"""Time after PostgreSQL's kill in which requests may be refused: it first recovers from its log."""


def worker(ground: Ground) -> Result:
    """Both image workers and a short-work worker are killed, one after the other."""
    with ground.site() as site:
        site.is_storing()
        with trial(site, "worker", prompt=SLOW) as run:
            for unit in (site.units["images"][0], site.units["short"][0], site.units["images"][1]):
                run.load.goes_on(8)
                ground.units.kill(unit)
            run.load.goes_on(8)
        run.nothing_failed()
        again = run.lost()
        return run.result(
            "an image worker, a short-work worker and the other image worker killed",
            f"{again} calls were cut off and made again",
        )


def redis(ground: Ground) -> Result:
    """Redis is killed and back after a second; then it is away for longer."""
    with ground.site() as site:
        site.is_storing()
        with trial(site, "redis") as run:
            run.load.goes_on(5)
            ground.units.kill(ground.valkey)
            run.load.goes_on(8)
            ground.units.kill(ground.valkey, comes_back=False)
            run.load.goes_on(AWAY_SECONDS)
            ground.units.resume(ground.valkey)
            back_at = time.monotonic()
            run.load.goes_on(10)
        run.nothing_failed()
        after = seconds_of(run.load.sent_between(back_at + 5))[1]
        return run.result(
            f"Valkey killed and restarted after 1 s; then away for {AWAY_SECONDS} s",
            f"p95 from 5 s after its return {after:.2f} s",
        )


def postgres(ground: Ground) -> Result:
    """All of PostgreSQL's processes are killed; it restarts after a second, and recovers."""
    with ground.site() as site:
        site.is_storing()
        with trial(site, "postgres") as run:
            run.load.goes_on(8)
            killed_at = time.monotonic()
            ground.units.kill(ground.postgres)
            run.load.goes_on(15)
        refused = run.refused_for(killed_at)
        run.check(refused <= MAX_503_SECONDS, f"503 for {refused:.1f} s")
        return run.result(
            "PostgreSQL killed and restarted after 1 s",
            f"503 for {refused:.1f} s after it",
        )
