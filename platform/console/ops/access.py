"""Access to the pages of the operator's console, by staff role; other users get 404."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from accounts import rates
from accounts.models import User
from accounts.services import By, as_staff
from accounts.services.office.staff import note_seen
from accounts.sign_in.factors import SHOW_AGAIN, factor_since, has_shown, has_shown_lately
from console.ops import places
from console.parts import page_guards
from console.parts.filters import Chip, link_of
from console.parts.page_guards import (
    View,
    sign_in_redirect_from_form,
    signed_out_redirect,
    with_limits,
)
from console.parts.places import Place
from generation.oversight.conditions import number_noted
from pictor.kit.words import clock


class Permission(StrEnum):
    SEE = "see"
    SUPPORT_VIEW = "support_view"
    REFUND = "refund"
    MONEY = "money"
    CHANNELS = "channels"
    GENERATIONS = "generations"
    TENANTS = "tenants"
    INCIDENTS = "incidents"
    PUBLISH = "publish"
    STAFF = "staff"
    ERASE = "erase"


READ, POST, FORM = page_guards.METHODS
or_404 = page_guards.or_404
PEOPLES = frozenset({Permission.STAFF, Permission.SUPPORT_VIEW, Permission.ERASE})
"""What no program does, whatever its key was given."""
Role = User.StaffRole

ROLES: Mapping[str, frozenset[Permission]] = {
    Role.SUPPORT: frozenset({Permission.SEE, Permission.SUPPORT_VIEW, Permission.REFUND}),
    Role.FINANCE: frozenset({Permission.SEE, Permission.REFUND, Permission.MONEY}),
    Role.OPERATOR: frozenset(
        {Permission.SEE, Permission.CHANNELS, Permission.GENERATIONS}
        | {Permission.TENANTS, Permission.INCIDENTS},
    ),
    Role.OWNER: frozenset(Permission),
}


NOT_ASKED_AGAIN: Mapping[str, str] = {
    "unassign": "alerts of the condition are repeated again",
    "recall": "shows a hidden condition again",
    "price_retype": "saves nothing: it shows what was typed",
    "support_end": "takes a right away, and never waits for the factor",
}
"""The acts, by address, for which a second factor shown long ago is enough, each with the reason.

All others need one shown within FACTOR_FRESH_FOR.
"""


class Mode(StrEnum):
    """The kind of requests that a page shows; the kinds are never mixed."""

    LIVE = "live"
    TEST = "test"
    DEMO = "demo"

    @property
    def query(self) -> str:
        """The mode in an address; empty for live requests."""
        return "" if self is Mode.LIVE else self.value


@dataclass(frozen=True, slots=True)
class Operator:
    """A member of staff at a page of the operator's console."""

    user: User
    mode: Mode
    """Taken from the address (`?mode=test`); live if the address names no known mode."""

    @property
    def role(self) -> str:
        return self.user.staff_role

    @property
    def may(self) -> Collection[str]:
        """The permissions of the role, for templates: `{% if 'money' in operator.may %}`."""
        return ROLES[self.role]

    @property
    def is_demo(self) -> bool:
        """True if the page shows demo data."""
        return self.mode == Mode.DEMO

    @property
    def groups(self) -> Mapping[str, Sequence[Place]]:
        care = {"overview": number_noted()}
        return places.groups_of(self.may, care)

    @property
    def places(self) -> Sequence[Place]:
        groups = places.groups_of(self.may)
        return [place for group in groups.values() for place in group]


def modes_of(operator: Operator, **kept: str) -> list[Chip]:
    return [
        Chip(link_of(kept, mode=mode.query), mode.capitalize(), mode == operator.mode)
        for mode in Mode
    ]


def by(request: HttpRequest, operator: Operator) -> By:
    """Name the actor of a service call: `set_title(tenant=…, title=…, **by(request, operator))`."""
    return {"actor": operator.user, "ip": request.META.get("REMOTE_ADDR")}


def done(request: HttpRequest, words: str, page: str, *ids: str) -> HttpResponse:
    """Redirect to a page of the console, such as "channels", and show `words` there."""
    messages.success(request, words)
    return HttpResponseRedirect(reverse(f"ops:{page}", args=ids), status=HTTPStatus.SEE_OTHER)


