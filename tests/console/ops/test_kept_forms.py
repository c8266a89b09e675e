"""Forms that are shown again keep everything that was typed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from pytest_django import DjangoDbBlocker

from billing.models import PriceBook
from billing.selectors import book_in_force, rows_of
from billing.services.office.price_lists import create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book, set_prices
from generation.models import CostTable
from generation.oversight import incidents
from generation.oversight.alerts.rules import RuleValues, save_rule
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import words_of
from tests.console.ops.acting import digest_of
from tests.console.ops.channel_pages import FORM, ROUTE
from tests.making.bills import call, csv_file, matched, row
from tests.making.factories import ORIGIN, PayingCustomer, make_channel
from tests.stack.databases import written_once

LOW = f"{ORIGIN} 1024x1024 low"
CELL = {f"price {LOW}": "0.0777", "cell": LOW, "number": "0.123x", "which": "book", "how": "by"}
LONG = "k" * 201
HTMX = {"HX-Request": "true"}
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/ops/prices/{draft}/change/", CELL | {"model": ORIGIN}),
    ("/ops/prices/{draft}/change/", {f"price {LOW}": "0.07x", "q": "1024x1024"}),
    ("/ops/prices/{draft}/retype/", CELL | {"model": ORIGIN}),
    ("/ops/prices/{draft}/markup/", {"markup": "1.5x"}),
    ("/ops/prices/{draft}/publish/", {"reason": "because so", "seen": "x"}),
    ("/ops/prices/{past}/restore/", {"reason": "because so"}),
    ("/ops/prices/new/", {"name": "other", "rows": "model,size", "markup": "1.7", "tenant": "nix"}),
    ("/ops/prices/lists/new/", {"name": "none"}),
    ("/ops/prices/lists/{shared}/rename/", {"name": "none"}),
    ("/ops/tenants/{acme}/prices/own/", {"model": ORIGIN, LOW: "0.07x"}),
    ("/ops/do/tenant.credit/{acme}/", {"amount": "5x", "reason": "words", "note": "a note"}),
    (
        "/ops/do/tenant.create/",
        {"name": "new one", "owner": "nobody", "credit": "5x", "note": "noted"},
    ),
    ("/ops/do/tenant.limits/{acme}/", {"name": "acme 2", "requests_per_minute": "0"}),
    ("/ops/do/tenant.suspend/{acme}/", {"words": LONG, "note": "a note"}),
    ("/ops/do/key.create/{acme}/", {"name": LONG}),
    ("/ops/do/tenant.invite/{acme}/", {"email": "nobody", "role": "billing"}),
    ("/ops/tenants/{acme}/support/open/", {"reason": LONG}),
    ("/ops/channels/new/", {**FORM, "api_key": "", "weight": "0", f"{ROUTE}cost": "5x"}),
    ("/ops/channels/{channel}/costs/", {"rows": "model,size", "source": "a bill", "begins": "no"}),
    ("/ops/channels/{channel}/costs/", {"other": "{channel}", "factor": "1.5x"}),
    ("/ops/models/{model}/copy/", {"model": "A b"}),
    ("/ops/models/{model}/end/", {"sunset_at": "never", "deprecated_at": "2026-13-01"}),
    ("/ops/do/outage.credit/", {"since": "yesterday", "model": ORIGIN, "each": "5x"}),
    ("/ops/do/generation.credit/{made}/", {"amount": "5x", "note": "a note", "words": "sorry"}),
    ("/ops/do/generation.fail/{made}/", {"reason": LONG}),
    ("/ops/alerts/new/", {"name": LONG, "least": "5x", "mails": "a b", "url": "no"}),
    ("/ops/alerts/{rule}/edit/", {"name": LONG, "least_minutes": "-1", "repeat_hours": "x"}),
    ("/ops/incidents/new/", {"title": "All", "words": "k" * 2001, "next_update_at": "soon"}),
    ("/ops/incidents/plan/", {"title": "All", "words": "words", "begins_at": "soon"}),
    ("/ops/incidents/{incident}/update/", {"words": "k" * 2001}),
    ("/ops/incidents/{incident}/updates/{update}/", {"words": "k" * 2001}),
    ("/ops/system/stop/", {"what": "nothing", "reason": "because so", "words": "sorry"}),
    ("/ops/staff/add/", {"email": "nobody", "role": "finance"}),
    ("/ops/do/bill.take/{bill}/", {"line": "{line}", "reason": LONG}),
    ("/ops/do/bill.dispute/{bill}/", {"line": "{line}", "words": LONG}),
)
CONFIRMATIONS: tuple[tuple[str, dict[str, str], str], ...] = (
    (
        "/ops/do/tenant.credit/{acme}/",
        {"amount": "1001", "note": "a note", "seen": digest_of(1_001_000_000), "confirm": "987"},
        "confirm",
    ),
    ("/ops/channels/new/", {**FORM, "weight": "0", "cost_again": "987"}, "cost_again"),
    ("/ops/alerts/{rule}/confirm/", {"address": "a@b.example", "code": "987"}, "code"),
)


@pytest.fixture(scope="module")
def ids(sown: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, object]]:
    """One of everything that has a form."""
    yield from written_once(django_db_blocker, one_of_everything)


def one_of_everything() -> dict[str, object]:
    channel, acme = make_channel(cost_micros=1_000), PayingCustomer("acme")
    past = book_in_force(None, clock.now())
    assert past
    present = copied(past)
    raised = [replace(row, micros=Micros(row.micros + 1)) for row in rows_of(past)]
    set_prices(book=present, rows=raised, actor="test")
    publish_price_book(book=present, actor="test", now=clock.now())
    CostTable.objects.create(channel=channel, rows=[[ORIGIN, "any", "any", "fixed", 1_000]])
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.05")))
    wishes = RuleValues(name="All", mails=["a@b.example"], page="https://pictor.example/")
    said = incidents.IncidentWords("so", uuid4(), None, mails=False, page="https://pictor.example/")
    incident = incidents.begin(
        title="All",
        touched=incidents.parts()[:1],
        state=incidents.State.INVESTIGATING,
        post=said,
        now=clock.now(),
        actor="test",
    )
    return {
        "draft": copied(past).pk,
        "past": past.pk,
        "shared": create_price_list(name="Resellers", actor="test").pk,
        "acme": acme.tenant.public_id,
        "channel": channel.pk,
        "model": ORIGIN,
        "made": acme.generation().public_id,
        "rule": save_rule(values=wishes, now=clock.now(), actor="test").rule.pk,
        "incident": incident.pk,
        "update": incident.updates.get().pk,
        "bill": bill.pk,
        "line": bill.lines.earliest("id").pk,
    }


def copied(book: PriceBook) -> PriceBook:
    return draft_price_book(name=book.name, effective_from=clock.now(), actor="test")


@pytest.mark.parametrize(("path", "form"), FORMS)
def test_a_refused_form_keeps_everything_typed(owner, ids, path, form):
    said = {name: value.format(**ids) if "{" in value else value for name, value in form.items()}

    answer = owner.post(path.format(**ids), {"once": str(uuid4()), **said})

    page = answer.content.decode()
    assert answer.status_code == (200 if "retype" in path else 422)
    assert [value for value in said.values() if value not in page] == []


@pytest.mark.parametrize(("path", "form", "field"), CONFIRMATIONS)
def test_a_confirmation_is_typed_anew_after_a_refusal(owner, ids, path, form, field):
    answer = owner.post(path.format(**ids), {"once": str(uuid4()), **form})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'name="{field}"' in page
    assert f'value="{form[field]}"' not in page


def test_a_reason_stays_when_a_book_that_takes_over_is_ticked(owner, ids):
    later = copied(PriceBook.objects.get(pk=ids["past"]))
    publish_price_book(
        book=later, actor="test", now=clock.now(), begins=clock.now() + timedelta(days=1)
    )
    said = {"withdraw": str(later.pk), "reason": "because so"}

    page = words_of(owner.get(f"/ops/prices/{ids['past']}/restore/", said, headers=HTMX))

    assert 'hx-include="this, #reason"' in page
    assert f'value="{later.pk}" checked' in page
    assert 'name="reason" value="because so"' in page


@pytest.mark.parametrize("begins", ["2100-01-01 00:00:00 UTC", "tomorrow"])
def test_a_reason_stays_when_another_date_is_looked_at(owner, ids, begins):
    said = {"begins": begins, "reason": "because so"}

    answer = owner.get(f"/ops/prices/{ids['draft']}/review/", said, headers=HTMX)
    page = words_of(answer)

    assert 'hx-include="#reason"' in page
    assert f'name="begins" value="{begins}"' in page
    assert 'name="reason" value="because so"' in page
    pushed = urlencode({"begins": begins})
    assert answer["HX-Push-Url"] == f"/ops/prices/{ids['draft']}/review/?{pushed}"
