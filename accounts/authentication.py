"""`Authorization: Bearer KEY`: from the header's bytes to the caller, or a refusal.

The body gate is handed these functions, the async views call them; the DRF class wraps them for
every endpoint that does not wait.
A key is read from that header and nowhere else. No message repeats any part of what was sent.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from typing_extensions import override

from accounts import keys
from accounts.selectors import Caller, caller_by_digest
from accounts.services import note_former_use
from pictor.kit import clock, ids, log
from pictor.kit.errors import Forbidden, Unauthenticated
from pictor.kit.moments import Steps, moment

_MISSING = "No API key was given. Send it in the header 'Authorization: Bearer YOUR_KEY'."
_MALFORMED = "The Authorization header must be 'Bearer', a space and an API key, nothing else."
# LiteLLM tells a bad key from a bad request by OpenAI's words at the beginning.
_UNKNOWN = "Incorrect API key provided. Check that it is complete and belongs to this service."
_REVOKED = "Incorrect API key provided: it was revoked."
_EXPIRED = "Incorrect API key provided: it has expired."
_SUSPENDED = "This account is suspended."
_ADDRESS = "This API key may not be used from this address."

_SCHEME = "bearer"


def read_bearer(header: bytes | str | None) -> str:
    """The key in an Authorization header: scheme in any case, ASCII spaces only, ours by shape.

    Raises Unauthenticated when the header is missing or malformed, or its key cannot be one of
    ours (the checksum is in the key, so this needs no database).
    """
    text = header.decode("latin-1") if isinstance(header, bytes) else header or ""
    if not text.strip(" "):
        raise Unauthenticated(_MISSING)
    scheme, _, rest = text.strip(" ").partition(" ")
    key = rest.strip(" ")
    if scheme.lower() != _SCHEME or not key or not key.isascii() or " " in key:
        raise Unauthenticated(_MALFORMED)
    if not keys.is_well_formed(key):
        raise Unauthenticated(_UNKNOWN)
    return key


@moment
def authenticate(key: str, *, now: datetime, ip: str | None) -> Steps[Caller]:
    """The caller a key belongs to.

    Raises Unauthenticated for an unknown, revoked or expired key, Forbidden for a suspended tenant
    or an address outside the key's ranges (an unknown address is outside).
    """
    digests = keys.digests(key, settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS)
    caller = yield from caller_by_digest.steps(*digests)
    if caller is None:
        raise Unauthenticated(_UNKNOWN)
    recognize(caller, now=now, ip=ip)
    if caller.use_is_due:
        yield partial(note_former_use, key_id=caller.key_id, digests=digests, now=now)
    return caller


def recognize(caller: Caller, *, now: datetime, ip: str | None) -> None:
    """Note who calls, for the log. Raises as `authenticate` does for a key that is known."""
    log.note(
        tenant=ids.public(ids.TENANT, caller.tenant_id), key=ids.public(ids.KEY, caller.key_id)
    )
    let_in(caller, now=now, ip=ip)


def let_in(caller: Caller, *, now: datetime, ip: str | None) -> None:
    """Raises as `authenticate` does for a known key that may not be used now, or not from there."""
    if caller.revoked_at is not None and caller.revoked_at <= now:
        raise Unauthenticated(_REVOKED)
    if caller.expires_at is not None and caller.expires_at <= now:
        raise Unauthenticated(_EXPIRED)
    if caller.tenant_suspended:
        raise Forbidden(_SUSPENDED)
    if caller.ip_ranges and not _is_inside(ip, caller):
        raise Forbidden(_ADDRESS)


def require_scope(caller: Caller, scope: str) -> None:
    """Raise Forbidden unless the caller's key has the scope."""
    if scope not in caller.scopes:
        raise Forbidden(f"This API key lacks the scope {scope}.")


@dataclass(frozen=True, slots=True)
class Principal:
    """`request.user` of a DRF view: the caller, never anonymous."""

    caller: Caller
    is_authenticated: bool = True
    is_active: bool = True

    @property
    def pk(self) -> str:
        """What throttles and logs may tell callers apart by."""
        return str(self.caller.key_id)


class ApiKeyAuthentication(BaseAuthentication):
    """DRF's way to the same check. `request.user.caller` and `request.auth` are the Caller."""

    @override
    def authenticate(self, request: Request) -> tuple[Principal, Caller]:
        """The principal and its caller; raises as `read_bearer` and `authenticate` do."""
        key = read_bearer(request.META.get("HTTP_AUTHORIZATION"))
        caller = authenticate(key, now=clock.now(), ip=request.META.get("REMOTE_ADDR"))
        return Principal(caller), caller

    @override
    def authenticate_header(self, request: Request) -> str:
        """Makes a refusal a 401 rather than a 403."""
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # its metaclass hook is untyped
    """How the OpenAPI document describes the header."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    @override
    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """An HTTP bearer scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sk-pictor-…"}


def _is_inside(ip: str | None, caller: Caller) -> bool:
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return False
    # A dual-stack socket shows IPv4 clients as ::ffff:a.b.c.d.
    mapped = getattr(address, "ipv4_mapped", None)
    candidates = {address, mapped or address}
    return any(one in network for network in caller.ip_ranges for one in candidates)
