"""Facts about the site for every page."""

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, bool | int | str]:
    """Return what every page shows; `contact_url` leads to the operator, empty if unknown."""
    contact = settings.OPERATOR_CONTACT
    is_mail = contact and not contact.startswith("https://")
    return {
        "sign_up_open": settings.SIGN_UP,
        "sign_up_credit": settings.SIGN_UP_CREDIT if settings.SIGN_UP else 0,
        "mailbox": settings.MAILBOX,
        "contact_url": f"mailto:{contact}" if is_mail else contact,
    }
