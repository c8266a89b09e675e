"""Reads: who a key belongs to and what it may do; tenants and their keys."""

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import (
    ApiKey,
    AuditEvent,
    ConfigRevision,
    Invitation,
    Mail,
    Membership,
    Tenant,
    User,
)
from pictor.kit import ids
from pictor.kit.ids import TenantId
from pictor.kit.moments import Steps, moment
from pictor.kit.money import Micros
from pictor.kit.pages import in_pages
from pictor.kit.prepared import Part

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

REVISION = "(SELECT revision FROM accounts_configrevision)"
"""SQL: the configuration's present revision, for a statement that brings it along."""

IMAGE_RETENTIONS = (
    "(SELECT id AS tenant_id, image_retention_days AS days FROM accounts_tenant"
    " WHERE image_retention_days IS NOT NULL)"
)
"""SQL: the tenants that keep images for less long than anyone's are kept, and for how many days."""

API_KEYS = "(SELECT id, tenant_id, digest, is_test FROM accounts_apikey)"
"""SQL: whose each API key is, for another app's statement to join; revoked ones too."""

AUDIT_EVENTS = "(SELECT tenant_id, action, object_type, object_id, after FROM accounts_auditevent)"
"""SQL: the audit log, for a proof that holds its own rows against it."""

NOTED_EVERY = timedelta(minutes=1)
"""How often the use of a rotated key's former text is written down."""
_EVERY = f"interval '{NOTED_EVERY.total_seconds()} seconds'"

_VERSION = f"concat_ws(' ', k.xmin, t.xmin, {REVISION})"
"""SQL: another text after every change of a key, of its tenant or of the configuration: whatever
changes a row gives it another xmin."""

# Raw SQL: this runs for every request, and the three tables' facts come in one round trip.
_CALLER = f"""
    SELECT k.id, k.tenant_id, t.status, k.scopes, k.allowed_models, t.own_models,
           k.ip_ranges, k.expires_at, k.revoked_at, k.is_test, k.default_response_format,
           LEAST(t.requests_per_minute, t.own_requests_per_minute),
           LEAST(t.images_per_minute, t.own_images_per_minute),
           k.requests_per_minute, k.images_per_minute,
           LEAST(t.max_in_flight, t.own_max_in_flight), k.max_in_flight,
           t.budget_day_micros, t.budget_month_micros,
           CASE WHEN NOT k.budget_warns_only THEN k.budget_day_micros END,
           CASE WHEN NOT k.budget_warns_only THEN k.budget_month_micros END,
           t.storage_full_at IS NOT NULL, t.uncharged_until,
           COALESCE({REVISION}, 0), {_VERSION}, k.digest,
           COALESCE(k.previous_used_at < now() - {_EVERY}, true)
      FROM accounts_apikey k JOIN accounts_tenant t ON t.id = k.tenant_id
     WHERE k"""  # noqa: S608 - built from constants
_CALLER_BY_ID = f"{_CALLER}.id = %s"
_CALLER_BY_ONE = f"{_CALLER}.digest = %s"
_CALLER_BY_ANY = f"{_CALLER}.digest = ANY(%s)"
_CALLER_BEFORE = f"{_CALLER}.previous_digest = ANY(%s) AND k.previous_until > now()"
_UNCHANGED = f"""
    SELECT k.tenant_id, k.id AS key_id
      FROM accounts_apikey k JOIN accounts_tenant t ON t.id = k.tenant_id
     WHERE k.id = %s AND {_VERSION} = %s
"""  # noqa: S608 - built from constants


@dataclass(frozen=True, slots=True)
class Limits:
    """A caller's limits; None is unlimited. Requests and images per minute, budgets in micros.

    Budgets that only warn stop nothing: they are not among a key's here.
    """

    tenant_rpm: int | None
    tenant_ipm: int | None
    key_rpm: int | None
    key_ipm: int | None
    tenant_in_flight: int | None
    key_in_flight: int | None
    tenant_budget_day: Micros | None
    tenant_budget_month: Micros | None
    key_budget_day: Micros | None
    key_budget_month: Micros | None


