"""The page of staff: roles, second factors, sessions, additions and removals."""

from html import unescape
from http import HTTPStatus
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.test import Client

from accounts.models import AuditEvent, Mail, Membership, User
from accounts.services.office.members import add_member
from accounts.services.office.staff import set_staff_role
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock
from tests.console.answers import lines_of

PAGE = "/ops/staff/"


@pytest.fixture
def me(owner):
    return User.objects.get(email="op@pictor.example")


@pytest.fixture
def bob(me):
    user = User.objects.create_user(
        "bob@pictor.example", "correct horse", email_verified_at=clock.now()
    )
    set_staff_role(email=user.email, role="support", actor=me)
    user.refresh_from_db()
    return user


def words_of(answer: HttpResponse) -> str:
    return unescape(answer.content.decode())


def test_the_page_lists_everybody_in_few_queries(owner, bob, django_assert_max_num_queries):
    for number in range(20):
        User.objects.create_user(f"{number}@pictor.example", "x", staff_role="finance")
    with django_assert_max_num_queries(8):
        words = words_of(owner.get(PAGE))

    assert words.count('<tr><th scope="row"') == 22
    assert "bob@pictor.example" in words
    assert "op@pictor.example</span> <span" in words  # · you


def test_staff_are_downloaded_as_csv(owner, bob):
    rows = lines_of(owner.get(f"{PAGE}?format=csv"))

    assert [(row["email"], row["role"], row["second_factor"]) for row in rows] == [
        ("bob@pictor.example", "support", "no"),
        ("op@pictor.example", "owner", "no"),
    ]
    assert (rows[0]["may_sign_in"], rows[0]["last_seen"]) == ("yes", "")
    assert rows[1]["last_seen"].endswith("+00:00")


@pytest.mark.parametrize("role", ["support", "finance", "operator", ""])
def test_only_owners_find_the_page(settings, bob, role):
    settings.STAFF_MFA = False
    User.objects.filter(pk=bob.pk).update(staff_role=role)
    client = Client()
    client.force_login(bob)
    paths = [PAGE, f"{PAGE}add/"]
    paths += [f"{PAGE}{bob.pk}/{what}/" for what in ("role", "second-factor", "sessions", "remove")]

    answers = [client.get(PAGE), *(client.post(path, {"role": "owner"}) for path in paths[1:])]

    assert {answer.status_code for answer in answers} == {HTTPStatus.NOT_FOUND}
    bob.refresh_from_db()
    assert bob.staff_role == role


def test_a_person_without_an_account_is_invited_by_mail(owner, me):
    form = {"email": "New@Pictor.example", "role": "finance"}
    asked = owner.post(f"{PAGE}add/", form)
    answer = owner.post(f"{PAGE}add/", {**form, "meant": "new@pictor.example"})

    assert asked.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Nobody has signed up as new@pictor.example" in words_of(asked)

    assert (answer.status_code, answer["Location"]) == (HTTPStatus.SEE_OTHER, PAGE)
    mail = Mail.objects.get()
    assert (mail.to, mail.subject) == ("new@pictor.example", "You are staff on Pictor, as finance")
    assert "\n    http://testserver/ops/" in mail.text
    assert "new@pictor.example invited" in words_of(owner.get(PAGE))
    event = AuditEvent.objects.get(action="staff.set")
    assert (event.actor, event.after, event.ip) == (me, {"role": "finance"}, "127.0.0.1")


@pytest.mark.parametrize(
    ("email", "role", "said"),
    [
        ("bob@", "support", "Enter a valid email address."),
        ("", "support", "This field is required."),
        ("bob@pictor.example", "king", "king is not one of the available choices"),
        ("b" * 300 + "@pictor.example", "support", "at most 254 characters"),
    ],
)
def test_a_mistake_is_explained_and_changes_nothing(owner, email, role, said):
    answer = owner.post(f"{PAGE}add/", {"email": email, "role": role})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in words_of(answer)
    assert User.objects.count() == 1


