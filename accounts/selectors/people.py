"""Reads of people who sign in, of staff among them, and of mail to them."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Mail, Membership, User
from pictor.kit.words import ids

WITH_APPS = User.objects.filter(authenticator__type="totp")
"""People with an authenticator app for their sign-in; each has at most one."""


def has_second_factor(user_id: UUID) -> bool:
    """True if this person signs in with an authenticator app."""
    return WITH_APPS.filter(id=user_id).exists()


def emails_of(user_ids: Collection[str]) -> dict[str, str]:
    """The addresses of these people by id; deleted people are missing."""
    known = [user_id for text in user_ids if (user_id := ids.parse_uuid(text)) is not None]
    if not known:
        return {}
    people = User.objects.filter(id__in=known).values_list("id", "email")
    return {str(user_id): email for user_id, email in people}


def staff() -> list[User]:
    """All staff, by e-mail address, each with `has_second_factor`."""
    people = User.objects.exclude(staff_role="").order_by("email")
    return list(people.annotate(has_second_factor=Exists(WITH_APPS.filter(id=OuterRef("id")))))


def addresses_of_staff(among: Collection[str]) -> "QuerySet[User, str]":
    """Those of these addresses that belong to active staff."""
    people = User.objects.filter(email__in=among, is_active=True).exclude(staff_role="")
    return people.values_list("email", flat=True)


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


def mails_among(ids: Collection[UUID]) -> dict[UUID, Mail]:
    """The mails with these ids, by id; old ones are gone."""
    return Mail.objects.in_bulk(list(ids))


def latest_mail(*, limit: int) -> list[Mail]:
    """The latest mail, newest first."""
    return list(Mail.objects.order_by("-created_at", "-id")[:limit])


def waiting_mail(to: str) -> list[Mail]:
    """Mail to this address that is not sent yet, the latest first."""
    return list(Mail.objects.filter(to=to, sent_at=None).order_by("-created_at", "-id"))
