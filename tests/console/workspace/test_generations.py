"""Generations listed, filtered, told, canceled and deleted on the pages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db.models.expressions import RawSQL
from typing_extensions import override

from accounts.services import issue_api_key
from billing.models import UsageRollup
from billing.selectors import books_of, rows_of
from billing.services import draft_price_book, publish_price_book
from console.workspace import generations
from generation.models import Generation
from generation.searching import Wanted, bounds, found, narrowed, pages, sums, sums_of_all
from generation.searching.sums import AWAY
from pictor.kit import clock, ids
from pictor.kit.money import Micros
from storage.models import StoredImage
from tests.console.workspace.conftest import lines_of, url, words_of


@pytest.fixture
def some(acme, delivered):
    """Three that were delivered, and one that waits."""
    return [
        delivered(acme, prompt="a red fox", user="order-7"),
        delivered(acme, prompt="a blue heron", model="dall-e-3", quality="hd"),
        delivered(acme, prompt="=HYPERLINK(1)", sizes=((1024, 1024), (1024, 1024))),
        acme.generation(prompt="a fox that waits"),
    ]


class Bar(HTMLParser):
    """The filter bar as a browser would send it, and the links of the chips below it."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.chips: dict[str, str] = {}
        self._select = self._link = ""
        self._is_bar = False
        self.feed(answer.content.decode())

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: word or "" for name, word in attrs}
        name = said.get("name", "")
        if tag == "form":
            self._is_bar = said.get("hx-target") == "#results"
        elif tag == "input" and self._is_bar:
            self.sent[name] = said.get("value", "")
        elif tag == "select":
            self._select, self.sent[name] = name, ""
        elif tag == "option":
            self.choices.setdefault(self._select, []).append(said.get("value", ""))
            if "selected" in said:
                self.sent[self._select] = said.get("value", "")
        elif tag == "a":
            self._link = said["href"] if said.get("class", "").startswith("chip max-w") else ""

    @override
    def handle_data(self, data: str) -> None:
        if self._link and ":" in data:
            self.chips[data] = self._link


def test_the_filter_bar_sends_every_filter_again(acme, sign_in, some):
    client, page = sign_in(acme), url("generations", acme)
    day = str(some[1].finished_at.date())
    asked = {
        "q": "heron", "status": "succeeded", "key": acme.key.public_id, "source": "api",
        "over": "0.01", "view": "gallery",
    }  # fmt: skip

    sent = Bar(client.get(page, {**asked, "day": day})).sent
    listed = client.get(page, {**sent, "format": "csv"})

    assert {name: sent[name] for name in asked} == asked
    assert [line["id"] for line in lines_of(listed)] == [some[1].public_id]
    assert lines_of(client.get(page, {**sent, "source": "demo", "format": "csv"})) == []


def test_a_period_takes_the_place_of_a_day(acme, sign_in, some):
    client, page = sign_in(acme), url("generations", acme)
    bar = Bar(client.get(page, {"day": "2020-02-29", "source": "api"}))

    kept = Bar(client.get(page, {**bar.sent, "status": "succeeded"}))
    chosen = Bar(client.get(page, {**bar.sent, "period": "7d"}))
    all_time = Bar(client.get(page, {**bar.sent, "period": ""}))
    both = Bar(client.get(page, {"day": "2020-02-29", "period": "7d"}))

    assert list(kept.chips) == ["Status: Delivered", "Source: API", "Ended: 29 Feb 2020"]
    assert list(chosen.chips) == ["Source: API", "Ended: Last 7 days"]
    assert "2020-02-29" not in chosen.choices["period"]
    assert list(all_time.chips) == ["Source: API"]
    assert list(both.chips) == ["Ended: Last 7 days"]


