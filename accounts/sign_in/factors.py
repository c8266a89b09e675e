"""Which second factor a session has shown."""

from datetime import UTC, datetime

from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest

from accounts.models import User


def has_shown(request: HttpRequest, user: User, *, since: datetime) -> bool:
    """Whether this session has shown a factor of theirs, which they have had since then.

    One that was opened by password alone, before the factor was set up, has not.
    """
    records = get_authentication_records(request, user)
    shown = [entry["at"] for entry in records if entry["method"] == "mfa"]
    return bool(shown) and datetime.fromtimestamp(max(shown), UTC) >= since
