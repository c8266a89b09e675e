"""A tenant's owners decide on keys that staff make, and on changes of members they ask for."""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from accounts.authentication import authenticate
from accounts.models import (
    ApiKey,
    AuditEvent,
    Invitation,
    Mail,
    MemberChange,
    Membership,
    Tenant,
    User,
)
from accounts.services.office.member_changes import make_due_member_changes
from accounts.services.office.tenants import create_tenant
from billing.models import MoneyMove
from pictor.kit.words import clock, ids
from tests.console.answers import said_by
from tests.console.ops.acting import do
from tests.console.ops.conftest import member_of, signed_in

EVE = {"email": "eve@else.example", "role": "owner"}
TEXT = re.compile(r"sk-pictor-\w{38}")


@pytest.fixture
def acme(owner: Client) -> Tenant:
    return create_tenant(name="Acme", actor="test")


@pytest.fixture
def ann(acme: Tenant) -> Client:
    return member_of(acme, "ann")


@pytest.fixture
def sam(acme: Tenant) -> Client:
    """A session of an operator."""
    client = signed_in("operator")
    User.objects.filter(email="operator@pictor.example").update(name="Sam Smith")
    return client


def ask(sam: Client, acme: Tenant, **said: str) -> MemberChange:
    do(sam, "tenant.invite", acme.public_id, **EVE | said)
    return MemberChange.objects.get()


def decide(client: Client, change: MemberChange, decision: str) -> Any:
    return client.post(f"/ops/moves/members/{change.id}/{decision}/")


def answer(client: Client, change: MemberChange, said: str) -> Any:
    here = f"/console/{change.tenant.public_id}/members/changes/{change.id}/{said}/"
    return client.post(here)


def test_an_operator_does_not_get_in_alone(acme, ann, sam, owner):
    said = said_by(do(sam, "tenant.invite", acme.public_id, follow=True, **EVE))
    change = MemberChange.objects.get()
    own = decide(sam, change, "approve")
    by_staff = answer(sam, change, "agree")

    assert "Invite eve@else.example as owner: waits for a second person and 24 hours, or" in said
    assert "operator@pictor.example asked" in said
    assert own.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Somebody other than the person who asked has to approve it." in said_by(own)
    assert by_staff.status_code == HTTPStatus.NOT_FOUND
    assert not Invitation.objects.exists()
    (asked,) = Mail.objects.filter(to="ann@acme.example")
    assert asked.subject == "Pictor support (Sam) asks to change the members of Acme"
    assert "    Invite eve@else.example as owner\n" in asked.text
    assert "It takes effect 24 hours after a second person of Pictor approves it." in asked.text
    assert f"http://testserver/console/{acme.public_id}/members/" in asked.text
    assert not Mail.objects.filter(to="eve@else.example").exists()
    shown = said_by(owner.get("/ops/moves/"))
    assert "Invite eve@else.example as owner in Acme" in shown


def test_a_second_person_approves_and_24_hours_later_the_invitation_goes_out(acme, ann, sam, owner):
    change = ask(sam, acme)
    approved = said_by(owner.post(f"/ops/moves/members/{change.id}/approve/", follow=True))
    again = decide(owner, change, "approve")
    effect = MemberChange.objects.get().takes_effect_at
    assert effect

    make_due_member_changes(now=effect - timedelta(seconds=1))
    before = Invitation.objects.exists()
    for _ in range(2):
        make_due_member_changes(now=effect)

    assert "Approved: Invite eve@else.example as owner" in approved
    assert "op@pictor.example has approved it already." in said_by(again)
    assert timedelta(hours=23) < effect - clock.now() <= timedelta(hours=24)
    _, told, made = Mail.objects.filter(to="ann@acme.example").order_by("created_at", "id")
    words = f"It takes effect on {effect:%-d %b %Y, %H:%M} UTC, unless an owner refuses it."
    assert words in told.text
    assert "Pictor support (Sam) did this" in made.text
    assert "- invited eve@else.example" in made.text
    assert before is False
    assert Invitation.objects.get().email == "eve@else.example"
    (invited,) = Mail.objects.filter(to="eve@else.example")
    assert "http://testserver/" in invited.text
    assert not MemberChange.objects.exists()


