"""Billing's tasks for the short-work worker."""

from celery import shared_task

from billing.services.office import card_money
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
