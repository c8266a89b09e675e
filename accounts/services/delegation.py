"""Who may make keys that do what: a key and a member, no more than they may themselves."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.callers import Caller
from accounts.locks import tenant_for_update
from accounts.models import MANAGES_KEYS, SCOPES, Actor, ApiKey, Membership, Tenant, User
from accounts.services.api_keys import (
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


_COLUMNS = {
    "models": "allowed_models",
    "budget_day": "budget_day_micros",
    "budget_month": "budget_month_micros",
}

_OF_A_DEVELOPER = frozenset({"images:write", "images:read", "webhooks:write"})


def scopes_of(role: str) -> frozenset[str]:
    """The scopes that a member of this role may give to a key."""
    if role in {Membership.Role.OWNER, Membership.Role.ADMIN}:
        return frozenset(SCOPES)
    return _OF_A_DEVELOPER if role == Membership.Role.DEVELOPER else frozenset()


def change_own_key(
    *, key: ApiKey, name: str, rules: KeyRules, actor: Actor, ip: str | None = None
) -> None:
    """`change_api_key` for whoever made the key and manages no others.

    Rules that somebody else set may be narrowed, not widened, and where they set those of another
    key of theirs, this one becomes no wider than that. Raises ValidationError, by column.
    """
    bounds = [] if key.limited_by_id is not None else _bounds_of(key.created_by, key)
    if key.limited_by_id is not None or bounds:
        message = "Somebody who manages the keys set this: you may narrow it, not widen it."
        _refuse_widening([key, *bounds], rules, message)
    change_api_key(key=key, name=name, rules=rules, actor=actor, ip=ip)


@transaction.atomic
def issue_own_key(
    *,
    tenant: Tenant,
    name: str,
    rules: KeyRules,
    is_test: bool,
    actor: User,
    ip: str | None = None,
) -> tuple[ApiKey, str]:
    """`issue_api_key` for a member who manages no keys but their own.

    Where somebody else set the rules of keys of theirs, a new one does no more than one of those,
    as with keys that keys make. Raises ValidationError, by column.
    """
    tenant_for_update(tenant.id)
    if bounds := _bounds_of(actor, ApiKey(tenant=tenant, is_test=is_test)):
        message = "Somebody who manages the keys limited yours: a new one may do no more."
        _refuse_widening(bounds, rules, message)
    return issue_api_key(tenant=tenant, name=name, rules=rules, is_test=is_test, actor=actor, ip=ip)


def _bounds_of(maker: User | None, key: ApiKey) -> list[ApiKey]:
    """The maker's other keys that somebody else limited, ended ones too: a key is no way out.

    A live key is not bounded by test keys, which spend nothing.
    """
    limited = ApiKey.objects.filter(
        tenant=key.tenant,
        created_by=maker,
        limited_by__isnull=False,
        is_test__in={False, key.is_test},
    )
    return list(limited.exclude(pk=key.pk).order_by("-created_at"))


def _refuse_widening(bounds: Sequence[ApiKey], rules: KeyRules, message: str) -> None:
    """Raises ValidationError, by column, where `rules` allow more than each of these keys may."""
    refused = [field for field in (_excess(rules_of(key), rules) for key in bounds) if field]
    if len(refused) == len(bounds):
        raise ValidationError({_COLUMNS.get(refused[0], refused[0]): message})


def _excess(own: KeyRules, rules: KeyRules) -> str | None:
    """A field in which `rules` allow what `own` do not."""
    try:
        refuse_more_than(own, rules)
    except Forbidden as refusal:
        return refusal.param
    return None


@transaction.atomic
def issue_key_for(
    *,
    caller: Caller,
    name: str,
    given: Mapping[str, Any],
    livemode: bool | None,
    actor: Actor,
    ip: str | None = None,
) -> tuple[ApiKey, str]:
    """`issue_api_key` for a key that makes keys. Rules that are not `given` are as its own.

    But it manages no keys, and budgets stop it, unless the one is named and the other said. It
    counts as made by whoever made the caller's, and goes with them. Raises Forbidden for more than
    the caller's, for a live key by a test key, and where `_own` does.
    """
    own = _own(caller)
    is_test = own.is_test if livemode is None else not livemode
    if own.is_test and not is_test:
        raise Forbidden("A test key can make only test keys.", param="livemode")
    scopes = [scope for scope in own.scopes if scope != MANAGES_KEYS]
    if not scopes and "scopes" not in given:
        message = f"This API key has only {MANAGES_KEYS}, which is given by name: say the scopes."
        raise ValidationError({"scopes": message})
    rules = replace(rules_of(own), **{"scopes": scopes, "budget_warns_only": False, **given})
    refuse_more_than(rules_of(own), rules)
    return issue_api_key(
        tenant=own.tenant,
        name=name,
        rules=rules,
        is_test=is_test,
        actor=actor,
        maker=own.created_by,
        ip=ip,
    )


@transaction.atomic
def change_key_for(
    *,
    caller: Caller,
    key: ApiKey,
    name: str | None,
    given: Mapping[str, Any],
    actor: Actor,
    ip: str | None = None,
) -> None:
    """`change_api_key` for a key that manages keys. What is not `given` stays.

    Raises Forbidden for more than the caller's own, and where `_refuse_wider` does.
    """
    own = _refuse_wider(caller, key)
    rules = replace(rules_of(key), **given)
    refuse_more_than(rules_of(own), rules)
    change_api_key(
        key=key, name=key.name if name is None else name, rules=rules, actor=actor, ip=ip
    )


@transaction.atomic
def rotate_key_for(
    *,
    caller: Caller,
    key: ApiKey,
    overlap: timedelta,
    now: datetime,
    actor: Actor,
    ip: str | None = None,
) -> str:
    """`rotate_api_key` for a key that manages keys. Raises Forbidden as `_refuse_wider` does."""
    _refuse_wider(caller, key)
    return rotate_api_key(key=key, overlap=overlap, now=now, actor=actor, ip=ip)


@transaction.atomic
def revoke_key_for(
    *, caller: Caller, key: ApiKey, now: datetime, actor: Actor, ip: str | None = None
) -> None:
    """`revoke_api_key` for a key that manages keys. Raises Forbidden as `_refuse_wider` does."""
    _refuse_wider(caller, key)
    revoke_api_key(key=key, now=now, actor=actor, ip=ip)


def _own(caller: Caller) -> ApiKey:
    """The caller's key, locked: what it gives is decided while nobody changes it.

    Raises Forbidden where it has ended meanwhile, and for a text of before a rotation, be that a
    moment ago: whoever took an old text could take the key over with it.
    """
    tenant_for_update(caller.tenant_id)  # first: two keys that change each other would wait
    keys = ApiKey.objects.select_related("tenant", "created_by")
    own = keys.select_for_update(no_key=True, of=("self",)).get(id=caller.key_id)
    if own.status(clock.now()) != "active":
        raise Forbidden("This API key has ended.")
    if bytes(own.digest) != caller.digest:
        raise Forbidden(
            "This API key was rotated: its former text manages no keys. Use the present one."
        )
    return own


def _refuse_wider(caller: Caller, key: ApiKey) -> ApiKey:
    """Lock a key and the caller's, which is returned. Raises Forbidden where it may do more."""
    own = _own(caller)
    key.refresh_from_db(from_queryset=ApiKey.objects.select_for_update(no_key=True))
    refuse_more_than(rules_of(own), rules_of(key))
    return own


