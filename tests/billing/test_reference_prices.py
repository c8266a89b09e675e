"""Reference images: held at most for each, charged by the tokens reported or a fixed amount."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from billing.price_rows import INPUT, REFERENCE, PriceRow
from billing.pricing import AmountDue, PricedRequest, due, least, quote
from billing.token_formula import Delivered
from pictor.kit.words.money import Micros
from tests.billing.tables import TABLE, WITH_REFERENCES

ONE = (Delivered(1024, 1024),)


def read(tokens: int, *, references: int = 2, delivered: Sequence[Delivered] = ONE) -> AmountDue:
    """Charge one low 1024x1024 image (5,880) made from reference images of this many tokens."""
    quoted = quote(
        WITH_REFERENCES,
        model="gpt-image-2",
        size="1024x1024",
        quality="low",
        n=1,
        references=references,
    )
    return due(
        WITH_REFERENCES,
        priced=PricedRequest.from_json(quoted.priced.as_json()),
        delivered=delivered,
        reported_quality=None,
        output_tokens=None,
        hold=quoted.total,
        input_image_tokens=tokens,
    )


@pytest.mark.parametrize(("references", "held"), [(0, 5_880), (1, 80_880), (16, 1_205_880)])
def test_each_reference_image_is_held_at_most(references, held):
    quoted = quote(
        WITH_REFERENCES,
        model="gpt-image-2",
        size="1024x1024",
        quality="low",
        n=1,
        references=references,
    )

    assert (quoted.total, quoted.references) == (held, held - 5_880)
    assert least(WITH_REFERENCES, quoted.priced) == 5_880


@pytest.mark.parametrize("delivered", [ONE, ()])
def test_a_fixed_amount_for_each_is_charged_with_the_first_image(delivered):
    fixed = PriceRow(Micros(15_000), Decimal("1.2"), 1, 1, "each")
    table = replace(TABLE, rows={**TABLE.rows, ("gpt-image-2", REFERENCE, INPUT): fixed})

    quoted = quote(table, model="gpt-image-2", size="1024x1024", quality="low", n=1, references=2)
    bill = due(
        table, priced=quoted.priced, delivered=delivered, reported_quality=None,
        output_tokens=None, hold=quoted.total,
    )  # fmt: skip

    assert (quoted.total, quoted.references) == (5_880 + 36_000, 36_000)
    assert least(table, quoted.priced) == 5_880 + 36_000
    assert (bill.total, bill.references) == ((41_880, 36_000) if delivered else (0, 0))


@pytest.mark.parametrize(
    ("tokens", "charged", "excess"),
    [(0, 0, 0), (1, 12, 0), (1_000, 12_000, 0), (12_500, 150_000, 0), (12_501, 150_000, 12)],
)
def test_reference_images_cost_the_tokens_reported_and_never_more_than_was_held(
    tokens, charged, excess
):
    found = read(tokens)

    assert (found.references, found.total, found.excess) == (charged, 5_880 + charged, excess)


def test_reference_images_cost_nothing_when_no_image_came():
    assert read(1_000, delivered=[]).total == 0


def test_tokens_cost_nothing_where_nothing_was_held_for_them():
    assert read(1_000, references=0).total == 5_880


def test_money_held_for_reference_images_pays_for_nothing_else():
    quoted = quote(
        WITH_REFERENCES, model="gpt-image-2", size="1024x1024", quality="low", n=1, references=1
    )

    found = due(
        WITH_REFERENCES,
        priced=quoted.priced,
        delivered=ONE,
        reported_quality=None,
        output_tokens=None,
        hold=Micros(quoted.references + 5_000),
        input_image_tokens=0,
    )

    assert found.total == 5_000


def test_a_request_without_reference_images_is_written_as_it_always_was():
    quoted = quote(WITH_REFERENCES, model="gpt-image-2", size="1024x1024", quality="low", n=1)

    assert "references" not in quoted.priced.as_json()
