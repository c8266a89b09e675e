"""Every address of the operator's console needs a permission and refuses other roles."""

from http import HTTPStatus

import pytest
from django.test import Client

from accounts.models import Membership, User
from accounts.services import add_member, create_tenant
from console.ops import access
from console.ops.access import ROLES, Permission
from tests.console.ops.addresses import Address, addresses
from tests.console.ops.conftest import shown

ALL = addresses()
ACTIONS = [one for one in ALL if not one.is_page and one.name != "support_end"]
"""Addresses that only act, but for the end of a support view."""
SHOWN_AGAIN = {
    Permission.SUPPORT_VIEW,
    Permission.REFUND,
    Permission.MONEY,
    Permission.PUBLISH,
    Permission.STAFF,
    Permission.ERASE,
}
"""Permissions for which the second factor must have been shown within 15 minutes."""
WITHOUT_FACTOR = {"support_end"}
"""Ending a support view takes a right away, so it never waits for the factor."""


class LetIn(Exception):
    """Raised in place of the view's code once a request is let in."""


@pytest.fixture(autouse=True)
def _doors(monkeypatch: pytest.MonkeyPatch) -> None:
    def let_in(**_: object) -> None:
        raise LetIn

    monkeypatch.setattr(access, "note_seen", let_in)


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


def opens(client: Client, address: Address) -> bool:
    """True if the address opens; for other roles it does not exist."""
    send = client.get if address.is_page else client.post
    try:
        answer = send(address.path)
    except LetIn:
        return True
    assert answer.status_code == HTTPStatus.NOT_FOUND, address.name
    return False


def test_every_address_says_what_a_role_has_to_allow():
    assert [one.name for one in ALL if one.needs not in set(Permission)] == []
    assert len(ALL) > 5


@pytest.mark.parametrize("method", METHODS)
def test_signed_out_one_is_sent_to_sign_in_from_everywhere(method):
    strict = Client(enforce_csrf_checks=True)
    answers = {one.path: strict.generic(method, one.path) for one in ALL}

    assert {answer.status_code for answer in answers.values()} == {HTTPStatus.FOUND}
    assert {path: answer["Location"] for path, answer in answers.items()} == {
        path: f"/accounts/login/?next={path}" for path in answers
    }


@pytest.mark.parametrize("method", METHODS)
def test_a_tenants_owner_finds_no_page(settings, method):
    settings.STAFF_MFA = False
    person = User.objects.create_user("ann@acme.example", "correct horse")
    tenant = create_tenant(name="acme", actor="test")
    add_member(tenant=tenant, user=person, role=Membership.Role.OWNER, actor="test")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)

    answers = {one.name: strict.generic(method, one.path).status_code for one in ALL}

    assert {name: code for name, code in answers.items() if code != HTTPStatus.NOT_FOUND} == {}


@pytest.mark.parametrize("role", User.StaffRole.values)
def test_a_role_opens_what_it_may_and_nothing_else(client, settings, role):
    settings.STAFF_MFA = False
    person = User.objects.create_user("sam@pictor.example", "correct horse", staff_role=role)
    client.force_login(person)

    opened = {one.name for one in ALL if opens(client, one)}

    assert opened == {one.name for one in ALL if one.needs in ROLES[role]}


@pytest.mark.parametrize("address", ACTIONS, ids=lambda one: one.name)
def test_weighty_actions_ask_for_the_second_factor_again(guarded, address):
    shown(guarded, seconds_ago=16 * 60)
    late = None
    try:
        late = guarded.post(address.path)
    except LetIn:
        assert address.needs not in SHOWN_AGAIN or address.name in WITHOUT_FACTOR, address.name
    shown(guarded, seconds_ago=60)

    assert late is None or late["Location"].startswith("/accounts/2fa/reauthenticate/")
    with pytest.raises(LetIn):
        guarded.post(address.path)
