"""The mailbox of the embedded default: what would have been mailed, for who sits at the machine."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.selectors import latest_mail
from console.people.here import is_here

SHOWN = 30


@require_safe
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """The latest mail. Codes are in it, so it is there from this machine alone."""
    if not settings.MAILBOX or not is_here(request):
        raise Http404
    return render(request, "people/mailbox.html", {"mails": latest_mail(limit=SHOWN)})
