"""Billing's tasks for the short-work worker."""

from celery import shared_task

from billing.selectors.office.payments import cards_on
from billing.services.office import card_money, payments_round, provider_books, provider_events
from billing.services.office.alerts import look_at_balances
from billing.services.office.budget_warnings import look_at_budgets
from pictor.kit.words import clock


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
    """Do the minute's work on payments by card, where there are any."""
    if cards_on():
        payments_round.follow_all(now=clock.now())


@shared_task(ignore_result=True)
def handle_provider_events() -> None:
    """Handle what the payment provider rang for."""
    if cards_on():
        provider_events.handle(clock.now())


@shared_task(ignore_result=True)
def compare_with_provider() -> None:
    """Compare the last days with the payment provider's own books."""
    if cards_on():
        provider_books.keep_differences(clock.now())


@shared_task(ignore_result=True)
def forget_provider_events() -> None:
    """Delete old events of the payment provider."""
    provider_events.forget(clock.now())
