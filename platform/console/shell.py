"""What every page needs to know of the site itself."""

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, bool]:
    """Context of every page: whether one may sign up, and whether mail is shown at /mailbox/."""
    return {"sign_up_open": settings.SIGN_UP, "mailbox": settings.MAILBOX}
