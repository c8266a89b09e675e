"""Who may open which page of a workspace: its members, by role. To others it is not there."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts import rates
from accounts.models import ApiKey, Membership, Tenant, User
from accounts.selectors import api_keys_of, membership_in, suspended_because
from accounts.services import By
from accounts.sign_in.factors import has_shown
from billing.selectors import Balance, balance_of
from billing.selectors.budgets import Stopped, what_stops
from console.parts.doors import View, led, with_limits
from generation.catalogue.contracts import Catalogue
from generation.catalogue.snapshot import catalogue_at
from pictor.kit import log
from pictor.kit.ids import TenantId

OWNER, ADMIN, DEVELOPER, BILLING, VIEWER = Membership.Role


class May(StrEnum):
    """What a role allows."""

    SEE_GENERATIONS = "see_generations"
    GENERATE = "generate"
    SEE_KEYS = "see_keys"
    MAKE_KEYS = "make_keys"
    MANAGE_KEYS = "manage_keys"
    SEE_USAGE = "see_usage"
    SEE_MONEY = "see_money"
    MANAGE_MONEY = "manage_money"
    SEE_AUDIT = "see_audit"
    WEBHOOKS = "webhooks"
    MANAGE = "manage"
    DELETE = "delete"


_EVERYTHING = frozenset(May)
_ROLES: dict[str, frozenset[May]] = {
    OWNER: _EVERYTHING,
    ADMIN: _EVERYTHING - {May.DELETE},
    DEVELOPER: frozenset(
        {
            *(May.SEE_GENERATIONS, May.GENERATE, May.SEE_KEYS, May.MAKE_KEYS, May.SEE_USAGE),
            May.WEBHOOKS,
        }
    ),
    BILLING: frozenset({May.SEE_USAGE, May.SEE_MONEY, May.MANAGE_MONEY}),
    VIEWER: frozenset({May.SEE_GENERATIONS, May.SEE_KEYS, May.SEE_USAGE, May.SEE_MONEY}),
}


def allows(role: str, what: May) -> bool:
    """Whether a member of that role may do it."""
    return what in _ROLES[role]


@dataclass(frozen=True, slots=True)
class Stop:
    """What stops new generations; `page` is where that is mended, if anywhere."""

    what: str
    way_out: str
    page: str = ""


_RAISED = ("Owners and admins raise it in the settings.", "settings", May.MANAGE)
_STOPS = {
    Stopped.SUSPENDED: ("This workspace is suspended", "Ask whoever runs this site.", "", ""),
    Stopped.NO_BALANCE: (
        *("The balance is used up", "Funds are added by whoever runs this site."),
        *("billing", May.SEE_MONEY),
    ),
    Stopped.NO_STORAGE: (
        "The images take all that this workspace may store",
        "Delete some, or have owners or admins keep them for fewer days.",
        *("settings", May.MANAGE),
    ),
    Stopped.MONTH: ("The workspace has used up its monthly budget", *_RAISED),
    Stopped.DAY: ("The workspace has used up its daily budget", *_RAISED),
}
"""In words: what, the way out, and the page for it with what opens that."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tenant as one of its members sees it."""

    membership: Membership
    user: User
    balance: Balance

    @property
    def tenant(self) -> Tenant:
        """It."""
        return self.membership.tenant

    @property
    def role(self) -> str:
        """The member's."""
        return self.membership.role

    @property
    def id(self) -> TenantId:
        """The tenant's."""
        return TenantId(self.tenant.id)

    @property
    def catalogue(self) -> Catalogue:
        """The models and channels at the revision that was read with the membership."""
        return catalogue_at(self.membership.revision)  # type: ignore[attr-defined]  # annotated by membership_in

    @property
    def available(self) -> int:
        """Micros that can be spent now."""
        return self.balance.available

    @property
    def stopped(self) -> Stop | None:
        """Why nothing can be generated now, and the way out; None when it can."""
        stopped = what_stops(self.tenant, self.balance)
        if stopped is None:
            return None
        what, way_out, page, needs = _STOPS[stopped]
        if stopped == Stopped.SUSPENDED and (reason := suspended_because(self.tenant.id)):
            way_out = f"The reason: {reason}"
        url = reverse(f"workspace:{page}", args=[self.tenant.public_id]) if page else ""
        return Stop(what, way_out, url if needs in self.may else "")

    @property
    def may(self) -> Collection[str]:
        """What the member may do here: `{% if 'generate' in workspace.may %}` in a template."""
        return _ROLES[self.role]


