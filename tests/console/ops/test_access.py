"""Access to the operator's console: staff get in, and others find nothing there."""

from contextlib import suppress
from http import HTTPStatus

import pytest
from django.http import Http404, HttpResponse
from django.test import Client, RequestFactory

from accounts.models import Membership, User
from accounts.selectors.office.people import ROLES_WITH_MONEY
from accounts.services.office.members import add_member
from accounts.services.office.staff import remove_staff
from accounts.services.office.tenants import create_tenant
from accounts.sign_in.factors import FACTOR_FRESH_FOR
from console.ops.access import ROLES, Permission, staff
from tests.console.answers import said_by
from tests.console.ops.addresses import addresses
from tests.console.ops.conftest import shown

SHOW = "/accounts/2fa/reauthenticate/"


def test_the_limit_of_a_day_knows_which_roles_move_money():
    assert {*ROLES_WITH_MONEY} == {role for role in ROLES if Permission.MONEY in ROLES[role]}


def test_signed_out_one_is_sent_to_sign_in(client):
    answer = client.get("/ops/")

    assert answer.status_code == HTTPStatus.FOUND
    assert answer["Location"] == "/accounts/login/?next=/ops/"


def test_a_form_sent_signed_out_is_said_not_to_be_saved(client):
    sent = client.post("/ops/channels/new/", {"name": "acme"}, follow=True)
    looked = Client().get("/ops/channels/new/", follow=True)

    words = "You were signed out, so nothing was saved. Sign in and send it again."
    assert words in said_by(sent)
    assert words not in said_by(looked)


def test_an_owner_of_a_tenant_finds_no_such_page(client):
    person = User.objects.create_user("ann@acme.example", "correct horse")
    tenant = create_tenant(name="acme", actor="test")
    add_member(tenant=tenant, user=person, role=Membership.Role.OWNER, actor="test")
    client.force_login(person)

    answer = client.get("/ops/")

    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_an_owner_of_the_site_sees_that_nothing_needs_them(owner):
    answer = owner.get("/ops/")

    assert answer.status_code == HTTPStatus.OK
    assert "Nothing needs attention" in answer.content.decode()
    assert User.objects.get(email="op@pictor.example").staff_seen_at is not None


def test_a_person_removed_from_staff_is_signed_out_at_the_next_click(owner):
    ann = User.objects.create_superuser("ann@pictor.example")
    remove_staff(user=User.objects.get(email="op@pictor.example"), actor=ann)

    assert owner.get("/ops/").status_code == HTTPStatus.FOUND  # their session has ended


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("support", {"see", "support_view", "refund"}),
        ("finance", {"see", "refund", "money"}),
        ("operator", {"see", "channels", "generations", "tenants", "incidents"}),
        ("owner", {*Permission}),
        ("", set()),
    ],
)
def test_a_role_opens_what_it_may_and_nothing_else(client, settings, role, may):
    settings.STAFF_MFA = False
    user = User.objects.create_user("sam@pictor.example", staff_role=role)
    opened = set()
    for what in Permission:
        request = RequestFactory().get("/ops/")
        request.user = user
        with suppress(Http404):
            staff(what)(lambda request, operator: HttpResponse(operator.role))(request)
            opened.add(what)

    assert opened == may
    assert ROLES.get(role, frozenset()) == may


def test_staff_are_told_whose_page_it_is_and_others_nothing(client, settings):
    settings.STAFF_MFA = False
    told = {}
    for role in ("support", ""):
        client.force_login(User.objects.create_user(f"sam{role}@pictor.example", staff_role=role))
        answer = client.get("/ops/do/tenant.create/", headers={"Accept": "text/html"})
        assert answer.status_code == HTTPStatus.NOT_FOUND
        told[role] = said_by(answer)

    assert "This page is for the role operator or owner, and yours is support." in told["support"]
    assert "operator or owner" not in told[""]


def test_staff_without_a_second_factor_set_one_up_first(owner, settings):
    settings.STAFF_MFA = True

    answer = owner.get("/ops/")

    assert answer.status_code == HTTPStatus.FOUND
    assert answer["Location"] == "/accounts/2fa/totp/activate/?next=/ops/"


def test_a_session_that_has_not_shown_it_is_asked_and_comes_back(guarded):
    asked = guarded.get("/ops/?mode=test")
    shown(guarded, seconds_ago=3600)
    let_in = guarded.get("/ops/?mode=test")

    assert asked["Location"] == f"{SHOW}?next=/ops/%3Fmode%3Dtest"
    assert let_in.status_code == HTTPStatus.OK


def test_a_part_of_a_page_leads_the_whole_page_there(guarded):
    answer = guarded.get(
        "/ops/", headers={"HX-Request": "true", "HX-Current-URL": "https://testserver/ops/?a=1"}
    )

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer["HX-Redirect"] == f"{SHOW}?next=/ops/%3Fa%3D1"


@pytest.mark.parametrize(("minutes", "is_asked"), [(14, False), (16, True)])
def test_some_steps_need_it_shown_within_15_minutes(guarded, minutes, is_asked):
    shown(guarded, seconds_ago=minutes * 60)

    answer = guarded.post(
        "/ops/staff/add/",
        {"email": "bob@pictor.example", "meant": "bob@pictor.example", "role": "support"},
        headers={"Referer": "https://testserver/ops/staff/?x=1"},
    )

    assert FACTOR_FRESH_FOR.total_seconds() == 15 * 60
    assert User.objects.filter(email="bob@pictor.example").exists() != is_asked
    assert answer["Location"] == (f"{SHOW}?next=/ops/staff/%3Fx%3D1" if is_asked else "/ops/staff/")


def test_nothing_is_done_for_a_form_without_its_token(settings):
    settings.STAFF_MFA = False
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(email="op@pictor.example"))

    answers = {address.name: strict.post(address.path).status_code for address in addresses()}

    assert set(answers.values()) == {HTTPStatus.FORBIDDEN}, answers
