"""Generations listed, filtered, shown, canceled and deleted on the pages."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from typing_extensions import override

from accounts.services.office.api_keys import issue_api_key
from billing.price_stops import Confirmed
from billing.selectors import books_of, rows_of
from billing.services.office.prices import draft_price_book, publish_price_book
from generation.models import Contract, Generation
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from storage.models import StoredImage
from tests.console.answers import lines_of, said_by, words_of
from tests.console.workspace.conftest import url


class Bar(HTMLParser):
    """The filter bar's fields as a browser would send them, and the links of its chips."""

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


def test_a_model_that_is_switched_off_is_a_filter_where_it_was_used(acme, other, sign_in, some):
    Contract.objects.filter(model__in=["dall-e-2", "dall-e-3"]).update(is_enabled=False)

    pages = [sign_in(who).get(url("generations", who)).content.decode() for who in (acme, other)]

    offered = [re.findall('<option value="(dall[^"]*)"', page) for page in pages]
    assert offered == [["dall-e-3"], []]


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


def test_one_value_with_a_comma_is_one_value(acme, sign_in, some):
    shown = Bar(sign_in(acme).get(url("generations", acme) + "?model=dall-e-2,"))

    assert list(shown.chips) == ["Model: dall-e-2"]


def test_several_keys_with_an_unknown_one_are_no_filter(acme, other, sign_in, some):
    page = url("generations", acme) + f"?key={acme.key.public_id},{other.key.public_id}"

    assert Bar(sign_in(acme).get(page)).chips == {}


@pytest.mark.parametrize(
    ("span", "is_there"),
    [
        ("{day}..{day}", True),
        ("{long_before}..{day}", True),
        ("2020-02-28..2020-03-01", False),
        ("{hour}..{hour}", True),
        ("2020-02-28T01Z..2020-03-01T22Z", False),
    ],
)
def test_a_period_may_be_from_one_day_or_hour_to_another(acme, sign_in, some, *, span, is_there):
    ended = some[1].finished_at
    span = span.format(
        day=f"{ended:%Y-%m-%d}", hour=f"{ended:%Y-%m-%dT%HZ}",
        long_before=f"{ended - timedelta(days=300):%Y-%m-%d}",
    )  # fmt: skip
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
def test_a_senseless_period_is_no_filter(acme, sign_in, some, span):
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
    assert {label: list(bar.chips) for label, bar in left.items()} == {
        label: [other for other in chips if other != label] for label in chips
    }
    assert {bar.sent["view"] for bar in left.values()} == {"gallery"}


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", [3, 2, 1, 0]),
        ("q=FOX", [3, 0]),
        ("q=order-7", [0]),
        ("q=order", []),
        ("status=queued", [3]),
        ("model=dall-e-3", [1]),
        ("model=gpt-9", []),
        ("tier=1K", [3, 2, 0]),
        ("over=0.1", [2]),
        ("period=24h&status=succeeded", [2, 1, 0]),
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


@pytest.mark.parametrize("typed", ["lots", "\N{FULLWIDTH DIGIT ONE}", "0,10", "-1"])
def test_a_cost_that_cannot_be_read_is_said_and_kept(acme, sign_in, some, typed):
    answer = sign_in(acme).get(url("generations", acme), {"over": typed})

    words = f"Not understood, so not applied: “{typed}” means nothing as “over”."
    assert words in said_by(answer)
    assert (Bar(answer).sent["over"], Bar(answer).chips) == (typed, {})


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


@pytest.mark.parametrize(
    "fields",
    [{"user": "ann", "safety_identifier": "bob"}, {"user": "", "safety_identifier": "ann"}],
)
def test_the_csv_names_the_end_customer_as_usage_does(acme, sign_in, some, fields):
    Generation.objects.filter(id=some[2].id).update(fields=fields)

    lines = lines_of(sign_in(acme).get(url("generations", acme) + "?format=csv&q=ann"))

    assert [line["user"] for line in lines] == ["ann"]


