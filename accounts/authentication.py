"""`Authorization: Bearer KEY`: from the header's bytes to the caller, or a refusal.

The body gate and the async views call these functions; bearer.py wraps them for every endpoint that
does not wait.

A key is read only from that header. No message repeats any part of it.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from accounts import keys
from accounts.callers import (
    Caller,
    caller_by_digest,
    caller_by_digest_async,
    is_inside,
    note_former_use,
)
from pictor.kit.database import pools
from pictor.kit.watching import log
from pictor.kit.words import ids
from pictor.kit.words.errors import Forbidden, Unauthenticated

_MISSING = "No API key was given. Send it in the header 'Authorization: Bearer YOUR_KEY'."
_MALFORMED = "The Authorization header must be 'Bearer', a space and an API key, and nothing else."
# LiteLLM recognizes a bad key by these first words of OpenAI's message.
_UNKNOWN = "Incorrect API key provided. Check that it is complete and belongs to this service."
_REVOKED = "Incorrect API key provided: it was revoked."
_EXPIRED = "Incorrect API key provided: it has expired."
_SUSPENDED = "This workspace is suspended."
_ADDRESS = "This API key may not be used from this address."

_SCHEME = "bearer"


class NotLetIn(Forbidden):
    """Raised for a valid key whose tenant is suspended, or whose IP ranges exclude the address."""


def read_bearer(header: bytes | str | None) -> str:
    """Return the key in an Authorization header.

    The scheme may be in any case; only ASCII spaces separate it from the key. Raises
    Unauthenticated if the header is missing or malformed, or the key cannot be one of ours (the
    checksum is in the key, so this needs no database).
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


def digests_of(key: str) -> list[bytes]:
    """A key's digests, the one under the newest pepper first."""
    return keys.digests(key, settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS)


def authenticate(key: str, *, now: datetime, ip: str | None) -> Caller:
    """Return the caller a key belongs to.

    Raises Unauthenticated for an unknown, revoked or expired key, Forbidden for a suspended tenant
    or an address outside the key's ranges (an unknown address is outside).
    """
    digests = digests_of(key)
    caller = recognize(caller_by_digest(*digests), now=now, ip=ip)
    if caller.use_is_due:
        note_former_use(key_id=caller.key_id, digests=digests, now=now)
    return caller


async def authenticate_async(digests: Sequence[bytes], *, now: datetime, ip: str | None) -> Caller:
    """Like `authenticate`, on the running loop and from the key's digests (`digests_of`)."""
    caller = recognize(await caller_by_digest_async(*digests), now=now, ip=ip)
    if caller.use_is_due:
        await pools.database(note_former_use, key_id=caller.key_id, digests=digests, now=now)
    return caller


def recognize(caller: Caller | None, *, now: datetime, ip: str | None) -> Caller:
    """Add the caller to the log line and check that it may enter. Raises like `authenticate`."""
    if caller is None:
        raise Unauthenticated(_UNKNOWN)
    log.note(
        tenant=ids.public(ids.TENANT, caller.tenant_id), key=ids.public(ids.KEY, caller.key_id)
    )
    let_in(caller, now=now, ip=ip)
    return caller


def let_in(caller: Caller, *, now: datetime, ip: str | None) -> None:
    """Raise like `authenticate` for a known key that may not be used now or from this address."""
    if caller.revoked_at is not None and caller.revoked_at <= now:
        raise Unauthenticated(_REVOKED)
    if caller.expires_at is not None and caller.expires_at <= now:
        raise Unauthenticated(_EXPIRED)
    if caller.tenant_suspended:
        because = f" The reason: {caller.suspended_because}" if caller.suspended_because else ""
        raise NotLetIn(f"{_SUSPENDED}{because}")
    if caller.ip_ranges and not is_inside(ip, caller.ip_ranges):
        raise NotLetIn(_ADDRESS)


def require_scope(caller: Caller, scope: str) -> None:
    """Raise Forbidden unless the caller's key has the scope."""
    if scope not in caller.scopes:
        raise Forbidden(f"This API key lacks the scope {scope}.")
