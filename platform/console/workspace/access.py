"""Access to a workspace's pages: its members, by role. For everyone else they do not exist."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import wraps
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import rates
from accounts.models import ApiKey, Membership, SupportGrant, Tenant, User
from accounts.selectors.office.api_keys import api_keys_of
from accounts.selectors.office.audit import suspended_because
from accounts.selectors.office.members import emails_of_members, membership_in
from accounts.services import By
from accounts.sign_in.factors import has_shown
from billing.selectors.office.balances import Balance, balance_of
from billing.selectors.office.budgets import StoppedBy, what_stops
from billing.selectors.office.payments import cards_on
from console.amounts import amount
from console.parts import page_guards
from console.parts.page_guards import View, sign_in_redirect, signed_out_redirect, with_limits
from generation.catalogue.contracts import Catalogue
from generation.catalogue.snapshot import catalogue_at
from pictor.kit.watching import log
from pictor.kit.words import clock
from pictor.kit.words.ids import TenantId
from webhooks.selectors import FAILING_ENDPOINTS

READ, POST, FORM = page_guards.METHODS
or_404 = page_guards.or_404
OWNER, ADMIN, DEVELOPER, BILLING, VIEWER = Membership.Role


class Permission(StrEnum):
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


_EVERYTHING = frozenset(Permission)
_LOOKS = frozenset({Permission.SEE_GENERATIONS, Permission.SEE_KEYS, Permission.SEE_USAGE})
_ROLES: dict[str, frozenset[Permission]] = {
    OWNER: _EVERYTHING,
    ADMIN: _EVERYTHING - {Permission.ALLOW_SUPPORT, Permission.DELETE},
    DEVELOPER: _LOOKS | {Permission.GENERATE, Permission.MAKE_KEYS, Permission.WEBHOOKS},
    BILLING: frozenset({Permission.SEE_USAGE, Permission.SEE_MONEY, Permission.MANAGE_MONEY}),
    VIEWER: _LOOKS | {Permission.SEE_MONEY},
}

_SUPPORT = frozenset(
    {Permission.SEE_GENERATIONS, Permission.SEE_USAGE, Permission.SEE_MONEY, Permission.SEE_AUDIT}
)
"""The permissions of our people in a support view; support.py names their pages."""


def allows(role: str, what: Permission) -> bool:
    return what in _ROLES[role]


@dataclass(frozen=True, slots=True)
class Blocker:
    """A reason why nothing new can be generated; `page` is where to change that, if anywhere."""

    what: str
    way_out: str
    page: str = ""


_WHO_PAYS = "Owners, admins and billing members can add funds."
_RAISED = ("Owners and admins can raise it in the settings.", "settings", Permission.MANAGE)
_STOPS = {
    StoppedBy.SUSPENDED: ("This workspace is suspended", "Ask the operator of this site.", "", ""),
    StoppedBy.OWED: (
        *("You owe {owed} because a payment was taken back", "Add funds: they repay it first."),
        *("billing", Permission.SEE_MONEY),
    ),
    StoppedBy.NO_BALANCE: (
        *("The balance is used up", "The operator of this site adds funds."),
        *("billing", Permission.SEE_MONEY),
    ),
    StoppedBy.NO_STORAGE: (
        "The image storage of this workspace is full",
        "Delete some images, or ask an owner or admin to keep them for fewer days.",
        *("settings", Permission.MANAGE),
    ),
    StoppedBy.MONTH: ("The workspace has used up its monthly budget", *_RAISED),
    StoppedBy.DAY: ("The workspace has used up its daily budget", *_RAISED),
}
"""The words for each reason: the fact, the remedy, its page, and the permission to open that."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tenant as one of its members sees it, or one of our people in a support view."""

    tenant: Tenant
    user: User
    balance: Balance
    revision: int
    """The configuration's revision, as read with the tenant."""
    membership: Membership | None = None
    support: SupportGrant | None = None

    @classmethod
    def of_member(cls, membership: Membership) -> "Workspace":
        """The workspace as this member sees it; the membership comes from `membership_in`."""
        revision = membership.revision  # type: ignore[attr-defined]  # annotated by membership_in
        balance = balance_of(membership.tenant_id)
        return cls(membership.tenant, membership.user, balance, revision, membership=membership)

    @property
    def member(self) -> Membership:
        """The membership of the signed-in person. Raises Http404 in a support view."""
        if self.membership is None:
            raise Http404
        return self.membership

    @property
    def role(self) -> str:
        """The member's role, or 'support view'."""
        return self.member.role if self.support is None else "support view"

    @property
    def seconds_left(self) -> int:
        """The seconds until the support view ends; 0 for members."""
        ends_at = self.support.expires_at if self.support else clock.now()
        return max(0, int((ends_at - clock.now()).total_seconds()))

    @property
    def time_left(self) -> str:
        """The time until the support view ends, such as '29:45'."""
        return "{:02}:{:02}".format(*divmod(self.seconds_left, 60))

    @property
    def sees_content(self) -> bool:
        """True if the signed-in person may see prompts, tags and images."""
        return self.support is None or self.tenant.shows_support_content

    @property
    def no_prompt(self) -> str:
        """The text shown in place of a missing prompt."""
        return "Prompt not stored" if self.sees_content else "Prompt not shown to support"

    @property
    def id(self) -> TenantId:
        return TenantId(self.tenant.id)

    @property
    def failing_webhooks(self) -> int:
        """The endpoints whose last deliveries failed, or that are paused for it."""
        return getattr(self.membership, "failing_webhooks", None) or 0

    @property
    def catalogue(self) -> Catalogue:
        return catalogue_at(self.revision)

    @property
    def available(self) -> int:
        """The micros that can be spent now."""
        return self.balance.available

    def with_balance_now(self) -> "Workspace":
        """The workspace with its balance read again, for a page that shows what moved it."""
        return replace(self, balance=balance_of(self.tenant.id))

    @property
    def stopped(self) -> Blocker | None:
        """Why nothing can be generated now, and the remedy; None if it can."""
        stopped = what_stops(self.tenant, self.balance)
        if stopped is None:
            return None
        what, way_out, page, needs = _STOPS[stopped]
        if stopped == StoppedBy.NO_BALANCE and cards_on():
            way_out = "Add funds." if Permission.MANAGE_MONEY in self.may else _WHO_PAYS
        if stopped == StoppedBy.SUSPENDED and (reason := suspended_because(self.tenant.id)):
            way_out = f"The reason: {reason}"
        url = reverse(f"workspace:{page}", args=[self.tenant.public_id]) if page else ""
        what = what.format(owed=amount(self.balance.owed))
        return Blocker(what, way_out, url if needs in self.may else "")

    @property
    def may(self) -> Collection[str]:
        """The permissions here: `{% if 'generate' in workspace.may %}` in a template."""
        return _ROLES[self.role] if self.support is None else _SUPPORT