def test_an_owner_agrees_at_once_without_a_second_person(acme, ann, sam):
    change = ask(sam, acme)
    page = said_by(ann.get(f"/console/{acme.public_id}/members/"))

    first, second = answer(ann, change, "agree"), answer(ann, change, "agree")

    assert "Asked for by Pictor support" in page
    assert "Pictor support (Sam) asked on" in page
    assert first.status_code == HTTPStatus.FOUND
    assert Invitation.objects.get().is_of_staff is True
    assert second.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This change no longer waits: it was made, refused or withdrawn." in said_by(second)


def test_an_owner_refuses_what_was_approved_and_admins_decide_nothing(acme, ann, sam, owner):
    change = ask(sam, acme)
    decide(owner, change, "approve")
    adam = member_of(acme, "adam", "admin")

    by_admin = answer(adam, change, "refuse")
    answer(ann, change, "refuse")
    make_due_member_changes(now=clock.now() + timedelta(days=2))

    assert by_admin.status_code == HTTPStatus.FORBIDDEN
    assert not MemberChange.objects.exists()
    assert not Invitation.objects.exists()


def test_another_operator_or_the_requester_withdraws_it(acme, ann, sam, owner):
    for client in (sam, owner):
        change = ask(sam, acme)
        decide(client, change, "withdraw")
        assert not MemberChange.objects.exists()


def test_roles_and_removals_wait_too(acme, ann, sam):
    member_of(acme, "bob", "developer")
    bob = User.objects.get(email="bob@acme.example")

    do(sam, "tenant.role", acme.public_id, email=bob.email, role="admin")
    raised = str(MemberChange.objects.get())
    MemberChange.objects.all().delete()
    do(sam, "tenant.remove", acme.public_id, email=bob.email)
    removed = str(MemberChange.objects.get())

    assert raised == "bob@acme.example: developer → admin"
    assert removed == "Remove bob@acme.example (developer); the keys they made are revoked"
    assert Membership.objects.get(user=bob).role == "developer"


def test_an_invitation_by_the_tenants_own_people_is_canceled_like_that_and_staffs_own_freely(
    acme, ann, sam
):
    ann.post(f"/console/{acme.public_id}/members/invite/", EVE)
    do(sam, "tenant.uninvite", acme.public_id, email=EVE["email"])

    assert str(MemberChange.objects.get()) == "Uninvite eve@else.example"
    answer(ann, MemberChange.objects.get(), "agree")
    assert not Invitation.objects.exists()
    answer(ann, ask(sam, acme), "agree")
    do(sam, "tenant.uninvite", acme.public_id, email=EVE["email"])
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"email": "ann@acme.example"}, "That person is a member already."),
        ({"email": f"{'e' * 250}@else.example"}, "at most 254 characters"),
    ],
)
def test_what_is_impossible_is_refused_when_it_is_asked_for(acme, ann, sam, said, refusal):
    refused = do(sam, "tenant.invite", acme.public_id, **EVE | said)

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refusal in said_by(refused)
    assert not MemberChange.objects.exists()


@pytest.mark.parametrize(
    ("act", "said", "refusal"),
    [
        ("role", {"role": "admin"}, "A workspace needs an owner"),
        ("role", {"role": "owner"}, "ann@acme.example has this role already."),
        ("remove", {}, "A workspace needs an owner"),
    ],
)
def test_no_change_of_a_last_owner_is_asked_for(  # noqa: PLR0917 - fixtures, and columns
    acme, ann, sam, act, said, refusal
):
    refused = do(sam, f"tenant.{act}", acme.public_id, email="ann@acme.example", **said)

    assert refusal in said_by(refused)
    assert not MemberChange.objects.exists()


def test_a_second_change_of_the_same_person_waits_for_the_first(acme, ann, sam):
    ask(sam, acme)
    again = do(sam, "tenant.invite", acme.public_id, **EVE | {"role": "viewer"})

    assert "A change for eve@else.example waits already: withdraw it first." in said_by(again)
    assert MemberChange.objects.get().role == "owner"


