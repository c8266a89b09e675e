"""What the short-work worker does for billing."""

from celery import shared_task

from billing.services import look_at_balances, look_at_budgets
from pictor.kit.words import clock


@shared_task(ignore_result=True)
def tell_of_low_balances() -> None:
    """Mail those whose balance has fallen below what they chose."""
    look_at_balances(now=clock.now())


@shared_task(ignore_result=True)
def tell_of_passed_budgets() -> None:
    """Mail those who manage keys about budgets that only warn and were passed."""
    look_at_budgets(now=clock.now())
