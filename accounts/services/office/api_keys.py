"""API keys: issued, changed, revoked. Audit events name a key by its id and visible prefix."""

import secrets
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Unpack
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import keys
from accounts.locks import tenant_for_update
from accounts.models import ApiKey, Tenant, User, default_scopes
from accounts.offer import offer
from accounts.selectors.office.api_keys import did_staff_see
from accounts.selectors.office.members import has_active_owner
from accounts.services.audit import By, record
from accounts.services.office.tenants import refuse_ended
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRules:
    """The rules of a key. None is unlimited; by default every scope except `keys:write`.

    A budget is a hard stop, unless the key's `budget_warns_only`.
    """

    scopes: Sequence[str] = field(default_factory=default_scopes)
    models: Sequence[str] | None = None
    ip_ranges: Sequence[str] | None = None
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    max_in_flight: int | None = None
    budget_day: Micros | None = None
    budget_month: Micros | None = None
    budget_warns_only: bool = False
    default_response_format: str = ""


_RENAMED = {
    "models": "allowed_models",
    "budget_day": "budget_day_micros",
    "budget_month": "budget_month_micros",
}
COLUMN_OF = {rule.name: _RENAMED.get(rule.name, rule.name) for rule in fields(KeyRules)}
"""The column of a key for each of its rules."""
NO_RULES = KeyRules()
SIGN_UP_KEY = "Playground"
"""The name of a newcomer's first key, whose secret nobody sees."""
PLAYGROUND = KeyRules(scopes=["images:write", "images:read"])
MAX_KEYS = 1000
"""The most keys per tenant that are neither revoked nor expired."""

OVERLAPS = {
    "0": timedelta(),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
}
"""How long a rotated key's old secret may keep working."""


@transaction.atomic
def issue_api_key(
    *,
    tenant: Tenant,
    name: str,
    rules: KeyRules = NO_RULES,
    is_test: bool = False,
    plaintext: str | None = None,
    maker: User | None = None,
    once: UUID | None = None,
    waits_for_owner: bool = False,
    **by: Unpack[By],
) -> tuple[ApiKey, str]:
    """Issue a key and return it with its text, which is not stored anywhere.

    `plaintext` is a key minted beforehand (the demo's). `maker` is the person the key counts as
    made by, where another key makes it. `once` becomes the key's id, so a form sent twice makes one
    key. With `waits_for_owner`, where an active owner is, there is no text ("") until one opens it.

    Raises ValidationError for an unknown scope or model, a bad range or limit, too many keys, a key
    that was made already, or an erased tenant, and ValueError for a plaintext not in our format.
    """
    waits = waits_for_owner and _has_owner(tenant.id)
    text = "" if waits else plaintext or keys.mint(test=is_test)
    if text and not keys.is_well_formed(text):
        raise ValueError("plaintext is not one of our keys")
    key = ApiKey(
        id=once or ids.new_uuid(),
        tenant=tenant,
        name=name,
        **_stored(text),
        waits_for_owner=waits,
        is_test=text.startswith(keys.TEST_PREFIX),
        created_by=by["actor"] if isinstance(by["actor"], User) else maker,
        **_columns(rules),
    )
    check_models(rules.models)
    _refuse_one_too_many(tenant.id)
    if ApiKey.objects.filter(id=key.id).exists():
        raise ValidationError("This form has already created its key.")
    key.full_clean()
    key.save(force_insert=True)
    record(key.audited, "api_key.issue", after=_describe(key), **by)
    return key, text


def _has_owner(tenant_id: UUID) -> bool:
    """True if the tenant has an active owner; nobody becomes one meanwhile."""
    tenant_for_update(tenant_id)
    return has_active_owner(tenant_id)


def _stored(text: str) -> dict[str, Any]:
    """What is stored of a key's text; without a text, a digest that no text has."""
    return {
        "visible_prefix": keys.visible_prefix(text) if text else keys.NOT_OPENED,
        "digest": keys.digest(text or secrets.token_hex(), settings.KEY_PEPPER),
    }


def _refuse_one_too_many(tenant_id: UUID) -> None:
    """Refuse a key too many, under a lock: two concurrent requests cannot both make the last."""
    tenant_for_update(tenant_id)
    refuse_ended(tenant_id)
    good = ApiKey.objects.filter(tenant_id=tenant_id, revoked_at=None)
    if good.exclude(expires_at__lte=clock.now()).count() >= MAX_KEYS:
        raise ValidationError(f"A workspace has at most {MAX_KEYS} keys: revoke one first.")