def by(request: HttpRequest, workspace: Workspace) -> By:
    """The member and their address: `set_title(tenant=…, title=…, **by(request, workspace))`."""
    return {"actor": workspace.user, "ip": request.META.get("REMOTE_ADDR")}


def done(
    request: HttpRequest, workspace: Workspace, words: str, page: str, *ids: str
) -> HttpResponse:
    """Say what was done on the page that shows it, such as 'members'."""
    messages.success(request, words)
    return redirect(f"workspace:{page}", workspace.tenant.public_id, *ids)


def may_see(workspace: Workspace, key: ApiKey) -> bool:
    """Whether the member may know this key."""
    if May.SEE_KEYS not in workspace.may:
        return False
    is_maker = May.MAKE_KEYS in workspace.may and May.MANAGE_KEYS not in workspace.may
    return not is_maker or key.created_by_id == workspace.user.id


def keys_of(workspace: Workspace) -> list[ApiKey]:
    """The keys that the member may know, newest first: none, their own or all, by role."""
    return [key for key in api_keys_of(workspace.tenant.id) if may_see(workspace, key)]


def is_called(key: ApiKey, text: str) -> bool:
    """Whether its name, the beginning that is shown of it, or its id has this in it."""
    return text.casefold() in f"{key.name} {key.visible_prefix} {key.public_id}".casefold()


class Lack(StrEnum):
    """Of a second factor, where the workspace asks for one."""

    NOTHING = ""
    FACTOR = "factor"
    CODE = "code"
    """There is one, and this session has not shown it."""


def lack_of(request: HttpRequest, user: User, membership: Membership) -> Lack:
    """What this session still needs before it sees anything of the workspace.

    The membership is that of `membership_in`, whose query brings when the factor was set up.
    """
    if not membership.tenant.requires_second_factor:
        return Lack.NOTHING
    since = membership.factor_since  # type: ignore[attr-defined]  # annotated by membership_in
    if since is None:
        return Lack.FACTOR
    return Lack.NOTHING if has_shown(request, user, since=since) else Lack.CODE


def _shut(request: HttpRequest, membership: Membership, lack: Lack) -> HttpResponse:
    """How to get in, and nothing of the workspace but its name.

    A page that asked for a part of itself is loaded anew, and then is this one.
    """
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=HTTPStatus.FORBIDDEN)
        answer["HX-Refresh"] = "true"
        return answer
    is_looked_at = request.method in {"GET", "HEAD"}
    home = reverse("workspace:overview", args=[membership.tenant.public_id])
    context = {
        "workspace": {
            "tenant": membership.tenant,
            "user": request.user,
            "role": membership.role,
            "may": (),
        },
        "lack": lack.value,
        "is_refused": not is_looked_at,
        "back": request.get_full_path() if is_looked_at else home,
    }
    return render(request, "workspace/shut.html", context, status=HTTPStatus.FORBIDDEN)


def _membership(user: User, tenant: str, needs: May | None) -> Membership:
    membership = membership_in(user.id, tenant)
    if membership is None or (needs is not None and not allows(membership.role, needs)):
        raise Http404
    return membership


def member(
    needs: May | None = None, *, take: Callable[[UUID], None] = rates.take_page
) -> Callable[[View], View]:
    """A page under /console/<tenant>/: its view gets a Workspace in place of the id.

    Who is not signed in is sent to do so, who has not accepted the terms in force to them. For any
    other workspace, and for what the role does not allow, there is no such page. Where the
    workspace asks for a second factor, who lacks it is shown how to get one, and nothing else.
    Templates show times in the workspace's zone.

    Args:
        needs: what the role has to allow.
        take: how one is counted for who asks. RateLimited, of this or of the view, is a 429.
    """

    def dressed(view: View) -> View:
        @with_limits
        @wraps(view)
        def guarded(request: HttpRequest, tenant: str, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return led(request, "account_login")
            take(request.user.id)
            membership = _membership(request.user, tenant, needs)
            if request.user.terms_version != settings.TERMS_VERSION:
                return led(request, reverse("people:terms"))
            log.note(tenant=membership.tenant.public_id)
            if lack := lack_of(request, request.user, membership):
                return _shut(request, membership, lack)
            membership.user = request.user
            workspace = Workspace(membership, request.user, balance_of(membership.tenant_id))
            with timezone.override(workspace.tenant.zone):
                return view(request, workspace, **kwargs)

        return guarded

    return dressed
