"""Limits on making and changing keys: no key or member grants more than they have themselves."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.callers import Caller
from accounts.locks import tenant_for_update
from accounts.models import ADMIN_ROLES, MANAGES_KEYS, SCOPES, ApiKey, Membership, Tenant, User
from accounts.selectors.office.api_keys import did_staff_see
from accounts.selectors.office.members import has_active_owner
from accounts.services.audit import By
from accounts.services.office.api_keys import (
    COLUMN_OF,
    KeyRules,
    change_api_key,
    issue_api_key,
    revoke_api_key,
    rotate_api_key,
    rules_of,
)
from pictor.kit.words import clock
from pictor.kit.words.errors import Forbidden

_LIMITS = (
    "expires_at",
    "requests_per_minute",
    "images_per_minute",
    "max_in_flight",
    "budget_day",
    "budget_month",
)


_OF_A_DEVELOPER = frozenset({"images:write", "images:read", "webhooks:write"})


def scopes_of(role: str) -> frozenset[str]:
    """The scopes that a member with this role may give to a key."""
    if role in ADMIN_ROLES:
        return frozenset(SCOPES)
    return _OF_A_DEVELOPER if role == Membership.Role.DEVELOPER else frozenset()


def change_own_key(*, key: ApiKey, name: str, rules: KeyRules, **by: Unpack[By]) -> None:
    """`change_api_key` for a member who made the key and manages no other keys.

    If another person set the rules, they may be narrowed but not widened. If another person limited
    other keys of this member, the rules must fit within the key's present ones or those of one such
    key. Raises ValidationError, by column.
    """
    bounds = [] if key.limited_by_id is not None else _bounds_of(key.created_by, key)
    if key.limited_by_id is not None or bounds:
        message = "Somebody who manages keys set this: you may narrow it, but not widen it."
        _refuse_widening([key, *bounds], rules, message)
    change_api_key(key=key, name=name, rules=rules, **by)


@transaction.atomic
def issue_own_key(
    *,
    tenant: Tenant,
    name: str,
    rules: KeyRules,
    is_test: bool,
    actor: User,
    once: UUID | None = None,
    ip: str | None = None,
) -> tuple[ApiKey, str]:
    """`issue_api_key` for a member who manages only their own keys.

    If another person limited keys of this member, a new key may do no more than one of those, as
    with keys made by keys. Raises ValidationError, by column.
    """
    tenant_for_update(tenant.id)
    if bounds := _bounds_of(actor, ApiKey(tenant=tenant, is_test=is_test)):
        message = "Somebody who manages keys has limited yours: a new key may do no more."
        _refuse_widening(bounds, rules, message)
    return issue_api_key(
        tenant=tenant, name=name, rules=rules, is_test=is_test, actor=actor, once=once, ip=ip
    )


def _bounds_of(maker: User | None, key: ApiKey) -> list[ApiKey]:
    """The maker's other keys limited by another person, even if ended: a new key is no way out.

    Test keys do not bound a live key, because they spend nothing.
    """
    limited = ApiKey.objects.filter(
        tenant=key.tenant,
        created_by=maker,
        limited_by__isnull=False,
        is_test__in={False, key.is_test},
    )
    return list(limited.exclude(pk=key.pk).order_by("-created_at"))


def _refuse_widening(bounds: Sequence[ApiKey], rules: KeyRules, message: str) -> None:
    """Raise ValidationError, by column, if `rules` allow more than every one of these keys."""
    refused = [field for field in (_excess(rules_of(key), rules) for key in bounds) if field]
    if len(refused) == len(bounds):
        raise ValidationError({COLUMN_OF[refused[0]]: message})


def _excess(own: KeyRules, rules: KeyRules) -> str | None:
    """The first field in which `rules` allow more than `own`, or None."""
    try:
        refuse_more_than(own, rules)
    except Forbidden as refusal:
        return refusal.param
    return None


@transaction.atomic
def issue_key_for(
    *, caller: Caller, name: str, fields: Mapping[str, Any], livemode: bool | None, **by: Unpack[By]
) -> tuple[ApiKey, str]:
    """`issue_api_key` for a key that makes keys. Rules not in `fields` are copied from its own.

    Two are not copied: the new key gets `keys:write` only if `fields` names it, and its budgets are
    hard unless `fields` says otherwise. The key counts as made by the person who made the caller's
    key, and is handed over or revoked with them.

    Raises Forbidden for more than the caller's key may do, for a live key made by a test key, and
    like `_own`.
    """
    own = _own(caller)
    is_test = own.is_test if livemode is None else not livemode
    if own.is_test and not is_test:
        raise Forbidden("A test key can create only test keys.", param="livemode")
    scopes = [scope for scope in own.scopes if scope != MANAGES_KEYS]
    if not scopes and "scopes" not in fields:
        message = (
            f"This API key has only {MANAGES_KEYS}, which must be given by name: name the scopes."
        )
        raise ValidationError({"scopes": message})
    rules = replace(rules_of(own), **{"scopes": scopes, "budget_warns_only": False, **fields})
    refuse_more_than(rules_of(own), rules)
    key, text = issue_api_key(
        tenant=own.tenant, name=name, rules=rules, is_test=is_test, maker=own.created_by, **by
    )
    key.refresh_from_db(fields=["created_at"])
    return key, text


@transaction.atomic
def change_key_for(
    *, caller: Caller, key: ApiKey, name: str | None, fields: Mapping[str, Any], **by: Unpack[By]
) -> None:
    """`change_api_key` for a key that manages keys. Rules not in `fields` stay.

    Raises Forbidden for more than the caller's own key may do, and like `_refuse_wider`.
    """
    own = _refuse_wider(caller, key)
    rules = replace(rules_of(key), **fields)
    refuse_more_than(rules_of(own), rules)
    change_api_key(key=key, name=key.name if name is None else name, rules=rules, **by)


@transaction.atomic
def rotate_key_for(
    *, caller: Caller, key: ApiKey, overlap: timedelta, now: datetime, **by: Unpack[By]
) -> str:
    """`rotate_api_key` for a key that manages keys. Raises Forbidden like `_refuse_wider`.

    If staff saw the caller's key, they see this secret, too: it counts as made by them.
    """
    own = _refuse_wider(caller, key)
    if did_staff_see(own):
        ApiKey.objects.filter(pk=key.pk).update(created_by=own.created_by)
    return rotate_api_key(key=key, overlap=overlap, now=now, **by)


@transaction.atomic
def revoke_key_for(*, caller: Caller, key: ApiKey, now: datetime, **by: Unpack[By]) -> None:
    """`revoke_api_key` for a key that manages keys. Raises Forbidden like `_refuse_wider`."""
    _refuse_wider(caller, key)
    revoke_api_key(key=key, now=now, **by)


def _own(caller: Caller) -> ApiKey:
    """Return the caller's key, locked so that its rules stay while they are compared.

    Raises Forbidden if it has ended meanwhile, for a rotated key's old secret, even if it was
    rotated a moment ago (a thief of an old secret could take the key over), and where an owner is,
    for a key that staff saw.
    """
    tenant_for_update(caller.tenant_id)  # first: two keys changing each other would deadlock
    keys = ApiKey.objects.select_related("tenant", "created_by")
    own = keys.select_for_update(no_key=True, of=("self",)).get(id=caller.key_id)
    if own.status(clock.now()) != "active":
        raise Forbidden("This API key is revoked or expired.")
    if bytes(own.digest) != caller.digest:
        raise Forbidden(
            "This API key was rotated: its old secret cannot manage keys. Use the new one."
        )
    if has_active_owner(own.tenant_id) and did_staff_see(own):
        raise Forbidden(
            "Staff of this site made this API key and saw its secret, so it cannot manage keys."
            " Rotate it in the console."
        )
    return own


def _refuse_wider(caller: Caller, key: ApiKey) -> ApiKey:
    """Lock both keys and return the caller's. Raises Forbidden if `key` may do more than that."""
    own = _own(caller)
    key.refresh_from_db(from_queryset=ApiKey.objects.select_for_update(no_key=True))
    refuse_more_than(rules_of(own), rules_of(key))
    return own


