"""Members: given roles, removed, their keys handed over or revoked, second factors required."""

import re
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent, Invitation, Membership, Tenant, User
from accounts.services.office.api_keys import KeyRules, issue_api_key
from accounts.services.office.members import require_second_factor
from pictor.kit.words.money import Micros
from tests.console.answers import words_of
from tests.console.workspace.conftest import give_factor, person, role_of, url
from tests.making.factories import PayingCustomer

OWNER, DEVELOPER = Membership.Role.OWNER, Membership.Role.DEVELOPER


def test_each_member_is_shown_with_their_second_factor_and_last_sign_in(
    acme, sign_in, django_assert_max_num_queries
):
    client = sign_in(acme)
    bob = person(acme, DEVELOPER, "bob@example.com")
    eve = person(acme, DEVELOPER, "eve@example.com")
    codes = person(acme, DEVELOPER, "only-codes@example.com")
    Authenticator.objects.create(user=bob, type=Authenticator.Type.TOTP, data={})
    Authenticator.objects.create(user=bob, type=Authenticator.Type.RECOVERY_CODES, data={})
    Authenticator.objects.create(user=codes, type=Authenticator.Type.RECOVERY_CODES, data={})
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    User.objects.filter(id=eve.id).update(last_login=at)
    client.get(url("members", acme))  # loaded once a process

    with django_assert_max_num_queries(12):
        page = words_of(client.get(url("members", acme)))

    told = {
        email: re.sub(r"<[^>]+>", "", page.split(f'break-all">{email}<')[1].split("</p>")[0])
        for email in (bob.email, eve.email, codes.email)
    }
    assert "Two-factor sign-in on · Never signed in" in told[bob.email]
    assert "Two-factor sign-in off · Last signed in 4 Mar 2026, 05:06 UTC" in told[eve.email]
    assert "Two-factor sign-in off" in told[codes.email]


def test_an_owner_changes_a_role(acme, sign_in):
    bob = person(acme, DEVELOPER, "bob@example.com")

    sign_in(acme).post(url("member_role", acme, str(bob.id)), {"role": "admin"})

    assert role_of(acme, bob) == "admin"


@pytest.mark.parametrize("action", ["member_role", "member_remove"])
def test_the_last_owner_stays(acme, sign_in, action):
    client = sign_in(acme)
    owner = User.objects.get(email="owner@acme.example")

    answer = client.post(url(action, acme, str(owner.id)), {"role": "viewer", "keys": "revoke"})

    assert answer.status_code == 422
    assert "A workspace needs an owner" in words_of(answer)
    assert role_of(acme, owner) == "owner"


@pytest.mark.parametrize(
    ("action", "form"),
    [
        ("member_role", {"role": "viewer"}),
        ("member_remove", {"keys": "revoke"}),
        ("member_invite", {"email": "new@example.com", "role": "owner"}),
    ],
)
def test_an_admin_has_no_say_over_owners(acme, sign_in, action, form):
    sign_in(acme)
    owner = User.objects.get(email="owner@acme.example")
    ids = () if action == "member_invite" else (str(owner.id),)

    answer = sign_in(acme, "admin").post(url(action, acme, *ids), form)

    assert answer.status_code == 422
    assert "Only an owner" in words_of(answer)
    assert role_of(acme, owner) == "owner"
    assert not Invitation.objects.exists()


def test_an_admin_makes_nobody_an_owner(acme, sign_in):
    bob = person(acme, DEVELOPER, "bob@example.com")

    answer = sign_in(acme, "admin").post(url("member_role", acme, str(bob.id)), {"role": "owner"})

    assert (answer.status_code, role_of(acme, bob)) == (422, "developer")


@pytest.mark.parametrize("is_handed_over", [True, False])
def test_a_removed_members_keys_are_handed_over_or_revoked(acme, sign_in, is_handed_over):
    bob = person(acme, DEVELOPER, "bob@example.com")
    key, _ = issue_api_key(tenant=acme.tenant, name="ci", actor=bob, rules=KeyRules())
    client = sign_in(acme)
    owner = User.objects.get(email="owner@acme.example")
    page = url("member_remove", acme, str(bob.id))

    unsaid = client.post(page)
    answer = client.post(page, {"keys": str(owner.id) if is_handed_over else "revoke"})

    assert (unsaid.status_code, answer.status_code) == (422, 302)
    assert "Choose what happens to the keys" in words_of(unsaid)
    key = ApiKey.objects.get(id=key.id)
    assert (key.created_by == owner, key.revoked_at is None) == (is_handed_over, is_handed_over)
    assert role_of(acme, bob) is None


