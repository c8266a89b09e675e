"""Conditions about stalled work: waiting generations; images, mail and webhooks not sent."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Min, QuerySet, Sum

from accounts.services.office.mail import unsent_seconds
from generation.catalogue.traffic.minutes import RECENT_PERIOD
from generation.models import Generation, Incident, State, Worker
from generation.oversight.conditions.detected import Outlook, PresentCondition
from pictor.kit.words.money import Micros
from storage.selectors import unsigned_images
from webhooks.selectors import due_deliveries

STALLED_AFTER = timedelta(seconds=30)
"""A generation that has been queued for longer is stalled."""
TIME_TO_END = timedelta(seconds=10)
"""The reaper ends overdue generations every 3 s."""
TIME_TO_PROVE = timedelta(seconds=30)
"""A worker that has just begun has stored nothing yet."""
CERTIFICATE_AHEAD = timedelta(days=30)
MAIL_SECONDS, WEBHOOK_SECONDS = 900, 300
"""The ages from which they are overdue; deploy/alerts.yml has the same."""


def queued(outlook: Outlook) -> Iterator[PresentCondition]:
    """Models with a live generation that has been queued for too long."""
    waiting = Generation.objects.filter(state=State.QUEUED)
    for model, held, number, age in _by_model(outlook, waiting, "created_at"):
        if age > STALLED_AFTER:
            words = f"{number} queued, the oldest for {age.total_seconds():.0f} s"
            yield PresentCondition(model, held, words)


def past_deadline(outlook: Outlook) -> Iterator[PresentCondition]:
    """Models with a live generation that has not ended at its deadline."""
    late = Generation.objects.filter(
        state__in=(State.QUEUED, State.RUNNING), deadline_at__lt=outlook.now - TIME_TO_END
    )
    for model, held, number, age in _by_model(outlook, late, "deadline_at"):
        words = f"{number} past the deadline, the first for {age.total_seconds():.0f} s"
        yield PresentCondition(model, held, words)


def _by_model(
    outlook: Outlook, generations: QuerySet[Generation], since: str
) -> Iterator[tuple[str, Micros, int, timedelta]]:
    """The holds, number and age of live ones, by model that not only sandboxes serve."""
    by_model = generations.filter(livemode=True).values("model")
    summed = by_model.annotate(number=Count("id"), first=Min(since), held=Sum("held_micros"))
    for row in summed.order_by("model"):
        if not outlook.is_of_sandbox(row["model"]):
            yield row["model"], Micros(row["held"]), row["number"], outlook.now - row["first"]


def storage(outlook: Outlook) -> Iterator[PresentCondition]:
    """Storage, if image workers cannot store anything."""
    alive = Worker.objects.filter(
        stopped_at=None, seen_at__gt=outlook.now - timedelta(seconds=settings.LEASE_SECONDS)
    )
    proved = alive.filter(started_at__lt=outlook.now - TIME_TO_PROVE)
    troubles = list(proved.exclude(storage_trouble="").values_list("storage_trouble", flat=True))
    if troubles:
        words = f"{len(troubles)} of {alive.count()} image workers store nothing: {troubles[0]}"
        yield PresentCondition("storage", None, words)


def signing(outlook: Outlook) -> Iterator[PresentCondition]:
    """A certificate that ends soon, and images that workers with one could not sign."""
    if not settings.C2PA_CERTIFICATE:
        return
    from pictor.kit.secrets import signing_identity  # noqa: PLC0415 - it takes 8 MB, and few sign

    files = settings.C2PA_CERTIFICATE, settings.C2PA_KEY
    ends_at = signing_identity.read_identity(*files).ends_at
    if ends_at < outlook.now + CERTIFICATE_AHEAD:
        words = f"nothing is signed after {ends_at:%-d %B %Y, %H:%M} UTC"
        yield PresentCondition("certificate", None, words)
    of_signers = Generation.objects.filter(worker__signs=True).values("id")
    unsigned = unsigned_images(since=outlook.now - RECENT_PERIOD)
    if number := unsigned.filter(generation_id__in=of_signers).count():
        words = f"{number} in 10 minutes are only marked: see the image workers' log"
        yield PresentCondition("images", None, words)


def updates(outlook: Outlook) -> Iterator[PresentCondition]:
    """Incidents with an overdue update for customers."""
    late = Incident.objects.filter(next_update_at__lt=outlook.now).order_by("id")
    for title, due_at in late.values_list("title", "next_update_at"):
        yield PresentCondition(
            title, None, f"customers were promised more by {due_at:%-d %B, %H:%M} UTC"
        )


def mail(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Mail, if it is posted and not sent."""
    seconds = unsent_seconds()
    if seconds > MAIL_SECONDS:
        minutes = f"{seconds / 60:.0f}"
        yield PresentCondition("mail", None, f"none sent for {minutes} minutes")


def webhooks(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Webhooks, if they are due and not sent."""
    due = due_deliveries()
    if due.overdue_seconds > WEBHOOK_SECONDS:
        minutes = f"{due.overdue_seconds / 60:.0f}"
        yield PresentCondition(
            "webhooks", None, f"{due.count} due, the first for {minutes} minutes"
        )