def by(request: HttpRequest, workspace: Workspace) -> By:
    """The member and their address: `set_title(tenant=…, title=…, **by(request, workspace))`."""
    return {"actor": workspace.user, "ip": request.META.get("REMOTE_ADDR")}


def done(
    request: HttpRequest, workspace: Workspace, words: str, page: str, *ids: str
) -> HttpResponse:
    """Redirect to the page that shows the change, such as 'members', with a success message."""
    messages.success(request, words)
    return redirect(f"workspace:{page}", workspace.tenant.public_id, *ids)


def rendered(
    request: HttpRequest,
    workspace: Workspace,
    template: str,
    context: Mapping[str, object],
    *,
    refused: object = False,
) -> HttpResponse:
    """Render a page of a workspace; its status is 422 if what was sent is refused."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, template, {"workspace": workspace, **context}, status=status)


def may_see(workspace: Workspace, key: ApiKey) -> bool:
    if Permission.SEE_KEYS not in workspace.may:
        return False
    return not sees_only_own_keys(workspace) or key.created_by_id == workspace.user.id


def sees_only_own_keys(workspace: Workspace) -> bool:
    return Permission.MAKE_KEYS in workspace.may and Permission.MANAGE_KEYS not in workspace.may


def may_use(workspace: Workspace, key: ApiKey, now: datetime) -> bool:
    can = key.status(now) == "active" and "images:write" in key.scopes
    return can and may_see(workspace, key)


def keys_of(workspace: Workspace) -> list[ApiKey]:
    """The keys that the member may see, newest first: none, their own or all, by role."""
    return [key for key in api_keys_of(workspace.tenant.id) if may_see(workspace, key)]


def is_called(key: ApiKey, text: str) -> bool:
    """True if the key's name, visible prefix or id contains this text."""
    return text.casefold() in f"{key.name} {key.visible_prefix} {key.public_id}".casefold()


MissingFactor = Literal["", "factor", "code"]
"""The missing part of a required second factor; a code, if this session has not shown it."""


