"""Members: invited, given roles, removed; their keys handed over or revoked."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent, Invitation, Mail, Membership, Tenant, User
from accounts.services import (
    KeyRules,
    add_member,
    create_user,
    issue_api_key,
    mail,
    members,
    require_second_factor,
)
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import words_of
from tests.console.workspace.conftest import give_factor, url
from tests.making.factories import PayingCustomer

OWNER, DEVELOPER = Membership.Role.OWNER, Membership.Role.DEVELOPER


@pytest.fixture(autouse=True)
def uncounted():
    """Reset the mail limits, so that other tests' mails do not count."""
    cache.clear()


def person(customer: PayingCustomer, role: Membership.Role, email: str) -> User:
    user = create_user(email=email, password=None, actor="test")
    add_member(tenant=customer.tenant, user=user, role=role, actor="test")
    return user


def role_of(customer: PayingCustomer, user: User) -> str | None:
    found = Membership.objects.filter(tenant=customer.tenant, user=user).first()
    return found.role if found else None


def invited(client: Client, customer: PayingCustomer, email: str, role: str = "developer") -> str:
    """The invitation link in the mail."""
    client.post(url("member_invite", customer), {"email": email, "role": role})
    sent = Mail.objects.get(to=email.lower())
    return str(re.findall(r"http://testserver(/invite/\S+)", sent.text)[0])


def newcomer(email: str, *, is_verified: bool = True) -> Client:
    user = create_user(email=email, password=None, actor="test")
    verified = clock.now() if is_verified else None
    User.objects.filter(id=user.id).update(email_verified_at=verified)
    client = Client()
    client.force_login(User.objects.get(id=user.id))
    return client


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


@pytest.mark.parametrize("is_required", [True, False])
def test_an_invitation_says_whether_a_second_factor_is_required(acme, sign_in, client, is_required):
    chief = sign_in(acme)
    Tenant.objects.filter(id=acme.id).update(requires_second_factor=is_required)
    give_factor(chief)

    page = words_of(client.get(invited(chief, acme, "bob@example.com")))

    said = "asks its members for a second factor"
    assert [said in words for words in (page, Mail.objects.get().text)] == [is_required] * 2


def test_an_invited_person_joins_with_the_offered_role(acme, sign_in):
    link = invited(sign_in(acme), acme, "Bob@Example.com", "billing")
    bob = newcomer("bob@example.com")

    page = words_of(bob.get(link))
    answer = bob.post(link)

    assert f"Join {acme.tenant.name}" in page
    assert answer.headers["Location"] == url("overview", acme)
    assert role_of(acme, User.objects.get(email="bob@example.com")) == "billing"
    assert bob.get(link).status_code == 404
    actions = AuditEvent.objects.filter(tenant_id=acme.id).values_list("action", flat=True)
    assert {"member.invite", "member.set"} <= set(actions)


@pytest.mark.parametrize(
    ("email", "is_verified"), [("eve@example.com", True), ("bob@example.com", False)]
)
def test_nobody_else_joins(acme, sign_in, email, is_verified):
    link = invited(sign_in(acme), acme, "bob@example.com")
    stranger = newcomer(email, is_verified=is_verified)

    answer = stranger.post(link)

    assert answer.status_code == 422
    assert "This invitation is for bob@example.com" in words_of(answer)
    assert role_of(acme, User.objects.get(email=email)) is None


def test_a_stranger_is_shown_both_doors(acme, sign_in, settings):
    settings.SIGN_UP = False
    link = invited(sign_in(acme), acme, "bob@example.com")
    stranger = Client()

    page = words_of(stranger.get(link))
    sign_up = words_of(stranger.get("/accounts/signup/?email=bob@example.com"))

    assert "Create an account" in page
    assert 'value="bob@example.com"' in sign_up
    assert stranger.post(link).status_code == 200
    assert not Membership.objects.filter(user__email="bob@example.com").exists()


def test_a_canceled_or_forged_invitation_leads_nowhere(acme, sign_in):
    client = sign_in(acme)
    link = invited(client, acme, "bob@example.com")
    invitation = Invitation.objects.get()

    client.post(url("invitation_cancel", acme, str(invitation.pk)))

    assert newcomer("bob@example.com").get(link).status_code == 404
    assert Client().get("/invite/forged/").status_code == 404


@pytest.mark.parametrize(
    ("role", "offered", "becomes"),
    [
        ("admin", "admin", ("member_remove", {"keys": "revoke"})),
        ("admin", "viewer", ("member_role", {"role": "developer"})),
        ("owner", "owner", ("member_role", {"role": "admin"})),
        ("owner", "viewer", ("member_role", {"role": "billing"})),
    ],
    ids=["removed", "demoted", "no owner any more", "an owner demoted"],
)
def test_an_invitation_ends_with_the_role_that_made_it(acme, sign_in, role, offered, becomes):
    owner, (action, form) = sign_in(acme), becomes
    link = invited(sign_in(acme, role, "mallory@example.com"), acme, "crony@example.com", offered)
    mallory = User.objects.get(email="mallory@example.com")
    crony = newcomer("crony@example.com")
    assert crony.get(link).status_code == 200

    owner.post(url(action, acme, str(mallory.pk)), form)

    assert (crony.get(link).status_code, crony.post(link).status_code) == (404, 404)
    assert not Invitation.objects.exists()
    assert role_of(acme, User.objects.get(email="crony@example.com")) is None
    event = AuditEvent.objects.get(action="member.uninvite")
    assert event.after is not None
    assert (event.actor_name, event.after["email"]) == ("owner@acme.example", "crony@example.com")


