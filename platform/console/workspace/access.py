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
from accounts.models import ApiKey, Membership, SupportGrant, Tenant, User
from accounts.selectors import api_keys_of, membership_in, suspended_because
from accounts.services import By
from accounts.sign_in.factors import has_shown
from billing.selectors import Balance, balance_of
from billing.selectors.budgets import StoppedBy, what_stops
from console.parts.doors import View, led, with_limits
from generation.catalogue.contracts import Catalogue
from generation.catalogue.snapshot import catalogue_at
from pictor.kit.watching import log
from pictor.kit.words import clock
from pictor.kit.words.ids import TenantId

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
    ALLOW_SUPPORT = "allow_support"
    DELETE = "delete"


_EVERYTHING = frozenset(May)
_ROLES: dict[str, frozenset[May]] = {
    OWNER: _EVERYTHING,
    ADMIN: _EVERYTHING - {May.ALLOW_SUPPORT, May.DELETE},
    DEVELOPER: frozenset(
        {
            *(May.SEE_GENERATIONS, May.GENERATE, May.SEE_KEYS, May.MAKE_KEYS, May.SEE_USAGE),
            May.WEBHOOKS,
        }
    ),
    BILLING: frozenset({May.SEE_USAGE, May.SEE_MONEY, May.MANAGE_MONEY}),
    VIEWER: frozenset({May.SEE_GENERATIONS, May.SEE_KEYS, May.SEE_USAGE, May.SEE_MONEY}),
}

_SUPPORT = frozenset({May.SEE_GENERATIONS, May.SEE_USAGE, May.SEE_MONEY, May.SEE_AUDIT})
"""Of our people who look into it; which pages these are is in support.py."""


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
    StoppedBy.SUSPENDED: ("This workspace is suspended", "Ask whoever runs this site.", "", ""),
    StoppedBy.NO_BALANCE: (
        *("The balance is used up", "Funds are added by whoever runs this site."),
        *("billing", May.SEE_MONEY),
    ),
    StoppedBy.NO_STORAGE: (
        "The images take all that this workspace may store",
        "Delete some, or have owners or admins keep them for fewer days.",
        *("settings", May.MANAGE),
    ),
    StoppedBy.MONTH: ("The workspace has used up its monthly budget", *_RAISED),
    StoppedBy.DAY: ("The workspace has used up its daily budget", *_RAISED),
}
"""In words: what, the way out, and the page for it with what opens that."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tenant as one of its members sees it, or one of our people in a support view."""

    tenant: Tenant
    user: User
    balance: Balance
    revision: int
    """The configuration's, as it was read with the tenant."""
    membership: Membership | None = None
    support: SupportGrant | None = None

    @classmethod
    def of_member(cls, membership: Membership) -> "Workspace":
        """As this member sees it; the membership is that of `membership_in`."""
        revision = membership.revision  # type: ignore[attr-defined]  # annotated by membership_in
        balance = balance_of(membership.tenant_id)
        return cls(membership.tenant, membership.user, balance, revision, membership=membership)

    @classmethod
    def of_support(cls, grant: SupportGrant, user: User) -> "Workspace":
        """As this person of ours sees it; the grant is that of `support_grant`."""
        revision = grant.revision  # type: ignore[attr-defined]  # annotated by support_grant
        return cls(grant.tenant, user, balance_of(grant.tenant_id), revision, support=grant)

    @property
    def member(self) -> Membership:
        """The membership of who asks. Raises Http404 where one of our people looks in."""
        if self.membership is None:
            raise Http404
        return self.membership

    @property
    def role(self) -> str:
        """The member's."""
        return self.member.role if self.support is None else "support view"

    @property
    def seconds_left(self) -> int:
        """Until the support view ends; 0 for members."""
        ends_at = self.support.expires_at if self.support else clock.now()
        return max(0, int((ends_at - clock.now()).total_seconds()))

    @property
    def time_left(self) -> str:
        """The same as '29:45'."""
        return "{:02}:{:02}".format(*divmod(self.seconds_left, 60))

    @property
    def sees_content(self) -> bool:
        """Whether prompts, tags and images are for whoever asks."""
        return self.support is None or self.tenant.shows_support_content

    @property
    def no_prompt(self) -> str:
        """What stands in the place of a prompt that is not there."""
        return "Prompt not stored" if self.sees_content else "Prompt not shown to support"

    @property
    def id(self) -> TenantId:
        """The tenant's."""
        return TenantId(self.tenant.id)

    @property
    def catalogue(self) -> Catalogue:
        """The models and channels at that revision."""
        return catalogue_at(self.revision)

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
        if stopped == StoppedBy.SUSPENDED and (reason := suspended_because(self.tenant.id)):
            way_out = f"The reason: {reason}"
        url = reverse(f"workspace:{page}", args=[self.tenant.public_id]) if page else ""
        return Stop(what, way_out, url if needs in self.may else "")

    @property
    def may(self) -> Collection[str]:
        """What the member may do here: `{% if 'generate' in workspace.may %}` in a template."""
        return _ROLES[self.role] if self.support is None else _SUPPORT


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


def _looked_into(grant: SupportGrant, user: User, needs: May | None) -> Workspace:
    """The workspace for one of our people, whom the gate of support.py has let in."""
    if needs is not None and needs not in _SUPPORT:
        raise Http404
    log.note(tenant=grant.tenant.public_id, support=grant.public_id)
    return Workspace.of_support(grant, user)


def member(
    needs: May | None = None, *, take: Callable[[UUID], None] = rates.take_page
) -> Callable[[View], View]:
    """A page under /console/<tenant>/: its view gets a Workspace in place of the id.

    Who is not signed in is sent to do so, who has not accepted the terms in force to them. For any
    other workspace, and for what the role does not allow, there is no such page. Where the
    workspace asks for a second factor, who lacks it is shown how to get one, and nothing else.
    Templates show times in the workspace's zone. One of our people whom support.py lets in gets a
    Workspace of their own.

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
            grant: SupportGrant | None = getattr(request, "support_grant", None)
            if grant is not None:
                workspace = _looked_into(grant, request.user, needs)
            else:
                membership = _membership(request.user, tenant, needs)
                if request.user.terms_version != settings.TERMS_VERSION:
                    return led(request, reverse("people:terms"))
                log.note(tenant=membership.tenant.public_id)
                if lack := lack_of(request, request.user, membership):
                    return _shut(request, membership, lack)
                membership.user = request.user
                workspace = Workspace.of_member(membership)
            with timezone.override(workspace.tenant.zone):
                return view(request, workspace, **kwargs)

        return guarded

    return dressed
