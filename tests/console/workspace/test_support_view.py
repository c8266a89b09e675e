"""A member of staff looks into a workspace: the open pages, none with the tenant's words."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as config
from django.db import transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from accounts.models import AuditEvent, Membership, SupportGrant, Tenant, User
from accounts.services.office.members import add_member
from accounts.services.office.staff import set_staff_role
from accounts.services.office.support import open_support, set_support
from billing.models import Transfer
from console.parts.support import remember
from console.workspace import support, urls
from generation.models import Generation
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.console.answers import lines_of, words_of
from tests.console.workspace.addresses import address, names
from tests.console.workspace.conftest import (
    Begun,
    deliverer,
    paid_by_card,
    peopled,
    signed_in,
    told,
    url,
)
from tests.making.factories import PayingCustomer

WORDS = "zanzibar"
"""A word in every prompt and answer of the tenant's, which staff must not see."""
OPEN = {
    *("overview", "find", "generations", "generation", "refused", "usage", "billing"),
    *("ledger", "statements", "statement", "prices", "audit", "payments", "payment"),
}
WHY = "ticket 4711: images are late"


@dataclass(frozen=True)
class There:
    """Acme's generations, and a browser of Ann's with a support view of acme."""

    made: str
    failed: str
    ann: SimpleCookie


