"""The usage dashboard: its figures are the rollups', and its links lead to their rows."""

import re
from collections import Counter
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey
from billing.latency import bucket_of, quantile
from billing.models import UsageRollup
from billing.selectors.office.balances import available_to
from console.amounts import amount, price
from console.parts.charts import REST
from console.parts.periods import period_of
from console.templatetags.console import took
from console.workspace.usage.usage_rows import PeriodTotals
from generation.models import Generation
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url


def test_figures_cover_only_this_workspace(acme, sign_in, used):
    page = words_of(sign_in(acme).get(url("usage", acme)))

    assert "$0.18536" in page  # 2 x 0.05268 and 0.08
    assert "0 of 2, never charged" in page
    assert "nothing in the period before" in page
    assert "$0.061787 each" in page


@pytest.mark.parametrize(("images", "each"), [(0, None), (2, 3), (3, 2)])
def test_an_images_average_is_rounded_half_up(images, each):
    totals = PeriodTotals(
        generations=1, images=images, captured=Micros(5), failed=0, p50=None, p95=None
    )

    assert totals.each == each


def test_the_bar_of_what_has_not_ended_is_hatched(acme, sign_in, ended):
    yesterday = clock.now() - timedelta(days=1)
    ended(acme, yesterday.isoformat())
    client, page = sign_in(acme), url("usage", acme)
    before = words_of(client.get(page))
    ended(acme, (clock.now() - timedelta(seconds=1)).isoformat(), fails=True)
    ended(acme, clock.now().isoformat())

    now = words_of(client.get(page))

    assert (before.count(", so far \N{MIDDLE DOT}"), before.count('fill="url(#so-far)"')) == (0, 0)
    assert (now.count(", so far \N{MIDDLE DOT}"), now.count('fill="url(#so-far)"')) == (1, 1)
    assert f'{clock.now():%-d %b %Y}</a> <span class="text-muted">so far</span>' in now


def test_every_figure_is_held_against_the_period_before(acme, sign_in, ended):
    now = clock.now()
    for seconds in (4, 4):
        ended(acme, (now - timedelta(hours=30)).isoformat(), seconds=seconds)
    for seconds in (8, 8, 8):
        ended(acme, (now - timedelta(hours=2)).isoformat(), seconds=seconds)
    ended(acme, (now - timedelta(hours=2)).isoformat(), fails=True)
    ended(acme, (now - timedelta(hours=50)).isoformat(), fails=True)  # in neither period

    page = words_of(sign_in(acme).get(url("usage", acme) + "?period=24h"))

    found = re.findall(r">([^<>]+) on the period before<", page)
    assert (found[:2], found[3]) == (["+50%", "+50%"], "+25.0 points")
    # Times are counted by classes.
    assert float(found[2].removesuffix(" s")) == pytest.approx(4, abs=1)


def test_a_tiny_change_reads_as_the_same(acme, sign_in, ended):
    now = clock.now()
    for hours in (30, 2):
        ended(acme, (now - timedelta(hours=hours)).isoformat())
    UsageRollup.objects.update(images=1000, captured_micros=1_000_000)
    UsageRollup.objects.filter(hour__gte=now - timedelta(hours=24)).update(
        images=999, captured_micros=999_000
    )

    page = words_of(sign_in(acme).get(url("usage", acme) + "?period=24h"))

    assert page.count(">the same as in the period before<") == 4
    assert " on the period before<" not in page


def test_a_huge_growth_is_told_by_the_former_figure(acme, sign_in, ended):
    ended(acme, (clock.now() - timedelta(hours=30)).isoformat())
    UsageRollup.objects.update(generations=1, images=1, captured_micros=52_680)
    ended(acme, (clock.now() - timedelta(hours=2)).isoformat())
    UsageRollup.objects.filter(hour__gte=clock.now() - timedelta(hours=24)).update(
        images=11, captured_micros=526_800
    )

    page = words_of(sign_in(acme).get(url("usage", acme) + "?period=24h"))

    assert ">+900% on the period before<" in page
    assert ">1 in the period before<" in page


