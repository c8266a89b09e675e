"""Who gets into the operator's console, and who finds nothing there."""

from http import HTTPStatus

from accounts.models import Membership, User
from accounts.services import add_member, create_tenant


def test_signed_out_one_is_sent_to_sign_in(client):
    answer = client.get("/ops/")

    assert answer.status_code == HTTPStatus.FOUND
    assert answer["Location"] == "/accounts/login/?next=/ops/"


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
    assert "Nothing needs you" in answer.content.decode()


def test_staff_without_a_second_factor_set_one_up_first(owner, settings):
    settings.STAFF_MFA = True

    answer = owner.get("/ops/")

    assert answer.status_code == HTTPStatus.FOUND
    assert answer["Location"] == "/accounts/2fa/totp/activate/"
