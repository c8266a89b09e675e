"""No membership of a customer's tenant is given to staff by staff, by any way."""

from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from accounts.models import Actor, Invitation, Membership, Tenant, User
from accounts.selectors.office.people import staff_with_customers
from accounts.services.office.founding import Owner, Start, found_tenant
from accounts.services.office.members import (
    accept_invitation,
    add_member,
    change_role_as_operator,
    invite,
    invite_as_operator,
)
from accounts.services.office.staff import set_staff_role
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock, ids

OWNER, VIEWER = Membership.Role.OWNER, Membership.Role.VIEWER
REFUSED = r"is an address of staff: only its own people can make staff members of acme"


def person(email: str, staff_role: str = "") -> User:
    return User.objects.create_user(email, staff_role=staff_role, email_verified_at=clock.now())


@pytest.fixture
def acme(db: None) -> Tenant:
    return create_tenant(name="acme", actor="test")


@pytest.fixture
def ann(db: None) -> User:
    return person("annstaff@gmail.com", "operator")


@pytest.fixture
def invited(acme: Tenant, ann: User) -> Invitation:
    """Ann's invitation of somebody who is not staff."""
    return sent(acme, ann, "bob@example.com")


def sent(tenant: Tenant, by: User, email: str, *, actor: Actor | None = None) -> Invitation:
    invite_as_operator(
        tenant=tenant, email=email, role=OWNER, inviter=by, now=clock.now(),
        tell=lambda invitation: None, actor=actor or by,
    )  # fmt: skip
    return Invitation.objects.get()


accept = partial(accept_invitation, now=clock.now())


@pytest.mark.parametrize(
    "email",
    [
        *(
            "annstaff@gmail.com",
            "Ann.staff+acme@googlemail.com",
            "bob@ops.example",
            "bob+acme@ops.example",
        ),
        *('"bob"@ops.example', "bob@o\u00adps.example", "bob@\uff4fps.example"),
    ],
)
def test_staff_invite_no_address_of_staff(acme, ann, email):
    person("bob@ops.example", "support")

    with pytest.raises(ValidationError, match=REFUSED):
        sent(acme, ann, email)

    assert not Invitation.objects.exists()


def test_staff_found_no_tenant_for_an_owner_who_is_staff(ann):
    owner = Owner(email="annstaff@gmail.com", by=ann, tell=lambda invitation: None)

    with pytest.raises(ValidationError, match=REFUSED):
        found_tenant(
            once=ids.new_uuid(), name="acme", start=Start(), owner=owner, actor=ann,
            now=clock.now(),
        )  # fmt: skip

    assert not Tenant.objects.exists()


def test_staff_raise_no_member_who_is_staff(acme, ann):
    member = add_member(tenant=acme, user=ann, role=VIEWER, actor="test")

    with pytest.raises(ValidationError, match=REFUSED):
        change_role_as_operator(membership=member, role=OWNER, actor=person("eve@x.example"))

    member.refresh_from_db()
    assert member.role == VIEWER


def test_who_became_staff_since_accepts_nothing_of_staff(acme, invited):
    bob = person("bob@example.com", "support")

    with pytest.raises(ValidationError, match=REFUSED):
        accept(invitation=invited, user=bob)

    assert not Membership.objects.exists()
    User.objects.filter(pk=bob.pk).update(staff_role="")
    assert accept(invitation=invited, user=bob).role == OWNER


def test_the_operators_own_tenant_takes_staff(ann):
    call_command("tenant", "create", "house", "--ours")
    house = Tenant.objects.get()

    accept(invitation=sent(house, ann, "annstaff@gmail.com"), user=ann)

    assert Membership.objects.get().user == ann
    assert staff_with_customers() == []
    call_command("tenant", "set", "house", "--not-ours")
    assert [member.user for member in staff_with_customers()] == [ann]


def test_a_tenants_own_people_may_invite_staff(acme, ann):
    own = add_member(tenant=acme, user=person("own@acme.example"), role=OWNER, actor="test")
    invite(by=own, email=ann.email, role=VIEWER, now=clock.now(), tell=lambda invitation: None)

    accept(invitation=Invitation.objects.get(), user=ann)

    assert Membership.objects.get(user=ann).role == VIEWER


def test_the_shell_invites_whom_it_likes(acme, ann):
    site = "https://pictor.example"
    call_command("tenant", "invite", "acme", ann.email, "viewer", "--site", site, "--as", ann.email)

    accept(invitation=Invitation.objects.get(), user=ann)

    assert Membership.objects.get().role == VIEWER


def test_becoming_staff_leaves_memberships(acme):
    bob = person("bob@example.com")
    add_member(tenant=acme, user=bob, role=OWNER, actor="test")

    set_staff_role(email=bob.email, role="support", actor="manage.py")

    assert [member.tenant for member in staff_with_customers()] == [acme]
