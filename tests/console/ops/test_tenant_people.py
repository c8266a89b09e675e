"""A tenant's members and keys, removed by staff: an owner stays, and every key has a holder."""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, AuditEvent, Invitation, Membership, Tenant, User
from accounts.services.office.api_keys import KeyRules, issue_api_key
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock
from tests.console.answers import said_by
from tests.console.ops.acting import act_page, do


@pytest.fixture
def acme(db: None) -> Tenant:
    made = create_tenant(name="Acme", actor="test")
    for name, role in (("ann", Membership.Role.OWNER), ("bob", Membership.Role.DEVELOPER)):
        person = User.objects.create_user(f"{name}@acme.example")
        add_member(tenant=made, user=person, role=role, actor="test")
    return made


def person(name: str) -> User:
    return User.objects.get(email=f"{name}@acme.example")


def remove(client: Client, acme: Tenant, name: str, **said: str) -> Any:
    return do(client, "tenant.remove", acme.public_id, email=person(name).email, **said)


def members() -> list[str]:
    known = Membership.objects.order_by("user__email")
    return list(known.values_list("user__email", flat=True))


def test_an_invitation_is_taken_back_once(owner, acme):
    do(owner, "tenant.invite", acme.public_id, email="eve@acme.example", role="viewer")
    shown = owner.get(f"/ops/tenants/{acme.public_id}/").content.decode()
    assert f"{act_page('tenant.uninvite', acme.public_id)}?email=eve%40acme.example" in shown

    first, second = (
        do(owner, "tenant.uninvite", acme.public_id, email="eve@acme.example") for _ in range(2)
    )

    assert not Invitation.objects.exists()
    assert first.status_code == HTTPStatus.SEE_OTHER
    assert "That invitation is no longer open." in said_by(second)
    event = AuditEvent.objects.get(action="member.uninvite")
    assert event.actor_name == "op@pictor.example (staff)"
    assert event.after == {"email": "eve@acme.example", "role": "viewer"}


def test_a_form_that_is_sent_twice_makes_one_key(owner, acme):
    here = act_page("key.create", acme.public_id)
    drawn = re.findall(r'name="once" value="([^"]+)"', owner.get(here).content.decode())[0]

    first, second = (owner.post(here, {"name": "ci", "once": drawn}) for _ in range(2))

    key = ApiKey.objects.get(tenant=acme)
    assert str(key.id) == drawn
    assert key.visible_prefix in first.content.decode()
    assert second.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This form has already created its key." in said_by(second)


def test_an_invitation_to_another_tenant_is_not_there(owner, acme):
    other = create_tenant(name="Other", actor="test")
    do(owner, "tenant.invite", other.public_id, email="eve@acme.example", role="viewer")

    answer = do(owner, "tenant.uninvite", acme.public_id, email="eve@acme.example")

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert Invitation.objects.exists()


def test_a_member_is_removed_and_the_last_owner_is_not(owner, acme):
    refused = remove(owner, acme, "ann")
    done = remove(owner, acme, "bob")

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "A workspace needs an owner" in refused.content.decode()
    assert members() == ["ann@acme.example"]
    assert "bob@acme.example removed" in owner.get(done["Location"]).content.decode()
    again = said_by(remove(owner, acme, "bob"))
    assert "bob@acme.example is no member of Acme." in again


def test_invitations_by_staff_count_as_mails_to_their_address(owner, acme):
    answers = [
        do(owner, "tenant.invite", acme.public_id, email="eve@acme.example", role="viewer")
        for _ in range(7)
    ]

    words = "Too many mails were sent to this address: eve@acme.example. Try again later."
    assert [words in said_by(answer) for answer in answers[5:]] == [False, True]


def test_a_removal_is_shown_before_and_after(owner, acme):
    page = owner.get(act_page("tenant.remove", acme.public_id), {"email": "bob@acme.example"})

    (change,) = page.context["proposal"].preview.changes
    assert (change.label, change.before, change.after) == (
        "bob@acme.example", "Developer", "no member",
    )  # fmt: skip


def test_an_operator_who_renames_a_key_keeps_its_expiry_and_leaves_an_ended_one(owner, acme):
    afternoon = datetime(2031, 5, 4, 15, 0, tzinfo=UTC)
    rules = KeyRules(scopes=["images:read", "images:write"], expires_at=afternoon)
    key, _ = issue_api_key(tenant=acme, name="ci", rules=rules, actor="test")
    there = f"/ops/tenants/{acme.public_id}/keys/{key.public_id}/change/"
    said = {"scopes": ["images:write", "images:read"], "expires": "2031-05-04"}

    owner.post(there, {**said, "name": "nightly"})
    key.refresh_from_db()
    renamed = (key.name, key.expires_at, key.limited_by)
    ApiKey.objects.filter(id=key.id).update(expires_at=clock.now())
    refused = owner.post(there, {**said, "name": "weekly"})

    assert renamed == ("nightly", afternoon, None)
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "The key is revoked or expired: create another one." in said_by(refused)
    key.refresh_from_db()
    assert (key.name, key.status(clock.now())) == ("nightly", "expired")


def test_keys_of_one_who_goes_need_an_heir_or_end(owner, acme):
    bob = person("bob")
    key, _ = issue_api_key(tenant=acme, name="ci", actor=bob)

    unsaid = remove(owner, acme, "bob")
    stranger = remove(owner, acme, "bob", keys=User.objects.create_user("x@y.example").email)
    to_self = remove(owner, acme, "bob", keys=bob.email)
    assert [one.status_code for one in (unsaid, stranger, to_self)] == [422, 422, 422]
    remove(owner, acme, "bob", keys=person("ann").email)

    assert members() == ["ann@acme.example"]
    assert ApiKey.objects.get(pk=key.pk).created_by == person("ann")


def test_keys_of_one_who_goes_may_end(owner, acme):
    key, _ = issue_api_key(tenant=acme, name="ci", actor=person("bob"))
    removal = f"{act_page('tenant.remove', acme.public_id)}?email=bob@acme.example"
    assert "The 1 key they made" in owner.get(removal).content.decode()

    remove(owner, acme, "bob", keys="revoke")

    assert ApiKey.objects.get(pk=key.pk).revoked_at is not None


def test_every_key_is_shown_50_at_a_time(owner, acme, django_assert_max_num_queries):
    made = [issue_api_key(tenant=acme, name=f"k{n:03}", actor="test")[0] for n in range(105)]
    here = f"/ops/tenants/{acme.public_id}/"

    pages = []
    address = here
    while address:
        with django_assert_max_num_queries(12):
            pages.append(owner.get(address))
        older = pages[-1].context["older_keys"]
        address = f"{here}?after={older}" if older else ""

    names = [key.name for page in pages for key, _ in page.context["keys"]]
    assert names == [key.name for key in reversed(made)]
    assert [len(page.context["keys"]) for page in pages] == [50, 50, 5]
    assert "50 of 105, the newest" in said_by(pages[0])
    assert "5 of 105" in said_by(pages[2])
    assert "No older keys" in said_by(owner.get(f"{here}?after={made[0].public_id}"))
    assert "50 of 105, the newest" in said_by(owner.get(f"{here}?after=key_nonsense"))