@pytest.mark.parametrize(
    ("asked", "places", "words"),
    [
        ("model=dall-e-3,gpt-image-2-origin", [3, 2, 1, 0], "dall-e-3 and 1 more"),
        ("model=dall-e-3,dall-e-2&status=succeeded", [1], "dall-e-3 and 1 more"),
        ("key={key},{spare}", [3, 2, 1, 0], "acme and 1 more"),
        ("key={spare}", [], "spare"),
        ("tier=1K,4K&q=fox", [3, 0], "1K and 1 more"),
    ],
)
def test_a_filter_may_name_several(acme, sign_in, some, *, asked, places, words):
    spare = issue_api_key(tenant=acme.tenant, name="spare", actor="test")[0]
    client, page = sign_in(acme), url("generations", acme) + "?"
    asked = asked.format(key=acme.key.public_id, spare=spare.public_id)

    shown = Bar(client.get(page + asked))
    again = client.get(page, {**shown.sent, "format": "csv"})

    assert any(words in chip for chip in shown.chips)
    assert [line["id"] for line in lines_of(again)] == [some[place].public_id for place in places]


def test_of_several_keys_one_that_is_not_known_is_no_filter(acme, other, sign_in, some):
    page = url("generations", acme) + f"?key={acme.key.public_id},{other.key.public_id}"

    assert Bar(sign_in(acme).get(page)).chips == {}


@pytest.mark.parametrize(
    ("span", "is_there"),
    [
        ("{day}..{day}", True),
        ("2026-01-01..{day}", True),
        ("2020-02-28..2020-03-01", False),
        ("{hour}..{hour}", True),
        ("2020-02-28T01Z..2020-03-01T22Z", False),
    ],
)
def test_a_period_may_be_from_one_day_or_hour_to_another(acme, sign_in, some, *, span, is_there):
    ended = some[1].finished_at
    span = span.format(day=f"{ended:%Y-%m-%d}", hour=f"{ended:%Y-%m-%dT%HZ}")
    client, page = sign_in(acme), url("generations", acme)

    bar = Bar(client.get(page, {"period": span, "status": "succeeded"}))
    lines = lines_of(client.get(page, {**bar.sent, "format": "csv"}))

    assert bar.sent["period"] == span
    assert (some[1].public_id in {line["id"] for line in lines}) == is_there


@pytest.mark.parametrize(
    "span",
    [
        "2026-03-02..2026-03-01",
        "2000-01-01..8999-12-31",
        "..2026-03-01",
        "2026-03-01..2026-03-01T01Z",
        "2026-03-01..",
    ],
)
def test_a_period_that_makes_no_sense_is_no_filter(acme, sign_in, some, span):
    assert Bar(sign_in(acme).get(url("generations", acme), {"period": span})).chips == {}


def test_each_filter_is_removed_by_itself(acme, sign_in, some):
    client, page = sign_in(acme), url("generations", acme)
    asked = {
        "q": "fox", "status": "queued", "model": "dall-e-3", "key": acme.key.public_id,
        "tier": "1K", "source": "api", "period": "2020-02-29", "over": "$0.1",
    }  # fmt: skip

    chips = Bar(client.get(page, {**asked, "view": "gallery"})).chips
    left = {label: Bar(client.get(page + link)) for label, link in chips.items()}

    assert list(chips) == [
        "Search: fox", "Status: Queued", "Model: dall-e-3",
        "Key: acme", "Tier: 1K", "Source: API", "Ended: 29 Feb 2020", "Cost over: $0.1",
    ]  # fmt: skip
    for label, bar in left.items():
        assert list(bar.chips) == [other for other in chips if other != label]
        assert bar.sent["view"] == "gallery"


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", [3, 2, 1, 0]),
        ("q=FOX", [3, 0]),
        ("q=order-7", [0]),
        ("q=order", []),
        ("status=queued", [3]),
        ("status=nonsense", [3, 2, 1, 0]),
        ("model=dall-e-3", [1]),
        ("model=gpt-9", []),
        ("tier=1K", [3, 2, 0]),
        ("over=0.1", [2]),
        ("over=lots", [3, 2, 1, 0]),
        ("period=24h&status=succeeded", [2, 1, 0]),
        ("day=2020-02-30", [3, 2, 1, 0]),
        ("day=2020-02-29", []),
        ("source=playground", []),
        ("source=api&q=heron", [1]),
        ("q=%00", [3, 2, 1, 0]),
    ],
)
def test_the_list_its_sums_and_its_csv_are_filtered_alike(acme, sign_in, some, query, places):
    client = sign_in(acme)
    wanted = [some[place].public_id for place in places]

    page = client.get(f"{url('generations', acme)}?{query}").content.decode()
    lines = lines_of(client.get(f"{url('generations', acme)}?{query}&format=csv"))

    assert [line["id"] for line in lines] == wanted
    assert [one.public_id for one in some if one.public_id in page] == sorted(wanted)
    count = f"{len(wanted)} generation{'' if len(wanted) == 1 else 's'}"
    assert count in page
    assert sum(float(line["charged"]) for line in lines) == pytest.approx(
        sum((some[place].captured_micros or 0) for place in places) / 1e6
    )


