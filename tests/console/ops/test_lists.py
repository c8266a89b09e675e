"""Lists that are declared once: uncharged costs, and the lives of image workers."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.services.office.tenants import create_tenant
from billing.models import UnchargedCost
from generation.models import Worker
from pictor.kit.words import clock
from tests.console.answers import lines_of, said_by

COSTS, LIVES = "/ops/margin/uncharged/", "/ops/system/workers/"


@pytest.fixture
def costs(db):
    """Two tenants' costs of two days; the id of each row by its micros."""
    today = clock.now().date()
    acme, zoo = (create_tenant(name=name, actor="test") for name in ("acme", "zoo"))
    rows = [
        (acme, today - timedelta(days=1), "unknown", 3, 90_000_000),
        (acme, today, "wrong_size", 2, 82_680),
        (zoo, today, "wrong_size", 1, 5_000_000),
        (zoo, today, "unknown", 1, 82_680),
    ]
    for tenant, day, loss, attempts, micros in rows:
        UnchargedCost.objects.create(
            tenant=tenant, day=day, loss=loss, attempts=attempts, cost_micros=micros
        )
    return acme


def test_uncharged_costs_are_listed_by_day_the_dearest_first(owner, costs):
    page = said_by(owner.get(COSTS))
    lines = lines_of(owner.get(COSTS, {"format": "csv"}))

    assert [
        (line["tenant"], line["reason"], line["calls"], line["cost_usd"]) for line in lines
    ] == [
        ("zoo", "wrong_size", "1", "5.000000"),
        ("acme", "wrong_size", "2", "0.082680"),
        ("zoo", "unknown", "1", "0.082680"),
        ("acme", "unknown", "3", "90.000000"),
    ]
    assert "$0.08268" in page
    assert page.index("$5.00") < page.index("$0.08268") < page.index("$90.00")


def test_a_page_has_fifty_rows(owner, costs):
    days = [clock.now().date() - timedelta(days=number) for number in range(2, 49)]
    for day in days:
        UnchargedCost.objects.create(
            tenant=costs, day=day, loss="unknown", attempts=1, cost_micros=1
        )

    page = owner.get(COSTS)

    assert len(days) + 4 == 51
    assert len(page.context["rows"]) == 50
    assert len(owner.get(COSTS + page.context["older"]).context["rows"]) == 1


def test_a_list_is_filtered_and_each_filter_can_be_taken_away(owner, costs):
    answer = owner.get(COSTS, {"tenant": "acme", "reason": "wrong_size"})
    lines = lines_of(owner.get(COSTS, {"tenant": costs.public_id, "format": "csv"}))

    assert [row.cells[4][1].text for row in answer.context["rows"]] == ["$0.08268"]
    assert answer.context["search"].chips == [
        ("Tenant", "acme", "?reason=wrong_size"),
        ("Reason", "Wrong size", "?tenant=acme"),
    ]
    assert [line["cost_usd"] for line in lines] == ["0.082680", "90.000000"]


def test_what_a_list_does_not_understand_is_said_and_the_rest_holds(owner, costs):
    answer = owner.get(COSTS, {"tenant": "nobody", "reason": "unknown", "after": "x"})

    page = said_by(answer)
    assert "Not understood, so not applied: No tenant has the name or id “nobody”." in page
    assert [row.cells[4][1].text for row in answer.context["rows"]] == ["$0.08268", "$90.00"]


def test_a_list_whose_filters_leave_nothing_says_so(owner):
    assert "No uncharged costs match" in said_by(owner.get(COSTS, {"reason": "unknown"}))


def test_lives_of_workers_say_how_each_ended(owner):
    now = clock.now()
    Worker.objects.create(host="first", pid=1, stopped_at=now, seen_at=now)
    Worker.objects.create(host="second", pid=2, seen_at=now - timedelta(hours=1))
    Worker.objects.create(host="third", pid=3, seen_at=now, version="0.3.0")

    lines = lines_of(owner.get(LIVES, {"format": "csv"}))

    assert [(line["host"], line["pid"], line["state"]) for line in lines] == [
        ("third", "3", "At work"),
        ("second", "2", "Fell silent"),
        ("first", "1", "Ended"),
    ]
    assert "0.2.0 or older" in said_by(owner.get(LIVES))


def listed(*words: str) -> str:
    """Output of `manage.py list`."""
    out = StringIO()
    call_command("list", *words, stdout=out)
    return out.getvalue()


def test_the_shell_prints_the_first_rows_as_a_table(costs, monkeypatch):
    monkeypatch.setattr("pictor.management.commands.list.PAGE_ROWS", 2)

    head, first, _, more = listed("uncharged-costs").splitlines()

    assert head.split() == ["Day", "Tenant", "Reason", "Calls", "Cost"]
    assert first.split()[3:] == ["zoo", "Wrong", "size", "1", "$5.00"]
    assert more == "There are more: --csv and --json print all of them."
