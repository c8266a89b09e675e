"""Search for generations: within its time, few among many, and with sums."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models.expressions import RawSQL
from django.test.utils import CaptureQueriesContext

from billing.models import UsageRollup
from console.workspace.generations import pages as generations
from generation.models import Generation
from generation.tenants.searching import (
    Criteria,
    bounds,
    narrow,
    newest_matching,
    paging,
    sums,
    sums_of_all,
)
from generation.tenants.searching.sums import LONGEST_WAIT
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from storage.models import StoredImage
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url


@pytest.fixture
def takes_long(monkeypatch):
    """Every search through all rows meets its limit, and a stretch has two of them."""
    chosen = paging._matches  # noqa: SLF001 - made slow
    monkeypatch.setattr(
        paging, "_matches", lambda *of: chosen(*of).annotate(slow=RawSQL("pg_sleep(1)", ()))
    )
    monkeypatch.setattr(bounds, "PATIENCE_MS", 50)
    for place in (bounds, generations):
        monkeypatch.setattr(place, "SEARCHED", 2)


@pytest.mark.parametrize(
    "said",
    [
        *("status=succeeded", "status=queued", "model=dall-e-3", "tier=1K", "q=fox", "over=0.01"),
        *("source=playground", "source=api&period=30d", "mode=test", "view=gallery&period=7d"),
        *("key={key}&status=succeeded", "key={key}", "q={generation}", "q={image}"),
        "key={key}&model=dall-e-3&tier=1K&status=succeeded&period=30d&over=0&source=api&q=heron",
    ],
)
def test_a_filtered_list_needs_few_queries(
    acme, sign_in, delivered, django_assert_max_num_queries, said
):
    ended = delivered(acme, prompt="a blue heron", model="dall-e-3", quality="hd")
    image = StoredImage.objects.get(generation_id=ended.id)
    page = (
        url("generations", acme)
        + "?"
        + said.format(key=acme.key.public_id, generation=ended.public_id, image=image.public_id)
    )
    client = sign_in(acme)
    client.get(page)  # loaded once a process

    with django_assert_max_num_queries(12):  # including the transaction's begin and end
        assert client.get(page).status_code == 200


@pytest.mark.usefixtures("takes_long")
def test_words_that_take_too_long_to_find_say_so(acme, sign_in, some):
    client = sign_in(acme)

    page = client.get(url("generations", acme) + "?q=fox")
    lines = lines_of(client.get(url("generations", acme) + "?q=fox&format=csv"))

    assert page.status_code == 200
    assert "narrow it by a period" in page.content.decode()
    assert {line["id"] for line in lines} == {some[0].public_id, some[3].public_id}


@pytest.mark.usefixtures("takes_long")
def test_a_slow_search_covers_the_newest_and_then_goes_further_back(acme, sign_in, some):
    client, page = sign_in(acme), url("generations", acme)
    Generation.objects.filter(id=some[0].id).update(source="playground")
    back = f"?source=playground&after={some[2].public_id}"

    near = words_of(client.get(page + "?source=playground"))
    older = words_of(client.get(page + back))

    assert "Only the newest 2 were searched" in near
    assert "Among the newest 2: 0 generations" in near
    assert "None among these" in near
    assert f'href="{back.replace("&", "&amp;")}">look further back</a>' in near
    assert some[0].public_id in older
    assert "were searched" not in older
    assert 'rel="next"' not in older


@pytest.mark.usefixtures("takes_long")
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_that_are_looked_for_near_have_each_row_once(acme, sign_in, some, monkeypatch, size):
    monkeypatch.setattr(generations, "PAGE_ROWS", size)
    client, page, link, seen = sign_in(acme), url("generations", acme), "?source=api", []

    for _ in range(9):
        shown = client.get(page + link)
        seen += [row.generation.public_id for row in shown.context["rows"]]
        if not shown.context["more"]:
            break
        link = f"?source=api&after={shown.context['more']}"

    assert seen == [one.public_id for one in reversed(some)]


def test_rows_are_looked_for_when_usage_has_any(acme, other, some):
    hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=20)
    UsageRollup.objects.filter(tenant=acme.id, model="dall-e-3").update(hour=hour)

    old = narrow(acme.id, Criteria(models=["dall-e-3"], status="succeeded"))
    none = [
        narrow(acme.id, wanted)
        for wanted in (
            Criteria(status="canceled"),
            Criteria(cost_over=Micros(100_000_000)),
            Criteria(key_ids=[other.key.id]),
        )
    ]
    waiting, said = (
        Criteria(key_ids=[acme.key.id]),
        Criteria(models=["dall-e-3"], source="api", text="x"),
    )

    assert (old.since, old.until) == (hour - LONGEST_WAIT, hour + timedelta(hours=1))
    assert (old.models, old.status) == (["dall-e-3"], "succeeded")
    times = [Criteria(since=one.since, until=one.until) for one in none]
    assert [newest_matching(acme.id, time, limit=1) for time in times] == [[], [], []]
    assert [narrow(acme.id, one) for one in (waiting, said)] == [waiting, said]
    assert newest_matching(acme.id, narrow(acme.id, waiting), limit=1)[0].generation == some[3]


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    "wanted",
    [
        Criteria(status="succeeded"),
        Criteria(status="queued"),
        Criteria(models=["dall-e-3"]),
        Criteria(tiers=["1K"], status="succeeded"),
        Criteria(cost_over=Micros(100_000)),
        Criteria(models=["dall-e-3"], ended_since=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_no_row_is_lost_where_usage_narrows_the_look(acme, wanted):
    rows = newest_matching(acme.id, wanted, limit=9)

    assert rows
    assert newest_matching(acme.id, narrow(acme.id, wanted), limit=9) == rows


def test_a_list_holds_no_more_of_a_prompt_than_it_shows(acme, delivered):
    made = delivered(acme, prompt="fox " * 5000)

    (shown,) = newest_matching(acme.id, Criteria(), limit=1, prompt_chars=100)
    (whole,) = newest_matching(acme.id, Criteria(), limit=1)

    assert (len(shown.generation.prompt), len(whole.generation.prompt)) == (100, len(made.prompt))


@pytest.mark.parametrize(
    "wanted",
    [
        Criteria(),
        Criteria(status="succeeded"),
        Criteria(status="queued"),
        Criteria(models=["gpt-image-2-origin"]),
        Criteria(ended_since=datetime(2026, 1, 1, tzinfo=UTC)),
        Criteria(ended_until=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.usefixtures("some")
def test_sums_are_of_all_however_many_there_are(acme, monkeypatch, wanted):
    every = newest_matching(acme.id, wanted, limit=99)
    charged = sum(one.generation.charged_micros for one in every)
    monkeypatch.setattr("generation.tenants.searching.bounds.SEARCHED", 2)

    found_sums = sums(acme.id, wanted)

    said = (found_sums.generations, found_sums.images, found_sums.captured)
    assert said == (len(every), sum(len(one.images) for one in every), charged)
    assert found_sums.is_all


def test_sums_by_what_usage_does_not_know_say_when_they_are_not_of_all(acme, some, monkeypatch):
    monkeypatch.setattr("generation.tenants.searching.bounds.SEARCHED", 2)

    dear = sums(acme.id, Criteria(cost_over=Micros(0)))
    assert (dear.looked_at, dear.is_all) == (2, False)
    assert dear.generations == 1
    assert newest_matching(acme.id, Criteria(cost_over=Micros(1)), limit=1)[0].generation == some[2]


@pytest.mark.usefixtures("some")
def test_sums_of_some_do_not_send_to_usage_that_has_them_no_better(acme, sign_in, monkeypatch):
    monkeypatch.setattr("generation.tenants.searching.bounds.WORDS_SEARCHED", 2)

    client = sign_in(acme)

    page = words_of(client.get(url("generations", acme) + "?q=fox"))
    of_all = words_of(client.get(url("generations", acme) + "?q=fox&count=all"))

    said = "Among the newest 2: 1 generation, 0 images, $0.00 charged · "
    assert f'{said}<a href="?q=fox&amp;count=all">Count all</a>' in page
    assert ">2 generations, 1 image, $0.05268 charged · <a" in of_all


@pytest.mark.usefixtures("some")
def test_sums_of_all_end_in_time(acme, sign_in, monkeypatch):
    monkeypatch.setattr("generation.tenants.searching.bounds.WORDS_SEARCHED", 1)
    monkeypatch.setattr(generations, "COUNTED_SECONDS", 0.0)

    page = words_of(sign_in(acme).get(url("generations", acme) + "?q=fox&count=all"))

    assert "Among the newest 1: 1 generation, 0 images, $0.00 charged; in a shorter period" in page


@pytest.mark.parametrize(
    "wanted", [Criteria(source="api"), Criteria(text="fox"), Criteria(cost_over=Micros(60_000))]
)
def test_sums_of_all_are_those_of_the_rows(acme, some, monkeypatch, wanted):
    every = newest_matching(acme.id, wanted, limit=99)
    for name in ("SEARCHED", "WORDS_SEARCHED"):
        monkeypatch.setattr(bounds, name, 2)

    of_all = sums_of_all(acme.id, wanted, seconds=60)

    assert (of_all.generations, of_all.images, of_all.captured, of_all.is_all) == (
        *(len(every), sum(len(one.images) for one in every)),
        *(sum(one.generation.charged_micros for one in every), True),
    )
    assert of_all.looked_at == len(some)


def test_words_are_looked_for_between_bounds_of_the_index(acme, some):
    """For ids among the newest rows the planner may read all rows instead."""
    with CaptureQueriesContext(connection) as asked:
        newest_matching(acme.id, Criteria(text="zzz"), limit=5)
    (sql,) = (one["sql"] for one in asked if "ORDER BY" in one["sql"])

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + sql)
        plan = "\n".join(row[0] for row in cursor)

    assert re.search(r"Index Cond: \(\(tenant_id = .*\) AND \(id >= ", plan), plan
