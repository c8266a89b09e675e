"""Reads of members of workspaces, and of invitations to become one."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from accounts.models import ApiKey, AuditEvent, Invitation, MemberChange, Membership, Tenant, User
from accounts.models.records import BY_STAFF
from accounts.selectors.office.people import WITH_FACTORS
from accounts.selectors.relations import PRESENT_REVISION
from pictor.kit.words import ids

INVITE, UNINVITE = "member.invite", "member.uninvite"
"""The actions of an invitation's events."""
REMEMBERED_FOR = timedelta(days=37)
"""A link leads to what became of its invitation for a month after it would have ended."""
_WITH_A_FACTOR = WITH_FACTORS.filter(id=OuterRef("user_id"))
"""For a membership: its person, if they have an app or a passkey."""

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

    Each has `has_second_factor`, whether they use an app or a passkey, and `keys_made`, the number
    of keys they made that are not revoked.
    """
    members = Membership.objects.filter(tenant_id=tenant_id).select_related("user")
    extra = {"has_second_factor": Exists(_WITH_A_FACTOR), "keys_made": Coalesce(_KEYS_MADE, 0)}
    return list(members.annotate(**extra).order_by("user__email"))


def emails_of_members(tenant_id: UUID, roles: Collection[str]) -> list[str]:
    """The addresses of a tenant's members with one of these roles, in alphabetical order."""
    members = Membership.objects.filter(tenant_id=tenant_id, role__in=roles)
    return list(members.order_by("user__email").values_list("user__email", flat=True))


def emails_of_owners(
    tenant_ids: Collection[UUID], *, roles: Collection[str] = (Membership.Role.OWNER,)
) -> list[str]:
    """The verified addresses of these tenants' active owners, or of other roles, each once."""
    owners = Membership.objects.filter(tenant_id__in=tenant_ids, role__in=roles)
    there = owners.filter(user__is_active=True, user__email_verified_at__isnull=False)
    active = there.order_by("user__email")
    return list(active.values_list("user__email", flat=True).distinct())


def has_role(tenant_id: UUID, user_id: UUID, roles: Collection[str]) -> bool:
    """True if a person is an active member of the tenant with one of these roles."""
    member = Membership.objects.filter(tenant_id=tenant_id, user_id=user_id, role__in=roles)
    return member.filter(user__is_active=True).exists()


def has_active_owner(tenant_id: UUID) -> bool:
    """True if an owner of the tenant may sign in: not blocked, and with a verified address.

    Owners who lost their password or second factor count: see docs/operations/owners.md.
    """
    return bool(emails_of_owners([tenant_id]))


def has_colleagues(tenant_id: UUID) -> bool:
    """True if the tenant has a second member, or an invitation to become one."""
    invited = Invitation.objects.filter(tenant_id=tenant_id)
    members = Membership.objects.filter(tenant_id=tenant_id).annotate(is_invited=Exists(invited))
    found = list(members.values_list("is_invited", flat=True)[:2])
    return len(found) > 1 or any(found)


def memberships_of(user_id: UUID) -> list[Membership]:
    """A person's memberships with their tenants, by the tenant's name."""
    mine = Membership.objects.filter(user_id=user_id).select_related("tenant")
    return list(mine.order_by("tenant__name"))


def membership_in(user_id: UUID, public_id: str, **also: Combinable) -> Membership | None:
    """A person's membership in the tenant with this public id, or None.

    It has `factor_since`, since when the person has had a second factor, or None; `revision`, the
    configuration's present one; and what is `also` asked for, by name.
    """
    tenant_id = ids.parse(ids.TENANT, public_id)
    if tenant_id is None:
        return None
    mine = Membership.objects.filter(user_id=user_id, tenant_id=tenant_id)
    created = "authenticator__created_at"
    since = Subquery(_WITH_A_FACTOR.order_by(created).values(created)[:1])
    known = mine.annotate(factor_since=since, revision=PRESENT_REVISION, **also)
    return known.select_related("tenant").first()


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
    wanted = ids.parse_uuid(invitation_id)
    if wanted is None:
        return None
    invitations = open_invitations(now).select_related("tenant", "invited_by")
    return invitations.filter(id=wanted).first()


class EndedInvitation(NamedTuple):
    """An invitation that can no longer be accepted: how it ended, and who had made it."""

    how: str
    tenant: Tenant
    by: User | None


def ended_invitation(invitation_id: str, *, now: datetime) -> EndedInvitation | None:
    """What became of an invitation; None if there was none within REMEMBERED_FOR.

    Its row is gone, unless it expired: the audit log knows what happened.
    """
    events = AuditEvent.objects.filter(object_type="invitation", object_id=invitation_id)
    recent = events.filter(action=INVITE, at__gt=now - REMEMBERED_FOR)
    offer = recent.select_related("tenant", "actor").first()
    if offer is None or offer.tenant is None:
        return None
    of_staff = offer.actor_name.endswith(BY_STAFF)
    by = None if of_staff else offer.actor
    return EndedInvitation(_how_ended(offer, offer.tenant, now), offer.tenant, by)


def _how_ended(offer: AuditEvent, tenant: Tenant, now: datetime) -> str:
    if tenant.has_ended:
        return "deleted"
    left = Invitation.objects.filter(id=offer.object_id).first()
    if left is not None:
        return "expired" if left.expires_at <= now else "withdrawn"
    later = AuditEvent.objects.filter(tenant=tenant, id__gt=offer.id)
    if later.filter(object_id=offer.object_id, action=UNINVITE).exists():
        return "withdrawn"
    address = (offer.after or {}).get("email")
    is_replaced = later.filter(action=INVITE, after__email=address).exists()
    return "replaced" if is_replaced else "used"


def invitations_of(tenant_id: UUID, *, now: datetime) -> list[Invitation]:
    """A tenant's open invitations, newest first."""
    invitations = open_invitations(now).filter(tenant_id=tenant_id)
    return list(invitations.select_related("tenant", "invited_by").order_by("-created_at"))


HAS_MEMBER_CHANGES = Exists(MemberChange.objects.filter(tenant=OuterRef("pk")))
"""For a tenant: whether staff asked for changes of its members."""


def waiting_member_changes(
    now: datetime, *, tenant_id: UUID | None = None
) -> QuerySet[MemberChange]:
    """Changes of members that staff asked for, of all tenants or one, oldest first.

    What nobody approved in a week waits no longer.
    """
    of_tenant = Q() if tenant_id is None else Q(tenant_id=tenant_id)
    waits = Q(asked_at__gt=now - timedelta(days=7)) | Q(approved_by__isnull=False)
    changes = MemberChange.objects.filter(of_tenant & waits).order_by("asked_at", "id")
    return changes.select_related("tenant", "heir", "asked_by", "approved_by")