def test_a_budget_that_is_handed_over_bounds_the_heir(acme, sign_in):
    bob = person(acme, Membership.Role.ADMIN, "bob@example.com")
    rules = KeyRules(scopes=["images:write"], budget_month=Micros(20_000_000))
    key, _ = issue_api_key(tenant=acme.tenant, name="ci", actor=bob, rules=rules)
    heir, form = sign_in(acme, "developer"), {"mode": "live", "scopes": "images:write"}
    user = User.objects.get(email="developer@acme.example")
    sign_in(acme).post(url("member_remove", acme, str(bob.id)), {"keys": str(user.id)})

    lifted = heir.post(url("key", acme, key.public_id), {**form, "name": "ci"})
    made = heir.post(url("key_new", acme), {**form, "name": "second"})

    assert [lifted.status_code, made.status_code] == [422, 422]
    key.refresh_from_db()
    assert (key.created_by, key.budget_month_micros) == (user, 20_000_000)


def test_keys_go_to_no_stranger(acme, other, sign_in):
    bob = person(acme, DEVELOPER, "bob@example.com")
    stranger = person(other, OWNER, "eve@example.com")
    issue_api_key(tenant=acme.tenant, name="ci", actor=bob, rules=KeyRules())

    answer = sign_in(acme).post(url("member_remove", acme, str(bob.id)), {"keys": str(stranger.id)})

    assert (answer.status_code, role_of(acme, bob)) == (422, "developer")


def test_a_removed_member_is_out_at_once(acme, sign_in):
    client = sign_in(acme, "viewer")
    viewer = User.objects.get(email="viewer@acme.example")

    sign_in(acme).post(url("member_remove", acme, str(viewer.id)))

    assert client.get(url("overview", acme)).status_code == 404


def is_required(customer: PayingCustomer) -> bool:
    return Tenant.objects.get(id=customer.id).requires_second_factor


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_second_factor_is_required_and_no_longer(acme, sign_in, role):
    client = sign_in(acme, role)
    person(acme, DEVELOPER, "bob@example.com")
    user = give_factor(client)
    page, switch = url("members", acme), url("member_factor", acme)

    beforehand = words_of(client.get(page))
    on = [client.post(switch, {"required": "yes"})["Location"] for _ in range(2)]
    shown, is_on = words_of(client.get(page)), is_required(acme)
    acme.submit()  # keys need no second factor
    client.post(switch, {"required": "no"})

    assert "Members without a second factor: 1 of 2. Once it is required" in beforehand
    assert (on, is_on, is_required(acme)) == ([page, page], True, False)
    assert "Without one: 1 of 2, who see only how to set one up." in shown
    events = AuditEvent.objects.filter(tenant_id=acme.id, action="tenant.second_factor")
    flag = "requires_second_factor"
    assert [
        (event.actor, event.ip, event.before, event.after) for event in events.order_by("id")
    ] == [
        (user, "127.0.0.1", {flag: False}, {flag: True}),
        (user, "127.0.0.1", {flag: True}, {flag: False}),
    ]


def test_a_member_without_a_factor_cannot_require_one(acme, sign_in):
    client = sign_in(acme)
    bob = person(acme, DEVELOPER, "bob@example.com")
    Authenticator.objects.create(user=bob, type=Authenticator.Type.TOTP, data={})

    page = words_of(client.get(url("members", acme)))
    answer = client.post(url("member_factor", acme), {"required": "yes"})

    assert f'href="{reverse("mfa_activate_totp")}">set one up</a> before you require it' in page
    assert url("member_factor", acme) not in page
    assert answer.status_code == 422
    assert "Set up a second factor for yourself first." in words_of(answer)
    assert not is_required(acme)
    assert not AuditEvent.objects.filter(action="tenant.second_factor").exists()


@pytest.mark.parametrize("form", [{}, {"required": "perhaps"}])
def test_a_form_that_does_not_say_whether_a_factor_is_required_is_refused(acme, sign_in, form):
    client = sign_in(acme)
    give_factor(client)
    client.post(url("member_factor", acme), {"required": "yes"})

    answer = client.post(url("member_factor", acme), form)

    assert (answer.status_code, is_required(acme)) == (422, True)


@pytest.mark.parametrize("role", ["developer", "billing", "viewer"])
def test_only_owners_and_admins_require_a_factor(acme, sign_in, role):
    user = give_factor(sign_in(acme, role))

    with pytest.raises(ValidationError, match="Only owners and admins"):
        require_second_factor(by=Membership.objects.get(user=user), is_required=True)

    assert not is_required(acme)


def test_the_only_owner_is_offered_no_way_out_and_another_owner_is(acme, sign_in):
    owner = sign_in(acme)
    alone = owner.get(url("members", acme)).content.decode()
    person(acme, Membership.Role.OWNER, "bob@example.com")

    both = owner.get(url("members", acme)).content.decode()

    assert "to leave, make another member an owner first" in alone
    assert ("Leave workspace" in alone, 'name="role" id="role-' in alone) == (False, False)
    assert "Change the role of owner@acme.example" not in alone
    assert "The only owner" not in both
    assert "Leave workspace" in both
    assert "Change the role of owner@acme.example" in both
