"""Invitations to a workspace: mailed, accepted, canceled, and ended with their author's role."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import ApiKey, AuditEvent, Invitation, Mail, Membership, Tenant, User
from accounts.services.office import mail, members
from accounts.services.office.members import add_member
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.console.workspace.conftest import give_factor, person, role_of, url
from tests.console.workspace.invitations import invited, newcomer
from tests.making.factories import PayingCustomer

OWNER, DEVELOPER = Membership.Role.OWNER, Membership.Role.DEVELOPER


@pytest.fixture(autouse=True)
def uncounted():
    """Reset the mail limits, so that other tests' mails do not count."""
    cache.clear()


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
    assert_ended(bob, link, "This invitation was used")
    actions = AuditEvent.objects.filter(tenant_id=acme.id).values_list("action", flat=True)
    assert {"member.invite", "member.set"} <= set(actions)


@pytest.mark.parametrize(
    ("role", "names"), [("developer", ["Playground"]), ("admin", []), ("viewer", [])]
)
def test_only_a_developer_who_joins_gets_a_key_for_the_playground(acme, sign_in, role, names):
    link = invited(sign_in(acme), acme, "bob@example.com", role)
    bob = newcomer("bob@example.com")

    bob.post(link)

    made = ApiKey.objects.filter(created_by__email="bob@example.com")
    assert [key.name for key in made] == names
    assert [key.scopes for key in made] == [["images:write", "images:read"]] * len(names)


def test_a_developer_joins_a_workspace_with_as_many_keys_as_may_be(acme, sign_in, monkeypatch):
    monkeypatch.setattr("accounts.services.office.api_keys.MAX_KEYS", 1)
    link = invited(sign_in(acme), acme, "bob@example.com", "developer")

    newcomer("bob@example.com").post(link)

    assert role_of(acme, User.objects.get(email="bob@example.com")) == "developer"
    assert not ApiKey.objects.filter(created_by__email="bob@example.com").exists()


@pytest.mark.parametrize(
    ("email", "is_verified"), [("eve@example.com", True), ("bob@example.com", False)]
)
def test_only_the_invited_address_joins_and_only_once_verified(acme, sign_in, email, is_verified):
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

    assert_ended(newcomer("bob@example.com"), link, "This invitation was withdrawn")
    forged = Client().get("/invite/forged/")
    assert (forged.status_code, "copy it whole" in words_of(forged)) == (404, True)


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

    assert (crony.get(link).status_code, crony.post(link).status_code) == (410, 410)
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
def test_an_invitation_of_an_author_without_the_role_is_not_accepted(acme, sign_in, lost):
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
    assert (answer.status_code, role_of(acme, user)) == (410, None)


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
    assert_ended(newcomer("bob@example.com"), first, "A newer invitation replaced this one")


def test_an_expired_invitation_says_so_for_a_month_and_whom_to_ask(acme, sign_in, monkeypatch):
    link = invited(sign_in(acme), acme, "bob@example.com")
    now = clock.now()

    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=36))
    assert_ended(Client(), link, "This invitation has expired")
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=38))
    later = Client().get(link)

    assert (later.status_code, "It is more than a month old." in words_of(later)) == (410, True)


def test_an_invitation_to_a_deleted_workspace_says_that(acme, sign_in):
    link = invited(sign_in(acme), acme, "bob@example.com")
    Tenant.objects.filter(pk=acme.id).update(erasure_due_at=clock.now())
    Invitation.objects.all().delete()

    answer = Client().get(link)

    assert (answer.status_code, "The workspace was deleted" in words_of(answer)) == (410, True)


def assert_ended(browser: Client, link: str, said: str) -> None:
    answer = browser.get(link)
    words = words_of(answer)
    assert (answer.status_code, said in words) == (410, True)
    assert "For another one ask owner@acme.example" in words


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

    answers = [
        sign_in(customer).post(url("member_invite", customer), form) for customer in customers
    ]

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