@pytest.mark.parametrize(
    ("split", "name", "link"),
    [
        ("model", "dall-e-3", "model=dall-e-3&amp;period=30d"),
        ("tier", "1K", "tier=1K&amp;period=30d"),
        ("status", "Delivered", "status=succeeded&amp;period=30d"),
        ("key", "acme", "key=key_"),
    ],
)
@pytest.mark.usefixtures("used")
def test_a_split_leads_to_its_rows(acme, sign_in, split, name, link):
    page = words_of(sign_in(acme).get(url("usage", acme) + f"?split={split}"))

    assert link in page
    assert name in page


def test_the_csv_adds_up_to_what_was_charged(acme, sign_in, used):
    answer = sign_in(acme).get(url("usage", acme) + "?format=csv&split=model")

    lines = lines_of(answer)
    spent = 10_000_000 - available_to(acme.id)
    assert sum(round(float(line["cost"]) * 1e6) for line in lines) == spent
    assert {line["model"]: line["images"] for line in lines} == {
        "dall-e-3": "1",
        "gpt-image-2-origin": "2",
    }


def test_columns_of_spend_have_six_decimals(acme, sign_in, used):
    page = words_of(sign_in(acme).get(url("usage", acme)))

    figures = re.findall(r"<td[^>]*>(?:<a[^>]*>)?(\$[0-9.]+)<", page)
    # Of the day: the two models and all; of each model.
    assert figures == ["$0.105360", "$0.080000", "$0.185360", "$0.105360", "$0.080000"]


def test_a_role_without_keys_tells_them_apart_by_their_ids(acme, sign_in, used):
    page = words_of(sign_in(acme, "billing").get(url("usage", acme) + "?split=key"))

    assert acme.key.public_id in page
    assert acme.key.visible_prefix not in page


def figures_of(page: str, there: str) -> dict[str, set[str]]:
    """Figures by link to the list of generations, from the link or beside it."""
    figures: dict[str, set[str]] = {}
    for pattern in (
        r'<a class="text-ink" href="(LIST[^"]+)">(?:about )?([$0-9][0-9.,]*(?: s)?)</a>',
        r'<a href="(LIST[^"]+)" tabindex="-1"><rect[^>]*><title>[^<]*: ([^<]+)</title>',
    ):
        for link, figure in re.findall(pattern.replace("LIST", re.escape(there)), page):
            figures.setdefault(unescape(link), set()).add(figure)
    return figures


def times_of(lines: list[dict[str, str]]) -> set[str]:
    """p50 and p95 from creation to end, as usage counts them and pages show them."""
    times = [
        datetime.fromisoformat(line["finished"]) - datetime.fromisoformat(line["created"])
        for line in lines
    ]
    classes = Counter(map(bucket_of, times))
    return {took(quantile(classes, share)).removeprefix("about ") for share in (0.5, 0.95)}


def test_a_splits_table_counts_failures(acme, sign_in, used, ended):
    ended(acme, clock.now().isoformat(), fails=True)
    client, there = sign_in(acme), url("generations", acme)

    page = words_of(client.get(url("usage", acme)))
    lines = lines_of(client.get(url("usage", acme) + "?format=csv"))

    (row,) = re.findall(
        r"<tr>(?:(?!</tr>).)*period=30d(?:(?!</tr>).)*>gpt-image-2-origin<.*?</tr>", page
    )
    failed = f"{there}?model=gpt-image-2-origin&amp;period=30d&amp;status=failed"
    assert f'<a class="text-ink" href="{failed}">1</a>' in row
    assert [(line["model"], line["generations"], line["failed"]) for line in lines] == [
        ("dall-e-3", "1", "0"),
        ("gpt-image-2-origin", "2", "1"),
    ]


def test_the_rest_without_colours_leads_to_its_rows(acme, sign_in, delivered):
    for number in range(6):
        made = [delivered(acme) for _ in range(1 + (number < 4))]
        its = {"model": f"model-{number}"}
        Generation.objects.filter(id__in=[one.id for one in made]).update(**its)
        UsageRollup.objects.filter(model=made[0].model).update(**its)
    client = sign_in(acme)

    page = words_of(client.get(url("usage", acme) + "?show=requests"))

    legend = page.partition('aria-label="Colours"')[2].partition("</ul>")[0]
    found = re.findall(rf'{REST} <[^>]*><a class="text-ink" href="([^"]+)">(\d+)<', legend)
    ((link, count),) = found
    lines = lines_of(client.get(unescape(link) + "&format=csv"))
    assert {line["model"] for line in lines} == {"model-4", "model-5"}
    assert len(lines) == int(count) == 2
    assert page.count("model=model-4%2Cmodel-5") == 2  # and the bar of today


