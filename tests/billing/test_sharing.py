"""A generation's money over its price rows: by price, to the micro, the remainder to the first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import PricedRequest, quote
from billing.sharing import PricedPart, parts_of, shares
from billing.token_formula import Delivered
from tests.billing.tables import TABLE, WITH_REFERENCES

ONE = Delivered(1024, 1024)


def low(n: int, *, references: int = 0) -> PricedRequest:
    """Low images of 1024x1024, 5,880 each; up to 75,000 for each reference image."""
    table = WITH_REFERENCES if references else TABLE
    return quote(
        table, model="gpt-image-2", size="1024x1024", quality="low", n=n, references=references
    ).priced


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        (100, [1], [100]),
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (7, [52_680, 13_170], [6, 1]),
        (5, [0, 0], [5, 0]),
        (0, [3, 4], [0, 0]),
        (1, [0, 9], [0, 1]),
    ],
)
def test_the_first_share_has_the_remainder(amount, weights, expected):
    assert shares(amount, weights) == expected


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**12), min_size=1, max_size=6))
def test_shares_come_to_the_amount(amount, weights):
    parts = shares(amount, weights)

    assert sum(parts) == amount
    assert all(part * amount >= 0 for part in parts)


def test_each_delivered_size_has_what_its_images_cost():
    delivered = [ONE, Delivered(512, 512), ONE]

    parts = parts_of(
        TABLE, priced=low(3), quality="low", delivered=delivered, hold=17_640, captured=13_230
    )

    assert parts == [
        PricedPart("1024x1024", "low", "1024x1024", 2, 11_760),
        PricedPart("1024x1024", "low", "512x512", 1, 1_470),
    ]


@pytest.mark.parametrize(("captured", "of_images", "read"), [(5_880, 5_880, 0), (5_892, 5_880, 12)])
def test_reference_images_have_a_row_of_their_own_where_they_cost_something(
    captured, of_images, read
):
    parts = parts_of(
        WITH_REFERENCES,
        priced=low(1, references=2),
        quality="low",
        delivered=[ONE],
        hold=155_880,
        captured=captured,
    )

    images = PricedPart("1024x1024", "low", "1024x1024", 1, of_images)
    assert parts == [images, *([PricedPart("reference", "input", "", 0, read)] if read else [])]


def test_the_holds_limit_is_shared_by_each_size():
    delivered = [ONE, Delivered(512, 512)]

    parts = parts_of(
        TABLE, priced=low(2), quality="low", delivered=delivered, hold=5_000, captured=5_000
    )

    assert [part.micros for part in parts] == [4_000, 1_000]
