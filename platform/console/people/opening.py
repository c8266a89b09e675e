"""The link that `make run` prints: it opens the demo workspace's playground, signed in.

It contains a pass (pictor/kit/secrets/passes.py). It works only under `make run`, only from this
machine, for the demo's owner, and only while that person has no second factor. Opening the link
does not sign in: the page submits a form, automatically if scripts are enabled.
"""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.selectors.office.members import members_of
from accounts.selectors.office.people import operator_of
from accounts.selectors.office.tenants import tenant_by_name_or_id
from accounts.sign_in.pages import sign_in_to_demo
from console.people.loopback import is_loopback
from generation.management.seeding import DEMO_TENANT
from pictor.kit.secrets import passes
from pictor.kit.words import clock

PROMPT = "A brass astrolabe on linen, window light"
"""The prompt that the playground's form starts with."""


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def opening(request: HttpRequest, token: str) -> HttpResponse:
    """Show a form that signs in, or open the playground; without a valid pass, the sign-in."""
    if not settings.EMBEDDED:
        raise Http404
    is_good = passes.is_good(token, passes.OPEN_DEMO, secret=settings.SECRET_KEY, now=clock.now())
    user = _owner() if is_good and is_loopback(request) else None
    if user is None:
        messages.info(
            request,
            "This link cannot sign you in here: sign in with your e-mail address and password.",
        )
        return redirect(f"{reverse('account_login')}?{urlencode({'next': '/console/'})}")
    if request.method == "POST":
        sign_in_to_demo(request, user)
    if request.user != user:
        return render(request, "people/opening.html")
    tenant = tenant_by_name_or_id(DEMO_TENANT)
    playground = reverse("workspace:playground", args=[tenant.public_id if tenant else ""])
    return redirect(f"{playground}?{urlencode({'prompt': PROMPT})}")


def _owner() -> User | None:
    """The demo's owner, if a password would be enough to sign in; None if the demo is gone."""
    owner = operator_of(DEMO_TENANT, email=settings.DEMO_EMAIL)
    tenant = tenant_by_name_or_id(DEMO_TENANT)
    if owner is None or tenant is None:
        return None
    guarded = {member.user_id for member in members_of(tenant.id) if member.has_second_factor}  # type: ignore[attr-defined]  # annotated by members_of
    return None if owner.id in guarded else owner
