"""Outgoing mail: kept until the short-work worker has sent it, and retried for 19 hours.

A mail server's errors are not raised but kept with the mail.
"""

import logging
import re
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string

from accounts.models import Mail
from accounts.titles import for_mail, without_marks
from pictor.kit.database.cursors import first_row
from pictor.kit.redis.bell import ring
from pictor.kit.secrets.encryption import WrongKey, encrypted_anew
from pictor.kit.words import clock

logger = logging.getLogger(__name__)

TASK = "accounts.tasks.send_mail"
WAITS = (*(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)), timedelta(hours=6))
MAX_MAIL_ATTEMPTS = 8
"""The last attempt comes 19 hours after the first."""
MAX_MAIL_AGE = timedelta(days=7)
"""No mail waits longer, so a mail with a due time this long ago precedes all others."""
MAX_ERROR = 300

# Only mail newer than the last sent one counts: an older unsent one may have a bad address.
_UNSENT = """
SELECT COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - MIN(created_at)), 0)::float8
  FROM accounts_mail
 WHERE sent_at IS NULL
   AND created_at > COALESCE((SELECT MAX(sent_at) FROM accounts_mail), '-infinity')
"""

_senders = threading.BoundedSemaphore(2)
"""A slow mail server occupies at most two of a process's threads."""


def post(*, to: str, subject: str, text: str, html: str = "", goes_first: bool = False) -> Mail:
    """Queue a mail, to be sent as soon as the transaction is committed.

    The subject becomes one line without invisible marks, because it contains text from people. A
    mail with `goes_first` precedes all waiting mail; a retry takes its turn.
    """
    due_at = clock.now() - MAX_MAIL_AGE if goes_first else None
    (mail,) = _post([to], subject=subject, text=text, html=html, due_at=due_at)
    return mail


def post_rendered(*, to: Iterable[str], template: str, words: Mapping[str, Any]) -> list[Mail]:
    """Post one mail per address: `{template}_subject.txt` and `_message.txt`, in our look.

    Returns the mails in the order of `to`. `words` are the templates' context; the name under
    `workspace` is changed so that no part of it becomes a link.
    """
    words = {**words, "workspace": for_mail(words.get("workspace", ""))}
    subject, text = (
        render_to_string(f"{template}_{part}.txt", words).strip() for part in ("subject", "message")
    )
    return _post(to, subject=subject, text=text, html=html_of(text, template, words))


def html_of(text: str, template: str, words: Mapping[str, Any]) -> str:
    """The mail in our look: by `{template}_message.html` if there is one, else made of its text."""
    looks = [f"{template}_message.html", "account/email/letter.html"]
    return render_to_string(looks, {**words, "paragraphs": re.split("\n{2,}", text)}).strip()


def _post(
    to: Iterable[str], *, subject: str, text: str, html: str, due_at: datetime | None = None
) -> list[Mail]:
    contents = Mail.sealed(subject=without_marks(subject)[:200], text=text, html=html)
    due = {} if due_at is None else {"due_at": due_at}
    mails = Mail.objects.bulk_create([Mail(to=address, contents=contents, **due) for address in to])
    if mails:
        transaction.on_commit(partial(ring, TASK))
    return mails


def take_back(mail_ids: Collection[UUID], *, to: str) -> None:
    """Delete those of these mails to that address that are not sent yet."""
    Mail.objects.filter(id__in=mail_ids, to=to, sent_at=None).delete()


def send_due(*, now: datetime, limit: int = 100) -> int:
    """Send due mail, at most `limit`, and return how many were sent. Safe to run concurrently."""
    if not settings.SENDS_MAIL or not _senders.acquire(blocking=False):
        return 0
    began, sent = time.monotonic(), 0
    try:
        for _ in range(limit):
            taken = timedelta(seconds=time.monotonic() - began)
            moment = now + taken  # so that a mail on a slow server is not due again at once
            mail = _claim_due(moment)
            if mail is None:
                break
            sent += _send(mail, moment)
    finally:
        _senders.release()
    return sent


def unsent_seconds() -> float:
    """Seconds since the oldest mail posted after the last sent one; 0 if there is none."""
    (seconds,) = first_row(_UNSENT)
    return float(seconds)


def forget_old(*, now: datetime) -> None:
    """Delete mail older than a week, whether sent or given up."""
    Mail.objects.filter(created_at__lt=now - MAX_MAIL_AGE).delete()


@transaction.atomic
def encrypt_mail_anew() -> int:
    """Encrypt waiting mail with the newest key; return how many mails.

    A mail that no key opens stays as it is and is given up in time.
    """
    changed = 0
    for mail in Mail.objects.select_for_update().exclude(contents="").order_by("id"):
        try:
            mail.contents = encrypted_anew(mail.contents)
        except WrongKey:
            continue
        mail.save(update_fields=["contents"])
        changed += 1
    return changed


@transaction.atomic
def _claim_due(now: datetime) -> Mail | None:
    """Claim a due mail; it is due again later, should this process die."""
    due = Mail.objects.filter(sent_at=None, due_at__lte=now, attempts__lt=MAX_MAIL_ATTEMPTS)
    mail = due.select_for_update(skip_locked=True).order_by("due_at").first()
    if mail is not None:
        mail.due_at = now + WAITS[min(mail.attempts, len(WAITS) - 1)]
        mail.attempts += 1
        mail.save(update_fields=["due_at", "attempts"])
    return mail


def _send(mail: Mail, now: datetime) -> bool:
    try:
        message = EmailMultiAlternatives(mail.subject, mail.text, to=[mail.to])
        if mail.html:
            message.attach_alternative(mail.html, "text/html")
        message.send()
    except (OSError, ValueError, WrongKey) as error:  # smtplib's are OSErrors
        mail.error = f"{type(error).__name__}: {error}"[:MAX_ERROR]
        mail.save(update_fields=["error"])
        logger.warning("a mail was not sent, attempt %d: %s", mail.attempts, type(error).__name__)
        return False
    mail.sent_at, mail.error = now, ""
    if not settings.MAILBOX:
        mail.contents = ""
    mail.save(update_fields=["sent_at", "error", "contents"])
    return True
