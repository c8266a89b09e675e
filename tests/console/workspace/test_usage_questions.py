"""Questions of usage: periods, filters, two splits, and why spending changed."""

import re
from datetime import timedelta
from html import unescape

import pytest

from accounts.models import ApiKey
from billing.models import UsageRollup
from console.parts.periods import period_of
from pictor.kit.words import clock
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url


def test_failures_are_split_by_their_cause(acme, sign_in, ended):
    for _ in range(2):
        ended(acme, clock.now().isoformat(), fails=True)
    ended(acme, clock.now().isoformat())

    page = words_of(sign_in(acme).get(url("usage", acme) + "?split=error&show=failed"))

    (cause,) = re.findall(r'error=(\w+)&amp;period=30d&amp;status=failed">(\d+)</a>', page)
    assert cause == ("generation_timeout", "2")
    assert "Did not fail" in page


def test_keys_of_others_are_one_row_for_a_developer(acme, sign_in, used, delivered):
    client = sign_in(acme, "developer")
    ApiKey.objects.filter(id=acme.key.id).update(created_by=None)

    page = words_of(client.get(url("usage", acme) + "?split=key"))
    filtered = words_of(client.get(url("usage", acme) + f"?key={acme.key.public_id}"))

    assert "Other keys" in page
    assert acme.key.public_id not in page
    assert "means nothing as “key”" in filtered
    assert "$0.18536" in filtered


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("first=2026-11-20&last=2026-11-01", "The first day, 2026-11-20, is after the last"),
        ("first=2024-01-01&last=2025-06-01", "At most 400 days are summed at once."),
        ("period=2026-11-01T00Z..2026-11-20T00Z", "Hours are shown for 7 days at most"),
        ("first=2026-02-30", "“2026-02-30” is not a day"),
        ("key=key_00000000000000000000000000", "means nothing as “key”"),
        ("split=channel", "“channel” means nothing as “split”"),
        ("by=model", "“model” means nothing as “by”"),
        ("error=teapot", "“teapot” means nothing as “error”"),
        ("per=week", "“week” means nothing as “per”"),
        ("q=fox", "“q” is no filter of this page."),
        ("after=x", "“x” means nothing as “after”"),
    ],
)
def test_what_means_nothing_is_said_and_the_rest_is_kept(acme, sign_in, used, query, why):
    page = words_of(sign_in(acme).get(url("usage", acme) + f"?{query}&model=dall-e-3"))

    assert why in page
    assert "$0.08" in page
    assert "$0.18536" not in page


def test_all_filters_hold_together_and_stay_in_every_link(acme, sign_in, used, ended):
    ended(acme, clock.now().isoformat(), fails=True)
    query = f"model=gpt-image-2-origin&key={acme.key.public_id}&tier=1K&status=failed"

    page = words_of(sign_in(acme).get(url("usage", acme) + f"?{query}&error=generation_timeout"))

    assert ">1 of 1, never charged: why<" in page
    kept = [
        link for link in re.findall(r'class="chip" href="([^"]+)"', page) if "split=key" in link
    ]
    assert len(kept) == 1
    for word in query.split("&"):
        assert word in unescape(kept[0])
    assert "error=generation_timeout" in kept[0]


def test_a_past_day_is_shown_by_the_hour_and_has_ended(acme, sign_in, ended):
    first = period_of("yesterday", clock.now(), acme.tenant.zone).start
    ended(acme, (first + timedelta(hours=5)).isoformat())
    ended(acme, (first + timedelta(hours=5)).isoformat())
    ended(acme, (first - timedelta(hours=1)).isoformat())

    page = words_of(sign_in(acme).get(url("usage", acme) + "?period=yesterday"))

    assert "Spend by hour" in page
    assert "$0.10536 in all, $0.10536 at the peak at 05:00" in page
    assert f"to the end of {first:%-d %b %Y}" in page
    assert "+100% on the period before" in page
    assert "so far" not in page


def test_a_long_period_has_its_table_for_those_who_ask(acme, sign_in, used):
    client = sign_in(acme)

    page = words_of(client.get(url("usage", acme) + "?period=90d"))
    table = words_of(client.get(url("usage", acme) + "?period=90d&table=1"))

    assert page.count('<a href="?period=90d&amp;table=1">Show as a table</a>') == 2
    assert '<summary class="text-muted">Show as a table</summary>' in table
    assert f"{clock.now():%-d %b %Y}</a>" in table


def test_two_splits_are_a_row_for_each_pair(acme, sign_in, used):
    client = sign_in(acme)

    page = words_of(client.get(url("usage", acme) + "?split=model&by=tier"))
    lines = lines_of(client.get(url("usage", acme) + "?split=model&by=tier&format=csv"))

    assert "By model and size tier" in page
    assert "model=gpt-image-2-origin&amp;tier=1K&amp;period=30d" in page
    assert [(line["model"], line["tier"], line["images"], line["cost"]) for line in lines] == [
        ("dall-e-3", "base", "1", "0.080000"),
        ("gpt-image-2-origin", "1K", "2", "0.105360"),
    ]


def test_rows_come_in_pages_and_the_csv_has_all(acme, sign_in, used, monkeypatch):
    monkeypatch.setattr("console.workspace.usage.pages.ROWS", 1)
    client = sign_in(acme)

    first = words_of(client.get(url("usage", acme)))
    second = words_of(client.get(url("usage", acme) + "?after=1"))

    table = 'aria-label="Usage by model"'
    assert ("gpt-image-2-origin</a>" in first.partition(table)[2], "after=1" in first) == (
        True,
        True,
    )
    assert ("dall-e-3</a>" in second.partition(table)[2], "after=2" in second) == (True, False)
    assert len(lines_of(client.get(url("usage", acme) + "?format=csv"))) == 2


def test_the_csv_says_with_what_requests_failed(acme, sign_in, used, ended):
    for _ in range(2):
        ended(acme, clock.now().isoformat(), fails=True)

    lines = lines_of(sign_in(acme).get(url("usage", acme) + "?format=csv"))

    assert [(line["model"], line["failed"], line["errors"]) for line in lines] == [
        ("dall-e-3", "0", ""),
        ("gpt-image-2-origin", "2", "generation_timeout 2"),
    ]


def test_a_rise_is_taken_apart_into_volume_price_and_mix(acme, sign_in, ended):
    now = clock.now()
    ended(acme, (now - timedelta(hours=30)).isoformat())
    for _ in range(3):
        ended(acme, (now - timedelta(hours=2)).isoformat())
    UsageRollup.objects.filter(hour__gte=now - timedelta(hours=20)).update(captured_micros=200_000)

    page = words_of(sign_in(acme).get(url("usage", acme) + "?period=24h&show=why"))

    assert (
        "Spend rose: <b>+$0.14732</b>, of it +$0.10536 by volume, +$0.04196 by price, $0.00" in page
    )
    assert "+$0.147320 (+280%)" in page  # the row of its model