def rendered(
    request: HttpRequest,
    operator: Operator,
    template: str,
    context: Mapping[str, object],
    *,
    refused: object = False,
) -> HttpResponse:
    """Render a page of the console; its status is 422 if what was sent is refused."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, template, {"operator": operator, **context}, status=status)


def allows(role: str, what: str) -> bool:
    """True if a staff role has a permission; users outside staff have no role, so none."""
    return what in ROLES.get(role, frozenset())


def staff(
    needs: str, methods: Sequence[str] = READ, *, fresh: bool = False, not_fresh: str = ""
) -> Callable[[View], View]:
    """Protect a page under /ops/: its view gets an Operator after the request.

    Must be the view's outermost decorator. Signed-out users are sent to sign in. Users whose role
    lacks the permission get 404 by any method, with or without a CSRF token; staff are told whose
    page it is. If the installation requires a second factor of staff (STAFF_MFA), the session must
    have shown it; otherwise the user is asked for it and comes back afterwards. What a page does,
    with any method but GET and HEAD, needs a factor shown within FACTOR_FRESH_FOR, unless
    NOT_ASKED_AGAIN exempts its address, and is recorded as staff's.

    Args:
        needs: the permission that the role must have.
        methods: those that it takes; any other gets 405.
        fresh: True if opening the page needs that as well: its form loses nothing that was typed.
        not_fresh: why what the page does needs it not; empty if it does.
    """

    def dressed(view: View) -> View:
        limited = require_http_methods(methods)(view)
        protected = csrf_protect(limited)

        @with_limits
        @wraps(limited)
        def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                return signed_out_redirect(request)
            rates.take_page(user.id)
            if not allows(user.staff_role, needs):
                raise _not_for(request, user, needs)
            is_asked = fresh or (not not_fresh and _is_asked_again(request))
            if settings.STAFF_MFA and (page := _lacks(request, user, fresh=is_asked)):
                return sign_in_redirect_from_form(request, page, home=reverse("ops:overview"))
            note_seen(user=user, now=clock.now())
            return _run(protected, request, user, kwargs)

        guarded.needs = needs  # type: ignore[attr-defined]  # read by the test of every page
        # The middleware would answer 403 before the role is checked: `protected` checks the token.
        guarded.csrf_exempt = True  # type: ignore[attr-defined]  # where Django looks for it
        return guarded

    return dressed


def _run(
    view: View, request: HttpRequest, user: User, parts: Mapping[str, Any]
) -> HttpResponseBase:
    """Call the view; what it does is recorded as staff's."""
    staffs = as_staff.set(True)
    try:
        return view(request, Operator(user, _mode(request)), **parts)
    finally:
        as_staff.reset(staffs)


def _not_for(request: HttpRequest, user: User, needs: str) -> Http404:
    """The answer to a role without the permission; 404.html tells staff which roles have it."""
    if user.staff_role:
        roles = " or ".join(role for role, may in ROLES.items() if needs in may)
        request.opens_for = roles  # type: ignore[attr-defined]  # read by the template
    return Http404()


def _mode(request: HttpRequest) -> Mode:
    word = request.GET.get("mode", "")
    return Mode(word) if word in {*Mode} else Mode.LIVE


def _is_asked_again(request: HttpRequest) -> bool:
    page = request.resolver_match
    return request.method not in {"GET", "HEAD"} and (
        page is None or page.url_name not in NOT_ASKED_AGAIN
    )


def _lacks(request: HttpRequest, user: User, *, fresh: bool) -> str:
    """Return the name of the page that sets up or asks for the factor; empty if none is needed."""
    since = factor_since(user)
    if since is None:
        return "mfa_activate_totp"
    if not has_shown(request, user, since=since):
        return "mfa_reauthenticate"
    if not fresh or has_shown_lately(request, user, since=since):
        return ""
    if request.method == "POST":
        messages.warning(request, SHOW_AGAIN)
    return "mfa_reauthenticate"