@dataclass(frozen=True, slots=True)
class Caller:
    """An API key and its tenant, as one request sees them.

    `models` and the tenant's own `tenant_models` are what both allow, None every model; an empty
    `ip_ranges` allows every address. `revision` tells whether the process's copy of the
    configuration is still current. With `storage_full` or before `uncharged_until` nothing is made.
    """

    key_id: UUID
    tenant_id: TenantId
    tenant_suspended: bool
    scopes: frozenset[str]
    models: frozenset[str] | None
    tenant_models: frozenset[str] | None
    ip_ranges: tuple[IpNetwork, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    is_test: bool
    default_response_format: str
    limits: Limits
    revision: int
    storage_full: bool = False
    uncharged_until: datetime | None = None
    version: str = field(default="", compare=False)
    """What `unchanged` compares; empty for a key by its text of before a rotation, which ends."""
    digest: bytes = field(default=b"", compare=False, repr=False)
    """Of the key's text; empty for a text of before a rotation, which manages no keys."""
    use_is_due: bool = field(default=False, compare=False)
    """Whether it came with the text before a rotation, and the use of that is to be noted."""

    def may_use(self, model: str) -> bool:
        """Whether the key and its tenant both allow the model."""
        return all(words is None or model in words for words in (self.models, self.tenant_models))

    @property
    def livemode(self) -> bool:
        """Whether it spends real money, and sees what was made with it."""
        return not self.is_test


@moment
def caller_by_digest(digest: bytes, *others: bytes) -> Steps[Caller | None]:
    """The caller whose key has this digest: revoked, expired and suspended ones too.

    `others` are its digests with older peppers: there is one key under all of them. One query, and
    a second one for a key that is unknown or was rotated.
    """
    any_of = [[digest, *others]]
    row = yield Part(_CALLER_BY_ANY, any_of) if others else Part(_CALLER_BY_ONE, [digest])
    if row is not None:
        return _caller(row)
    row = yield Part(_CALLER_BEFORE, any_of)
    if row is None:
        return None
    return replace(_caller(row), version="", digest=b"", use_is_due=row[-1])


def unchanged(caller: Caller) -> Part:
    """A statement's part that has the caller's `tenant_id` and `key_id` while nothing has changed.

    That is: neither the key nor its tenant nor the configuration, since the caller was read. Time
    goes on all the same, and with it what ends by itself.
    """
    return Part(_UNCHANGED, (caller.key_id, caller.version))


def caller_of_key(key_id: UUID) -> Caller:
    """The caller that a key stands for. Raises LookupError for an id that is no key's."""
    with connection.cursor() as cursor:
        cursor.execute(_CALLER_BY_ID, [key_id])
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"no key {key_id}")
    return _caller(row)


def _caller(row: Sequence[Any]) -> Caller:
    key_id, tenant_id, status, scopes, models, own_models, *rest = row
    ip_ranges, expires_at, revoked_at, is_test, response_format, *rest = rest
    *limits, storage_full, uncharged_until, revision, version, digest, _ = rest
    return Caller(
        key_id=key_id,
        tenant_id=tenant_id,
        tenant_suspended=status != Tenant.Status.ACTIVE.value,
        scopes=frozenset(scopes),
        models=None if models is None else frozenset(models),
        tenant_models=None if own_models is None else frozenset(own_models),
        ip_ranges=tuple(ipaddress.ip_network(text) for text in ip_ranges or ()),
        expires_at=expires_at,
        revoked_at=revoked_at,
        is_test=is_test,
        default_response_format=response_format,
        limits=Limits(*limits),
        revision=revision,
        storage_full=storage_full,
        uncharged_until=uncharged_until,
        version=version,
        digest=bytes(digest),
    )


def config_revision() -> int:
    """The present revision of the configuration. Compare with `!=`, never with `<`."""
    return ConfigRevision.objects.values_list("revision", flat=True).first() or 0


def tenants() -> list[Tenant]:
    """All of them, by name."""
    return list(Tenant.objects.order_by("name"))


def tenant_by_id(tenant_id: UUID) -> Tenant:
    """The tenant. Raises Tenant.DoesNotExist."""
    return Tenant.objects.get(id=tenant_id)


def tenant_by_name_or_id(text: str) -> Tenant | None:
    """The tenant of that public id (`ten_…`), UUID or name; an id wins over a name."""
    tenant_id = ids.parse(ids.TENANT, text) or _uuid(text)
    found = tenant_id and Tenant.objects.filter(id=tenant_id).first()
    return found or Tenant.objects.filter(name=text).first()


def api_key_by_id(text: str, *, tenant_id: UUID | None = None) -> ApiKey | None:
    """The key with that public id (`key_…`) or UUID; of one tenant where one is given."""
    key_id = ids.parse(ids.KEY, text) or _uuid(text)
    if key_id is None:
        return None
    keys = ApiKey.objects.select_related("tenant").filter(id=key_id)
    return (keys if tenant_id is None else keys.filter(tenant_id=tenant_id)).first()


