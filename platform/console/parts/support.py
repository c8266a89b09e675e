"""The support views that a session has open, by tenant."""

from django.http import HttpRequest

from accounts.models import SupportGrant

_KEY = "support_views"


def remember(request: HttpRequest, grant: SupportGrant) -> None:
    """Let this session, and no other one of the person, view the grant's tenant."""
    request.session[_KEY] = {**_grants(request), grant.tenant.public_id: grant.public_id}


def grant_id_of(request: HttpRequest, tenant: str) -> str:
    """The id of the support view this session has, or had, of the tenant; empty for none."""
    return _grants(request).get(tenant, "")


def forget(request: HttpRequest, tenant: str) -> None:
    """Forget the session's support view of a tenant, because it has ended."""
    request.session[_KEY] = {
        tenant_id: grant for tenant_id, grant in _grants(request).items() if tenant_id != tenant
    }


def _grants(request: HttpRequest) -> dict[str, str]:
    return request.session.get(_KEY) or {}