@pytest.mark.parametrize("period", ["24h", "7d"])
def test_a_comparison_leads_to_the_earlier_rows(acme, sign_in, ended, period):
    hours = {"24h": 30, "7d": 24 * 10}[period]
    before = [
        ended(acme, (clock.now() - timedelta(hours=back)).isoformat())
        for back in (hours, hours + 1)
    ]
    ended(acme, clock.now().isoformat())
    client = sign_in(acme)

    page = words_of(client.get(url("usage", acme) + f"?period={period}"))

    links = re.findall(r'href="([^"]+)">[^<]+ the period before<', page)
    listed = [lines_of(client.get(unescape(link) + "&format=csv")) for link in links]
    ids = {one.public_id for one in before}
    assert [{line["id"] for line in lines} for lines in listed] == [ids, ids, ids, set()]


def test_a_series_sum_leads_to_all_of_its_rows(acme, sign_in, used):
    page = words_of(sign_in(acme).get(url("usage", acme)))

    legend = page.partition('aria-label="Colours"')[2].partition("</ul>")[0]
    link = f"{url('generations', acme)}?period=30d&amp;model=dall-e-3"
    assert f'<a class="text-ink" href="{link}">$0.08</a>' in legend


@pytest.mark.parametrize("period", ["30d", "24h"])
def test_every_link_leads_to_the_rows_of_its_figure(acme, sign_in, used, ended, period):
    earlier = clock.now() - {"30d": timedelta(days=3), "24h": timedelta(hours=3)}[period]
    ended(acme, earlier.isoformat())
    ended(acme, earlier.isoformat(), fails=True)
    client, there = sign_in(acme), url("generations", acme)
    bucket = {"30d": "day=", "24h": "period=2"}[period]
    shown: dict[str, set[str]] = {}

    for split in ("model", "key", "tier", "status"):
        for show in ("spend", "images", "requests", "failed", "p95"):
            query = {"split": split, "show": show, "period": period}
            page = words_of(client.get(url("usage", acme), query))
            figures = figures_of(page, there)
            links = {unescape(link) for link in re.findall(rf'href="({there}\?[^"]+)"', page)}

            assert links - set(figures) <= {f"{there}?period={period}&status=failed"}  # in percent
            assert re.findall(r">\s*([$0-9][0-9.,]*(?: s)?)\s*</(?:td|dd|li)>", page) == []
            assert any(f"{split}=" in link and bucket in link for link in figures), query
            for link in links:
                shown.setdefault(link, set()).update(figures.get(link, ()))

    for link, found in shown.items():  # many are on several of the pages
        lines = lines_of(client.get(f"{link}&format=csv"))
        charged = sum(round(float(line["charged"]) * 1e6) for line in lines)
        counts = {
            f"{sum(int(line['images']) for line in lines)}",
            f"{len(lines)}",
            amount(charged),
            price(charged, 6),
            *times_of([line for line in lines if line["images"] != "0"]),
        }
        assert found <= counts, link


def test_failures_are_counted_by_bucket(acme, sign_in, used, ended):
    ended(acme, clock.now().isoformat(), fails=True)

    page = words_of(sign_in(acme).get(url("usage", acme) + "?show=failed&split=model"))

    assert "Failures by day" in page
    assert 'aria-label="1 in all, 1 at the peak' in page


def test_latencies_are_drawn_by_time(acme, sign_in, ended):
    now = clock.now()
    for seconds in (4, 4, 4, 4, 4, 4, 4, 4, 4, 30):
        ended(acme, (now - timedelta(hours=2)).isoformat(), seconds=seconds)
    ended(acme, (now - timedelta(hours=4)).isoformat(), fails=True)

    page = words_of(sign_in(acme).get(url("usage", acme) + "?period=24h"))

    (shown,) = re.findall(r"p50 ([0-9.]+) s, p95 ([0-9.]+) s</title>", page)
    assert [float(one) for one in shown] == pytest.approx([4, 30], rel=0.2)  # counted by classes


