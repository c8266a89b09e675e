"""Every address of the operator's console needs a permission and refuses other roles."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, User
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant
from console.ops import access
from console.ops.access import NOT_ASKED_AGAIN, ROLES, Permission
from console.ops.declared import ACTS, LISTS
from tests.console.ops.addresses import Address, addresses
from tests.console.ops.conftest import shown

ALL = addresses()
OTHERS = [one for one in ALL if one.name not in ACTS]
"""All but acts' pages, which the ladder opens (`tests/console/ops/ladder/`)."""
ACTING = [one for one in OTHERS if one.acts]
"""Those that take a form."""


class LetIn(Exception):
    """Raised in place of the view's code once a request is let in."""


@pytest.fixture(autouse=True)
def _doors(monkeypatch: pytest.MonkeyPatch) -> None:
    def let_in(**_: object) -> None:
        raise LetIn

    monkeypatch.setattr(access, "note_seen", let_in)


METHODS = ("GET", "POST", "PUT")
"""One that shows, one that acts, and one that no page takes."""


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


NEEDS = {
    "channels": "channel.archive channel.discard channel.enable channel.pause channel.reset"
    " channel.route channel.swap channel.weigh model.delete model.disable model.enable"
    " model.import",
    "erase": "tenant.erase",
    "generations": "generation.cancel generation.fail generation.ring",
    "incidents": "alert.disable alert.enable alert.remove alert.restore alert.test",
    "money": "bill.accept bill.again bill.dispute bill.forget bill.pick bill.put_back bill.take"
    " bill.withdraw generations.refund outage.credit payment.follow payment.pay_back"
    " tenant.adjustment tenant.credit tenant.reversal tenant.top_up",
    "publish": "price_book.publish",
    "refund": "generation.credit generation.refund",
    "see": "generation.look_up",
    "staff": "operator_key.create operator_key.revoke operator_key.rotate",
    "tenants": "key.create key.revoke tenant.create tenant.export tenant.invite tenant.limits"
    " tenant.remove tenant.resume tenant.role tenant.suspend tenant.uninvite",
}
"""The permission of each act."""


def test_each_act_and_list_needs_its_permission():
    acts: dict[str, list[str]] = {}
    for name, act in sorted(ACTS.data.items()):
        acts.setdefault(act.needs, []).append(name)

    assert {needs: " ".join(names) for needs, names in acts.items()} == NEEDS
    assert [name for name, one in LISTS.items() if one.needs != "see"] == ["bills"]
    assert LISTS["bills"].needs == "money"


def test_few_acts_ask_for_no_factor_or_are_peoples_alone():
    assert sorted(name for name, act in ACTS.items() if act.not_fresh) == [
        "channel.discard", "generation.ring",
    ]  # fmt: skip
    assert sorted(name for name, act in ACTS.items() if act.never_by_key) == [
        "operator_key.create", "operator_key.revoke", "operator_key.rotate", "tenant.erase",
    ]  # fmt: skip


def test_a_keys_form_offers_no_right_of_peoples():
    fields: Any = ACTS["operator_key.create"].form.base_fields
    rights, acts = ([word for word, _ in fields[name].choices] for name in ("permissions", "acts"))

    assert rights == [
        "see", "refund", "money", "channels", "generations", "tenants", "incidents", "publish",
    ]  # fmt: skip
    assert {"tenant.credit", "tenant.erase", "generation.ring"} & {*acts} == {"tenant.credit"}


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["ok-pictor-", f"ok-pictor-{'x' * 38}", f"sk-pictor-{'x' * 38}"])
def test_no_key_is_looked_up_that_cannot_be_one(key, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = Client().get("/ops/v1/lists/audit", headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == HTTPStatus.UNAUTHORIZED


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

    opened = {one.name for one in OTHERS if opens(client, one)}

    assert opened == {one.name for one in OTHERS if one.needs in ROLES[role]}


def asks_again(client: Client, send: str, address: Address) -> bool:
    """True if a factor shown 16 minutes ago is asked for, and one shown a minute ago is not."""
    shown(client, seconds_ago=16 * 60)
    late = None
    with suppress(LetIn):
        late = getattr(client, send)(address.path)
    shown(client, seconds_ago=60)
    with pytest.raises(LetIn):
        getattr(client, send)(address.path)
    assert late is None or late["Location"].startswith("/accounts/2fa/reauthenticate/")
    return late is not None


@pytest.mark.parametrize("address", ACTING, ids=lambda one: one.name)
def test_an_act_asks_for_the_second_factor_again_unless_the_table_exempts_it(guarded, address):
    assert asks_again(guarded, "post", address) == (address.name not in NOT_ASKED_AGAIN)


@pytest.mark.parametrize(
    "address", [one for one in ACTING if one.is_page], ids=lambda one: one.name
)
def test_a_form_asks_when_it_is_opened_so_that_nothing_typed_is_lost(guarded, address):
    assert asks_again(guarded, "get", address) == (address.name not in NOT_ASKED_AGAIN)


def test_each_exemption_is_an_act_and_has_its_reason():
    assert NOT_ASKED_AGAIN.keys() <= {one.name for one in ACTING}
    assert all(NOT_ASKED_AGAIN.values())