def test_ids_of_generations_and_images_are_found(acme, other, sign_in, some, delivered):
    client = sign_in(acme)
    image = StoredImage.objects.get(generation_id=some[2].id, index=0)
    theirs = delivered(other)

    by_id = lines_of(client.get(url("generations", acme) + f"?format=csv&q={some[1].public_id}"))
    by_image = lines_of(client.get(url("generations", acme) + f"?format=csv&q={image.public_id}"))
    foreign = lines_of(client.get(url("generations", acme) + f"?format=csv&q={theirs.public_id}"))
    unknown = client.get(url("generations", acme) + f"?q={ids.public(ids.IMAGE, some[0].id)}")

    assert [line["id"] for line in by_id] == [some[1].public_id]
    assert [line["id"] for line in by_image] == [some[2].public_id]
    assert foreign == []
    assert "0 generations, 0 images, $0.00 charged" in words_of(unknown)


def test_the_csv_holds_what_a_spreadsheet_can_take(acme, sign_in, some):
    answer = sign_in(acme).get(url("generations", acme) + "?format=csv")
    disposition = answer["Content-Disposition"]

    line = next(line for line in lines_of(answer) if line["id"] == some[2].public_id)

    assert disposition == 'attachment; filename="generations.csv"'
    assert line["prompt"] == "'=HYPERLINK(1)"
    assert (line["charged"], line["currency"], line["images"]) == ("0.105360", "USD", "2")
    assert (line["key"], line["size_asked"]) == (acme.key.public_id, "1024x1024")


def test_a_csv_of_just_so_many_rows_is_whole(acme, sign_in, some, monkeypatch):
    monkeypatch.setattr("console.workspace.generations.READ", 1)
    monkeypatch.setattr("console.workspace.exports.MOST_ROWS", len(some))

    lines = lines_of(sign_in(acme).get(url("generations", acme) + "?format=csv"))

    assert [line["id"] for line in lines] == [one.public_id for one in reversed(some)]


def test_pages_follow_each_other(acme, sign_in, some, monkeypatch):
    monkeypatch.setattr("console.workspace.generations.PAGE", 3)
    client = sign_in(acme)

    first = client.get(url("generations", acme)).content.decode()
    second = client.get(url("generations", acme) + f"?after={some[1].public_id}").content.decode()

    assert f"after={some[1].public_id}" in first
    assert some[0].public_id not in first
    assert some[0].public_id in second
    assert "Newest" in second


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1969-12-31", "2026-02-30", "soon"])
def test_a_day_that_nothing_was_made_on_is_no_filter(acme, sign_in, some, day):
    answer = sign_in(acme).get(url("generations", acme) + f"?day={day}")

    assert answer.status_code == 200
    assert some[0].public_id in answer.content.decode()


