"""The audit log of all tenants: in sentences, by each filter, page by page."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.audit_log import EventFilter, all_events
from accounts.audit_words import WORDS
from accounts.models import AuditEvent, Subject, Tenant, User
from accounts.services import by_key, note_for_staff, record
from accounts.services.office.tenants import create_tenant, set_title
from console.ops.audit import AUDIT, CHOICES
from console.parts.listing import Search
from pictor.kit.words import clock
from tests.console.answers import lines_of, words_of

PAGE = reverse("ops:audit")


@pytest.fixture
def acme() -> Tenant:
    return create_tenant(name="acme", actor="seed")


@pytest.fixture
def other() -> Tenant:
    return create_tenant(name="other", actor="seed")


def deeds(client: Client, **query: str) -> list[str]:
    return [line["did"] for line in lines_of(client.get(PAGE, {**query, "format": "csv"}))]


def test_each_event_tells_actor_action_reason_and_address(owner, acme):
    ann = User.objects.get(email="op@pictor.example")
    about = Subject("transfer", "17", acme.id)
    after = {"available_micros": 5_000_000, "words": "sorry"}
    record(about, "balance.credit", actor=ann, before={"available_micros": 0}, after=after,
           ip="203.0.113.7")  # fmt: skip
    note_for_staff(about, "they were angry", actor=ann)

    page = words_of(owner.get(PAGE))

    assert ">op@pictor.example</a></strong> gave a credit</span>" in page
    assert "available</span> $0.00 <span" in page
    assert "they were angry" in page
    assert "203.0.113.7" in page
    assert f'href="/ops/tenants/{acme.public_id}/">acme</a>' in page
    assert "<code" not in page


def test_a_keys_act_leads_to_its_maker_and_stands_in_the_file(owner, acme):
    ann = User.objects.get(email="op@pictor.example")
    named = by_key.set("shop")
    record(Subject("transfer", "17", acme.id), "balance.credit", actor=ann, ip="203.0.113.7",
           before={"available_micros": 0}, after={"available_micros": 5_000_000})  # fmt: skip
    by_key.reset(named)

    page = words_of(owner.get(PAGE, {"action": "balance.credit"}))
    (line,) = lines_of(owner.get(PAGE, {"action": "balance.credit", "format": "csv"}))

    assert 'href="?who=op%40pictor.example"' in page
    assert line["by"] == "op@pictor.example (key shop)"
    assert (line["before"], line["after"]) == ("available: $0.00", "available: $5.00")
    assert (line["id"], line["ip"]) == ("17", "203.0.113.7")


def test_each_filter_narrows_it_and_its_csv(owner, acme, other):
    ann = User.objects.get(email="op@pictor.example")
    set_title(tenant=acme, title="Acme Studio", actor=ann)
    set_title(tenant=other, title="Other Studio", actor="seed")

    renamed = "renamed the workspace"
    assert deeds(owner, action="tenant.title") == [renamed] * 2
    assert deeds(owner, action="tenant.title", who="op@pictor.example") == [renamed]
    assert deeds(owner, action="tenant.", tenant="acme") == [renamed, "created the workspace acme"]
    assert deeds(owner, about=other.public_id) == [renamed, "created the workspace other"]
    assert deeds(owner, action="api_key.", period="24h") == []
    assert deeds(owner, action="tenant.title", period="2020-01-01..2020-01-02") == []


@pytest.mark.usefixtures("acme")
def test_filters_that_leave_nothing_say_so(owner):
    assert "No events match" in words_of(owner.get(PAGE, {"who": "nobody"}))


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "query", [{"action": "no.such"}, {"period": "never"}, {"after": "x"}, {"who": "\0"}]
)
def test_an_unreadable_filter_is_ignored(owner, query):
    answer = owner.get(PAGE, query)

    assert answer.status_code == 200
    assert "created the workspace acme" in words_of(answer)


def test_every_choice_is_a_filter_and_every_action_a_choice(owner, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_1"  # for those of payments by card
    choices = [action for _, group in CHOICES for action, _ in group]

    page = words_of(owner.get(PAGE))

    assert [choice for choice in choices if f'<option value="{choice}"' not in page] == []
    taken = [Search(AUDIT, {"action": choice}).meant["action"] for choice in choices]
    assert taken == choices
    assert sorted(set(WORDS) - set(choices)) == []


@pytest.mark.usefixtures("acme")
def test_a_person_is_found_by_what_they_did_at_the_shell_too(owner):
    for email in ("op@pictor.example", "bob@pictor.example"):
        words = ("--prompt-retention-days", str(len(email)), "--erases", "--yes", "--as", email)
        call_command("do", "tenant.limits", "acme", *words, stdout=StringIO())

    page = words_of(owner.get(PAGE, {"who": "op@pictor.example"}))

    assert "as op@pictor.example)</a></strong> changed how long prompts are kept" in page
    assert page.count("changed how long prompts are kept</span>") == 1
    assert "as bob@" not in page
    assert len(deeds(owner, who="manage.py")) == 2


@pytest.mark.usefixtures("acme")
def test_the_shell_prints_sentences():
    ann = User.objects.create_user("ann@pictor.example", "correct horse")
    record(ann.audited, "user.password", actor=ann, ip="203.0.113.7")
    out = StringIO()

    call_command("list", "audit", "--who", "ann@pictor.example", stdout=out)

    assert "ann@pictor.example changed the password of ann@pictor.example" in out.getvalue()
    assert "  203.0.113.7" in out.getvalue()


def test_pages_follow_one_another_without_a_gap_where_times_are_equal(acme, monkeypatch):
    moment = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: moment)
    for number in range(7):
        record(acme.audited, "tenant.title", actor="seed", after={"title": str(number)})

    found, after = [], None
    while page := all_events(EventFilter(action="tenant.title"), after=after, limit=3):
        found += [one.after["title"] for one in page if one.after]
        after = page[-1].pk

    assert found == ["6", "5", "4", "3", "2", "1", "0"]


def test_the_next_page_keeps_the_filters(owner, acme, monkeypatch):
    monkeypatch.setattr("console.parts.listing.PAGE_ROWS", 2)
    for number in range(3):
        record(acme.audited, "tenant.title", actor="seed", after={"title": f"Name {number}"})

    first = words_of(owner.get(PAGE, {"action": "tenant.title"}))
    last = AuditEvent.objects.order_by("-id")[1].pk
    second = words_of(owner.get(PAGE, {"action": "tenant.title", "after": str(last)}))

    assert f'href="?action=tenant.title&amp;after={last}"' in first
    assert [f"Name {number}" in first for number in (2, 1, 0)] == [True, True, False]
    assert ["Name 0" in second, "Newest" in second] == [True, True]


def test_the_page_takes_few_queries(owner, acme, django_assert_max_num_queries):
    for number in range(60):
        about = Subject("user", str(User.objects.get().pk), acme.id)
        record(about, "member.set", actor="seed", after={"role": str(number)})
    query = {"tenant": "acme", "who": "seed", "period": "24h", "after": "999999999"}

    with django_assert_max_num_queries(12):
        answer = owner.get(PAGE, query)

    assert answer.status_code == 200