@pytest.mark.parametrize(("show", "slow"), [("p50", 4), ("p95", 30)])
def test_latencies_are_drawn_by_split(acme, sign_in, delivered, *, show, slow):
    for seconds in (4, 4, 4, 4, 4, 4, 4, 4, 4, 30):
        delivered(acme, seconds=seconds)
    delivered(acme, model="dall-e-3", quality="hd", seconds=9)

    page = words_of(sign_in(acme).get(url("usage", acme) + f"?show={show}&split=model"))

    (shown,) = re.findall(r"gpt-image-2-origin ([0-9.]+) s, dall-e-3 ([0-9.]+) s</title>", page)
    assert [float(one) for one in shown] == pytest.approx([slow, 9], rel=0.2)  # by classes
    link = f"{url('generations', acme)}?day={clock.now():%Y-%m-%d}&amp;status=succeeded&amp;model="
    assert f'<a class="text-ink" href="{link}dall-e-3">{shown[1]} s</a>' in page


def test_latencies_are_drawn_for_the_parts_with_the_most_images(acme, sign_in, used, monkeypatch):
    monkeypatch.setattr("console.workspace.usage.drawn.SERIES", 1)

    page = words_of(sign_in(acme).get(url("usage", acme) + "?show=p50&split=model"))

    assert re.search(r"gpt-image-2-origin [0-9.]+ s</title>", page)
    assert not re.search(r"dall-e-3 [0-9.]+ s</title>", page)


def test_the_month_is_that_of_the_zone_so_far(acme, sign_in, ended):
    first = period_of("month", clock.now(), acme.tenant.zone).start
    ended(acme, first.isoformat(), seconds=1)
    ended(acme, (first - timedelta(seconds=1)).isoformat())

    page = words_of(sign_in(acme).get(url("usage", acme) + "?period=month"))

    assert re.search(rf"{first:%-d %b %Y}(, 00:00)? to ", page)  # by hours on its first days
    assert "$0.05268 in all" in page


@pytest.mark.parametrize("split", ["model", "key", "tier", "status"])
def test_a_role_that_may_not_open_the_list_gets_no_link_to_it(acme, sign_in, used, split):
    page = words_of(sign_in(acme, "billing").get(url("usage", acme) + f"?split={split}"))

    assert "$0.18536" in page
    assert url("generations", acme) not in page


@pytest.mark.parametrize("show", ["spend", "p95"])
def test_a_keys_name_is_no_markup_in_a_chart(acme, sign_in, used, show):
    ApiKey.objects.filter(id=acme.key.id).update(name="<b>ci</b>")

    page = words_of(sign_in(acme).get(url("usage", acme) + f"?split=key&show={show}"))

    assert ("&lt;b&gt;ci&lt;/b&gt;: " in page, "<b>ci" in page) == (True, False)


def test_a_key_that_a_member_may_not_see_has_no_link(acme, sign_in, used):
    """The list would ignore the key's filter and show everything."""
    client = sign_in(acme, "developer")

    page = words_of(client.get(url("usage", acme) + "?split=key"))

    assert f"key={acme.key.public_id}" not in page
    assert f"{url('generations', acme)}?period=30d" in page
    assert f"key={acme.key.public_id}" in words_of(
        sign_in(acme).get(url("usage", acme) + "?split=key")
    )


@pytest.mark.parametrize("query", ["period=24h", "period=9y", "split=channel", "show=secrets"])
def test_odd_words_fall_back_to_usual_ones(acme, sign_in, used, query):
    assert "$0.18536" in words_of(sign_in(acme).get(url("usage", acme) + f"?{query}"))


def test_images_and_requests_are_counted_too(acme, sign_in, used):
    client = sign_in(acme)

    images = words_of(client.get(url("usage", acme) + "?show=images"))
    requests = words_of(client.get(url("usage", acme) + "?show=requests"))

    assert 'aria-label="3 in all, 3 at the peak' in images
    assert 'aria-label="2 in all, 2 at the peak' in requests


def test_the_dashboard_reads_no_generation(acme, sign_in, used, django_assert_num_queries):
    UsageRollup.objects.update(images=7)

    page = words_of(sign_in(acme).get(url("usage", acme)))

    assert "14</" in page.replace(" ", "")


def test_a_period_is_read_once_and_the_one_before_it_once(acme, sign_in, delivered):
    delivered(acme)
    client = sign_in(acme)
    page = url("usage", acme) + "?period=90d&split=key&show=p95"

    with CaptureQueriesContext(connection) as asked:
        client.get(page)

    # What comes next reads the week and the month, whatever the period.
    assert sum("billing_usagerollup" in one["sql"] for one in asked) == 3
