"""Reads of tenants, their keys and members."""

import ipaddress
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import (
    ApiKey,
    AuditEvent,
    ConfigRevision,
    Invitation,
    Mail,
    Membership,
    Subject,
    SupportGrant,
    Tenant,
    User,
)
from accounts.models.records import STAFFS_NOTE
from pictor.kit.words import ids

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

REVISION = "(SELECT revision FROM accounts_configrevision)"
"""SQL: the configuration's present revision, to be read within another statement."""

IMAGE_RETENTIONS = (
    "(SELECT id AS tenant_id, image_retention_days AS days FROM accounts_tenant"
    " WHERE image_retention_days IS NOT NULL)"
)
"""SQL: tenants that keep images for less time than the default, and for how many days."""

API_KEYS = "(SELECT id, tenant_id, digest, is_test FROM accounts_apikey)"
"""SQL: every API key with its tenant, even if revoked, for other apps' statements to join."""

AUDIT_EVENTS = "(SELECT tenant_id, action, object_type, object_id, after FROM accounts_auditevent)"
"""SQL: the audit log, for a proof that compares its own rows with it."""

SUSPENDED_BECAUSE = (
    "(SELECT after ->> 'reason' FROM accounts_auditevent"
    " WHERE tenant_id = {tenant} AND action = 'tenant.status' ORDER BY at DESC, id DESC LIMIT 1)"
)
"""SQL: the reason of a tenant's last suspension; NULL if none was given."""


_REVISION = Coalesce(Subquery(ConfigRevision.objects.values("revision")[:1]), 0)


def config_revision() -> int:
    """The present revision of the configuration. Compare with `!=`, never with `<`."""
    return ConfigRevision.objects.values_list("revision", flat=True).first() or 0


def tenants() -> list[Tenant]:
    """All tenants, by name."""
    return list(Tenant.objects.order_by("name"))


def tenant_by_id(tenant_id: UUID) -> Tenant:
    """The tenant. Raises Tenant.DoesNotExist."""
    return Tenant.objects.get(id=tenant_id)


def tenant_by_public_id(public_id: str) -> Tenant | None:
    """The tenant with this public id (`ten_…`)."""
    tenant_id = ids.parse(ids.TENANT, public_id)
    return None if tenant_id is None else Tenant.objects.filter(id=tenant_id).first()


def tenant_by_name_or_id(text: str) -> Tenant | None:
    """The tenant with this public id (`ten_…`), UUID or name; an id wins over a name."""
    tenant_id = ids.parse(ids.TENANT, text) or _uuid(text)
    found = tenant_id and Tenant.objects.filter(id=tenant_id).first()
    return found or Tenant.objects.filter(name=text).first()


def tenant_as_shown(text: str) -> Tenant | None:
    """Like `tenant_by_name_or_id`, and otherwise the only tenant with this title."""
    if (found := tenant_by_name_or_id(text)) is not None:
        return found
    titled = list(Tenant.objects.filter(title=text)[:2]) if text else []
    return titled[0] if len(titled) == 1 else None


def has_tenants() -> bool:
    """True if there is any tenant, erased ones included."""
    return Tenant.objects.exists()


def tenants_called(text: str, *, limit: int) -> list[Tenant]:
    """Tenants with this text in their name or title, by name."""
    return list(Tenant.objects.filter(_is_called(text)).order_by("name")[:limit])


def tenants_like(text: str) -> QuerySet[Tenant]:
    """The tenant with this public id, or those with this text in a name or an owner's address.

    All tenants for an empty text.
    """
    if not text:
        return Tenant.objects.all()
    if (tenant_id := ids.parse(ids.TENANT, text)) is not None:
        return Tenant.objects.filter(id=tenant_id)
    owners = Membership.objects.filter(role=Membership.Role.OWNER, user__email__icontains=text)
    return Tenant.objects.filter(_is_called(text) | Q(id__in=owners.values("tenant_id")))


def tenants_among(ids: Collection[UUID]) -> dict[UUID, Tenant]:
    """The tenants with these ids, by id."""
    return Tenant.objects.in_bulk(list(ids))


def api_keys_among(ids: Collection[UUID]) -> dict[UUID, ApiKey]:
    """The API keys with these ids, by id."""
    return ApiKey.objects.in_bulk(list(ids))


def api_key_by_id(text: str, *, tenant_id: UUID | None = None) -> ApiKey | None:
    """The key with this public id (`key_…`) or UUID, optionally only in one tenant."""
    key_id = ids.parse(ids.KEY, text) or _uuid(text)
    if key_id is None:
        return None
    keys = ApiKey.objects.select_related("tenant").filter(id=key_id)
    return (keys if tenant_id is None else keys.filter(tenant_id=tenant_id)).first()


def keys_by_id(key_ids: Collection[UUID]) -> list[ApiKey]:
    """The keys with these ids, of any tenant, in no order."""
    return list(ApiKey.objects.filter(id__in=key_ids))