def test_without_an_active_owner_staff_change_members_at_once(acme, ann, sam):
    User.objects.filter(email="ann@acme.example").update(email_verified_at=None)

    do(sam, "tenant.invite", acme.public_id, **EVE)

    assert Invitation.objects.get().email == "eve@else.example"
    assert not MemberChange.objects.exists()


def test_the_waiting_page_shows_support_no_money_and_no_buttons(acme, ann, sam):
    change = ask(sam, acme)
    now = clock.now()
    MoneyMove.objects.create(
        id=ids.new_uuid(), tenant=acme, kind="credit", amount=7_000_000, reason="sorry",
        asked_by_name="bob@pictor.example", asked_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    support = signed_in("support")
    page = support.get("/ops/moves/")

    assert "Invite eve@else.example as owner" in said_by(page)
    assert "/approve/" not in page.content.decode()
    assert "money waits" not in said_by(page)
    assert "sorry" in said_by(signed_in("finance").get("/ops/moves/"))
    assert "sorry" not in said_by(page)
    assert support.get("/ops/moves/?format=csv").status_code == HTTPStatus.NOT_FOUND
    assert decide(support, change, "approve").status_code == HTTPStatus.NOT_FOUND


def create_key(sam: Client, acme: Tenant) -> str:
    """What staff are told, on the page after the click."""
    answer = do(sam, "key.create", acme.public_id, follow=True, name="ci")
    return str(answer.content.decode())


def test_staff_see_no_text_and_an_owner_opens_the_key_once(acme, ann, sam):
    seen_by_staff = create_key(sam, acme)
    key = ApiKey.objects.get()
    listed = said_by(ann.get(f"/console/{acme.public_id}/keys/"))
    there = f"/console/{acme.public_id}/keys/{key.public_id}/open/"

    opened, again = ann.post(there), ann.post(there)

    assert not TEXT.search(seen_by_staff)
    assert "ci created: an owner sees its secret once, on opening it" in seen_by_staff
    assert "not opened yet" in seen_by_staff
    assert "Made by Pictor support (Sam). An owner opens it and sees its secret, once." in listed
    text = TEXT.findall(opened.content.decode())[0]
    assert authenticate(text, now=clock.now(), ip=None).key_id == key.id
    key.refresh_from_db()
    assert (key.visible_prefix, str(key.created_by)) == (text[:14], "ann@acme.example")
    assert again.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This key was opened before, and its secret is shown only once." in said_by(again)
    assert not TEXT.search(again.content.decode())
    assert AuditEvent.objects.get(action="api_key.open").actor_name == "ann@acme.example"


def test_only_an_owner_opens_a_key(acme, ann, sam):
    create_key(sam, acme)
    key = ApiKey.objects.get()
    page, there = f"/console/{acme.public_id}/keys/", f"{key.public_id}/open/"
    adam = member_of(acme, "adam", "admin")

    assert adam.post(page + there).status_code == HTTPStatus.FORBIDDEN
    assert sam.post(page + there).status_code == HTTPStatus.NOT_FOUND
    assert (there in adam.get(page).content.decode()) is False
    assert (there in ann.get(page).content.decode()) is True


def test_an_unopened_key_is_not_rotated_but_limited_and_revoked(acme, ann, sam):
    create_key(sam, acme)
    key = ApiKey.objects.get()
    here = f"/console/{acme.public_id}/keys/{key.public_id}/"

    rotated = ann.post(f"{here}rotate/", {"overlap": "24h"})
    limits = {"name": "ci", "scopes": ["images:write"], "requests_per_minute": "5"}
    sam.post(f"/ops/tenants/{acme.public_id}/keys/{key.public_id}/change/", limits)
    limited = ApiKey.objects.get()
    ann.post(f"{here}revoke/")

    assert "the key has no secret yet: an owner opens it in the console" in said_by(rotated)
    assert (limited.requests_per_minute, limited.waits_for_owner) == (5, True)
    assert ApiKey.objects.get().status(clock.now()) == "revoked"
    assert ann.post(f"{here}open/").status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_staff_see_the_text_of_a_tenant_without_an_active_owner(acme, ann, sam):
    User.objects.filter(email="ann@acme.example").update(is_active=False)

    assert TEXT.search(create_key(sam, acme))
    assert ApiKey.objects.get().status(clock.now()) == "active"
