"""Senders of large forms and files, checked before a byte of the body is read."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import Http404, HttpRequest
from django.urls import ResolverMatch, resolve

from accounts.models import User
from accounts.selectors.office.members import membership_in
from console.ops import access as ops
from console.workspace.access import Permission, allows, lack_of

TAKE_FILES = frozenset({"workspace:playground_run", "workspace:compare", "workspace:compare_run"})
TAKE_STAFFS = {"ops:bill_new": ops.Permission.MONEY, "ops:generation.look_up": ops.Permission.SEE}
"""What staff need to send files there, by page."""


def sender(path: str, session: str) -> tuple[str, bool]:
    """Return the sender of a large form, and whether files are allowed.

    The sender is the tenant, if the path is its playground and the person may generate there with
    files; otherwise the session's person. Staff send theirs as themselves. Without a signed-in
    person it is empty. It runs in front of Django, so it reads the session as the middleware will.
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
    if needs := TAKE_STAFFS.get(match.view_name):
        return f"person {user.id}", ops.allows(user.staff_role, needs)
    tenant = _tenant_for_files(match, request, user)
    return tenant or f"person {user.id}", bool(tenant)


def _tenant_for_files(match: ResolverMatch, request: HttpRequest, user: User) -> str:
    """The tenant whose playground this is, if the person may generate there; otherwise empty."""
    if match.view_name not in TAKE_FILES:
        return ""
    membership = membership_in(user.id, match.kwargs["tenant"])
    if membership is None or not allows(membership.role, Permission.GENERATE):
        return ""
    return "" if lack_of(request, user, membership) else str(membership.tenant_id)