def api_keys_of(
    tenant_id: UUID,
    *,
    tests_only: bool = False,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[ApiKey]:
    """A tenant's keys older than `after`, newest first, including revoked ones."""
    keys = ApiKey.objects.filter(tenant_id=tenant_id).order_by("-id")
    if tests_only:
        keys = keys.filter(is_test=True)
    return list((keys if after is None else keys.filter(id__lt=after))[:limit])


def counted_keys_of(tenant_id: UUID, *, after: UUID | None, limit: int) -> list[ApiKey]:
    """Like `api_keys_of`; each key has `of_all`, the number of keys the tenant has."""
    every = ApiKey.objects.filter(tenant_id=tenant_id)
    number = every.order_by().values("tenant_id").annotate(number=Count("id")).values("number")
    keys = every if after is None else every.filter(id__lt=after)
    return list(keys.annotate(of_all=Subquery(number)).order_by("-id")[:limit])


_WITH_APPS = User.objects.filter(authenticator__type="totp")
"""People with an authenticator app for their sign-in; each has at most one."""
_WITH_AN_APP = _WITH_APPS.filter(id=OuterRef("user_id"))
"""For a membership: its person, if they have an authenticator app."""
_KEYS_MADE = Subquery(
    ApiKey.objects.filter(
        tenant_id=OuterRef("tenant_id"), created_by=OuterRef("user_id"), revoked_at=None
    )
    .order_by()
    .values("tenant_id")
    .annotate(number=Count("id"))
    .values("number")
)
"""For a membership: the number of unrevoked keys the person made; NULL for none."""


def members_of(tenant_id: UUID) -> list[Membership]:
    """A tenant's members with their users, by e-mail address.

    Each has `has_second_factor`, whether they use an authenticator app, and `keys_made`, the number
    of keys they made that are not revoked.
    """
    members = Membership.objects.filter(tenant_id=tenant_id).select_related("user")
    extra = {"has_second_factor": Exists(_WITH_AN_APP), "keys_made": Coalesce(_KEYS_MADE, 0)}
    return list(members.annotate(**extra).order_by("user__email"))


def emails_of_owners(tenant_ids: Collection[UUID]) -> list[str]:
    """The verified addresses of these tenants' active owners, each once."""
    owners = Membership.objects.filter(tenant_id__in=tenant_ids, role=Membership.Role.OWNER)
    there = owners.filter(user__is_active=True, user__email_verified_at__isnull=False)
    active = there.order_by("user__email")
    return list(active.values_list("user__email", flat=True).distinct())


def has_second_factor(user_id: UUID) -> bool:
    """True if this person signs in with an authenticator app."""
    return _WITH_APPS.filter(id=user_id).exists()


def emails_of(user_ids: Collection[str]) -> dict[str, str]:
    """The addresses of these people by id; deleted people are missing."""
    known = [found for text in user_ids if (found := _uuid(text)) is not None]
    if not known:
        return {}
    people = User.objects.filter(id__in=known).values_list("id", "email")
    return {str(user_id): email for user_id, email in people}


def memberships_of(user_id: UUID) -> list[Membership]:
    """A person's memberships with their tenants, by the tenant's name."""
    mine = Membership.objects.filter(user_id=user_id).select_related("tenant")
    return list(mine.order_by("tenant__name"))


def membership_in(user_id: UUID, public_id: str) -> Membership | None:
    """A person's membership in the tenant with this public id, or None.

    It has `factor_since`, when the person set up an authenticator app, or None; and `revision`, the
    configuration's present one.
    """
    tenant_id = ids.parse(ids.TENANT, public_id)
    if tenant_id is None:
        return None
    mine = Membership.objects.filter(user_id=user_id, tenant_id=tenant_id)
    since = Subquery(_WITH_AN_APP.values("authenticator__created_at"))
    known = mine.annotate(factor_since=since, revision=_REVISION)
    return known.select_related("tenant").first()


def did_since(person: User, action: str, about: Subject, *, since: datetime) -> bool:
    """True if a person took this action on this object since then."""
    events = AuditEvent.objects.filter(object_type=about.type, object_id=about.id, action=action)
    return events.filter(actor=person, at__gte=since).exists()


def notes_about(object_type: str, object_ids: Collection[str]) -> dict[str, str]:
    """Staff's notes about these objects, by object id; the latest note of each."""
    events = AuditEvent.objects.filter(
        object_type=object_type, object_id__in=object_ids, action=STAFFS_NOTE
    )
    return {one.object_id: str((one.after or {}).get("note", "")) for one in events.order_by("id")}


def installation_events_about(
    object_type: str, object_id: str, *, before: datetime, limit: int, but: str = ""
) -> list[AuditEvent]:
    """Events before `before` about something that belongs to no tenant, such as a channel.

    Newest first. Events with the action `but` are left out, if it is given.
    """
    events = AuditEvent.objects.filter(
        object_type=object_type, object_id=object_id, tenant=None, at__lt=before
    )
    return list(events.exclude(action=but).order_by("-at", "-id")[:limit])


def prompt_retentions() -> list[tuple[UUID, int]]:
    """The tenants whose prompts are erased in time, each with the number of days they are kept."""
    limited = Tenant.objects.exclude(prompt_retention_days=None)
    return [(row.id, row.prompt_retention_days or 0) for row in limited]


def latest_mail(*, limit: int) -> list[Mail]:
    """The latest mail, newest first."""
    return list(Mail.objects.order_by("-created_at", "-id")[:limit])


def open_invitations(now: datetime) -> QuerySet[Invitation]:
    """Unexpired invitations by staff, or by a member who could still make them."""
    inviter = Membership.objects.filter(
        tenant=OuterRef("tenant"), user=OuterRef("invited_by"), user__is_active=True
    )
    is_owners = Exists(inviter.filter(role=Membership.Role.OWNER))
    is_admins = Exists(inviter.filter(role=Membership.Role.ADMIN))
    of_staff = Q(is_of_staff=True, invited_by__is_active=True) & ~Q(invited_by__staff_role="")
    may = is_owners | (is_admins & ~Q(role=Membership.Role.OWNER))
    return Invitation.objects.filter(may | of_staff, expires_at__gt=now)


def invitation_by_id(invitation_id: str, *, now: datetime) -> Invitation | None:
    """An open invitation with its tenant and its sender."""
    wanted = _uuid(invitation_id)
    if wanted is None:
        return None
    found = open_invitations(now).select_related("tenant", "invited_by")
    return found.filter(id=wanted).first()


def invitations_of(tenant_id: UUID, *, now: datetime) -> list[Invitation]:
    """A tenant's open invitations, newest first."""
    found = open_invitations(now).filter(tenant_id=tenant_id)
    return list(found.select_related("tenant", "invited_by").order_by("-created_at"))


def open_support_grants(now: datetime) -> QuerySet[SupportGrant]:
    """All tenants' support views that were not ended and have not expired."""
    return SupportGrant.objects.filter(ended_at=None, expires_at__gt=now)


def support_grant(
    grant_id: str, *, user_id: UUID, tenant: str, now: datetime
) -> SupportGrant | None:
    """This person's open support view with this public id, in the tenant with that public id.

    None if the person is no longer staff. It comes with its tenant and `revision`, the
    configuration's present one.
    """
    wanted, tenant_id = ids.parse(ids.SUPPORT_GRANT, grant_id), ids.parse(ids.TENANT, tenant)
    if wanted is None or tenant_id is None:
        return None
    mine = open_support_grants(now).filter(id=wanted, user_id=user_id, tenant_id=tenant_id)
    staff = mine.filter(user__is_active=True).exclude(user__staff_role="")
    return staff.annotate(revision=_REVISION).select_related("tenant").first()


def support_grant_by_id(text: str) -> SupportGrant | None:
    """The support view with this public id and its tenant, open or ended."""
    grant_id = ids.parse(ids.SUPPORT_GRANT, text)
    grants = SupportGrant.objects.select_related("tenant", "user")
    return None if grant_id is None else grants.filter(id=grant_id).first()


def support_grants_of(tenant_id: UUID, *, limit: int) -> list[SupportGrant]:
    """A tenant's latest support views with their people, newest first."""
    grants = SupportGrant.objects.filter(tenant_id=tenant_id).select_related("tenant", "user")
    return list(grants.order_by("-opened_at")[:limit])


def latest_support_grants(*, limit: int) -> list[SupportGrant]:
    """The latest support views of all tenants, newest first."""
    grants = SupportGrant.objects.select_related("tenant", "user")
    return list(grants.order_by("-opened_at")[:limit])


def suspended_because(tenant_id: UUID) -> str:
    """The reason a suspended tenant was given; empty if there is none."""
    events = AuditEvent.objects.filter(tenant_id=tenant_id, action="tenant.status")
    last = events.order_by("-id").first()
    reason: str = (last.after or {}).get("reason", "") if last else ""
    return reason


def staff() -> list[User]:
    """All staff, by e-mail address, each with `has_second_factor`."""
    people = User.objects.exclude(staff_role="").order_by("email")
    return list(people.annotate(has_second_factor=Exists(_WITH_APPS.filter(id=OuterRef("id")))))


def user_by_email(text: str) -> User | None:
    """The person who signs in with this address."""
    return User.objects.filter(email=User.normalize_username(text)).first()


def operator_of(tenant_name: str, *, email: str) -> User | None:
    """The person with this address, if they own the tenant and are an owner among staff."""
    owned = Membership.objects.filter(tenant__name=tenant_name, role=Membership.Role.OWNER)
    return User.objects.filter(
        email=email.lower(),
        is_active=True,
        staff_role=User.StaffRole.OWNER,
        email_verified_at__isnull=False,
        memberships__in=owned,
    ).first()


def _is_called(text: str) -> Q:
    return Q(name__icontains=text) | Q(title__icontains=text)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