def api_keys_of(
    tenant_id: UUID,
    *,
    tests_only: bool = False,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[ApiKey]:
    """A tenant's keys, newest first, revoked ones too; those older than `after`."""
    keys = ApiKey.objects.filter(tenant_id=tenant_id).order_by("-id")
    if tests_only:
        keys = keys.filter(is_test=True)
    return list((keys if after is None else keys.filter(id__lt=after))[:limit])


_WITH_APPS = User.objects.filter(authenticator__type="totp")
"""The people with an app that makes codes for their sign-in. There is one each at most."""
_WITH_AN_APP = _WITH_APPS.filter(id=OuterRef("user_id"))
"""Of a membership: its person, if one of these."""


def members_of(tenant_id: UUID) -> list[Membership]:
    """A tenant's members with their users, by e-mail address.

    Each has `has_second_factor`: whether an app makes codes for their sign-in.
    """
    members = Membership.objects.filter(tenant_id=tenant_id).select_related("user")
    return list(members.annotate(has_second_factor=Exists(_WITH_AN_APP)).order_by("user__email"))


def has_second_factor(user_id: UUID) -> bool:
    """Whether an app makes codes for this person's sign-in."""
    return _WITH_APPS.filter(id=user_id).exists()


def emails_of(user_ids: Collection[str]) -> dict[str, str]:
    """By id, the addresses of these people; who is not known any more is not in it."""
    known = [found for text in user_ids if (found := _uuid(text)) is not None]
    if not known:
        return {}
    people = User.objects.filter(id__in=known).values_list("id", "email")
    return {str(user_id): email for user_id, email in people}


def memberships_of(user_id: UUID) -> list[Membership]:
    """What a person is a member of, with the tenants, by name."""
    mine = Membership.objects.filter(user_id=user_id).select_related("tenant")
    return list(mine.order_by("tenant__name"))


def membership_in(user_id: UUID, public_id: str) -> Membership | None:
    """A person's membership in the tenant of that public id; None where there is none.

    It has `factor_since`: when the app was set up that makes codes for their sign-in, or None; and
    `revision`, the configuration's present one.
    """
    tenant_id = ids.parse(ids.TENANT, public_id)
    if tenant_id is None:
        return None
    mine = Membership.objects.filter(user_id=user_id, tenant_id=tenant_id)
    since = Subquery(_WITH_AN_APP.values("authenticator__created_at"))
    revision = Coalesce(Subquery(ConfigRevision.objects.values("revision")[:1]), 0)
    known = mine.annotate(factor_since=since, revision=revision)
    return known.select_related("tenant").first()


def audit_page(
    tenant_id: UUID,
    *,
    before: int | None = None,
    action: str = "",
    actor: str = "",
    about: str = "",
    limit: int,
) -> list[AuditEvent]:
    """A tenant's audit events, newest first: those before `before`, of actions that begin so.

    `actor` is the name of whoever did it, `about` the id of what it was done to; empty is any.
    """
    events = AuditEvent.objects.filter(tenant_id=tenant_id, action__startswith=action)
    if actor:
        events = events.filter(actor_name=actor)
    if about:
        events = events.filter(object_id=about)
    if before is not None:
        events = events.filter(id__lt=before)
    return list(events.order_by("-id")[:limit])


def audit_events_about(
    tenant_id: UUID, object_type: str, object_id: str, *, limit: int
) -> list[AuditEvent]:
    """What was done to one of a tenant's things, newest first."""
    events = AuditEvent.objects.filter(
        object_type=object_type, object_id=object_id, tenant_id=tenant_id
    )
    return list(events.order_by("-id")[:limit])


def prompt_retentions() -> list[tuple[UUID, int]]:
    """The tenants whose prompts are not kept for ever, and for how many days they are."""
    limited = Tenant.objects.exclude(prompt_retention_days=None)
    return [(row.id, row.prompt_retention_days or 0) for row in limited]


def audit_events_of(tenant_id: UUID) -> Iterator[Mapping[str, Any]]:
    """A tenant's audit log, oldest first, read as it is asked for."""
    events = AuditEvent.objects.filter(tenant_id=tenant_id).values(
        "id", "actor_name", "action", "object_type", "object_id", "before", "after", "ip", "at"
    )
    return in_pages(events)


def latest_mail(*, limit: int) -> list[Mail]:
    """The mail written last, newest first."""
    return list(Mail.objects.order_by("-created_at", "-id")[:limit])


def open_invitations(now: datetime) -> QuerySet[Invitation]:
    """Those of all tenants that have not expired, and whose inviter could make them still."""
    inviter = Membership.objects.filter(
        tenant=OuterRef("tenant"), user=OuterRef("invited_by"), user__is_active=True
    )
    is_owners = Exists(inviter.filter(role=Membership.Role.OWNER))
    is_admins = Exists(inviter.filter(role=Membership.Role.ADMIN))
    may = is_owners | (is_admins & ~Q(role=Membership.Role.OWNER))
    return Invitation.objects.filter(may, expires_at__gt=now)


def invitation_by_id(invitation_id: str, *, now: datetime) -> Invitation | None:
    """An invitation that is open, with its tenant and who invites."""
    wanted = _uuid(invitation_id)
    if wanted is None:
        return None
    found = open_invitations(now).select_related("tenant", "invited_by")
    return found.filter(id=wanted).first()


def invitations_of(tenant_id: UUID, *, now: datetime) -> list[Invitation]:
    """A tenant's open invitations, newest first."""
    found = open_invitations(now).filter(tenant_id=tenant_id)
    return list(found.select_related("tenant", "invited_by").order_by("-created_at"))


def user_by_email(text: str) -> User | None:
    """The person who signs in by that address."""
    return User.objects.filter(email=User.normalize_username(text)).first()


def operator_of(tenant_name: str, *, email: str) -> User | None:
    """The person with this address, if they own the tenant and may do everything in the admin."""
    owned = Membership.objects.filter(tenant__name=tenant_name, role=Membership.Role.OWNER)
    return User.objects.filter(
        email=email.lower(),
        is_active=True,
        is_staff=True,
        is_superuser=True,
        email_verified_at__isnull=False,
        memberships__in=owned,
    ).first()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
