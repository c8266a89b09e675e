"""Staff: the people who run this installation, and their roles.

Functions raise ValidationError, with a message for a person, if the actor is no owner or if no
owner would be left. Staff are changed one at a time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.duties import duties
from accounts.models import Actor, User
from accounts.selectors.office.people import has_second_factor, is_address_of_staff
from accounts.services.audit import By, record
from accounts.services.office.mail import post_rendered
from accounts.services.office.member_changes import withdraw_member_changes_of
from accounts.services.office.people import create_user, end_sessions
from accounts.services.office.support import end_support_of
from pictor.kit.words import clock

MAIL = "account/email/staff_invitation"
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Appointed:
    """A person with a role; `is_invited` if they have no password yet and were mailed."""

    user: User
    is_invited: bool


@transaction.atomic
def set_staff_role(*, email: str, role: str, url: str = "", **by: Unpack[By]) -> Appointed:
    """Make a person staff, or give staff another role; the same role changes nothing.

    Another role ends their sessions: `update_session_auth_hash` keeps the one that asks. Where
    staff need a second factor, who becomes staff sets it up anew.

    An unknown person is created without a password. A person without a password is invited by mail,
    each time: the mail's reader sets one. The password of a person who never confirmed the address
    is deleted, because a stranger may have signed up with it. An actor at the shell vouches for the
    address.

    Args:
        email: the person's address.
        role: one of `User.StaffRole`.
        url: where staff sign in, for the mail.
        by: an owner, or a command.
    """
    _begin(by["actor"])
    if role not in User.StaffRole.values:
        raise ValidationError({"role": f"A role is one of {', '.join(User.StaffRole.values)}."})
    address = User.normalize_username(email)
    user = User.objects.select_for_update(no_key=True).filter(email=address).first()
    before = user and user.staff_role
    if user is None:
        verified_at = None if isinstance(by["actor"], User) else clock.now()
        user = create_user(email=email, password=None, verified_at=verified_at, **by)
    if not user.is_active:
        raise ValidationError({"email": "That person may not sign in."})
    if is_address_of_staff(user.email, but=user):
        raise ValidationError({"email": "Somebody with the same mailbox is staff already."})
    _forget_unproven_password(user, by)
    _give(user, role, by)
    if before == "" and settings.STAFF_MFA and has_second_factor(user.id):
        _reset_factors(user, by)  # ends sessions, too
    elif before not in {None, role}:  # a new person has no sessions
        end_sessions(user=user, **by)
    is_invited = not user.has_usable_password()
    if is_invited:
        words = {"role": role, "email": user.email, "url": url}
        post_rendered(to=[user.email], template=MAIL, words=words)
    return Appointed(user, is_invited)


@transaction.atomic
def remove_staff(*, user: User, **by: Unpack[By]) -> None:
    """End a person's role as staff, their sessions and their open tasks.

    Their memberships of workspaces stay.
    """
    _begin(by["actor"])
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not user.staff_role:
        raise ValidationError(f"{user.email} is not staff.")
    _give(user, "", by)
    end_sessions(user=user, **by)
    duties().hand_back(of=user.email, **by)


def note_seen(*, user: User, now: datetime) -> None:
    """Record that a member of staff opened a page for staff, at most once a minute."""
    if user.staff_seen_at is None or now - user.staff_seen_at >= SEEN_EVERY:
        User.objects.filter(pk=user.pk).update(staff_seen_at=now)


def _begin(actor: Actor) -> None:
    """Lock all owners. Raises ValidationError unless the actor is a command or one of them."""
    owners = User.objects.select_for_update(no_key=True).filter(staff_role=User.StaffRole.OWNER)
    known = {owner.pk for owner in owners.order_by("pk")}
    if isinstance(actor, User) and actor.pk not in known:
        raise ValidationError("Only an owner can change who is staff.")


def _reset_factors(user: User, by: By) -> None:
    """Remove an app set up before: no code mailed to the address was asked for it then."""
    from accounts.services.office.second_factors import reset_second_factors  # noqa: PLC0415 - few commands need allauth

    reset_second_factors(user=user, **by)


def _forget_unproven_password(user: User, by: By) -> None:
    """Delete the password of a new member of staff who never confirmed their address.

    Staff sign in without a mailed code.
    """
    if not user.staff_role and user.email_verified_at is None and user.has_usable_password():
        user.set_unusable_password()
        user.save(update_fields=["password"])
        record(user.audited, "user.password", after={"usable": False}, **by)


def _give(user: User, role: str, by: By) -> None:
    """Set the role; only owners get into the admin.

    Open support views end with the role that allowed them, and so do waiting changes of members
    that the person asked for or approved.
    """
    before = user.staff_role
    if before == role:
        return
    if before == User.StaffRole.OWNER:
        others = User.objects.filter(staff_role=User.StaffRole.OWNER, is_active=True)
        if not others.exclude(pk=user.pk).exists():
            raise ValidationError("This is the last owner: make another person an owner first.")
    user.staff_role = role
    user.is_staff = user.is_superuser = role == User.StaffRole.OWNER
    user.save(update_fields=["staff_role", "is_staff", "is_superuser"])
    end_support_of(user=user, now=clock.now())
    withdraw_member_changes_of(user, **by)
    record(
        user.audited,
        "staff.set" if role else "staff.remove",
        before={"role": before},
        after={"role": role},
        **by,
    )