def test_an_invitation_stays_open_while_its_author_may_still_offer_it(acme, sign_in):
    owner, bob = sign_in(acme), newcomer("bob@example.com")
    link = invited(sign_in(acme, "owner", "ann@example.com"), acme, "bob@example.com", "viewer")
    ann = User.objects.get(email="ann@example.com")

    owner.post(url("member_role", acme, str(ann.pk)), {"role": "admin"})
    bob.post(link)

    assert role_of(acme, User.objects.get(email="bob@example.com")) == "viewer"


@pytest.mark.parametrize("lost", ["membership", "role", "account"])
def test_an_invitation_ends_with_its_authors_role(acme, sign_in, lost):
    link = invited(sign_in(acme, "admin", "mallory@example.com"), acme, "bob@example.com")
    mallory = User.objects.get(email="mallory@example.com")
    invitation, bob = Invitation.objects.get(), newcomer("bob@example.com")
    theirs = Membership.objects.filter(user=mallory)
    losses: dict[str, Callable[[], Any]] = {
        "membership": theirs.delete,
        "role": partial(theirs.update, role="viewer"),
        "account": partial(User.objects.filter(pk=mallory.pk).update, is_active=False),
    }
    losses[lost]()

    answer = bob.post(link)

    user = User.objects.get(email="bob@example.com")
    with pytest.raises(ValidationError, match="no longer open"):
        members.accept_invitation(invitation=invitation, user=user, now=clock.now())
    assert (answer.status_code, role_of(acme, user)) == (404, None)


def test_an_admin_demoted_a_moment_ago_invites_nobody(acme, sign_in):
    mallory = person(acme, Membership.Role.ADMIN, "mallory@example.com")
    before = Membership.objects.select_related("tenant", "user").get(user=mallory)
    add_member(tenant=acme.tenant, user=mallory, role=Membership.Role.VIEWER, actor="test")

    with pytest.raises(ValidationError, match="Only owners and admins"):
        members.invite(
            by=before, email="crony@example.com", role=Membership.Role.ADMIN,
            now=clock.now(), tell=lambda _: None,
        )  # fmt: skip

    assert not Invitation.objects.exists()


def test_a_second_invitation_replaces_the_first(acme, sign_in):
    client = sign_in(acme)
    first = invited(client, acme, "bob@example.com")
    client.post(url("member_invite", acme), {"email": "bob@example.com", "role": "viewer"})

    assert Invitation.objects.get().role == "viewer"
    assert newcomer("bob@example.com").get(first).status_code == 404


def test_invitations_of_a_day_have_a_bound(acme, sign_in, monkeypatch):
    """Canceled and replaced invitations count too: each was a mail."""
    monkeypatch.setattr(members, "MAX_INVITATIONS", 4)
    client, form = sign_in(acme), {"email": "bob@example.com", "role": "viewer"}
    three = [client.post(url("member_invite", acme), form).status_code for _ in range(3)]

    again = client.post(url("member_invite", acme), form)
    first = client.post(url("member_invite", acme), {**form, "email": "cy@example.com"})
    Invitation.objects.all().delete()
    too_many = client.post(url("member_invite", acme), {**form, "email": "di@example.com"})

    assert (three, again.status_code, first.status_code) == ([302] * 3, 422, 302)
    assert "3 invitations were sent to this address within a day" in words_of(again)
    assert too_many.status_code == 422
    assert "4 invitations were sent within a day" in words_of(too_many)
    assert Mail.objects.count() == 4


def test_one_mailbox_gets_six_invitations_an_hour_from_all_workspaces(sign_in):
    customers = [PayingCustomer(f"acme-{number}") for number in range(7)]
    form = {"email": "bob@example.com", "role": "viewer"}

    answers = [sign_in(one).post(url("member_invite", one), form) for one in customers]

    assert [answer.status_code for answer in answers] == [302] * 6 + [422]
    assert "Too many mails were sent to this address" in words_of(answers[-1])
    assert Mail.objects.count() == 6


def test_no_name_of_a_workspace_leads_the_invited_anywhere(acme, sign_in):
    Tenant.objects.filter(id=acme.id).update(title="Win at http://evil.example \u202egnp.exe")

    invited(sign_in(acme), acme, "bob@example.com")

    mail = Mail.objects.get()
    assert mail.subject == "owner@acme.example invites you to Win at http evil example gnp exe"
    assert [word in mail.text + mail.html for word in ("evil.example", "\u202e")] == [False, False]


def test_an_invitation_is_there_only_with_its_mail(acme, sign_in, monkeypatch):
    client = sign_in(acme)
    form = {"email": "bob@example.com", "role": "viewer"}

    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(mail, "_post", dies)
        with pytest.raises(SystemExit):
            client.post(url("member_invite", acme), form)
    counts = (Invitation.objects.count(), AuditEvent.objects.filter(action="member.invite").count())
    client.post(url("member_invite", acme), form)

    assert counts == (0, 0)
    assert (Invitation.objects.count(), Mail.objects.get().to) == (1, "bob@example.com")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"email": "bob", "role": "viewer"}, "Enter a valid email address"),
        ({"email": "bob@example.com", "role": "king"}, "king is not one of the available choices"),
        ({"email": "owner@acme.example", "role": "viewer"}, "is a member already"),
    ],
)
def test_an_impossible_invitation_is_refused(acme, sign_in, form, words):
    answer = sign_in(acme).post(url("member_invite", acme), form)

    assert answer.status_code == 422
    assert words in words_of(answer)
    assert not Mail.objects.exists()


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
def test_the_keys_of_who_goes_are_handed_over_or_end(acme, sign_in, is_handed_over):
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


# --- a second factor for all members -----------------------------------------------------------


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
