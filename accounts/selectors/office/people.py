"""Reads of people who sign in, of staff among them, and of mail to them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from accounts.mailboxes import any_mailbox_of
from accounts.models import AuditEvent, Mail, Membership, OpenSession, User
from accounts.selectors.office.audit import events_of
from pictor.kit.words import ids

ROLES_WITH_MONEY = (User.StaffRole.FINANCE.value, User.StaffRole.OWNER.value)
"""The roles that may move money; console/ops/access.py defines all permissions."""

FACTORS = ("totp", "webauthn")
"""The types of second factors: an app, passkeys. Recovery codes belong to either."""
WITH_FACTORS = User.objects.filter(authenticator__type__in=FACTORS)
"""People with an authenticator app or passkeys, once for each."""


_WITH_CUSTOMERS = (
    Membership.objects.filter(tenant__is_ours=False)
    .select_related("tenant", "user")
    .order_by("user__email", "tenant__name")
)
"""Memberships in tenants that are not the operator's own."""


def staff_with_customers() -> list[Membership]:
    """Memberships of staff in tenants that are not the operator's own, with both."""
    return list(_WITH_CUSTOMERS.exclude(user__staff_role=""))


def memberships_of(address: str) -> list[Membership]:
    """The memberships, with their tenants, of who signs in with this address."""
    theirs = Membership.objects.filter(user__email=User.normalize_username(address))
    return list(theirs.select_related("tenant").order_by("tenant__name"))


def has_second_factor(user_id: UUID) -> bool:
    """True if this person signs in with an app or a passkey."""
    return WITH_FACTORS.filter(id=user_id).exists()


def emails_of(user_ids: Collection[str]) -> dict[str, str]:
    """The addresses of these people by id; deleted people are missing."""
    known = [user_id for text in user_ids if (user_id := ids.parse_uuid(text)) is not None]
    if not known:
        return {}
    people = User.objects.filter(id__in=known).values_list("id", "email")
    return {str(user_id): email for user_id, email in people}


def staff() -> list[User]:
    """All staff, by e-mail address.

    Each has `has_second_factor`, and `customers`, their memberships in customers' tenants.
    """
    people = User.objects.exclude(staff_role="").order_by("email")
    people = people.prefetch_related(Prefetch("memberships", _WITH_CUSTOMERS, to_attr="customers"))
    return list(people.annotate(has_second_factor=Exists(WITH_FACTORS.filter(id=OuterRef("id")))))


def addresses_of_staff(among: Collection[str]) -> "QuerySet[User, str]":
    """Those of these addresses that belong to active staff."""
    people = User.objects.filter(email__in=among, is_active=True).exclude(staff_role="")
    return people.values_list("email", flat=True)


def was_staff_at(user: User, at: datetime) -> bool:
    # The first change after it names the role from before; without one the role is still the same.
    change = _role_changes(at).filter(object_type=user.audited.type, object_id=user.audited.id)
    first = change.order_by("id").first()
    had_role = bool((first.before or {}).get("role") if first else user.staff_role)
    return had_role and user.date_joined <= at


def others_move_money(person: User, *, since: datetime) -> bool:
    """True if anybody else among staff may move money, or might at any time since then."""
    others = User.objects.filter(staff_role__in=ROLES_WITH_MONEY, is_active=True)
    former = _role_changes(since).filter(before__role__in=ROLES_WITH_MONEY)
    return (
        others.exclude(pk=person.pk).exists()
        or former.exclude(object_id=person.audited.id).exists()
    )


def _role_changes(since: datetime) -> QuerySet[AuditEvent]:
    return events_of("staff.set", "staff.remove").filter(at__gte=since)


def is_address_of_staff(address: str, *, but: User | None = None) -> bool:
    """True if the address leads to the mailbox of one of our staff, however it is spelled.

    `but` does not count.
    """
    of_staff = User.objects.exclude(staff_role="").values_list("email", flat=True)
    others = of_staff.exclude(pk=but.pk) if but else of_staff
    return any_mailbox_of(address) in map(any_mailbox_of, others)


def user_by_email(text: str) -> User | None:
    return User.objects.filter(email=User.normalize_username(text)).first()


def is_invited_as_staff(address: str) -> bool:
    """True if giving a role to the person with this address mails them an invitation."""
    user = user_by_email(address)
    is_proven = user and user.has_usable_password() and (user.staff_role or user.email_verified_at)
    return not is_proven


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


def mails_among(ids: Collection[UUID]) -> dict[UUID, Mail]:
    """The mails with these ids, by id; old ones are gone."""
    return Mail.objects.in_bulk(list(ids))


def latest_mail(*, limit: int) -> list[Mail]:
    return list(Mail.objects.order_by("-created_at", "-id")[:limit])


def waiting_mail(to: str) -> list[Mail]:
    """Mail to this address that is not sent yet, the latest first."""
    return list(Mail.objects.filter(to=to, sent_at=None).order_by("-created_at", "-id"))


def open_sessions_of(user_id: UUID, *, now: datetime) -> list[OpenSession]:
    """A person's sessions, the one seen last first."""
    live = Session.objects.filter(expire_date__gt=now).values("session_key")
    sessions = OpenSession.objects.filter(user_id=user_id, digest__in=live)
    return list(sessions.order_by("-seen_at", "digest"))