def lack_of(request: HttpRequest, user: User, membership: Membership) -> MissingFactor:
    """Return what the session still needs before it shows anything of the workspace.

    The membership comes from `membership_in`, whose query includes when the factor was set up.
    """
    if not membership.tenant.requires_second_factor:
        return ""
    since = membership.factor_since  # type: ignore[attr-defined]  # annotated by membership_in
    if since is None:
        return "factor"
    return "" if has_shown(request, user, since=since) else "code"


def _locked_page(request: HttpRequest, membership: Membership, lack: MissingFactor) -> HttpResponse:
    """Show how to get in, and nothing of the workspace except its name.

    A page that requested a part of itself is reloaded, and then shows this page.
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
        "lack": lack,
        "is_refused": not is_looked_at,
        "back": request.get_full_path() if is_looked_at else home,
    }
    return render(request, "workspace/shut.html", context, status=HTTPStatus.FORBIDDEN)


def _not_for_role(request: HttpRequest, workspace: Workspace, needs: Permission) -> HttpResponse:
    """Name the roles that may, and who has one: a 403, like the page for a missing factor."""
    roles = [role for role in _ROLES if allows(role, needs)]
    context = {
        "workspace": workspace,
        "roles": roles,
        "people": emails_of_members(workspace.tenant.id, roles),
    }
    status = HTTPStatus.FORBIDDEN
    return render(request, "workspace/not_for_role.html", context, status=status)


def missing(request: HttpRequest) -> HttpResponse | None:
    """The page for an address in a workspace of one's own that leads nowhere; None elsewhere."""
    _, place, public_id, *_ = [*request.path.split("/"), "", ""]
    user = request.user
    if place != "console" or not isinstance(user, User):
        return None
    membership = _membership(user, public_id)
    if membership is None or _page_before(request, user, membership) is not None:
        return None
    context = {
        "workspace": Workspace.of_member(membership),
        "is_mistyped": request.resolver_match is None,
        "people": emails_of_members(membership.tenant_id, [OWNER]),
    }
    return render(request, "workspace/missing.html", context, status=HTTPStatus.NOT_FOUND)


def _membership(user: User, public_id: str) -> Membership | None:
    return membership_in(user.id, public_id, failing_webhooks=FAILING_ENDPOINTS)


def _page_before(
    request: HttpRequest, user: User, membership: Membership
) -> HttpResponseBase | None:
    """The page that this member must see first: the terms, or how to get a second factor."""
    if user.terms_version != settings.TERMS_VERSION:
        return sign_in_redirect(request, reverse("people:terms"))
    log.note(tenant=membership.tenant.public_id)
    lack = lack_of(request, user, membership)
    return _locked_page(request, membership, lack) if lack else None


def _support_workspace(grant: SupportGrant, user: User, needs: Permission | None) -> Workspace:
    """The workspace for one of our people, whom support.py has let in."""
    if needs is not None and needs not in _SUPPORT:
        raise Http404
    log.note(tenant=grant.tenant.public_id, support=grant.public_id)
    revision = grant.revision  # type: ignore[attr-defined]  # annotated by support_grant
    return Workspace(grant.tenant, user, balance_of(grant.tenant_id), revision, support=grant)


def member(
    needs: Permission | None = None,
    methods: Sequence[str] = READ,
    *,
    take: Callable[[UUID], None] = rates.take_page,
) -> Callable[[View], View]:
    """Guard a page under /console/<tenant>/: its view gets a Workspace in place of the id.

    A person who is not signed in is sent to sign in, and to the terms if they have not accepted the
    current ones. Any other workspace is a 404, and a page that the role does not allow a 403. Who
    lacks a required second factor only sees how to get one. Templates show times in the workspace's
    zone. One of our people whom support.py lets in gets their own kind of Workspace.

    Args:
        needs: the permission that the role must have.
        methods: those that it takes; any other gets 405, whoever asks.
        take: counts the request against the person's limit. RateLimited, from it or from the view,
            becomes a 429.
    """

    def dressed(view: View) -> View:
        @with_limits
        @wraps(view)
        def guarded(request: HttpRequest, tenant: str, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return signed_out_redirect(request)
            take(request.user.id)
            grant: SupportGrant | None = getattr(request, "support_grant", None)
            if grant is not None:
                workspace = _support_workspace(grant, request.user, needs)
            else:
                membership = or_404(_membership(request.user, tenant))
                if (first := _page_before(request, request.user, membership)) is not None:
                    return first
                membership.user = request.user
                workspace = Workspace.of_member(membership)
                if needs is not None and needs not in workspace.may:
                    return _not_for_role(request, workspace, needs)
            with timezone.override(workspace.tenant.zone):
                return view(request, workspace, **kwargs)

        return require_http_methods(methods)(guarded)

    return dressed
