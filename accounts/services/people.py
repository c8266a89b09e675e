"""People who sign in: made, changed, given a password, deleted. Passwords are in no audit event."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.locks import user_for_update
from accounts.models import Actor, Membership, Subject, Tenant, User
from accounts.selectors import members_of
from accounts.services.audit import record
from accounts.services.members import add_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who somebody is, and whether they may sign in and use the admin."""

    email: str
    name: str = ""
    email_verified_at: datetime | None = None
    is_active: bool = True
    is_staff: bool = False
    is_superuser: bool = False


def _may(actor: Actor, user: User, after: "Person | None" = None) -> None:
    """Nobody gives what they have not got, nor touches a superuser without being one."""
    if not isinstance(actor, User) or actor.is_superuser:
        return
    if user.is_superuser or user.is_staff or (after and (after.is_superuser or after.is_staff)):
        raise ValidationError("Only a superuser changes people who use the admin.")


def _may_become(actor: Actor, user: User) -> None:
    """Who gives a password could sign in with it: a member's is no other person's to give.

    Nor is an address, where a code for another password would go.
    """
    _may(actor, user)
    is_other = isinstance(actor, User) and not actor.is_superuser and actor != user
    if is_other and user.memberships.exists():
        raise ValidationError("Only a superuser changes how a member of a tenant signs in.")


def _signs_in_as(one: User | Person) -> tuple[str, datetime | None]:
    """An address and since when it is verified, as exactly as a form says that."""
    verified = one.email_verified_at
    return User.normalize_username(one.email), verified and verified.replace(microsecond=0)


@transaction.atomic
def create_user(
    *,
    email: str,
    password: str | None,
    actor: Actor,
    verified_at: datetime | None = None,
    ip: str | None = None,
) -> User:
    """A person who signs in with this address; without a password, once one is set.

    Where it is not verified, they are mailed a code first. Raises ValidationError for what is no
    e-mail address, or is known already.
    """
    user = User(email=User.normalize_username(email), email_verified_at=verified_at)
    user.set_password(password)
    user.full_clean()
    user.save(force_insert=True)
    _sync_address(user)
    record(user.audited, "user.create", after=_describe(user), actor=actor, ip=ip)
    return user


@transaction.atomic
def change_user(
    *,
    user: User,
    person: Person,
    groups: Iterable[Group],
    permissions: Iterable[Permission],
    actor: Actor,
    ip: str | None = None,
) -> None:
    """Change who somebody is and what they may do; where nothing changes, nothing is written.

    Raises ValidationError as `create_user` does, and where somebody who is no superuser would
    change staff, what somebody may do, or the address that a member signs in with.
    """
    _may(actor, user, person)
    if _signs_in_as(person) != _signs_in_as(user):
        _may_become(actor, user)
    if isinstance(actor, User) and not actor.is_superuser:
        groups, permissions = user.groups.all(), user.user_permissions.all()
    before = _describe(user)
    columns = asdict(person)
    for column, value in columns.items():
        setattr(user, column, value)
    user.full_clean()
    user.save(update_fields=list(columns))
    _sync_address(user)
    user.groups.set(groups)
    user.user_permissions.set(permissions)
    after = _describe(user)
    if after != before:
        record(user.audited, "user.change", before=before, after=after, actor=actor, ip=ip)


@transaction.atomic
def set_password(*, user: User, password: str | None, actor: Actor, ip: str | None = None) -> None:
    """Give somebody another password; with None, no password works until one is set."""
    _may_become(actor, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    after = {"usable": password is not None}
    record(user.audited, "user.password", after=after, actor=actor, ip=ip)


@transaction.atomic
def end_sessions(*, user: User, actor: Actor, ip: str | None = None) -> None:
    """Sign somebody out everywhere; `update_session_auth_hash` keeps the one session that asks."""
    user.sessions_ended = user_for_update(user.id).sessions_ended + 1
    user.save(update_fields=["sessions_ended"])
    record(user.audited, "user.sessions_end", actor=actor, ip=ip)


@transaction.atomic
def delete_user(*, user: User, actor: Actor, ip: str | None = None) -> None:
    """Forget a person who has left no trace in the audit log; others can only be made inactive.

    Raises ValidationError for oneself, and ProtectedError for somebody who stands in that log.
    """
    if user == actor:
        raise ValidationError("Nobody deletes themselves.")
    _may(actor, user)
    record(user.audited, "user.delete", before=_describe(user), actor=actor, ip=ip)
    user.delete()


@transaction.atomic
def seed_operator(
    *, email: str, password: str, tenant: Tenant, actor: Actor, now: datetime
) -> User:
    """An owner among staff, e-mail verified, owner of the tenant, with this password; known or new.

    Safe to call again. Raises ValidationError for what is no e-mail address.
    """
    known = User.objects.filter(email=email.lower()).first()
    user = known or User(email=email.lower())
    user.is_active = user.is_staff = user.is_superuser = True
    user.staff_role = User.StaffRole.OWNER
    user.email_verified_at = user.email_verified_at or now
    if known is None or not user.check_password(password):
        user.set_password(password)
    user.terms_version = settings.TERMS_VERSION
    user.full_clean()
    user.save()
    _sync_address(user)
    record(
        Subject("user", str(user.pk), tenant.id),
        "user.seed",
        actor=actor,
        after={"email": user.email, "is_new": known is None},
    )
    roles = {member.user_id: member.role for member in members_of(tenant.id)}
    if roles.get(user.id) != Membership.Role.OWNER:
        add_member(tenant=tenant, user=user, role=Membership.Role.OWNER, actor=actor)
    return user


def _sync_address(user: User) -> None:
    """Tell allauth what we know of the address: it is verified, or is asked for a code."""
    from allauth.account.models import EmailAddress  # noqa: PLC0415 - no command waits for it

    verified = user.email_verified_at is not None
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": verified, "primary": True}
    )


def _describe(user: User) -> dict[str, Any]:
    """A person as an audit event shows them."""
    verified = user.email_verified_at
    permissions = user.user_permissions.order_by("content_type__app_label", "codename")
    return {
        "email": user.email,
        "name": user.name,
        "email_verified_at": verified.isoformat() if verified else None,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "staff_role": user.staff_role,
        "groups": [group.name for group in user.groups.order_by("name")],
        "permissions": [permission.codename for permission in permissions],
    }