@transaction.atomic
def change_api_key(*, key: ApiKey, name: str, rules: KeyRules, **by: Unpack[By]) -> None:
    """Change a key's name and rules; nothing is written if nothing changes.

    The next request feels it. A person who sets rules of a key that another person made is noted in
    `limited_by`: see `delegation.change_own_key`. Raises ValidationError like `issue_api_key`: an
    expired key counts again once its expiry is moved. `key` stays as it is then.
    """
    before, had_expired = _describe(key), key.status(clock.now()) == "expired"
    if rules.models != key.allowed_models:
        check_models(rules.models)
    columns = {"name": name, **_columns(rules)}
    is_anothers = isinstance(by["actor"], User) and by["actor"].pk != key.created_by_id
    if is_anothers and rules != rules_of(key):
        columns["limited_by"] = by["actor"]
    changed = copy(key)
    for column, value in columns.items():
        setattr(changed, column, value)
    after = _describe(changed)
    if after == before:
        return
    changed.full_clean()
    if had_expired and not changed.has_ended(clock.now()):
        _refuse_one_too_many(key.tenant_id)
    changed.save(update_fields=list(columns))  # a revocation meanwhile stands
    for column in columns:
        setattr(key, column, getattr(changed, column))
    record(key.audited, "api_key.change", before=before, after=after, **by)


@transaction.atomic
def rotate_api_key(
    *, key: ApiKey, overlap: timedelta, now: datetime, opens: bool = False, **by: Unpack[By]
) -> str:
    """Give a key a new secret and return it; the old one works for `overlap` longer.

    With `opens` it is the first secret of a key that waits for an owner, whose key it then is; so
    is one that staff made and a member rotates. The key keeps its id, rules, budgets and usage.
    Only one former text is kept. Raises ValidationError while an earlier one still works, unless
    there is no overlap, for a key that has ended, is to be opened first or was opened before, and
    for an overlap not among `OVERLAPS`.
    """
    if overlap not in OVERLAPS.values():
        raise ValidationError(f"the overlap must be one of {', '.join(OVERLAPS)}")
    key.refresh_from_db(from_queryset=ApiKey.objects.select_for_update())
    _refuse_rotation(key, overlap, now, opens=opens)
    before = {"visible_prefix": key.visible_prefix}
    text = keys.mint(test=key.is_test)
    key.previous_digest, key.previous_until = (
        (key.digest, now + overlap) if overlap else (None, None)
    )
    key.digest = keys.digest(text, settings.KEY_PEPPER)
    key.visible_prefix = keys.visible_prefix(text)
    key.previous_used_at, key.waits_for_owner = None, False
    if isinstance(by["actor"], User) and (opens or did_staff_see(key)):
        key.created_by = by["actor"]
    columns = ["previous_digest", "previous_until", "previous_used_at", "waits_for_owner"]
    key.save(update_fields=["digest", "visible_prefix", "created_by", *columns])
    after = {"visible_prefix": key.visible_prefix, "former_until": (now + overlap).isoformat()}
    action = "api_key.open" if opens else "api_key.rotate"
    record(key.audited, action, before=before, after=after, **by)
    return text


def _refuse_rotation(key: ApiKey, overlap: timedelta, now: datetime, *, opens: bool) -> None:
    if key.has_ended(now):
        raise ValidationError("the key is revoked or expired: create another one")
    if opens and not key.waits_for_owner:
        raise ValidationError("This key was opened before, and its secret is shown only once.")
    if key.waits_for_owner and not opens:
        raise ValidationError("the key has no secret yet: an owner opens it in the console")
    until = key.previous_until
    if overlap and until is not None and until > now:
        raise ValidationError(
            f"The secret before the present one works until {until:%-d %b %Y, %H:%M:%S} UTC and may"
            " still be in use: rotate again after that. To end all secrets at once, rotate with the"
            ' overlap "0" (at once).'
        )


@transaction.atomic
def revoke_api_key(*, key: ApiKey, now: datetime, **by: Unpack[By]) -> None:
    """Revoke a key. Its next request is refused; work in flight ends and is charged.

    Safe to call twice: the first revocation stands.
    """
    revoked = ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=now)
    key.refresh_from_db(fields=["revoked_at"])
    if revoked:
        after = {"revoked_at": now.isoformat()}
        record(key.audited, "api_key.revoke", after=after, **by)


def rules_of(key: ApiKey) -> KeyRules:
    return KeyRules(**{rule: getattr(key, column) for rule, column in COLUMN_OF.items()})


def _columns(rules: KeyRules) -> dict[str, Any]:
    columns = {column: getattr(rules, rule) for rule, column in COLUMN_OF.items()}
    for column in ("scopes", "allowed_models", "ip_ranges"):
        columns[column] = None if columns[column] is None else list(columns[column])
    return columns


def _describe(key: ApiKey) -> dict[str, Any]:
    """The key's rules for an audit event, without a digest."""
    rules = {
        "models" if column == "allowed_models" else column: getattr(key, column)
        for column in COLUMN_OF.values()
    }
    ends = key.expires_at.isoformat() if key.expires_at else None
    return {"name": key.name, "visible_prefix": key.visible_prefix, **rules, "expires_at": ends}


def check_models(models: Sequence[str] | None, *, column: str = "allowed_models") -> None:
    """Raise ValidationError, by column, for unknown model names; None is every model.

    A disabled model may be named: it may be offered again.
    """
    if not models:
        return
    known = {model.name: model for model in offer().models()}
    if unknown := [model for model in models if model not in known]:
        offered = [name for name, model in known.items() if model.is_enabled]
        raise ValidationError(
            {
                column: f"no such model: {', '.join(map(repr, unknown))}; available:"
                f" {', '.join(offered) or 'none yet'}"
            }
        )
