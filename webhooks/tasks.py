"""What the short-work worker does for webhooks besides sending them (sender.py)."""

from celery import shared_task

from pictor.kit.words import clock
from webhooks import forgetting


@shared_task(ignore_result=True)
def forget_webhooks() -> None:
    """Delete attempts of more than 30 days ago, of tests within a day, and their events."""
    forgetting.forget_old(now=clock.now())
