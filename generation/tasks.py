"""What Celery carries: doorbells of generations; and the work of each minute or hour.

A message may come twice or never. What a doorbell says goes straight to the process's event loop
(background/doorbell.py); the claim decides, and lease and reaper are the truth.
"""

import logging
from datetime import datetime

from celery import Task, shared_task

from accounts.services import link_events
from billing.models import LedgerProof
from billing.services import is_due
from generation import conditions
from generation.admission import idempotency, orphans
from generation.alerts.alert_sending import send_due_alerts
from generation.background import doorbell, leftovers, retention
from generation.bills import intake
from generation.oversight import selling, sunset_mail, watch
from generation.oversight.ledger.rounds import prove
from generation.traffic import channel_events
from generation.traffic.minutes import Counting
from pictor.kit.words import clock

logger = logging.getLogger(__name__)

_counting = Counting()


class Doorbell(Task):  # type: ignore[type-arg] # generic only for the stubs
    """A task whose messages go another way than into Celery's pool."""

    Strategy = "generation.background.doorbell:hand_over"


@shared_task(base=Doorbell, ignore_result=True)
def ring(*arguments: str | bool, **said: int) -> None:
    """A generation is queued: carry it, if it is still to be had."""
    doorbell.hear((arguments, said))


@shared_task(ignore_result=True)
def look_around() -> None:
    """Count for the status page whether each part of the service works."""
    watch.look_and_count(now=clock.now())


@shared_task(ignore_result=True)
def count_attempts() -> None:
    """Count by the minute how calls to channels ended."""
    _counting.count(now=clock.now())


@shared_task(ignore_result=True)
def look_for_conditions() -> None:
    """Add to what was sold what moved until a minute ago, find what needs a person, and tell."""
    try:
        selling.add_sold()
    finally:
        conditions.look(now=clock.now())
        send_due_alerts(now=clock.now())


@shared_task(ignore_result=True)
def tell_of_sunsets() -> None:
    """Mail those who use a model that ends, or that stays after all."""
    sunset_mail.mail_sunsets(now=clock.now())


@shared_task(ignore_result=True)
def forget_channel_events() -> None:
    """Delete what turned on channels more than 30 days ago."""
    channel_events.forget_old(now=clock.now())


@shared_task(ignore_result=True)
def forget_inputs() -> None:
    """Delete the reference images of generations that ended a day ago."""
    leftovers.forget_inputs(now=clock.now())


@shared_task(ignore_result=True)
def forget_idempotency_keys() -> None:
    """Forget what repeated requests can no longer find, by their keys or as retries."""
    idempotency.forget_expired(now=clock.now())
    orphans.forget_old(now=clock.now())


@shared_task(ignore_result=True)
def forget_leftovers() -> None:
    """Delete objects of dispatches that were cut off, inputs never admitted, and partial images.

    And pictures of operators' tests of channels, after a week.
    """
    leftovers.forget_leftovers(now=clock.now())
    leftovers.forget_trials(now=clock.now())


@shared_task(ignore_result=True)
def forget_prompts() -> None:
    """Erase prompts that their tenants keep no longer, and delete the rows of old tests."""
    retention.forget_prompts(now=clock.now())
    retention.delete_tests(now=clock.now())


@shared_task(ignore_result=True)
def forget_refused() -> None:
    """Delete what was refused 7 days ago, or is too much."""
    retention.forget_refused(now=clock.now())


@shared_task(ignore_result=True)
def match_bills() -> None:
    """Read and match the vendors' bills that wait."""
    intake.match_waiting()


@shared_task(ignore_result=True)
def forget_bills() -> None:
    """Delete the bills that nobody went on with."""
    intake.forget_old(now=clock.now())


@shared_task(ignore_result=True)
def check_ledger() -> None:
    """Prove what came to the ledger since the checkpoints.

    Audit events whose process died before it linked them are linked first.
    """
    link_events(every=True)
    _prove(LedgerProof.Kind.SINCE_CHECKPOINT)


@shared_task(ignore_result=True)
def check_whole_ledger() -> None:
    """Prove the whole ledger, once a day."""
    _prove(LedgerProof.Kind.WHOLE)


@shared_task(ignore_result=True)
def check_ledger_now(asked_at: str) -> None:
    """Prove what came since the checkpoints, because somebody asked then, in ISO 8601."""
    link_events(every=True)
    _prove(LedgerProof.Kind.SINCE_CHECKPOINT, asked_at=datetime.fromisoformat(asked_at))


@shared_task(ignore_result=True)
def check_whole_ledger_now(asked_at: str) -> None:
    """Prove the whole ledger, because somebody asked then, in ISO 8601."""
    _prove(LedgerProof.Kind.WHOLE, asked_at=datetime.fromisoformat(asked_at))


def _prove(kind: LedgerProof.Kind, *, asked_at: datetime | None = None) -> None:
    """In one worker, where it is due, or none began since it was asked for.

    So however often it is asked for meanwhile, one more is made. Whatever is wrong is logged as an
    error.
    """
    now = clock.now()
    proof = prove(kind, now=now) if is_due(kind, now=now, since=asked_at) else None
    for finding in proof.findings if proof else ():
        logger.error("the ledger is wrong: %s", finding)
