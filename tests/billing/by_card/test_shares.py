"""A charge's cents as micros: all cents take exactly all micros, however they are split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payments.shares import CardCharge, micros_of
from pictor.kit.words.money import Micros


@pytest.mark.parametrize(("cents", "micros"), [(1, 10_000), (2000, 20_000_000)])
def test_a_cent_is_ten_thousand_micros(cents, micros):
    assert micros_of(cents) == micros


@pytest.mark.parametrize(
    ("charge", "cents", "micros"),
    [
        (CardCharge(Micros(20_000_000), 2000), 500, 5_000_000),
        (CardCharge(Micros(20_000_000), 2380), 119, 1_000_000),  # 19 % of tax
        (CardCharge(Micros(20_000_000), 2380), 146, 1_226_891),  # 1,226,890.76 half up
        (CardCharge(Micros(10_000), 3, 1, 3_333), 1, 3_334),  # two thirds are 6,666.67
        (CardCharge(Micros(10_000), 3, 2, 6_667), 1, 3_333),
        (CardCharge(Micros(20_000_000), 2000, 2000, 20_000_000), 2000, 20_000_000),
    ],
)
def test_a_part_is_counted_from_the_first_cent(charge, cents, micros):
    assert charge.share_of(cents) == micros
    assert charge.cents_for(micros) == cents


@given(
    asked=st.integers(1, 100_000),
    tax=st.integers(0, 30_000),
    cuts=st.lists(st.integers(1, 40_000), max_size=12),
)
def test_all_cents_take_exactly_all_micros(asked, tax, cuts):
    charge = CardCharge(micros_of(asked), asked + tax)

    for cut in cuts:
        part = min(cut, charge.cents - charge.gone_cents)
        gone = charge.gone_micros + charge.share_of(part)
        charge = CardCharge(charge.credited, charge.cents, charge.gone_cents + part, gone)
    last = charge.share_of(charge.cents - charge.gone_cents)

    assert charge.gone_micros + last == asked * 10_000
    assert last >= 0
