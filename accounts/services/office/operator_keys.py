"""Keys of programs at /ops/v1/: made and ended by owners, looked up for each call.

A call that does something was shown its effect before. The row of that showing, an OperatorCall, is
claimed by one call at a time and keeps the first answer.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from accounts import keys
from accounts.callers import is_inside
from accounts.models import OperatorCall, OperatorKey, User
from accounts.services.audit import By, record
from pictor.kit.database import lock_numbers
from pictor.kit.words import ids
from pictor.kit.words.errors import Forbidden, Unauthenticated

MAX_KEYS = 20
MAX_DAYS = 365
OVERLAP = timedelta(days=1)
"""How long a replaced key still works."""
SHOWN_FOR = timedelta(minutes=10)
"""How long an effect that was shown may be done."""
ANSWERED_FOR = timedelta(hours=24)
"""How long the first answer is given again."""
LOST_AFTER = timedelta(seconds=60)
"""A call that began this long ago and has no answer may be taken over: its process has died."""
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key may do, from where, and until when."""

    permissions: Sequence[str]
    acts: Sequence[str]
    ip_ranges: Sequence[str]
    expires_at: datetime


def issue_operator_key(
    *, name: str, terms: KeyTerms, once: UUID, now: datetime, by: By
) -> tuple[OperatorKey, str]:
    """Make a key and return it with its text, which is not stored anywhere.

    Raises ValidationError for anybody but an owner, a bad network or time, or one key too many.
    """
    maker = by["actor"]
    if not isinstance(maker, User) or maker.staff_role != User.StaffRole.OWNER:
        raise ValidationError("Only an owner makes keys for programs.")
    if not now < terms.expires_at <= now + timedelta(days=MAX_DAYS):
        raise ValidationError(f"A key works for at most {MAX_DAYS} days.")
    text = keys.mint_for_operators()
    key = OperatorKey(
        id=once,
        name=name,
        visible_prefix=keys.visible_prefix(text),
        digest=keys.digest(text, settings.KEY_PEPPER),
        permissions=[*terms.permissions],
        acts=[*terms.acts],
        ip_ranges=[*terms.ip_ranges],
        made_by=maker,
        expires_at=terms.expires_at,
    )
    key.clean_fields(exclude={"revoked_at", "last_used_at"})
    _store(key, now, "operator_key.issue", by)
    return key, text


@transaction.atomic
def _store(key: OperatorKey, now: datetime, action: str, by: By) -> None:
    lock_numbers.lock(lock_numbers.OPERATOR_KEYS)
    if OperatorKey.objects.filter(pk=key.pk).exists():
        raise ValidationError("This form has already created its key.")
    if len(operator_keys(now)) >= MAX_KEYS:
        raise ValidationError(f"There are {MAX_KEYS} keys: revoke one first.")
    key.save(force_insert=True)
    after = {
        "name": key.name,
        "permissions": key.permissions,
        "acts": key.acts,
        "ip_ranges": key.ip_ranges,
        "expires_at": key.expires_at.isoformat(),
    }
    record(key.audited, action, after=after, **by)


@transaction.atomic
def rotate_operator_key(
    *, key: OperatorKey, once: UUID, now: datetime, by: By
) -> tuple[OperatorKey, str]:
    """Return a new key on the same terms, and its text; the old one works for another day."""
    terms = KeyTerms(key.permissions, key.acts, key.ip_ranges, key.expires_at)
    made = issue_operator_key(name=key.name, terms=terms, once=once, now=now, by=by)
    _end(key, min(now + OVERLAP, key.expires_at), "operator_key.rotate", by)
    return made


@transaction.atomic
def revoke_operator_key(*, key: OperatorKey, now: datetime, by: By) -> None:
    """End a key from its next call on."""
    _end(key, now, "operator_key.revoke", by)


def _end(key: OperatorKey, at: datetime, action: str, by: By) -> None:
    open_ones = OperatorKey.objects.filter(Q(revoked_at=None) | Q(revoked_at__gt=at), pk=key.pk)
    if not open_ones.update(revoked_at=at):
        raise ValidationError("The key is revoked already.")
    record(key.audited, action, after={"name": key.name, "ends_at": at.isoformat()}, **by)


def operator_keys(now: datetime) -> list[OperatorKey]:
    """The keys that work, the newest first, with their makers."""
    found = OperatorKey.objects.select_related("made_by").order_by("-made_at")
    return [key for key in found.filter(expires_at__gt=now) if not key.has_ended(now)]


def operator_key_by_id(text: str, now: datetime) -> OperatorKey | None:
    """A key that works, by its id; None if there is none."""
    key_id = ids.parse_uuid(text)
    return next((key for key in operator_keys(now) if key.id == key_id), None)


def let_in_by_key(text: str, *, now: datetime, ip: str | None) -> OperatorKey:
    """Return the key with this text, and note its use. Raises Unauthenticated or Forbidden."""
    found = None
    if keys.is_for_operators(text):
        digests = keys.digests(text, settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS)
        found = OperatorKey.objects.select_related("made_by").filter(digest__in=digests).first()
    if found is None:
        raise Unauthenticated("This is no operator key. Tenants' keys do not work here.")
    if found.has_ended(now):
        raise Unauthenticated("This operator key is revoked or expired, or its maker has left.")
    networks = [ipaddress.ip_network(text, strict=False) for text in found.ip_ranges]
    if networks and not is_inside(ip, networks):
        raise Forbidden("This operator key may not be used from this address.")
    late = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
    OperatorKey.objects.filter(late, pk=found.pk).update(last_used_at=now)
    return found


def note_shown(*, key: OperatorKey, act: str, fields: bytes, seen: str, now: datetime) -> UUID:
    """Keep that an act's effect was shown to a key; return the token that does it."""
    OperatorCall.objects.filter(key=key, shown_at__lt=now - ANSWERED_FOR).delete()
    call = OperatorCall(key=key, act=act, fields_digest=fields, seen=seen, shown_at=now)
    call.save(force_insert=True)
    return call.id


def call_of(*, key: OperatorKey, token: str) -> OperatorCall | None:
    """The key's call with this token; None if there is none."""
    token_id = ids.parse_uuid(token)
    if token_id is None:
        return None
    return OperatorCall.objects.filter(key=key, pk=token_id).first()


def begin_call(call: OperatorCall, now: datetime) -> bool:
    """Claim a call that has no answer; False if another one is doing it."""
    free = Q(begun_at=None) | Q(begun_at__lt=now - LOST_AFTER)
    open_ones = OperatorCall.objects.filter(free, pk=call.pk, answer__isnull=True)
    return open_ones.update(begun_at=now) == 1


def end_call(call: OperatorCall, answer: Mapping[str, Any] | None) -> None:
    """Keep the answer of a claimed call; without one it may be begun again."""
    changed = {"begun_at": None} if answer is None else {"answer": dict(answer)}
    OperatorCall.objects.filter(pk=call.pk).update(**changed)
