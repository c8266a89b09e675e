"""The short-work worker's tasks for accounts."""

from celery import shared_task
from django.core.management import call_command

from accounts.services.office import mail
from accounts.services.office.erasure import erase_due
from accounts.services.office.member_changes import make_due_member_changes
from accounts.services.office.open_sessions import forget_ended
from pictor.kit.words import clock


@shared_task(ignore_result=True)
def send_mail() -> None:
    """Send the mail that is due."""
    mail.send_due(now=clock.now())


@shared_task(ignore_result=True)
def forget_mail() -> None:
    """Delete mail older than a week."""
    mail.forget_old(now=clock.now())


@shared_task(ignore_result=True)
def forget_sessions() -> None:
    """Delete sessions that have expired, and what was noted of any that are over."""
    call_command("clearsessions")
    forget_ended(now=clock.now())


@shared_task(ignore_result=True)
def erase_tenants() -> None:
    """Erase the tenants whose erasure is due."""
    erase_due(now=clock.now())


@shared_task(ignore_result=True)
def change_members() -> None:
    """Make the changes of members by staff whose time has come."""
    make_due_member_changes(now=clock.now())
