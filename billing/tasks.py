"""What the short-work worker does for billing."""

from celery import shared_task

from billing.services import look_at_balances
from pictor.kit import clock


@shared_task(ignore_result=True)
def tell_of_low_balances() -> None:
    """Mail those whose balance has fallen below what they chose."""
    look_at_balances(now=clock.now())