def test_whoever_becomes_staff_is_named_with_their_workspaces_before_and_afterwards(owner):
    now = clock.now()
    eve = User.objects.create_user("eve@acme.example", "x", name="Eve", email_verified_at=now)
    acme = create_tenant(name="Acme", actor="test")
    add_member(tenant=acme, user=eve, role=Membership.Role.ADMIN, actor="test")
    form = {"email": "Eve@acme.example", "role": "support"}

    asked = owner.post(f"{PAGE}add/", form)
    other = owner.post(f"{PAGE}add/", {**form, "meant": "ann@acme.example"})
    added = owner.post(f"{PAGE}add/", {**form, "meant": "eve@acme.example"})

    assert asked.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "eve@acme.example (Eve) is admin of Acme, a customer, and stays so." in words_of(asked)
    assert other.status_code == HTTPStatus.UNPROCESSABLE_ENTITY  # ticked for another address
    assert added.status_code == HTTPStatus.SEE_OTHER
    assert f'Admin of <a class="underline" href="/ops/tenants/{acme.public_id}/">' in " ".join(
        words_of(owner.get(PAGE)).split()
    )
    rows = lines_of(owner.get(f"{PAGE}?format=csv"))
    assert [row["member_of"] for row in rows] == ["Acme", ""]


def test_a_role_is_changed_and_said_before_and_after(owner, bob):
    owner.post(f"{PAGE}{bob.pk}/role/", {"role": "operator"})

    assert "bob@pictor.example: support → operator" in words_of(owner.get(PAGE))
    bob.refresh_from_db()
    assert bob.staff_role == "operator"


def test_an_owner_who_takes_another_role_is_led_to_a_page_of_that_role(owner, me):
    User.objects.create_superuser("ann@pictor.example")

    answer = owner.post(f"{PAGE}{me.pk}/role/", {"role": "finance"}, follow=True)

    assert answer.status_code == HTTPStatus.OK
    assert "op@pictor.example: owner → finance" in words_of(answer)


def test_who_changes_their_own_role_stays_signed_in_only_where_they_did(owner, me):
    User.objects.create_superuser("ann@pictor.example")
    elsewhere = Client()
    elsewhere.force_login(me)

    owner.post(f"{PAGE}{me.pk}/role/", {"role": "finance"})

    assert owner.get("/ops/").status_code == HTTPStatus.OK
    assert elsewhere.get("/ops/")["Location"] == "/accounts/login/?next=/ops/"


@pytest.mark.parametrize("step", ["role", "remove"])
def test_the_last_owner_stays(owner, me, step):
    answer = owner.post(f"{PAGE}{me.pk}/{step}/", {"role": "support"})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This is the last owner" in words_of(answer)
    me.refresh_from_db()
    assert me.staff_role == "owner"


def test_a_lost_second_factor_is_reset(owner, bob):
    Authenticator.objects.create(user=bob, type="totp", data={"secret": "x"})

    owner.post(f"{PAGE}{bob.pk}/second-factor/")
    again = owner.post(f"{PAGE}{bob.pk}/second-factor/")

    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.get(action="user.mfa_reset").ip == "127.0.0.1"
    assert "bob@pictor.example has no second factor." in words_of(again)
    assert Mail.objects.get().to == "bob@pictor.example"


@pytest.mark.parametrize("step", ["sessions", "remove"])
def test_staff_signed_out_or_removed_have_no_session_left(owner, bob, step):
    theirs = Client()
    theirs.force_login(bob)
    assert theirs.get("/ops/").status_code == HTTPStatus.OK

    owner.post(f"{PAGE}{bob.pk}/{step}/")

    assert theirs.get("/ops/")["Location"] == "/accounts/login/?next=/ops/"
    bob.refresh_from_db()
    assert bob.staff_role == {"sessions": "support", "remove": ""}[step]


def test_nobody_is_changed_here_who_is_not_staff(owner):
    ann = User.objects.create_user("ann@acme.example", "correct horse")

    answers = [owner.post(f"{PAGE}{person}/sessions/") for person in (ann.pk, uuid4())]

    assert [answer.status_code for answer in answers] == [HTTPStatus.UNPROCESSABLE_ENTITY] * 2
    assert ["That person is not staff." in words_of(answer) for answer in answers] == [True] * 2
    ann.refresh_from_db()
    assert ann.sessions_ended == 0
