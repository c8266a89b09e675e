"""Facts about the site for every page."""

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, bool]:
    """Return every page's context: whether sign-up is open, and if mail is shown at /mailbox/."""
    return {"sign_up_open": settings.SIGN_UP, "mailbox": settings.MAILBOX}
