"""Who may send a form with files, and where: asked before a byte of it is read."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import Http404, HttpRequest
from django.urls import resolve

from accounts.models import User
from accounts.selectors import membership_in
from console.workspace.access import May, allows, lack_of

TAKE_FILES = frozenset({"workspace:playground_run"})


def uploader(path: str, session: str) -> str:
    """The tenant at whose playground this session's person may generate; empty for anybody else.

    Reads the session as the middleware will: it runs in front of Django.
    """
    try:
        match = resolve(path)
    except Http404:
        return ""
    if match.view_name not in TAKE_FILES:
        return ""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session)
    user = get_user(request)
    if not isinstance(user, User):
        return ""
    membership = membership_in(user.id, match.kwargs["tenant"])
    if membership is None or not allows(membership.role, May.GENERATE):
        return ""
    if lack_of(request, user, membership):
        return ""
    return str(membership.tenant_id)
