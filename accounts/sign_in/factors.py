"""The second factor that a session has shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User
from accounts.selectors.office.people import FACTORS
from accounts.sign_in.address_codes import is_confirmed
from pictor.kit.words import clock

View = Callable[..., HttpResponseBase]

FACTOR_FRESH_FOR = timedelta(minutes=15)
"""The time for which a second factor counts as fresh after it was shown."""
SHOW_AGAIN = "Enter your second factor again, then resend the form."


def factors_of(user: User) -> QuerySet[Authenticator]:
    """The person's app and passkeys, the oldest first."""
    factors: QuerySet[Authenticator] = Authenticator.objects.filter(user=user, type__in=FACTORS)
    return factors.order_by("created_at")


def factor_since(user: User) -> datetime | None:
    """Return since when the person has had a second factor; None without one."""
    since: datetime | None = factors_of(user).values_list("created_at", flat=True).first()
    return since


def factor_wanted_first(request: HttpRequest) -> HttpResponseBase | None:
    """The page to see before a factor is set up: for one there is, or for staff, a mailed code."""
    user = request.user
    if not isinstance(user, User):
        return None
    since = factor_since(user)
    if since is None and user.keeps_factor and not is_confirmed(request):
        back = get_next_redirect_url(request)
        page = reverse("mfa_confirm_address")
        return redirect(f"{page}?{urlencode({'next': back})}" if back else page)
    if since and not has_shown_lately(request, user, since=since):
        return ask_for_factor(request)
    return None


def keeps_last_factor(request: HttpRequest) -> bool:
    """True if a person must keep the only factor they have."""
    user = request.user
    return isinstance(user, User) and user.keeps_factor and factors_of(user).count() == 1


def behind_factor(view: View) -> View:
    """Require a person's second factor, freshly shown, before a page that changes how they sign in.

    A password typed again is not enough: a thief of only the password would get in.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, User):
            since = factor_since(request.user)
            if since is not None and not has_shown_lately(request, request.user, since=since):
                return ask_for_factor(request)
        return view(request, *args, **kwargs)

    return guarded


def ask_for_factor(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the page that asks for the factor, and back."""
    if request.method == "POST":
        messages.warning(request, SHOW_AGAIN)
    back = urlencode({"next": request.get_full_path()})
    return redirect(f"{reverse('mfa_reauthenticate')}?{back}")


def has_shown_lately(request: HttpRequest, user: User, *, since: datetime) -> bool:
    """True if this session has shown the factor that the person has since then, and lately."""
    return has_shown(request, user, since=max(since, clock.now() - FACTOR_FRESH_FOR))


def has_shown(request: HttpRequest, user: User, *, since: datetime) -> bool:
    """True if this session has shown a second factor since the person has had it.

    A session opened with only the password, before the factor was set up, has not.
    """
    records = get_authentication_records(request, user)
    shown = [entry["at"] for entry in records if entry["method"] == "mfa"]
    return bool(shown) and datetime.fromtimestamp(max(shown), UTC) >= since