@pytest.fixture(scope="module")
def everything(
    begun: Begun, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[There]:
    with django_db_blocker.unblock(), transaction.atomic():
        there = written(begun.acme, deliverer(tmp_path_factory.mktemp("spool")))
        with django_db_blocker.block():
            yield there
        transaction.set_rollback(True)


def written(acme: PayingCustomer, delivered: Callable[..., Generation]) -> There:
    peopled(acme, signed_in)
    told(acme)
    paid_by_card(acme, state="begun")  # it is not looked at: that books what was paid
    tags = {"user": f"{WORDS}-order", "metadata": {"note": WORDS}}
    made = delivered(acme, prompt=f"a {WORDS} fox", **tags)
    failed = acme.generation(prompt=f"a {WORDS} wolf", **tags)
    Generation.objects.filter(tenant_id=acme.id).update(
        fields={**made.fields, **tags},
        inputs=[{"url": f"https://{WORDS}.example/cat.png"}],
        answer={**(made.answer or {}), "data": [{"revised_prompt": WORDS, "url": WORDS}]},
    )
    Generation.objects.filter(id=failed.id).update(
        error={
            "type": "invalid_request_error",
            "code": "invalid_image",
            "param": "image",
            "message": f"https://{WORDS}.example answered 404",
        }
    )
    StoredImage.objects.filter(tenant_id=acme.id).update(
        object_key=f"images/{WORDS}.png", revised_prompt=f"{WORDS} revised", has_thumbnail=True
    )
    ann = User.objects.create_user("ann@pictor.example", "correct horse", name="Ann Bee")
    set_staff_role(email=ann.email, role="support", actor="test")
    ann.refresh_from_db()
    return There(made.public_id, failed.public_id, looking(ann, acme).cookies)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def looking(user: User, acme: PayingCustomer) -> Client:
    """A browser with a support view of acme."""
    client, request = browser(user), HttpRequest()
    request.session = client.session
    remember(request, open_support(tenant=acme.tenant, user=user, reason=WHY, now=clock.now()))
    request.session.save()
    return client


@pytest.fixture(autouse=True)
def there(everything: There, monkeypatch: pytest.MonkeyPatch, settings: Any) -> There:
    settings.STAFF_MFA, settings.STRIPE_SECRET_KEY = False, "sk_test_1"
    monkeypatch.setattr("accounts.rates.buckets.PAGES_OF_PERSON", 10_000)
    return everything


@pytest.fixture
def ann(there: There) -> Client:
    client = Client()
    client.cookies = deepcopy(there.ann)
    return client


def door(customer: PayingCustomer) -> str:
    """The address at which a support view of it is opened."""
    return reverse("ops:support_open", args=[customer.tenant.public_id])


def page(name: str, acme: PayingCustomer, there: There, generation: str = "") -> str:
    return address(name, acme, generation or there.made, acme.key.public_id)


def source(answer: Any) -> str:
    return answer.content.decode() if not answer.streaming else str(lines_of(answer))


@pytest.mark.parametrize("name", names())
def test_only_listed_pages_open_to_support_and_without_the_tenants_words(acme, there, ann, name):
    answers = [
        ann.get(page(name, acme, there)),
        ann.get(page(name, acme, there), headers={"HX-Request": "true"}),
        ann.get(page(name, acme, there, there.failed)),
        ann.get(page(name, acme, there) + "?q=zanzi&view=gallery&status=succeeded"),
    ]

    assert {one.status_code for one in answers} == ({200} if name in OPEN else {403})
    sources = [source(one) for one in answers]
    assert [WORDS in text for text in sources] == [False] * 4
    assert ["X-Amz-Signature" in text for text in sources] == [False] * 4


@pytest.mark.parametrize("name", sorted(OPEN))
def test_every_page_says_that_it_is_a_support_view_and_leads_to_no_other(acme, there, ann, name):
    html = words_of(ann.get(page(name, acme, there)))

    assert "Support view of acme" in html
    assert re.search(r'<p-countdown [^>]* data-seconds="1[67]\d\d">2\d:\d\d left<', html)
    assert ">End now</button>" in html
    links = set(re.findall(r'(?:href|action|src)="/console/ten_\w+/([^"?#]*)', html))
    led = {link.partition("/")[0] for link in links}
    assert led <= {"", "find", "generations", "usage", "billing", "audit"}
    assert "format=csv" not in html
    assert "thumbnail" not in html


@pytest.mark.parametrize("name", names())
def test_nothing_is_done_in_a_support_view(acme, there, ann, name):
    before = (AuditEvent.objects.count(), Transfer.objects.count())

    where = page(name, acme, there)
    answers = [act(where) for act in (ann.post, ann.put, ann.patch, ann.delete, ann.options)]

    assert {answer.status_code for answer in answers} == {403}
    assert {"no-store" in answer["Cache-Control"] for answer in answers} == {True}
    assert "Nothing was done" in words_of(answers[0])
    assert (AuditEvent.objects.count(), Transfer.objects.count()) == before


@pytest.mark.parametrize("name", sorted(OPEN))
def test_a_page_of_a_support_view_asks_the_database_little(
    acme, there, ann, name, django_assert_max_num_queries
):
    where = page(name, acme, there)
    ann.get(where)  # loaded once a process

    with django_assert_max_num_queries(12):
        assert ann.get(where).status_code == 200


@pytest.mark.parametrize("name", sorted(OPEN))
def test_nothing_is_downloaded_in_a_support_view(acme, there, ann, name):
    assert ann.get(page(name, acme, there) + "?format=csv").status_code == 403


def test_words_that_support_may_not_read_are_not_guessed_by_searching(acme, there, ann):
    found = words_of(ann.get(url("generations", acme) + f"?q={WORDS}"))
    other = words_of(ann.get(url("generations", acme) + "?q=nothing-of-the-kind"))

    listed = [there.made in page for page in (found, other)]
    assert listed == [True, True]


def test_an_owner_lets_support_see_prompts_and_images(acme, there, ann):
    owner = signed_in(acme, email="boss@acme.example")
    owner.post(
        url("settings_support", acme), {"allows_support": "on", "shows_support_content": "on"}
    )

    detail = source(ann.get(page("generation", acme, there)))

    assert f"a {WORDS} fox" in detail
    assert f"images/{WORDS}.png" in detail
    assert "download>Download" not in detail
    assert ann.get(page("thumbnail", acme, there)).status_code == 302
    assert ann.get(page("keys", acme, there)).status_code == 403


def test_a_support_view_ends_by_the_servers_clock(acme, there, ann, monkeypatch):
    opened_at = SupportGrant.objects.get().opened_at
    monkeypatch.setattr(clock, "now", lambda: opened_at + timedelta(minutes=29, seconds=59))
    last = ann.get(url("overview", acme))
    monkeypatch.setattr(clock, "now", lambda: opened_at + timedelta(minutes=30))

    part = ann.get(url("generations", acme), headers={"HX-Request": "true"})
    after = ann.get(url("overview", acme))

    assert last.status_code == 200
    back = reverse("ops:tenant", args=[acme.tenant.public_id])
    assert (part.status_code, part["HX-Redirect"]) == (403, back)
    assert after.status_code == 404  # dropped by then: staff are not members


def test_the_person_who_opened_a_support_view_ends_it(acme, ann):
    grant = SupportGrant.objects.get()
    end = reverse("ops:support_end", args=[acme.tenant.public_id, grant.public_id])

    answers = [ann.post(end), ann.post(end)]
    gone = ann.get(url("overview", acme))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert AuditEvent.objects.filter(action="support.end").count() == 1
    assert gone.status_code == 303
    assert gone["Location"] == reverse("ops:tenant", args=[acme.tenant.public_id])


def test_another_session_of_the_same_person_sees_nothing(acme):
    ann = User.objects.get(email="ann@pictor.example")

    assert browser(ann).get(url("overview", acme)).status_code == 404


def test_the_view_is_of_one_workspace(ann):
    other = PayingCustomer("other")

    assert ann.get(url("overview", other)).status_code == 404


def test_a_change_of_role_ends_the_support_view(acme, ann):
    set_staff_role(email="ann@pictor.example", role="finance", actor="test")

    answer = ann.get(url("overview", acme))
    again = browser(User.objects.get(email="ann@pictor.example"))

    assert answer["Location"].startswith("/accounts/login/")
    assert again.get(url("overview", acme)).status_code == 404


def test_an_owner_switches_it_off_and_what_is_open_ends(acme, ann):
    owner = signed_in(acme, email="boss@acme.example")
    owner.post(url("settings_support", acme), {"shows_support_content": "on"})

    assert ann.get(url("overview", acme)).status_code == 303
    again = ann.post(
        reverse("ops:support_open", args=[acme.tenant.public_id]),
        {"reason": "please", "once": str(uuid4())},
    )
    assert again.status_code == 422
    assert "has switched support access off" in words_of(again)
    assert SupportGrant.objects.count() == 1


def test_the_workspace_reads_who_looked_and_why(acme, ann):
    owner = signed_in(acme, email="boss@acme.example")

    log = words_of(owner.get(url("audit", acme) + "?action=support"))
    (line,) = lines_of(owner.get(url("audit", acme) + "?action=support&format=csv"))

    said = '<strong class="font-medium">Pictor support (Ann)</strong> opened a support view: '
    assert f"{said}{WHY}" in log
    assert (line["by"], line["action"]) == ("Pictor support (Ann)", f"opened a support view: {WHY}")
    assert "ann@pictor.example" not in f"{log}{line}"
    assert line["ip"] == ""


def test_a_member_of_ours_looks_as_support_and_not_as_the_member(acme):
    bob = User.objects.create_user(
        "bob@pictor.example",
        "correct horse",
        name="Bob",
        terms_version=config.TERMS_VERSION,
        email_verified_at=clock.now(),
    )
    set_staff_role(email=bob.email, role="owner", actor="test")
    bob.refresh_from_db()
    add_member(tenant=acme.tenant, user=bob, role=Membership.Role.OWNER, actor="test")
    client = browser(bob)
    form = {"reason": WHY, "once": str(uuid4())}
    assert [client.post(door(acme), form)["Location"] for _ in range(2)] == [
        url("overview", acme)
    ] * 2

    assert client.get(url("keys", acme)).status_code == 403
    assert browser(bob).get(url("keys", acme)).status_code == 200
    owner = signed_in(acme, email="boss@acme.example")
    log = words_of(owner.get(url("audit", acme) + "?action=support.open"))
    assert log.count("Pictor support (Bob)</strong> opened a support view") == 1


def test_a_form_opens_nothing_twice_and_nothing_of_anothers(acme, ann):
    grant = SupportGrant.objects.get()
    other = PayingCustomer("other")
    form = {"reason": WHY, "once": str(grant.id)}

    again = ann.post(door(acme), form)
    elsewhere = ann.post(door(other), form)

    assert (again.status_code, elsewhere.status_code) == (303, 422)
    assert "Load this page again." in words_of(elsewhere)
    assert AuditEvent.objects.filter(action="support.open").count() == 1


def test_another_session_gets_no_view_by_the_form_of_the_first(acme, ann):
    form = {"reason": WHY, "once": str(SupportGrant.objects.get().id)}
    other = browser(User.objects.get(email="ann@pictor.example"))

    other.post(door(acme), form)

    assert other.get(url("overview", acme)).status_code == 404
    assert ann.get(url("overview", acme)).status_code == 200


@pytest.mark.parametrize(
    ("reason", "words"), [("", "This field is required"), ("x" * 201, "at most 200 characters")]
)
def test_a_support_view_needs_a_reason(acme, ann, reason, words):
    answer = ann.post(
        reverse("ops:support_open", args=[acme.tenant.public_id]),
        {"reason": reason, "once": str(uuid4())},
    )

    assert answer.status_code == 422
    assert words in words_of(answer)
    assert SupportGrant.objects.count() == 1


def test_the_pages_of_a_support_view_are_a_fixed_list():
    assert support.PAGES == OPEN
    assert {str(entry.name) for entry in urls.pages} >= OPEN | support.WITH_CONTENT


def test_nothing_is_written_where_nothing_changes(acme):
    tenant = Tenant.objects.get(id=acme.id)

    set_support(tenant=tenant, is_allowed=True, shows_content=False, now=clock.now(), actor="test")

    assert not AuditEvent.objects.filter(action="tenant.support").exists()
