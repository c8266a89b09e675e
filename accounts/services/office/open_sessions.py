"""The sessions that a person has open: noted, ended one by one, forgotten."""

from datetime import datetime
from typing import Unpack

from django.contrib.sessions.models import Session
from django.db import transaction

from accounts.models import OpenSession, User
from accounts.services.audit import By, record


def note_session(session: OpenSession) -> None:
    """Write when and from where the session was seen; what it says of its beginning is kept."""
    OpenSession.objects.bulk_create(
        [session],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["network", "browser", "seen_at"],
    )


@transaction.atomic
def end_session(*, user: User, digest: str, **by: Unpack[By]) -> bool:
    """End one of a person's sessions; False if they have none of this digest."""
    session = OpenSession.objects.filter(user=user, digest=digest).first()
    if session is None:
        return False
    record(user.audited, "user.session_end", after={"browser": session.browser}, **by)
    Session.objects.filter(session_key=digest).delete()
    session.delete()
    return True


def forget_ended(*, now: datetime) -> None:
    """Delete what was noted of sessions that are over."""
    live = Session.objects.filter(expire_date__gt=now).values("session_key")
    OpenSession.objects.exclude(digest__in=live).delete()
