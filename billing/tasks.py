"""Billing's tasks for the short-work worker."""

import logging
from collections.abc import Callable
from datetime import datetime

from celery import shared_task

from billing.payments.port import ProviderError
from billing.selectors.office.payments import cards_on
from billing.services.office import (
    automatic,
    card_money,
    pay_backs,
    payments,
    provider_books,
    provider_events,
)
from billing.services.office.alerts import look_at_balances
from billing.services.office.budget_warnings import look_at_budgets
from pictor.kit.database import lock_numbers
from pictor.kit.words import clock

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def tell_of_low_balances() -> None:
    """Mail tenants whose balance has fallen below their threshold."""
    look_at_balances(now=clock.now())


@shared_task(ignore_result=True)
def tell_of_passed_budgets() -> None:
    """Look at budgets without refusals, as the release before asks for it."""
    look_at_budgets(now=clock.now())


@shared_task(ignore_result=True)
def repay_what_is_owed() -> None:
    """Repay what tenants owe from money that ended holds released."""
    card_money.repay_what_is_owed()


@shared_task(ignore_result=True)
def follow_payments() -> None:
    """Follow payments by card, where there are any."""
    if cards_on():
        follow_all(now=clock.now())


def follow_all(*, now: datetime) -> None:
    """Pull and handle events; then look at what no event told, and pay back."""
    provider = provider_events.pull, provider_events.handle
    _alone(lock_numbers.PAYMENTS, now, *provider, payments.follow_begun, pay_backs.send_waiting)


@shared_task(ignore_result=True)
def top_up_automatically() -> None:
    """Charge the saved cards that are due; many events keep none waiting."""
    if cards_on():
        _alone(lock_numbers.AUTOMATIC_TOP_UPS, clock.now(), automatic.top_up_due)


def _alone(number: int, now: datetime, *steps: Callable[[datetime], None]) -> None:
    """Make each step in one process, even if one before it failed; it comes again in a minute."""
    with lock_numbers.alone(number) as is_mine:
        for step in steps if is_mine else ():
            try:
                step(now)
            except ProviderError as error:
                logger.warning("the provider is away: %s: %s", type(error).__name__, error)
            except Exception:
                logger.exception("a step of the work on payments failed: %s", step.__name__)


@shared_task(ignore_result=True)
def handle_provider_events() -> None:
    """Handle what the payment provider rang for."""
    if cards_on():
        provider_events.handle(clock.now())


@shared_task(ignore_result=True)
def compare_with_provider() -> None:
    """Compare the last days with the payment provider's own books, and delete old events."""
    if cards_on():
        provider_events.forget(clock.now())
        provider_books.keep_differences(clock.now())
