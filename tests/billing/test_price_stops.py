"""Confirmations typed before prices change, in numbers and sentences."""

from decimal import Decimal

import pytest

from billing.price_changes import PriceChange
from billing.price_rows import PriceRow
from billing.price_stops import (
    BelowCost,
    BookStep,
    CellCost,
    Confirmed,
    Stops,
    apart,
    judged_by_cost,
)
from billing.upstream_cost import UNKNOWN_COST, Cost, CostSource
from pictor.kit.words.money import Micros

LOW, HIGH = ("img", "1024x1024", "low"), ("img", "1024x1024", "high")


def served(micros: int | None, channel: str = "acme", *, is_sandbox: bool = False) -> CellCost:
    cost = UNKNOWN_COST if micros is None else Cost(Micros(micros), CostSource.TABLE)
    return CellCost(LOW, channel, cost, is_sandbox=is_sandbox)


def priced(micros: int) -> PriceRow:
    return PriceRow(Micros(micros), Decimal(1), 1024, 1024)


def changed(was: int, becomes: int) -> PriceChange:
    return PriceChange(LOW, priced(was), priced(becomes))


FAR = BookStep([changed(1_000, 10_000)], [changed(1_000, 10_000)])
BELOW = [BelowCost(LOW, Micros(1_000), served(1_001), LOW)]
A_STEP_WORDS = (
    "changed prices: 1; by more than 50 % on models that sold in the last 30 days: 1,"
    " img 1024x1024 low: 0.001000 USD -> 0.010000 USD."
)
BELOW_WORDS = "1 new below cost, img 1024x1024 low: 0.001000 USD, costs 0.001001 USD at acme."
BOTH_LACK = (
    "It needs a reason, and the number of changed prices, and the number of new prices below cost."
)


@pytest.mark.parametrize(
    ("cells", "is_below"),
    [
        ([served(1_000)], False),
        ([served(1_001)], True),
        ([served(900), served(1_001, "dear"), served(None, "new")], True),
        ([served(1_001, is_sandbox=True)], True),
        ([], False),
    ],
)
def test_a_price_is_held_against_the_dearest_known_cost(cells, is_below):
    below, unknown = judged_by_cost({LOW: priced(1_000)}, cells)

    assert (bool(below), unknown) == (is_below, [])


def test_the_largest_loss_at_the_dearest_channel_comes_first():
    cells = [served(5_000, "dear"), served(2_000), CellCost(HIGH, "acme", served(9_001).cost)]

    below, _ = judged_by_cost({LOW: priced(1_000), HIGH: priced(5_002)}, cells)

    assert [str(one) for one in below] == [
        "img 1024x1024 low: 0.001000 USD, costs 0.005000 USD at dear",
        "img 1024x1024 high: 0.005002 USD, costs 0.009001 USD at acme",
    ]


def test_a_price_below_cost_that_does_not_fall_is_counted_apart_and_stops_nothing():
    below = [BELOW[0], BelowCost(HIGH, Micros(1_000), served(1_001), HIGH)]

    falls, rises = (Stops([], *apart(below, [changed(was, 1_000)])) for was in (1_001, 999))

    assert (falls.number_below_cost, rises.number_below_cost, rises.are_any) == (1, None, False)
    assert falls.lines == ["1 new below cost, 1 as before"]
    assert rises.lines == ["0 new below cost, 2 as before"]


def test_an_unknown_cost_is_named_and_stops_nothing_and_a_sandbox_has_none():
    below, unknown = judged_by_cost({LOW: priced(1), HIGH: priced(1)}, [served(None)])
    of_a_sandbox = judged_by_cost({LOW: priced(1)}, [served(None, is_sandbox=True)])

    stops = Stops([], below, unknown=unknown)
    assert (stops.are_any, stops.refusal(Confirmed())) == (False, "")
    assert stops.lines == ["unknown cost: 1 prices, as img 1024x1024 low"]
    assert of_a_sandbox == ([], [])


@pytest.mark.parametrize(
    ("stops", "said", "refusal"),
    [
        (Stops(), Confirmed(), ""),
        (
            Stops([FAR]),
            Confirmed("why"),
            f"{A_STEP_WORDS} It needs a reason, and the number of changed prices.",
        ),
        (
            Stops([], BELOW),
            Confirmed(" ", below_cost=1),
            f"{BELOW_WORDS} It needs a reason, and the number of new prices below cost.",
        ),
        (
            Stops([FAR], BELOW),
            Confirmed("why", changes=1),
            f"{A_STEP_WORDS} {BELOW_WORDS} {BOTH_LACK}",
        ),
        (
            Stops([FAR], BELOW),
            Confirmed("why", changes=1, below_cost=2),
            f"{A_STEP_WORDS} {BELOW_WORDS} 2 is not the number of new prices below cost.",
        ),
        (Stops([FAR], BELOW), Confirmed("why", changes=1, below_cost=1), ""),
        (Stops([FAR]), Confirmed("why", changes=1), ""),
    ],
)
def test_each_reason_is_a_sentence_and_is_answered_by_its_number(stops, said, refusal):
    assert stops.refusal(said) == refusal


def test_the_changes_of_a_following_book_are_counted_with_its_own():
    later = BookStep([changed(1, 5), changed(1, 2)], [changed(1, 5)], "list:3 at noon")

    stops = Stops([FAR, later])

    assert stops.number_of_changes == 3
    assert stops.lines[1] == (
        "list:3 at noon then comes with changed prices: 2; by more than 50 % on models that sold in"
        " the last 30 days: 1"
    )
    assert stops.lines[2] == "changed prices in all: 3"
    assert " changed prices in all: 3. 1 is not the number" in stops.refusal(Confirmed("why", 1))
