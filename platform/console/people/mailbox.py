"""The mailbox of the embedded default: its mail, shown only on this machine."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.selectors.office.people import latest_mail
from console.people.loopback import is_loopback

SHOWN_MAILS = 30


@require_safe
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """Show the latest mail. It contains codes, so only requests from this machine may see it."""
    if not settings.MAILBOX or not is_loopback(request):
        raise Http404
    return render(request, "people/mailbox.html", {"mails": latest_mail(limit=SHOWN_MAILS)})
