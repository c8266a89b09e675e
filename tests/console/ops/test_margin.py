"""Margins: rows, links, filters, and mistyped values."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Tenant
from accounts.services.office.tenants import create_tenant
from billing.models import FIGURES, SoldDay, SoldUntil
from console.ops.now.kinds import kind_of
from generation.models import Channel, Condition
from pictor.kit.words import clock
from tests.console.answers import lines_of, said_by, words_of

NOW = datetime(2026, 11, 26, 10, 14, 5, tzinfo=UTC)
DAY = timedelta(days=1)
MARGIN = "/ops/margin/"


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def acme(db: None) -> Tenant:
    return create_tenant(name="acme", actor="test")


@pytest.fixture
def other(db: None) -> Tenant:
    return create_tenant(name="other", actor="test")


def sold(
    tenant: Tenant | None,
    model: str = "gpt-image-2",
    *,
    asked: str = "1024x1024",
    quality: str = "low",
    channel: str = "one",
    days_ago: int = 0,
    is_demo: bool = False,
    **figures: int,
) -> None:
    """A sale of one image for $5 that cost $2, unless figures say otherwise."""
    usual = {"images": 1, "captured_micros": 5_000_000, "cost_micros": 2_000_000}
    SoldDay.objects.create(
        tenant=tenant, day=NOW.date() - days_ago * DAY, is_demo=is_demo, model=model, asked=asked,
        delivered=asked, quality=quality, channel=channel,
        **{**dict.fromkeys(FIGURES, 0), **usual, **figures},
    )  # fmt: skip


def credited(tenant: Tenant, micros: int) -> None:
    sold(
        tenant, "", asked="", quality="", channel="", images=0, captured_micros=0, cost_micros=0,
        credited_micros=micros,
    )  # fmt: skip


def names(answer: Any) -> list[str]:
    return [line.name for line in answer.context["lines"]]


def tenant_form_of(answer: Any) -> str:
    """Return the form that takes a tenant."""
    (form,) = re.findall(r'<form [^>]*aria-label="Tenant".*?</form>', words_of(answer))
    return str(form)


def figures(answer: Any) -> Sequence[tuple[str, int, int, int, int, int]]:
    return [
        (line.name, one.revenue, one.cost, one.losses, one.credited, one.margin)
        for line in answer.context["lines"]
        for one in [line.one]
    ]


@pytest.fixture
def two(acme: Tenant, other: Tenant) -> None:
    """Acme earns us $2.50 of $5; other loses us $1 of $3."""
    sold(acme, refunded_micros=100_000, corrections_micros=400_000)
    sold(other, "dall-e-2", channel="two", captured_micros=3_000_000, losses_micros=2_000_000)
    SoldUntil.objects.create(pk=SoldUntil.ROW, until=NOW - timedelta(seconds=65))


def test_the_largest_loss_comes_first_and_totals_cover_all(owner, two):
    answer = owner.get(MARGIN)

    assert figures(answer) == [
        ("other", 3_000_000, 2_000_000, 2_000_000, 0, -1_000_000),
        ("acme", 4_900_000, 2_400_000, 0, 0, 2_500_000),
    ]
    words = said_by(answer)
    assert "Total 2 $7.90 $4.40 $2.00 $0.00 $1.50 19.0" in words
    assert "Until 10:13:00 UTC every figure is" in words


def test_a_tenant_stands_under_the_operators_name_on_the_page_and_in_the_csv(owner, two):
    Tenant.objects.update(title="Rabbit Labs")

    lines = lines_of(owner.get(f"{MARGIN}?format=csv"))

    assert names(owner.get(MARGIN)) == ["other", "acme"]
    assert {line["tenant"] for line in lines} == {"other", "acme"}


@pytest.mark.parametrize(
    ("by", "found"),
    [
        ("tenant", ["other", "acme"]),
        ("model", ["dall-e-2", "gpt-image-2"]),
        ("channel", ["two", "one"]),
        ("cell", ["dall-e-2 1024x1024 low", "gpt-image-2 1024x1024 low"]),
        ("nonsense", ["other", "acme"]),
    ],
)
def test_every_grouping_has_the_same_total_margin(owner, two, by, found):
    answer = owner.get(MARGIN, {"by": by})

    assert names(answer) == found
    assert answer.context["total"].margin == 1_500_000


def test_the_number_of_queries_does_not_grow_with_tenants(owner, db, django_assert_max_num_queries):
    for number in range(60):
        sold(create_tenant(name=f"tenant {number}", actor="test"))

    for query in ({}, {"by": "channel", "channel": "one"}, {"by": "cell", "tenant": "tenant 7"}):
        with django_assert_max_num_queries(12):
            owner.get(MARGIN, query)

    pages = [owner.get(MARGIN, {"from": first}).context for first in ("", "50", "60", "x")]
    assert [len(page["lines"]) for page in pages] == [50, 10, 50, 50]
    assert (pages[0]["more"], pages[1]["first"]) == ("?from=50", "?")


def test_credits_and_lines_of_bills_are_rows_of_their_own(owner, acme):
    sold(acme)
    credited(acme, 300_000)
    sold(None, "", asked="", quality="", channel="", images=0, captured_micros=0, cost_micros=0,
         corrections_micros=50_000)  # fmt: skip

    by_tenant, by_model = owner.get(MARGIN), owner.get(MARGIN, {"by": "model"})

    assert figures(by_tenant) == [
        ("No tenant", 0, 50_000, 0, 0, -50_000),
        ("acme", 5_000_000, 2_000_000, 0, 300_000, 2_700_000),
    ]
    assert figures(by_model) == [
        ("No model", 0, 50_000, 0, 300_000, -350_000),
        ("gpt-image-2", 5_000_000, 2_000_000, 0, 0, 3_000_000),
    ]
    assert by_model.context["lines"][0].narrower == ""


def test_figures_of_a_tenant_lead_to_its_generations_and_credits(owner, acme):
    sold(acme, losses_micros=1)
    credited(acme, 1)

    (line,) = owner.get(MARGIN).context["lines"]

    tenant = acme.public_id
    assert line.narrower == f"?tenant={tenant}&by=model"
    assert line.made == f"/ops/generations/?tenant={tenant}&period=30d"
    assert line.lost == f"/ops/generations/?tenant={tenant}&loss=1&period=30d"
    assert line.given == f"/ops/ledger/?kind=credit&tenant={tenant}&period=30d"


@pytest.mark.parametrize(
    ("query", "narrower", "made"),
    [
        ("by=model", "?model=gpt-image-2&by=cell", "?model=gpt-image-2&by=tenant"),
        ("by=channel", "?channel=one&by=cell", "?channel=one&by=tenant"),
        (
            "by=cell",
            "?model=gpt-image-2&size=1024x1024&quality=low&by=tenant",
            "?model=gpt-image-2&size=1024x1024&quality=low&by=tenant",
        ),
        (
            "by=model&period=today",
            "?model=gpt-image-2&by=cell&period=today",
            "/ops/generations/?model=gpt-image-2&period=2026-11-26",
        ),
        (
            "by=model&tenant=acme&period=7d",
            "?model=gpt-image-2&by=cell&tenant={tenant}&period=7d",
            "/ops/generations/?tenant={tenant}&model=gpt-image-2&period=7d",
        ),
        (
            "by=cell&tenant=acme&channel=one&mode=demo",
            "?channel=one&tenant={tenant}&model=gpt-image-2&size=1024x1024&quality=low&by=channel&mode=demo",
            "/ops/generations/?tenant={tenant}&model=gpt-image-2&size=1024x1024&quality=low&channel=one&period=30d&mode=demo",
        ),
    ],
)
def test_figures_lead_to_generations_where_these_can_be_listed(owner, acme, query, narrower, made):
    sold(acme, is_demo="demo" in query)

    (line,) = owner.get(f"{MARGIN}?{query}").context["lines"]

    def sorted_query(link: str) -> tuple[str, list[str]]:
        path, _, words = link.format(tenant=acme.public_id).partition("?")
        return path, sorted(words.split("&"))

    assert sorted_query(line.narrower) == sorted_query(narrower)
    assert sorted_query(line.made) == sorted_query(made)


def test_a_link_to_something_narrower_shows_the_same_money(owner, two):
    line = owner.get(MARGIN).context["lines"][0]

    answer = owner.get(MARGIN + line.narrower)

    assert names(answer) == ["dall-e-2"]
    assert answer.context["total"].margin == line.one.margin
    assert "Tenant: other" in said_by(answer)
    assert "Open the tenant" in said_by(answer)


def test_a_tenant_is_typed_and_the_other_filters_stay(owner, two):
    form = tenant_form_of(owner.get(MARGIN, {"by": "model", "period": "7d", "mode": "demo"}))

    assert '<input type="hidden" name="by" value="model">' in form
    assert '<input type="hidden" name="period" value="7d">' in form
    assert '<input type="hidden" name="mode" value="demo">' in form


def test_every_figure_of_a_bar_is_that_days(owner, acme):
    sold(acme, days_ago=3)
    sold(acme, days_ago=1)

    buckets = owner.get(MARGIN).context["buckets"]

    assert [(row.start, link) for row, link in buckets] == [
        (date(2026, 11, 23), "?period=2026-11-23"),
        (date(2026, 11, 25), "?period=2026-11-25"),
    ]


@pytest.mark.parametrize(
    ("per", "found"),
    [
        ("week", [(date(2026, 10, 26), "?per=week&period=2026-10-28..2026-11-01"),
                  (date(2026, 11, 23), "?per=week&period=2026-11-23..2026-11-26")]),
        ("month", [(date(2026, 10, 1), "?per=month&period=2026-10-28..2026-10-31"),
                   (date(2026, 11, 1), "?per=month&period=2026-11-01..2026-11-26")]),
    ],
)  # fmt: skip
def test_weeks_begin_on_mondays_and_lead_to_their_days_in_the_period(owner, acme, per, found):
    for days in (0, 1, 29, 30):
        sold(acme, days_ago=days)

    answer = owner.get(MARGIN, {"per": per})

    assert [(row.start, link) for row, link in answer.context["buckets"]] == found
    assert [row.images for row, _ in answer.context["buckets"]] == [1, 2]
    assert len(answer.context["chart"].buckets) == {"week": 5, "month": 2}[per]


def test_the_period_before_is_said(owner, acme):
    sold(acme, days_ago=30, captured_micros=1_230_000)
    sold(acme)

    assert "$5.00 1 image $1.23 in the whole period before" in said_by(owner.get(MARGIN))


def test_live_and_demo_are_never_together_and_tests_have_none(owner, acme):
    sold(acme)
    sold(acme, is_demo=True, captured_micros=7_000_000)

    live, demo, test = (owner.get(MARGIN, {"mode": mode}) for mode in ("live", "demo", "test"))

    assert [page.context["total"].revenue for page in (live, demo, test)] == [
        5_000_000, 7_000_000, 0,
    ]  # fmt: skip
    assert "Tests move no money" in said_by(test)
    assert "Download CSV" not in said_by(test)


def test_a_period_without_money_says_so(owner, db):
    assert "No money moved in this time Charges" in said_by(owner.get(MARGIN))
    assert "No money moved in this time Clear filters" in said_by(owner.get(MARGIN, {"model": "x"}))
    assert "history is written when it is seeded" in said_by(owner.get(MARGIN, {"mode": "demo"}))


def test_only_what_loses_or_has_an_unknown_cost_can_be_shown(owner, two, acme):
    sold(acme, "gpt-image-1", unknown_images=1, cost_micros=0)

    losing = owner.get(MARGIN, {"by": "model", "show": "losing"})
    unknown = owner.get(MARGIN, {"by": "model", "show": "unknown"})

    assert (names(losing), names(unknown)) == (["dall-e-2"], ["gpt-image-1"])
    assert "All 3 Losing money 1 Cost unknown 1" in said_by(losing)
    assert losing.context["total"].margin == 1_500_000 + 5_000_000
    assert "cost of 1 unknown" in said_by(unknown)
    (line,) = unknown.context["lines"]
    assert (line.one.percent, line.unknown) == (None, "?by=channel&show=unknown&model=gpt-image-1")


def test_an_unknown_cost_of_a_channel_leads_to_its_costs(owner, acme):
    channel = Channel.objects.create(name="one", kind="openai", base_url="https://a.example/v1")
    sold(acme, unknown_images=1)

    answer = owner.get(MARGIN, {"by": "channel", "channel": "one"})

    assert answer.context["lines"][0].unknown == f"/ops/channels/{channel.pk}/?tab=cost"
    assert ("Open the channel", f"/ops/channels/{channel.pk}/") in answer.context["leads"]


def test_margins_of_a_model_lead_to_its_prices(owner, acme):
    sold(acme)

    (lead,) = owner.get(MARGIN, {"model": "gpt-image-2"}).context["leads"]

    assert lead == ("Open the prices", "/ops/prices/current/?model=gpt-image-2")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("first=2026-02-30&last=2026-03-01", "“2026-02-30” is not a day, such as 2026-11-01."),
        ("first=2026-11-02&last=2026-11-01", "The first day, 2026-11-02, is after the last"),
        ("first=2024-01-01&last=2026-11-01", "At most 400 days are summed at once."),
        ("first=1999-12-31&last=2000-01-02", "“1999-12-31” is not a day"),
        ("period=24h", "“24h” is not a day"),
        ("period=tomorrow", "“tomorrow” is not a day"),
        ("period=2026-11-01T10Z", "“2026-11-01T10Z” is not a day"),
        ("period=2026-11-01..", "“” is not a day"),
        ("period=2026-11-01..2026-11-02..2026-11-03", "“2026-11-02..2026-11-03” is not a day"),
        ("tenant=nobody", "No tenant has the name or id “nobody”."),
        ("tenant=%00", "No money moved in this time"),
        ("first=%00", "No money moved in this time"),
    ],
)
def test_a_mistyped_filter_is_explained(owner, db, query, why):
    answer = owner.get(f"{MARGIN}?{query}")

    assert why in said_by(answer)


@pytest.mark.parametrize("first", ["2026-11-02", "2024-01-01"])
def test_days_that_are_no_period_stay_in_the_form_and_the_heading(owner, db, first):
    answer = owner.get(MARGIN, {"first": first, "last": "2026-11-01"})

    page = answer.content.decode()
    assert f"{first} to 2026-11-01, UTC: revenue minus cost" in said_by(answer)
    assert f'id="first" name="first" value="{first}"' in " ".join(page.split())
    assert 'id="last" name="last" value="2026-11-01"' in " ".join(page.split())
    assert [chip.words for chip in answer.context["periods"] if chip.is_chosen] == []


def test_a_single_typed_day_is_the_whole_period(owner, acme):
    sold(acme, days_ago=1)

    answer = owner.get(MARGIN, {"first": "2026-11-25"})

    assert answer.context["query"].query["period"] == "2026-11-25"
    assert answer.context["total"].images == 1


def test_the_file_has_the_same_money_by_group_and_day(owner, two, acme):
    sold(acme, days_ago=1)

    rows = lines_of(owner.get(MARGIN, {"format": "csv"}))

    assert [(row["from"], row["tenant"], row["revenue"], row["margin"]) for row in rows] == [
        ("2026-11-25", "acme", "5.000000", "3.000000"),
        ("2026-11-26", "acme", "4.900000", "2.500000"),
        ("2026-11-26", "other", "3.000000", "-1.000000"),
    ]
    assert rows[0]["tenant_id"] == acme.public_id
    assert (rows[0]["percent"], rows[0]["currency"]) == ("60.0", "USD")


def test_the_file_says_the_row_of_a_price_in_columns(owner, two):
    query = {"format": "csv", "by": "cell", "per": "month", "model": "dall-e-2"}

    (row,) = lines_of(owner.get(MARGIN, query))

    assert (row["from"], row["model"], row["size"], row["quality"]) == (
        "2026-11-01", "dall-e-2", "1024x1024", "low",
    )  # fmt: skip


def test_the_file_has_only_the_groups_that_the_page_shows(owner, two, acme):
    sold(acme, "gpt-image-1", unknown_images=1, cost_micros=0)
    query = {"format": "csv", "by": "model"}

    losing = lines_of(owner.get(MARGIN, {**query, "show": "losing"}))
    unknown = lines_of(owner.get(MARGIN, {**query, "show": "unknown"}))

    assert [(row["model"], row["margin"]) for row in losing] == [("dall-e-2", "-1.000000")]
    assert [row["model"] for row in unknown] == ["gpt-image-1"]


def test_the_file_has_every_day_of_a_group_that_lost_in_the_whole_time(owner, acme, other):
    sold(other, days_ago=1)
    sold(acme, days_ago=1)
    sold(acme, cost_micros=9_000_000)

    rows = lines_of(owner.get(MARGIN, {"format": "csv", "show": "losing"}))

    assert [(row["from"], row["tenant"], row["margin"]) for row in rows] == [
        ("2026-11-25", "acme", "3.000000"),
        ("2026-11-26", "acme", "-4.000000"),
    ]


def test_no_file_is_made_of_what_is_typed_wrong(owner, db):
    answer = owner.get(MARGIN, {"format": "csv", "tenant": "nobody"})

    assert answer.status_code == 400
    assert "No tenant has the name or id “nobody”." in said_by(answer)


@pytest.mark.parametrize(
    ("about", "query"),
    [
        (
            "gpt-image-2 1024x1024 low on acme on sea",
            "model=gpt-image-2&size=1024x1024&quality=low&channel=acme+on+sea&period=7d",
        ),
        (
            "gpt-image-2 auto as 2880x2880 high on one for ten_1",
            "model=gpt-image-2&size=auto&quality=high&channel=one&tenant=ten_1&period=7d",
        ),
    ],
)
def test_a_cell_below_cost_leads_to_its_margin(about, query):
    one = Condition(kind="sold_below_cost", object=about)
    kind = kind_of(one)

    assert kind.way
    assert (kind.button, kind.way(one)) == ("See margin", f"{MARGIN}?{query}")


def test_margins_elsewhere_lead_here(owner, acme):
    sold(acme)

    overview = owner.get("/ops/").content.decode()
    tenants = owner.get("/ops/tenants/").content.decode()
    tenant = owner.get(f"/ops/tenants/{acme.public_id}/").content.decode()

    assert f'href="{MARGIN}?period=today"' in overview
    link = f'href="{MARGIN}?by=model&amp;tenant={acme.public_id}"'
    assert (link in tenants, link in tenant) == (True, True)
