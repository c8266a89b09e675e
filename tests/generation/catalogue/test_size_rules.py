"""Sizes by a rule: which it allows, how it reads, what it may say, how a channel makes them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from billing.models import PriceBook
from billing.pixel_prices import by_megapixels, by_steps
from billing.price_rows import BookRow, PriceRow, row_by
from billing.pricing import PriceTable
from billing.selectors import rows_of
from billing.selectors.office.repricing import rows_on_offer
from billing.services.office.prices import draft_price_book
from billing.upstream_cost import CostRow, CostTable
from generation.catalogue.contracts import SizeOption
from generation.catalogue.costs import cells
from generation.catalogue.plans import CLOSEST, CROPPED, NATIVE, plan, prices_of, ratio_sentence
from generation.catalogue.services import (
    ChannelOptions,
    RouteTerms,
    columns_of,
    set_channel,
    set_contract,
)
from generation.channels.registry import abilities_of
from generation.channels.size_rules import Size, SizeRule
from generation.models import Contract
from generation.oversight.contract_review import promises_of, review
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import contract_of, route_info

RULE = SizeRule(16, 256, 4096, 65_536, 4_194_304, 3)
STORED: dict[str, Any] = {
    "step": 16,
    "min_side": 256,
    "max_side": 4096,
    "min_pixels": 65_536,
    "max_pixels": 4_194_304,
    "max_ratio": 3,
}
WORDS = (
    "width and height divisible by 16, from 256 to 4096, from 65536 to 4194304 pixels, at most 3:1"
)
FLUX = contract_of("dall-e-3", size_rule=RULE)


@pytest.mark.parametrize(
    ("size", "is_allowed"),
    [
        ("1008x1344", True),
        ("1344x1008", True),
        ("256x256", True),
        ("2048x2048", True),
        ("768x256", True),
        ("784x256", False),
        ("1000x1344", False),
        ("1008x1340", False),
        ("240x512", False),
        ("2048x2064", False),
        ("3536x1184", True),
        ("3552x1168", False),
    ],
)
def test_a_rule_allows_sizes_by_step_sides_pixels_and_ratio(size, is_allowed):
    assert RULE.allows(Size.parse(size)) is is_allowed


def test_a_rule_is_one_sentence():
    assert str(RULE) == WORDS
    assert str(SizeRule(1, 512, 2048, 1, 2048 * 2048, 2.5)) == (
        "width and height from 512 to 2048, from 1 to 4194304 pixels, at most 2.5:1"
    )


def test_its_largest_size_has_the_most_pixels():
    assert RULE.largest == Size(2048, 2048)
    assert SizeRule(64, 64, 1000, 1, 10**9, 1).largest == Size(960, 960)
    assert SizeRule(16, 64, 1000, 1, 500_000, 4).largest == Size(512, 976)
    assert SizeRule(16, 100, 110, 1, 10**9, 4).largest is None


RULES = st.tuples(
    st.sampled_from([1, 3, 8]), st.integers(1, 24), st.integers(1, 24),
    st.integers(1, 400), st.integers(1, 400), st.sampled_from([1, 1.5, 3]),
)  # fmt: skip


@given(RULES.map(lambda bounds: SizeRule(*bounds)))
def test_no_allowed_size_is_larger_than_the_largest(rule):
    sides = range(rule.step, 25, rule.step)
    allowed = [size for w in sides for h in sides if rule.allows(size := Size(w, h))]

    assert (rule.largest and rule.largest.pixels) == max(
        (size.pixels for size in allowed), default=None
    )
    assert rule.largest is None or rule.largest in allowed


def test_a_word_for_a_size_is_a_listed_option_or_one_of_the_tier_any():
    assert FLUX.option("1024x1024") == SizeOption(Size(1024, 1024), "base", "1:1")
    assert FLUX.option("1008x1344") == SizeOption(Size(1008, 1344), "any", "3:4")
    assert [FLUX.option(word) for word in ("1008x1345", "any", "auto", "")] == [None] * 4
    assert contract_of("dall-e-3").option("1008x1344") is None
    assert FLUX.priced_sizes == ("1024x1024", "1024x1792", "1792x1024", "any")
    assert FLUX.price_keys[-2:] == (("dall-e-3", "any", "standard"), ("dall-e-3", "any", "hd"))


def test_a_channel_of_listed_sizes_makes_the_nearest_and_is_told_the_ratio():
    near = plan(route_info("1024x1024", "1024x1536"), contract=FLUX, size="1008x1344")
    exact = contract_of("dall-e-3", size_rule=RULE, is_exact=True)
    crops = route_info("2048x2048", allows_exact_crop=True)

    assert near is not None
    assert (near.plan, near.upstream_size) == (CLOSEST, "1024x1536")
    assert near.prompt_suffix == ratio_sentence(FLUX, "1008x1344")
    assert near.prompt_suffix == "\n\nCompose the image for an aspect ratio of 3:4."
    assert plan(route_info("2048x2048"), contract=exact, size="1008x1344") is None
    cropped = plan(crops, contract=exact, size="1008x1344")
    assert cropped is not None
    assert (cropped.plan, cropped.made_into) == (CROPPED, Size(1008, 1344))


ANY_SIDE = contract_of("dall-e-3", size_rule=SizeRule(1, 256, 4096, 65_536, 4_194_304, 4))


@pytest.mark.parametrize(
    ("size", "made", "sent", "made_into"),
    [
        ("1008x1344", NATIVE, "1008x1344", None),
        ("1000x1000", CLOSEST, "992x992", None),
        ("256x256", CLOSEST, "816x816", Size(256, 256)),
        ("2000x500", CLOSEST, "1728x576", None),
        ("500x2000", CLOSEST, "576x1728", None),
    ],
)
def test_a_channel_of_a_rule_makes_its_nearest_size(size, made, sent, made_into):
    route = route_info(abilities=abilities_of("fal", "openai/gpt-image-2"))

    planned = plan(route, contract=ANY_SIDE, size=size)

    assert planned is not None
    assert (planned.plan, planned.upstream_size, planned.made_into) == (made, sent, made_into)


def test_of_a_channel_of_a_rule_the_least_larger_size_is_cropped():
    abilities = abilities_of("fal", "openai/gpt-image-2")
    crops = route_info(abilities=abilities, allows_exact_crop=True)
    exact = replace(ANY_SIDE, is_exact=True)

    cropped = plan(crops, contract=exact, size="1000x1000")

    assert cropped is not None
    assert (cropped.plan, cropped.upstream_size) == (CROPPED, "1008x1008")
    assert plan(replace(crops, allows_exact_crop=False), contract=exact, size="1000x1000") is None


@pytest.mark.parametrize(
    ("sizes", "made"),
    [([], NATIVE), (["2048x2048"], NATIVE), (["1024x1024"], CLOSEST)],
)
def test_all_sizes_of_a_rule_are_planned_as_its_largest(sizes, made):
    planned = plan(route_info(*sizes), contract=FLUX, size="any")

    assert planned is not None
    assert (planned.plan, planned.upstream_size) == (made, "any")
    assert plan(route_info(*sizes), contract=contract_of("dall-e-3"), size="any") is None


def test_the_price_of_any_is_that_of_the_largest_size():
    terms = by_steps({"1048576": Micros(20_000), "4194304": Micros(50_000)})
    row = PriceRow(Micros(20_000), Decimal("1.5"), 1024, 1024, "pixels", terms)
    table = PriceTable((1,), {("dall-e-3", "any", "hd"): row})
    larger = contract_of("dall-e-3", size_rule=SizeRule(16, 256, 4096, 1, 4_300_000, 3))

    assert {word: one.unit for word, one in prices_of(FLUX, table, "any").items()} == {"hd": 75_000}
    assert prices_of(larger, table, "any") == {}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"step": 0}, "step must be a number from 1 to 1024"),
        ({"step": True}, "step must be a number from 1 to 1024"),
        ({"step": 16.0}, "step must be a number from 1 to 1024"),
        ({"max_side": 100_000}, "max_side must be a number from 1 to 99999"),
        ({"max_pixels": 10**9 + 1}, "max_pixels must be a number from 1 to 1000000000"),
        ({"max_ratio": float("nan")}, "max_ratio must be a number from 1 to 100"),
        ({"max_ratio": "3:1"}, "max_ratio must be a number from 1 to 100"),
        ({"min_side": 4112}, "min_side is above max_side"),
        ({"min_pixels": 5_000_000}, "min_pixels is above max_pixels"),
        ({"min_side": 2064}, "allows no size"),
        ({"steps": 16}, "has the keys step, min_side, max_side, min_pixels, max_pixels, max_ratio"),
    ],
)
def test_a_wrong_rule_is_refused(seeded, changes, fault):
    with pytest.raises(ValidationError) as refused:
        set_contract(model="fox", columns=columns(size_rule={**STORED, **changes}), actor="test")

    assert refused.value.message_dict == {"size_rule": [fault]}


def test_a_rule_may_be_all_of_a_models_sizes(seeded):
    alone = columns(sizes=[], default_size="1008x1344", size_rule=STORED)

    set_contract(model="fox", columns=alone, actor="test")

    with pytest.raises(ValidationError) as refused:
        set_contract(model="fox", columns={"default_size": "1008x1345"}, actor="test")
    assert refused.value.message_dict == {"default_size": ["is not one of the sizes"]}


@pytest.mark.parametrize(
    ("changes", "is_gone"),
    [
        ({"step": 8, "min_side": 64, "max_pixels": 10**7, "max_ratio": 3.5}, False),
        ({"step": 32}, True),
        ({"step": 12}, True),
        ({"min_side": 272}, True),
        ({"max_side": 4000}, True),
        ({"min_pixels": 65_537}, True),
        ({"max_pixels": 4_194_303}, True),
        ({"max_ratio": 2.5}, True),
    ],
)
def test_only_a_narrower_rule_takes_sizes_away(seeded, changes, is_gone):
    set_contract(model="fox", columns=columns(size_rule=STORED), actor="test")
    fox = Contract.objects.get(pk="fox")

    reviewed = review(fox, {"size_rule": {**STORED, **changes}}, now=clock.now())

    assert bool(reviewed.gone) is is_gone


def test_a_rule_on_sale_needs_a_price_that_reaches_its_largest_size(seeded):
    book = PriceBook.objects.get()
    steps = by_steps({"1048576": Micros(20_000), "4000000": Micros(50_000)})
    short = [
        row_by(BookRow("dall-e-3", "any", word, Micros(0), 1024, 1024), steps)
        for word in ("standard", "hd")
    ]
    new = draft_price_book(
        name="list", rows=[*rows_of(book), *short], effective_from=clock.now(), actor="test"
    )
    PriceBook.objects.filter(id=new.id).update(published_at=clock.now())

    with pytest.raises(ValidationError) as refused:
        set_contract(model="dall-e-3", columns={"size_rule": STORED}, actor="test")

    assert refused.value.message_dict == {
        "is_enabled": [
            "needs a published price first for dall-e-3 2048x2048 standard, dall-e-3 2048x2048 hd"
        ]
    }
    smaller = {**STORED, "max_pixels": 4_000_000}
    assert set_contract(model="dall-e-3", columns={"size_rule": smaller}, actor="test")


def test_a_rule_costs_what_a_megapixel_and_its_largest_size_cost(seeded):
    set_contract(model="fox", columns=columns(size_rule=STORED), actor="test")
    options = ChannelOptions(
        base_url="https://a.example/v1",
        api_key="sk-1",
        routes=[RouteTerms(model="fox", upstream_model="fox")],
    )
    channel, _ = set_channel(name="vendor", options=options, actor="test")
    terms = by_megapixels([Micros(30_000), Micros(15_000)])
    row = CostRow("fox", "any", "any", terms.first, "pixels", terms)

    found = cells(channel, (CostTable(clock.now(), {row.key: row}),), at=clock.now())

    of_rule = {cell.key[1]: cell.cost.micros for cell in found if cell.key[2] == "hd"}
    assert {size: of_rule[size] for size in ("1024x1024", "2048x2048")} == {
        "1024x1024": 30_000,
        "2048x2048": 75_000,
    }


def test_a_price_of_any_is_asked_for_where_it_is_missing(seeded):
    set_contract(model="fox", columns=columns(size_rule=STORED), actor="test")

    rows = rows_on_offer(PriceBook.objects.get(), "fox")

    assert [row for row in rows if row.size == "any"] == [
        BookRow("fox", "any", "standard", Micros(0), 1024, 1024),
        BookRow("fox", "any", "hd", Micros(0), 1024, 1024),
    ]


def test_a_listed_size_is_of_no_tier_any(seeded):
    with pytest.raises(ValidationError) as refused:
        set_contract(
            model="fox",
            columns=columns(sizes=[{"size": "1024x1024", "tier": "any"}]),
            actor="test",
        )

    assert refused.value.messages == ["row 1: any stands for the sizes of a rule"]


def test_a_review_names_the_rule_and_what_goes_with_it(seeded):
    set_contract(model="fox", columns=columns(size_rule=STORED), actor="test")
    fox = Contract.objects.get(pk="fox")

    reviewed = review(fox, {"size_rule": None}, now=clock.now())

    assert reviewed.before["further sizes"] == WORDS
    assert "further sizes" not in reviewed.after
    assert [gone.what for gone in reviewed.gone] == [f"size any as by {WORDS}"]
    assert "further sizes" not in promises_of({"size_rule": None})


def columns(**changes: Any) -> Any:
    like = columns_of(Contract.objects.get(pk="dall-e-3"))
    return {**like, "is_enabled": False, **changes}
