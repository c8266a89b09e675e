"""The minute's work on payments by card, in one short-work worker at a time."""

import logging
from datetime import datetime

from billing.payments.port import ProviderError
from billing.services.office import automatic, pay_backs, payments, provider_events
from pictor.kit.database import lock_numbers

logger = logging.getLogger(__name__)


def follow_all(*, now: datetime) -> None:
    """Pull and handle events; then look at what no event told, pay back, and top up.

    Each step is made even if one before it failed, and is made again in a minute.
    """
    with lock_numbers.alone(lock_numbers.PAYMENTS) as is_mine:
        if not is_mine:
            return
        for step in (
            provider_events.pull,
            provider_events.handle,
            payments.follow_begun,
            pay_backs.send_waiting,
            automatic.top_up_due,
        ):
            try:
                step(now)
            except ProviderError as error:
                logger.warning("the provider is away: %s: %s", type(error).__name__, error)
            except Exception:
                logger.exception("a step of the work on payments failed: %s", step.__name__)
