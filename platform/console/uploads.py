"""Who sends a large form, and who may send files with it: asked before a byte of it is read."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import Http404, HttpRequest
from django.urls import ResolverMatch, resolve

from accounts.models import User
from accounts.selectors import membership_in
from console.ops import access as ops
from console.workspace.access import May, allows, lack_of

TAKE_FILES = frozenset({"workspace:playground_run"})
TAKE_BILLS = frozenset({"ops:bill_new"})


def sender(path: str, session: str) -> tuple[str, bool]:
    """This session's person, or the tenant at whose playground they may generate, with files there.

    Staff who may move money send vendors' bills as themselves. Empty for anybody else. Reads the
    session as the middleware will: it runs in front of Django.
    """
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session)
    user = get_user(request)
    if not isinstance(user, User):
        return "", False
    try:
        match = resolve(path)
    except Http404:
        return f"person {user.id}", False
    if match.view_name in TAKE_BILLS:
        return f"person {user.id}", ops.allows(user.staff_role, ops.May.MONEY)
    tenant = _tenant_for_files(match, request, user)
    return tenant or f"person {user.id}", bool(tenant)


def _tenant_for_files(match: ResolverMatch, request: HttpRequest, user: User) -> str:
    """The tenant at whose playground this is, if they may generate there; else empty."""
    if match.view_name not in TAKE_FILES:
        return ""
    membership = membership_in(user.id, match.kwargs["tenant"])
    if membership is None or not allows(membership.role, May.GENERATE):
        return ""
    return "" if lack_of(request, user, membership) else str(membership.tenant_id)
