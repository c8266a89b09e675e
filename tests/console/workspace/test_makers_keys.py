"""Keys made by developers: none may do more than its maker."""

import re

import pytest

from accounts.models import ApiKey
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.console.workspace.key_forms import FORM


def test_a_developer_gives_no_key_more_than_a_developer_may(acme, sign_in):
    client = sign_in(acme, "developer")

    page = client.get(url("key_new", acme)).content.decode()
    answer = client.post(url("key_new", acme), {**FORM, "scopes": ["images:write", "keys:write"]})

    assert "Manage keys" not in page
    assert answer.status_code == 422
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("role", ["owner", "developer"])
def test_a_form_that_is_sent_twice_makes_one_key(acme, sign_in, role):
    client, page = sign_in(acme, role), url("key_new", acme)
    (drawn,) = re.findall(r'name="once" value="([^"]+)"', client.get(page).content.decode())

    first = client.post(page, {**FORM, "once": drawn})
    second = client.post(page, {**FORM, "once": drawn})

    key = ApiKey.objects.get(name="production")
    assert str(key.id) == drawn
    assert key.visible_prefix in first.content.decode()
    assert second.status_code == 422
    assert "This form has already created its key." in words_of(second)


def test_a_form_with_another_id_than_it_was_given_is_opened_again(acme, sign_in):
    answer = sign_in(acme).post(url("key_new", acme), {**FORM, "once": "twice"})

    assert answer.status_code == 422
    assert "This form is incomplete: open it again." in words_of(answer)


def test_a_key_that_may_more_than_its_maker_shows_them_no_new_text(acme, sign_in):
    client = sign_in(acme, "developer")
    client.post(url("key_new", acme), FORM)
    own = ApiKey.objects.get(name="production")
    ApiKey.objects.filter(id=own.id).update(scopes=["keys:write"])

    rotated = client.post(url("key_rotate", acme, own.public_id), {"overlap": "0"})
    changed = client.post(url("key", acme, own.public_id), FORM)
    revoked = client.post(url("key_revoke", acme, own.public_id))

    assert (rotated.status_code, changed.status_code, revoked.status_code) == (404, 404, 302)


def test_a_maker_does_not_lift_what_somebody_else_set(acme, sign_in):
    maker = sign_in(acme, "developer")
    maker.post(url("key_new", acme), FORM)
    own = ApiKey.objects.get(name="production")
    page = url("key", acme, own.public_id)
    assert maker.post(page, {**FORM, "budget_month": "50"}).status_code == 302
    assert maker.post(page, {**FORM, "budget_month": "80"}).status_code == 302
    assert sign_in(acme).post(page, {**FORM, "budget_month": "20"}).status_code == 302

    lifted = [maker.post(page, {**FORM, "budget_month": wish}) for wish in ("20.01", "")]
    lowered = maker.post(page, {**FORM, "name": "mine", "budget_month": "10"})

    assert [answer.status_code for answer in (*lifted, lowered)] == [422, 422, 302]
    assert "you may narrow it, but not widen it" in lifted[0].content.decode()
    own.refresh_from_db()
    assert (own.name, own.budget_month_micros) == ("mine", 10_000_000)
    assert str(own.limited_by) == "owner@acme.example"


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({}, 422),
        ({"budget_month": "20.01"}, 422),
        ({"budget_month": "20", "budget_warns_only": "on"}, 422),
        ({"budget_month": "20"}, 200),
        ({"mode": "test"}, 422),
    ],
    ids=["none", "more", "a warning", "the same", "of a test key"],
)
def test_a_maker_whose_key_was_limited_makes_none_that_may_more(acme, sign_in, wish, status):
    maker = sign_in(acme, "developer")
    maker.post(url("key_new", acme), FORM)
    own = ApiKey.objects.get(name="production")
    sign_in(acme).post(url("key", acme, own.public_id), {**FORM, "budget_month": "20"})

    answer = maker.post(url("key_new", acme), {**FORM, "name": "second", **wish})

    assert answer.status_code == status
    assert ("a new key may do no more" in answer.content.decode()) == (status == 422)
    assert ApiKey.objects.filter(name="second").exists() == (status == 200)


def test_the_end_of_a_limited_key_frees_its_maker_of_nothing(acme, sign_in):
    maker = sign_in(acme, "developer")
    maker.post(url("key_new", acme), FORM)
    own = ApiKey.objects.get(name="production")
    sign_in(acme).post(url("key", acme, own.public_id), {**FORM, "budget_month": "20"})
    maker.post(url("key_revoke", acme, own.public_id))

    answer = maker.post(url("key_new", acme), FORM)

    own.refresh_from_db()
    assert (answer.status_code, own.status(clock.now())) == (422, "revoked")


def test_a_maker_whose_key_was_limited_widens_no_other(acme, sign_in):
    maker = sign_in(acme, "developer")
    for name in ("limited", "other"):
        maker.post(url("key_new", acme), {**FORM, "name": name, "budget_month": "5"})
    limited, other = (ApiKey.objects.get(name=name) for name in ("limited", "other"))
    sign_in(acme).post(url("key", acme, limited.public_id), {**FORM, "budget_month": "20"})

    page = url("key", acme, other.public_id)
    answers = [maker.post(page, {**FORM, "budget_month": wish}) for wish in ("", "20.01", "20")]

    assert [answer.status_code for answer in answers] == [422, 422, 302]


def test_key_managers_and_others_are_not_bound_by_a_makers_limits(acme, sign_in):
    maker = sign_in(acme, "developer")
    maker.post(url("key_new", acme), FORM)
    own = ApiKey.objects.get(name="production")
    owner = sign_in(acme)
    owner.post(url("key", acme, own.public_id), {**FORM, "budget_month": "20"})

    made = [
        client.post(url("key_new", acme), FORM).status_code
        for client in (owner, sign_in(acme, "developer", "another@acme.example"))
    ]

    assert made == [200, 200]
