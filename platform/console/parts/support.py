"""Support views of a session: which it has open, of which tenants."""

from django.http import HttpRequest

from accounts.models import SupportGrant

_KEY = "support_views"


def remember(request: HttpRequest, grant: SupportGrant) -> None:
    """Let this session, and no other one of that person, look into the grant's tenant."""
    request.session[_KEY] = {**_known(request), grant.tenant.public_id: grant.public_id}


def remembered(request: HttpRequest, tenant: str) -> str:
    """The id of what this session has, or had, open of that tenant; empty for none."""
    return _known(request).get(tenant, "")


def forget(request: HttpRequest, tenant: str) -> None:
    """What this session had open of that tenant has ended."""
    request.session[_KEY] = {one: grant for one, grant in _known(request).items() if one != tenant}


def _known(request: HttpRequest) -> dict[str, str]:
    return request.session.get(_KEY) or {}
