"""Orders that vendors still work on although their generation has ended: cancelled, then closed.

Who ends a generation, at its deadline, at its third death or by an operator's hand, leaves its
attempt with jobs open. A reaper cancels them here, outside of any transaction. The answer decides
the cost alone, and if several reapers ask at once, the first answer counts.
"""

import asyncio
import logging
from contextlib import aclosing
from datetime import datetime

from django.conf import settings

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.snapshot import present_route
from generation.channels.base import Job
from generation.channels.errors import UpstreamError
from generation.channels.origins import private_origins
from generation.dispatch.takeover import adapter_of_orders
from generation.lifecycle.attempts import close_abandoned
from generation.lifecycle.jobs import left_running
from generation.models import Attempt
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.outbound.http import HttpPool
from pictor.kit.secrets.encryption import WrongKey

logger = logging.getLogger(__name__)

AT_ONCE = 50
SECONDS = 5.0
"""A round of a reaper is held up no longer than that."""


def end_left_jobs(*, now: datetime) -> None:
    """Cancel what vendors still work on for generations that have ended, and close its attempts."""
    left = list(left_running()[:AT_ONCE])
    if not left:
        return
    routes = [_route_of(attempt) for attempt in left]
    for attempt, never_ran in zip(left, asyncio.run(_cancel_all(left, routes)), strict=True):
        why = "its generation ended while its vendor worked on it"
        close_abandoned(attempt, never_ran=never_ran, why=why, now=now)


def _route_of(attempt: Attempt) -> RouteInfo | None:
    try:
        return present_route(attempt)
    except WrongKey:
        return None


async def _cancel_all(left: list[Attempt], routes: list[RouteInfo | None]) -> list[bool]:
    return await asyncio.gather(*map(_never_ran, left, routes))


async def _never_ran(attempt: Attempt, route: RouteInfo | None) -> bool:
    """Cancel its orders; True if the vendor proves that it ran none of them."""
    if route is None:
        return False
    origins = private_origins(
        channel=route.channel_name, base_url=route.base_url, allow=settings.EGRESS_ALLOW
    )
    try:
        async with asyncio.timeout(SECONDS), aclosing(HttpPool(egress_allow=origins)) as http:
            with Spools(settings.SPOOL, SpoolBudget(settings.SPOOL_BUDGET_BYTES)) as spools:
                jobs = attempt.jobs or []
                origin = jobs[0]["plan"]["origin"]
                adapter = adapter_of_orders(
                    route, origin, seconds=SECONDS, http=http, spools=spools
                )
                is_proof = await adapter.cancel([Job.from_json(job) for job in jobs])
                # An order may be paid of which no job was written.
                return is_proof and len(jobs) >= route.abilities.orders_for(attempt.generation.n)
    except (TimeoutError, UpstreamError) as error:
        logger.warning("orders of %s are left running: %s", attempt.generation_id, error)
    except Exception:
        logger.exception("orders of %s could not be cancelled", attempt.generation_id)
    return False
