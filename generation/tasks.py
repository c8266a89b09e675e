"""Celery's tasks: doorbells of generations, and work by the minute, the hour and the day.

A message may come twice or never. A doorbell's content goes straight to the process's event loop
(background/doorbell.py); the claim decides, and lease and reaper are the truth.
"""

import logging
from datetime import datetime, timedelta

from celery import Task, shared_task

from accounts.services import link_events
from billing.models import LedgerProof
from billing.services.office.budget_warnings import look_at_budgets
from billing.services.office.proofs import is_due
from generation.admission import idempotency, retry_shield
from generation.background import doorbell, image_origins, leftovers, retention
from generation.catalogue.traffic import channel_events, open_breakers
from generation.catalogue.traffic.minutes import Counting
from generation.oversight import conditions, daily_sales, sunset_mail, tagged_days, watch
from generation.oversight.alerts.alert_sending import send_due_alerts
from generation.oversight.bills import intake
from generation.oversight.budget_refusals import refused_by_budgets
from generation.oversight.ledger.rounds import prove
from pictor.kit.words import clock

logger = logging.getLogger(__name__)

REFUSALS_SEEN = timedelta(minutes=15)
"""Three times as long as from one look at them to the next."""
_counting = Counting()


class Doorbell(Task):  # type: ignore[type-arg] # generic only for the stubs
    """A task whose messages bypass Celery's pool."""

    Strategy = "generation.background.doorbell:hand_over"


@shared_task(base=Doorbell, ignore_result=True)
def ring(*arguments: str | bool, **said: int) -> None:
    """Carry a queued generation, unless another worker has claimed it."""
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
def tell_of_used_budgets() -> None:
    """Mail those who manage keys, and send a webhook, about used shares of budgets."""
    now = clock.now()
    look_at_budgets(now=now, refused=refused_by_budgets(now - REFUSALS_SEEN))


@shared_task(ignore_result=True)
def look_for_conditions() -> None:
    """Count sales and usage by tag up to a minute ago, look for conditions, and send alerts."""
    try:
        daily_sales.add_sold()
        tagged_days.count_tagged()
    finally:
        conditions.look(now=clock.now())
        conditions.note_number(clock.now())
        send_due_alerts(now=clock.now())


@shared_task(ignore_result=True)
def tell_of_sunsets() -> None:
    """Mail owners of tenants that use a model which ends, or which stays after all."""
    sunset_mail.mail_sunsets(now=clock.now())


@shared_task(ignore_result=True)
def forget_channel_events() -> None:
    """Delete channels' events older than 30 days, and breakers without a probe for a day."""
    channel_events.forget_old(now=clock.now())
    open_breakers.forget_old(now=clock.now())


@shared_task(ignore_result=True)
def fill_origins() -> None:
    """Make new images findable by their bytes."""
    image_origins.fill_origins(now=clock.now())


@shared_task(ignore_result=True)
def forget_inputs() -> None:
    """Delete the reference images of generations that ended a day ago."""
    leftovers.forget_inputs(now=clock.now())


@shared_task(ignore_result=True)
def forget_idempotency_keys() -> None:
    """Delete expired idempotency keys, and clear marks that retries can no longer find."""
    idempotency.forget_expired(now=clock.now())
    retry_shield.forget_old(now=clock.now())


@shared_task(ignore_result=True)
def forget_leftovers() -> None:
    """Delete objects of dispatches that were cut off, inputs never admitted, and partial images.

    Also delete the pictures of operators' channel tests after a week.
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
    """Delete records of refused requests after 7 days, and the oldest beyond the limit."""
    retention.forget_refused(now=clock.now())


@shared_task(ignore_result=True)
def match_bills() -> None:
    """Read and match the vendors' bills that wait."""
    intake.match_waiting()


@shared_task(ignore_result=True)
def forget_bills() -> None:
    """Delete bills left unfinished for a day."""
    intake.forget_old(now=clock.now())


@shared_task(ignore_result=True)
def check_ledger() -> None:
    """Prove the ledger's entries since the checkpoints.

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
    """Prove the entries since the checkpoints, as requested at `asked_at` (ISO 8601)."""
    link_events(every=True)
    _prove(LedgerProof.Kind.SINCE_CHECKPOINT, asked_at=datetime.fromisoformat(asked_at))


@shared_task(ignore_result=True)
def check_whole_ledger_now(asked_at: str) -> None:
    """Prove the whole ledger, as requested at `asked_at` (ISO 8601)."""
    _prove(LedgerProof.Kind.WHOLE, asked_at=datetime.fromisoformat(asked_at))


def _prove(kind: LedgerProof.Kind, *, asked_at: datetime | None = None) -> None:
    """Run the proof in one worker, if it is due or none began since the request.

    Repeated requests therefore cause only one more proof. Every finding is logged as an
    error.
    """
    now = clock.now()
    proof = prove(kind, now=now) if is_due(kind, now=now, since=asked_at) else None
    for finding in proof.findings if proof else ():
        logger.error("the ledger is wrong: %s", finding)
