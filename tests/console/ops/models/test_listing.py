"""The list of models: contract, channels, revenue and problems of each."""

from datetime import timedelta
from typing import Any

import pytest

from console.ops.models.rows import ModelRow
from generation.catalogue.services.sunsets import announce_sunset
from generation.models import Contract, Route
from pictor.kit.words import clock
from tests.console.answers import lines_of
from tests.console.ops.channel_pages import text_of
from tests.console.ops.models.model_pages import LEAST, LIST, MODEL, called, sold
from tests.making.factories import make_channel


@pytest.fixture
def served() -> None:
    """Serve every model but one."""
    names = Contract.objects.exclude(model=LEAST).values_list("model", flat=True)
    make_channel("one", *names)


def names(answer: Any) -> list[str]:
    return [row.name for row in answer.context["rows"]]


def row_of(answer: Any, model: str) -> ModelRow:
    found: list[ModelRow] = [row for row in answer.context["rows"] if row.name == model]
    return found[0]


@pytest.mark.usefixtures("served")
def test_models_needing_attention_come_first_and_others_as_customers_see_them(owner):
    Contract.objects.filter(model=MODEL).update(qualities=["low", "medium", "high", "ultra"])
    Contract.objects.filter(model="dall-e-2").update(is_enabled=False)

    answer = owner.get(LIST)

    found = names(answer)
    assert found[:2] == [LEAST, MODEL]
    assert found[-1] == "dall-e-2"
    assert found[2:-1] == [
        one
        for one in Contract.objects.values_list("model", flat=True)
        if one not in {LEAST, MODEL, "dall-e-2"}
    ]
    said = text_of(answer)
    assert "No channel serves it" in said
    assert "10 of 40 cells have no price" in said
    assert f"All {len(found)} Needs attention 2" in said
    assert "Off or ended 1" in said


@pytest.mark.usefixtures("served")
def test_sizes_are_counted_by_tier_and_channels_have_shares(owner):
    make_channel("two", MODEL, weight=3)

    answer = owner.get(LIST)

    row = row_of(answer, MODEL)
    assert row.sizes == "9 sizes, auto"
    assert row_of(answer, "gpt-image-2-pro").sizes == "18 sizes: 6 of Base, 6 of 2K, 6 of 4K, auto"
    assert row.channels == ["two 75%", "one 25%"]


@pytest.mark.usefixtures("served")
def test_sales_cover_30_days_and_exclude_demo_data(owner):
    sold(images=70, captured_micros=5_500_000, refunded_micros=500_000, cost_micros=2_000_000)
    facts: dict[str, Any] = {
        "cost_micros": 1_000_000,
        "corrections_micros": 400_000,
        "losses_micros": 700_000,
    }
    facts |= {"loss_corrections_micros": -100_000}
    sold("other", images=30, captured_micros=5_000_000, days_ago=29, **facts)
    sold("late", images=9, captured_micros=9_000_000, days_ago=30)
    sold("demo", images=7, captured_micros=70_000, is_demo=True)

    live, demo, test = (owner.get(f"{LIST}?mode={mode}") for mode in ("live", "demo", "test"))

    assert "100 images 2 tenants $10.00 $6.00 60%" in text_of(live)
    assert "7 images 1 tenant $0.07" in text_of(demo)
    assert "$10.00" not in text_of(demo)
    assert "tests are not counted" in text_of(test)
    assert "$10.00" not in text_of(test)


@pytest.mark.usefixtures("served")
def test_sales_are_summed_and_lead_to_their_margin(owner):
    sold(images=70, captured_micros=5_000_000, cost_micros=2_000_000)
    sold(model=LEAST, images=30, captured_micros=5_000_000, cost_micros=1_000_000)

    live, demo = owner.get(LIST), owner.get(f"{LIST}?mode=demo")

    assert "Total 100 images $10.00 $7.00" in text_of(live)
    assert 'href="/ops/margin/?by=tenant&amp;model=gpt-image-2"' in live.content.decode()
    assert 'href="/ops/prices/current/?model=gpt-image-2"' in live.content.decode()
    assert "Total" not in text_of(demo)


@pytest.mark.usefixtures("served")
def test_a_model_that_loses_money_needs_somebody(owner):
    sold(images=1, captured_micros=30_000, cost_micros=40_000)

    answer = owner.get(f"{LIST}?show=attention")

    assert names(answer) == [LEAST, MODEL]
    assert "It loses money" in text_of(answer)


def test_the_last_use_is_to_the_minute_or_to_the_day(owner):
    called(make_channel("one", MODEL), minutes_ago=4)
    sold(images=1, model=MODEL)
    sold(images=1, model=LEAST, days_ago=3)
    sold("other", images=1, model=LEAST, days_ago=9)

    said = text_of(owner.get(LIST))

    assert "4 minutes ago" in said
    assert f"{clock.now() - timedelta(days=3):%-d %b %Y}" in said


@pytest.mark.usefixtures("served")
def test_a_model_that_ends_says_when_and_what_follows(owner):
    end = clock.now() + timedelta(days=90)
    announce_sunset(model=MODEL, sunset_at=end, successor="gpt-image-1", now=clock.now(), actor="A")

    answer = owner.get(f"{LIST}?show=ending")

    assert names(answer) == [MODEL]
    assert f"Ends {end:%-d %b %Y} then gpt-image-1" in text_of(answer)


@pytest.mark.usefixtures("served")
def test_a_size_that_no_channel_makes_is_named(owner):
    Contract.objects.filter(model=MODEL).update(is_exact=True)
    Route.objects.filter(contract_id=MODEL).update(sizes=["1024x1024"])

    assert "No channel makes 1536x1152, 1536x1024, 1024x1536 and 6 more" in (
        owner.get(LIST).content.decode()
    )


@pytest.mark.usefixtures("served")
def test_models_are_downloaded_as_csv(owner):
    sold(images=3, captured_micros=150_000, cost_micros=90_000)

    rows = lines_of(owner.get(f"{LIST}?format=csv"))

    (row,) = [row for row in rows if row["model"] == MODEL]
    assert (row["state"], row["channels"], row["cells"], row["priced"]) == (
        "on offer",
        "one",
        "30",
        "30",
    )
    assert (row["images_30_days"], row["revenue_usd_30_days"], row["margin_usd_30_days"]) == (
        "3",
        "0.150000",
        "0.060000",
    )


def test_without_models_the_list_says_what_one_is(owner):
    Contract.objects.all().delete()

    assert "No models yet" in text_of(owner.get(LIST))


def test_a_filter_that_nothing_fits_is_cleared_by_a_link(owner):
    assert "No models match" in text_of(owner.get(f"{LIST}?show=ending"))


@pytest.mark.usefixtures("served")
def test_the_list_takes_few_queries(owner, django_assert_max_num_queries):
    sold(images=1)
    owner.get(LIST)

    with django_assert_max_num_queries(12):
        owner.get(LIST)