def refuse_more_than(own: KeyRules, rules: KeyRules) -> None:
    """Raise Forbidden, by field, if `rules` allow more than `own`."""
    if more := sorted(set(rules.scopes) - set(own.scopes)):
        raise Forbidden(f"This API key lacks the scope {', '.join(more)}.", param="scopes")
    if own.models is not None and not _is_among(rules.models, own.models):
        raise Forbidden(f"This API key may use only {', '.join(own.models)}.", param="models")
    if own.ip_ranges is not None and not _is_inside(rules.ip_ranges, own.ip_ranges):
        message = f"This API key may be used only from {', '.join(own.ip_ranges)}."
        raise Forbidden(message, param="ip_ranges")
    for limit in _LIMITS:
        most: int | datetime | None = getattr(own, limit)
        value = getattr(rules, limit)
        if most is not None and (value is None or value > most):
            raise Forbidden(f"This API key's own {limit} is lower.", param=limit)
    if rules.budget_warns_only and _is_stopped(own):
        message = "This API key has a hard budget itself, so it cannot grant one that only warns."
        raise Forbidden(message, param="budget_warns_only")


def _is_stopped(own: KeyRules) -> bool:
    """True if a budget is a hard stop for this key; a key that is only warned may do more."""
    has_any = own.budget_day is not None or own.budget_month is not None
    return has_any and not own.budget_warns_only


def _is_among(words: Sequence[str] | None, known: Sequence[str]) -> bool:
    return words is not None and set(words) <= set(known)


def _is_inside(ranges: Sequence[str] | None, known: Sequence[str]) -> bool:
    """True if each range lies within a known one; an unreadable range does not."""
    if ranges is None:
        return False
    networks = [ipaddress.ip_network(text) for text in known]
    try:
        inner = [ipaddress.ip_network(text) for text in ranges]
    except ValueError:
        return False
    return all(
        any(network.version == other.version and network.subnet_of(other) for other in networks)  # type: ignore[arg-type]  # of one version
        for network in inner
    )
