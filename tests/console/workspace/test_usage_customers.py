"""Usage by end customer: its figures, pages, roles and days."""

from datetime import timedelta

import pytest

from accounts.models import Tenant
from generation.models import TaggedDay, TaggedUntil
from pictor.kit.words import clock
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url


def counted(
    tenant: Tenant, tag: str, captured: int, *, part: str = "tag", days_ago: int = 0
) -> None:
    TaggedDay.objects.create(
        tenant=tenant,
        day=(clock.now() - timedelta(days=days_ago)).date(),
        part=part,
        tag=tag,
        generations=3,
        failed=1,
        images=2,
        captured_micros=captured,
    )


@pytest.fixture
def tagged(acme, other):
    """Three parts of $1.00 in 30 days, what was before, and another workspace's tag."""
    counted(acme.tenant, "ann", 200_000)
    counted(acme.tenant, "ann", 300_000, days_ago=2)
    counted(acme.tenant, "<b>bob</b>", 400_000)
    counted(acme.tenant, "", 100_000, part="erased")
    counted(acme.tenant, "ann", 250_000, days_ago=59)
    counted(acme.tenant, "ann", 700_000, days_ago=60)
    counted(acme.tenant, "old", 900_000, days_ago=40)
    counted(other.tenant, "theirs", 100_000)
    TaggedUntil.objects.update_or_create(
        pk=1, defaults={"until": clock.now().replace(hour=9, minute=5)}
    )


def test_end_customers_are_listed_by_their_charge(acme, sign_in, tagged):
    page = words_of(sign_in(acme).get(url("customers", acme)))
    lines = lines_of(sign_in(acme).get(url("customers", acme) + "?format=csv"))

    names = ("tag", "part", "cost", "cost_before", "share")
    assert [tuple(line[name] for name in names) for line in lines] == [
        ("ann", "tag", "0.500000", "0.250000", "50.0000"),
        ("<b>bob</b>", "tag", "0.400000", "0.000000", "40.0000"),
        ("", "erased", "0.100000", "0.000000", "10.0000"),
        ("old", "tag", "0.000000", "0.900000", "0.0000"),
    ]
    changes = ("+$0.250000 (+100%)", "+$0.400000 (new)", "-$0.900000 (-100%)")
    assert [one for one in changes if one not in page] == []
    assert [lines[0][name] for name in ("images", "generations", "failed")] == ["4", "6", "2"]
    assert "?q=ann&amp;period=30d" in page
    assert "&lt;b&gt;bob&lt;/b&gt;" in page
    assert f"Counted up to {clock.now():%-d %b %Y}, 09:05 UTC." in page
    assert "theirs" not in page


@pytest.mark.parametrize(
    ("query", "tags"),
    [
        ("period=today", ["<b>bob</b>", "ann", ""]),
        ("period=90d", ["ann", "old", "<b>bob</b>", ""]),
    ],
)
def test_only_a_period_of_days_filters_it(acme, sign_in, tagged, query, tags):
    lines = lines_of(sign_in(acme).get(url("customers", acme) + f"?{query}&format=csv"))

    assert [line["tag"] for line in lines] == tags


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("period=24h", "Tags are counted by the day: choose days."),
        ("period=9y", "“9y” is no period."),
        ("model=dall-e-3", "“model” is no filter of this page."),
    ],
)
def test_other_filters_are_refused_in_a_sentence(acme, sign_in, tagged, query, why):
    assert why in words_of(sign_in(acme).get(url("customers", acme) + f"?{query}"))


def test_end_customers_come_in_pages(acme, sign_in, tagged, monkeypatch):
    monkeypatch.setattr("console.parts.listing.PAGE_ROWS", 2)
    client = sign_in(acme)

    first = words_of(client.get(url("customers", acme)))
    second = words_of(client.get(url("customers", acme) + "?after=2"))

    assert ("?after=2" in first, "Erased</" in first) == (True, False)
    assert ("?after=4" in second, "Erased" in second) == (False, True)


def test_who_may_not_read_what_callers_sent_sees_no_tag(acme, sign_in, tagged):
    client = sign_in(acme, "billing")

    assert client.get(url("customers", acme)).status_code == 403
    assert "End customer" not in words_of(client.get(url("usage", acme)))


@pytest.mark.parametrize("tag", ["x" * 201, "gen_01m8mj9rssf1sax2z3jn1vxen8"])
def test_a_tag_that_no_search_finds_has_no_link(acme, sign_in, tag):
    counted(acme.tenant, tag, 1)

    page = words_of(sign_in(acme).get(url("customers", acme)))

    assert tag in page
    assert "?q=" not in page


def test_the_usual_period_chosen_by_name_stays_in_links(acme, sign_in, tagged):
    assert "?q=ann&amp;period=30d" in words_of(
        sign_in(acme).get(url("customers", acme) + "?period=")
    )


def test_usage_leads_there_with_its_period(acme, sign_in, tagged):
    page = words_of(sign_in(acme).get(url("usage", acme) + "?period=yesterday"))

    assert f'{url("customers", acme)}?period=yesterday">End customer</a>' in page
