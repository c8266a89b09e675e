"""The short-work worker's tasks for webhooks, besides sending (sender.py)."""

from celery import shared_task

from pictor.kit.words import clock
from webhooks import forgetting


@shared_task(ignore_result=True)
def forget_webhooks() -> None:
    """Delete attempts older than 30 days, tests' within a day, and their events."""
    forgetting.forget_old(now=clock.now())