@pytest.fixture
def takes_long(monkeypatch):
    """Every look into all rows meets its limit, and a stretch has two of them."""
    chosen = pages._chosen  # noqa: SLF001 - made slow
    monkeypatch.setattr(
        pages, "_chosen", lambda *of: chosen(*of).annotate(slow=RawSQL("pg_sleep(1)", ()))
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
    client.get(page)  # what a process reads once

    with django_assert_max_num_queries(12):  # a transaction's beginning and end among them
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
def test_what_takes_too_long_is_looked_for_among_the_newest_and_then_further_back(
    acme, sign_in, some
):
    client, page = sign_in(acme), url("generations", acme)
    Generation.objects.filter(id=some[0].id).update(source="playground")
    back = f"?source=playground&after={some[2].public_id}"

    near = words_of(client.get(page + "?source=playground"))
    older = words_of(client.get(page + back))

    assert "Only the newest 2 were looked at" in near
    assert "Among the newest 2: 0 generations" in near
    assert "None among these" in near
    assert f'href="{back.replace("&", "&amp;")}">look further back</a>' in near
    assert some[0].public_id in older
    assert "were looked at" not in older
    assert 'rel="next"' not in older


@pytest.mark.usefixtures("takes_long")
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_that_are_looked_for_near_have_each_row_once(acme, sign_in, some, monkeypatch, size):
    monkeypatch.setattr(generations, "PAGE", size)
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

    old = narrowed(acme.id, Wanted(models=["dall-e-3"], status="succeeded"))
    none = [
        narrowed(acme.id, wanted)
        for wanted in (
            Wanted(status="canceled"),
            Wanted(cost_over=Micros(100_000_000)),
            Wanted(key_ids=[other.key.id]),
        )
    ]
    waiting, said = (
        Wanted(key_ids=[acme.key.id]),
        Wanted(models=["dall-e-3"], source="api", text="x"),
    )

    assert (old.since, old.until) == (hour - AWAY, hour + timedelta(hours=1))
    assert (old.models, old.status) == (["dall-e-3"], "succeeded")
    for one in none:
        assert found(acme.id, Wanted(since=one.since, until=one.until), limit=1) == []
    assert [narrowed(acme.id, one) for one in (waiting, said)] == [waiting, said]
    assert found(acme.id, narrowed(acme.id, waiting), limit=1)[0].generation == some[3]


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(status="succeeded"),
        Wanted(status="queued"),
        Wanted(models=["dall-e-3"]),
        Wanted(tiers=["1K"], status="succeeded"),
        Wanted(cost_over=Micros(100_000)),
        Wanted(models=["dall-e-3"], ended_since=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_no_row_is_lost_where_usage_narrows_the_look(acme, wanted):
    rows = found(acme.id, wanted, limit=9)

    assert rows
    assert found(acme.id, narrowed(acme.id, wanted), limit=9) == rows


def test_a_list_holds_no_more_of_a_prompt_than_it_shows(acme, delivered):
    made = delivered(acme, prompt="fox " * 5000)

    (shown,) = found(acme.id, Wanted(), limit=1, prompt_chars=100)
    (whole,) = found(acme.id, Wanted(), limit=1)

    assert (len(shown.generation.prompt), len(whole.generation.prompt)) == (100, len(made.prompt))


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(status="succeeded"),
        Wanted(status="queued"),
        Wanted(models=["gpt-image-2-origin"]),
        Wanted(ended_since=datetime(2026, 1, 1, tzinfo=UTC)),
        Wanted(ended_until=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.usefixtures("some")
def test_sums_are_of_all_however_many_there_are(acme, monkeypatch, wanted):
    every = found(acme.id, wanted, limit=99)
    charged = sum(one.generation.charged_micros for one in every)
    monkeypatch.setattr("generation.searching.bounds.SEARCHED", 2)

    found_sums = sums(acme.id, wanted)

    said = (found_sums.generations, found_sums.images, found_sums.captured)
    assert said == (len(every), sum(len(one.images) for one in every), charged)
    assert found_sums.is_all


def test_sums_by_what_usage_does_not_know_say_when_they_are_not_of_all(acme, some, monkeypatch):
    monkeypatch.setattr("generation.searching.bounds.SEARCHED", 2)

    dear = sums(acme.id, Wanted(cost_over=Micros(0)))
    assert (dear.looked_at, dear.is_all) == (2, False)
    assert dear.generations == 1
    assert found(acme.id, Wanted(cost_over=Micros(1)), limit=1)[0].generation == some[2]


def test_a_generation_tells_its_steps_and_its_money(acme, sign_in, some):
    page = sign_in(acme).get(url("generation", acme, some[0].public_id)).content.decode()

    assert f'{url("ledger", acme)}?before=3#entry-2">entry 2</a>' in page
    for words in ("Accepted", "Held $0.05268", "Attempt 1 begun", "Charged $0.05268", "order-7"):
        assert words in page
    assert "hidden-vendor" not in page
    assert "upstream.example" not in page


def test_the_sums_of_a_list_have_its_images(acme, sign_in, some):
    client, page = sign_in(acme), url("generations", acme)

    assert "4 generations, 4 images, $0.23804 charged" in words_of(client.get(page))
    assert "1 generation, 2 images, $0.10536 charged" in words_of(client.get(page + "?q=HYPER"))


def test_a_generation_leads_to_the_prices_that_it_was_charged_by(acme, other, sign_in, delivered):
    made, theirs = delivered(acme), delivered(other)
    (old,) = books_of(made.priced["books"])
    rows = [replace(row, micros=Micros(row.micros * 2)) for row in rows_of(old)]
    new = draft_price_book(name="list", rows=rows, effective_from=clock.now(), actor="test")
    publish_price_book(book=new, actor="test", now=clock.now())
    client = sign_in(acme)

    page = words_of(client.get(url("generation", acme, made.public_id)))
    link = f"{url('prices', acme)}?of={made.public_id}"
    then, now = words_of(client.get(link)), words_of(client.get(url("prices", acme)))

    assert f'{link}#{made.model}">list, version 1</a>' in page
    assert ("list list, version 1," in then, "$0.05268" in then) == (True, True)
    assert ("list list, version 2," in now, "$0.05268" in now) == (True, False)
    assert client.get(f"{url('prices', acme)}?of={theirs.public_id}").status_code == 404
    assert sign_in(acme, "billing").get(link).status_code == 404
    assert "?of=" not in words_of(
        sign_in(acme, "developer").get(url("generation", acme, made.public_id))
    )


def test_a_smaller_image_is_told_with_what_it_did_to_the_price(acme, sign_in, delivered):
    made = delivered(acme, sizes=((1000, 1000),))

    page = " ".join(
        sign_in(acme).get(url("generation", acme, made.public_id)).content.decode().split()
    )

    assert "1000\N{MULTIPLICATION SIGN}1000" in page
    assert "The lower of both prices was charged; $0.00244 was released." in page


def test_fewer_images_than_were_asked_for_are_marked_also_when_they_are_gone(
    acme, sign_in, delivered
):
    client = sign_in(acme)
    made = delivered(acme, sizes=((1024, 1024),))
    page = url("generation", acme, made.public_id)
    as_asked = words_of(client.get(page))
    Generation.objects.filter(id=made.id).update(n=2)

    kept = words_of(client.get(page))
    client.post(url("generation_delete", acme, made.public_id))
    gone = words_of(client.get(page))

    note = "The lower of both prices was charged"
    size = "1024\N{MULTIPLICATION SIGN}1024"
    assert [note in one for one in (as_asked, kept, gone)] == [False, True, True]
    assert [f"{size} ✓" in one for one in (as_asked, kept, gone)] == [True, False, False]


def test_what_waits_is_canceled_and_what_ended_is_not(acme, sign_in, some):
    client = sign_in(acme)

    waiting = client.post(url("generation_cancel", acme, some[3].public_id))
    ended = client.post(url("generation_cancel", acme, some[0].public_id))

    assert (waiting.status_code, ended.status_code) == (302, 409)
    assert Generation.objects.get(id=some[3].id).state == "canceled"
    assert "already been started, or has ended" in ended.content.decode()


@pytest.mark.usefixtures("some")
def test_sums_of_some_do_not_send_to_usage_that_has_them_no_better(acme, sign_in, monkeypatch):
    monkeypatch.setattr("generation.searching.bounds.WORDS_SEARCHED", 2)

    client = sign_in(acme)

    page = words_of(client.get(url("generations", acme) + "?q=fox"))
    of_all = words_of(client.get(url("generations", acme) + "?q=fox&count=all"))

    said = "Among the newest 2: 1 generation, 0 images, $0.00 charged · "
    assert f'{said}<a href="?q=fox&amp;count=all">Count all</a>' in page
    assert ">2 generations, 1 image, $0.05268 charged · <a" in of_all


@pytest.mark.usefixtures("some")
def test_sums_of_all_end_in_time(acme, sign_in, monkeypatch):
    monkeypatch.setattr("generation.searching.bounds.WORDS_SEARCHED", 1)
    monkeypatch.setattr(generations, "COUNTED_SECONDS", 0.0)

    page = words_of(sign_in(acme).get(url("generations", acme) + "?q=fox&count=all"))

    assert "Among the newest 1: 1 generation, 0 images, $0.00 charged; of a shorter period" in page


@pytest.mark.parametrize(
    "wanted", [Wanted(source="api"), Wanted(text="fox"), Wanted(cost_over=Micros(60_000))]
)
def test_sums_of_all_are_those_of_the_rows(acme, some, monkeypatch, wanted):
    every = found(acme.id, wanted, limit=99)
    for name in ("SEARCHED", "WORDS_SEARCHED"):
        monkeypatch.setattr(bounds, name, 2)

    of_all = sums_of_all(acme.id, wanted, seconds=60)

    assert (of_all.generations, of_all.images, of_all.captured, of_all.is_all) == (
        *(len(every), sum(len(one.images) for one in every)),
        *(sum(one.generation.charged_micros for one in every), True),
    )
    assert of_all.looked_at == len(some)


def test_a_deleted_generation_keeps_its_bill(acme, sign_in, some):
    client = sign_in(acme)

    client.post(url("generation_delete", acme, some[0].public_id))

    page = client.get(url("generation", acme, some[0].public_id)).content.decode()
    assert "The images were deleted" in page
    assert "a red fox" not in page
    assert "$0.05268" in page


def test_demo_data_says_so_on_its_page_and_on_the_overview(acme, sign_in, some):
    client = sign_in(acme)
    page, overview = url("generation", acme, some[0].public_id), url("overview", acme)
    assert "Demo data" not in client.get(page).content.decode()
    assert "demo data" not in client.get(overview).content.decode()

    Generation.objects.filter(id=some[0].id).update(source="demo")

    assert "Demo data" in client.get(page).content.decode()
    assert "90 days of demo data" in client.get(overview).content.decode()
    listed = client.get(url("generations", acme), {"source": "demo"}).content.decode()
    assert some[0].public_id in listed
    assert some[1].public_id not in listed


def test_an_empty_workspace_shows_the_first_call(acme, sign_in):
    page = sign_in(acme).get(url("generations", acme)).content.decode()

    assert "Nothing was generated yet" in page
    assert "http://testserver/v1/images/generations" in page
    filtered = sign_in(acme).get(url("generations", acme) + "?q=fox").content.decode()
    assert "No generations match" in filtered