def refuse_more_than(own: KeyRules, rules: KeyRules) -> None:
    """Raises Forbidden, by field, where `rules` allow what `own` do not."""
    if more := sorted(set(rules.scopes) - set(own.scopes)):
        raise Forbidden(f"This API key lacks the scope {', '.join(more)}.", param="scopes")
    if own.models is not None and not _is_among(rules.models, own.models):
        raise Forbidden(f"This API key may use only {', '.join(own.models)}.", param="models")
    if own.ip_ranges is not None and not _is_inside(rules.ip_ranges, own.ip_ranges):
        message = f"This API key may be used only from {', '.join(own.ip_ranges)}."
        raise Forbidden(message, param="ip_ranges")
    for limit in _LIMITS:
        most: int | datetime | None = getattr(own, limit)
        asked = getattr(rules, limit)
        if most is not None and (asked is None or asked > most):
            raise Forbidden(f"This API key's own {limit} is lower.", param=limit)
    if rules.budget_warns_only and _is_stopped(own):
        message = "This API key has a hard budget itself, so it cannot grant one that only warns."
        raise Forbidden(message, param="budget_warns_only")


def _is_stopped(own: KeyRules) -> bool:
    """Whether a budget of its own stops it: then a key with one that only warns may do more."""
    has_any = own.budget_day is not None or own.budget_month is not None
    return has_any and not own.budget_warns_only


def _is_among(words: Sequence[str] | None, known: Sequence[str]) -> bool:
    return words is not None and set(words) <= set(known)


def _is_inside(ranges: Sequence[str] | None, known: Sequence[str]) -> bool:
    """Whether each range lies in one of the known ones; an unreadable one does not."""
    if ranges is None:
        return False
    networks = [ipaddress.ip_network(text) for text in known]
    try:
        asked = [ipaddress.ip_network(text) for text in ranges]
    except ValueError:
        return False
    return all(
        any(one.version == other.version and one.subnet_of(other) for other in networks)  # type: ignore[arg-type]  # of one version
        for one in asked
    )