def test_the_csv_holds_what_a_spreadsheet_can_take(acme, sign_in, some):
    answer = sign_in(acme).get(url("generations", acme) + "?format=csv")
    disposition = answer["Content-Disposition"]

    line = next(line for line in lines_of(answer) if line["id"] == some[2].public_id)

    assert disposition == 'attachment; filename="generations.csv"'
    assert line["prompt"] == "'=HYPERLINK(1)"
    assert (line["charged"], line["currency"], line["images"]) == ("0.105360", "USD", "2")
    assert (line["key"], line["size_asked"]) == (acme.key.public_id, "1024x1024")


def test_no_prompt_of_the_csv_is_a_formula(acme, sign_in, delivered):
    delivered(acme, prompt=";\uff1dHYPERLINK(1)")

    (line,) = lines_of(sign_in(acme).get(url("generations", acme) + "?format=csv"))

    assert line["prompt"] == "';'\uff1dHYPERLINK(1)"


def test_a_csv_of_exactly_the_most_rows_is_whole(acme, sign_in, some, monkeypatch):
    monkeypatch.setattr("console.workspace.generations.pages.ROWS_AT_ONCE", 1)
    monkeypatch.setattr("console.parts.exports.MAX_ROWS", len(some))

    lines = lines_of(sign_in(acme).get(url("generations", acme) + "?format=csv"))

    assert [line["id"] for line in lines] == [one.public_id for one in reversed(some)]


def test_pages_follow_each_other(acme, sign_in, some, monkeypatch):
    monkeypatch.setattr("console.workspace.generations.pages.PAGE_ROWS", 3)
    client = sign_in(acme)

    first = client.get(url("generations", acme)).content.decode()
    second = client.get(url("generations", acme) + f"?after={some[1].public_id}").content.decode()

    assert f"after={some[1].public_id}" in first
    assert some[0].public_id not in first
    assert some[0].public_id in second
    assert "Newest" in second


@pytest.mark.parametrize("query", ["model=,", "tier=,,", "key=,"])
def test_a_filter_of_nothing_is_none(acme, sign_in, some, query):
    answer = sign_in(acme).get(url("generations", acme) + f"?{query}")

    assert answer.status_code == 200
    assert some[0].public_id in answer.content.decode()


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1969-12-31", "2026-02-30", "soon"])
def test_a_day_that_nothing_was_made_on_is_no_filter(acme, sign_in, some, day):
    answer = sign_in(acme).get(url("generations", acme) + f"?day={day}")

    assert answer.status_code == 200
    assert some[0].public_id in answer.content.decode()


def test_a_generation_tells_its_steps_and_its_money(acme, sign_in, some):
    page = words_of(sign_in(acme).get(url("generation", acme, some[0].public_id)))

    assert f'{url("ledger", acme)}?before=3#entry-2">entry 2</a>' in page
    said = ("Accepted", "Held $0.05268", "Attempt 1 started", "Charged $0.05268", "order-7")
    assert [words for words in said if words not in page] == []
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
    said = Confirmed("twice as dear", changes=len(rows), below_cost=57)
    publish_price_book(book=new, actor="test", now=clock.now(), confirmed=said)
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
    assert "the lower of the two sizes" in page
    assert "$0.00244" in page


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

    note = "the lower of the two sizes"
    size = "1024\N{MULTIPLICATION SIGN}1024"
    assert [note in one for one in (as_asked, kept, gone)] == [False, True, True]
    assert [f"{size} ✓" in one for one in (as_asked, kept, gone)] == [True, False, False]


def test_a_waiting_generation_can_be_canceled_and_an_ended_one_cannot(acme, sign_in, some):
    client = sign_in(acme)

    waiting = client.post(url("generation_cancel", acme, some[3].public_id))
    ended = client.post(url("generation_cancel", acme, some[0].public_id))

    assert (waiting.status_code, ended.status_code) == (302, 409)
    assert Generation.objects.get(id=some[3].id).state == "canceled"
    assert "already been started, or has ended" in ended.content.decode()


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
