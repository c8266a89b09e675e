"""The mailbox of the embedded default: what would have been mailed, for who sits at the machine."""

import ipaddress

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.selectors import latest_mail

SHOWN = 30


@require_safe
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """The latest mail. Codes are in it, so it is there from this machine alone."""
    if not settings.MAILBOX or not _is_here(request.META.get("REMOTE_ADDR", "")):
        raise Http404
    return render(request, "people/mailbox.html", {"mails": latest_mail(limit=SHOWN)})


def _is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
