"""An attempt's cost beside a plain reading of the rule, for random tables and answers."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pixel_prices import ROUNDED, by_megapixels, by_steps
from billing.token_formula import Delivered
from billing.upstream_cost import (
    Cost,
    CostKey,
    CostRow,
    Costs,
    CostSource,
    CostTable,
    SentRequest,
    TokenCounts,
    UpstreamResult,
    upstream_cost,
)
from pictor.kit.words.money import Micros

MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC)
MOMENTS = [MIDNIGHT + timedelta(microseconds=n) for n in (-86_400_000_000, -1, 0, 1)]
SIZES, QUALITIES = ("1024x1024", "1536x1024"), ("low", "high")
TOKEN_KINDS = ("input_text", "input_image", "output")

micros = st.integers(0, 10**9).map(Micros)
cells = st.dictionaries(
    st.tuples(
        st.just("img"), st.sampled_from([*SIZES, "any"]), st.sampled_from([*QUALITIES, "any"])
    ),
    micros,
    max_size=6,
)
token_prices = st.dictionaries(st.sampled_from(TOKEN_KINDS), micros, max_size=3)
tables = st.lists(st.tuples(st.sampled_from(MOMENTS), cells, token_prices), max_size=3)
answers = st.builds(
    UpstreamResult,
    images=st.lists(st.sampled_from([Delivered(1024, 1024), Delivered(1536, 1024)]), max_size=3),
    tokens=st.none()
    | st.builds(TokenCounts, *(st.sampled_from([0, 1, 777, 10_000]) for _ in TOKEN_KINDS)),
    reported=st.none() | micros,
)
requests = st.builds(
    SentRequest,
    model=st.just("img"),
    size=st.sampled_from(SIZES),
    quality=st.sampled_from(QUALITIES),
    n=st.integers(1, 3),
    at=st.sampled_from(MOMENTS),
)


MANY = settings(max_examples=200)

pixel_terms = st.one_of(
    st.builds(
        by_megapixels,
        st.lists(micros, min_size=1, max_size=2),
        rounds=st.sampled_from(sorted(ROUNDED)),
        megapixel=st.integers(1, 2**22),
    ),
    st.dictionaries(st.integers(1, 2**24).map(str), micros, min_size=1, max_size=4).map(
        lambda steps: by_steps(
            dict(zip(sorted(steps, key=int), sorted(steps.values()), strict=True))
        )
    ),
)
sides = st.integers(1, 4096)

Stored = tuple[datetime, dict[CostKey, Micros], dict[str, Micros]]
"""A table's start, its cells and its token prices."""


def table(begins: datetime, fixed: dict[CostKey, Micros], tokens: dict[str, Micros]) -> CostTable:
    rows = [CostRow(*key, amount) for key, amount in fixed.items()]
    rows += [CostRow("img", "tokens", word, amount, "tokens") for word, amount in tokens.items()]
    return CostTable(begins, {row.key: row for row in rows})


def by_the_rule(
    found: list[Stored], flat: int | None, asked: SentRequest, came: UpstreamResult
) -> tuple[int | None, str]:
    """Return the amount and its source by docs/pricing.md; None if the cost is unknown."""
    if came.reported is not None:
        return came.reported, "reported"
    images = len(came.images) or asked.n
    begun = [one for one in found if one[0] <= asked.at]
    if begun:
        _, fixed, prices = begun[-1]
        if came.tokens is not None and came.tokens.output:
            counts = {kind: getattr(came.tokens, kind) for kind in TOKEN_KINDS}
            if all(kind in prices for kind, number in counts.items() if number):
                nanos = sum(number * prices.get(kind, 0) for kind, number in counts.items())
                return (nanos + 500_000) // 1_000_000, "tokens"
        for key in (
            ("img", asked.size, asked.quality),
            ("img", asked.size, "any"),
            ("img", "any", asked.quality),
            ("img", "any", "any"),
        ):
            if key in fixed:
                return fixed[key] * images, "table"
    return (None, "unknown") if flat is None else (flat * images, "flat")


@MANY
@given(tables, st.none() | micros, requests, answers)
def test_the_cost_is_that_of_the_first_that_is_known(stored, flat, asked, came):
    # in the order of taking over; the later written wins
    stored = sorted(stored, key=lambda one: one[0])
    costs = Costs(flat, tuple(table(*one) for one in stored))

    cost = upstream_cost(costs, sent=asked, came=came)

    amount, source = by_the_rule(stored, flat, asked, came)
    assert cost == Cost(Micros(amount or 0), CostSource(source))
    assert cost.is_known == (amount is not None)


@MANY
@given(tables, st.none() | micros, requests, answers, cells)
def test_a_table_that_begins_later_changes_nothing(stored, flat, asked, came, later):
    stored = sorted(stored, key=lambda one: one[0])
    now = tuple(table(*one) for one in stored)
    then = table(MIDNIGHT + timedelta(days=1), later, {})

    assert upstream_cost(Costs(flat, (*now, then)), sent=asked, came=came) == upstream_cost(
        Costs(flat, now), sent=asked, came=came
    )


@MANY
@given(tables, st.none() | micros, requests, answers)
def test_an_unbilled_attempt_and_a_test_cost_nothing_whatever_is_known(stored, flat, asked, came):
    found = tuple(table(*one) for one in sorted(stored, key=lambda one: one[0]))
    nothing = Cost(Micros(0), CostSource.NOTHING)

    unbilled = upstream_cost(Costs(flat, found), sent=asked, came=came, may_have_billed=False)
    of_a_test = upstream_cost(Costs(flat, found, is_free=True), sent=asked, came=came)

    assert (unbilled, of_a_test) == (nothing, nothing)


@MANY
@given(pixel_terms, sides, sides, sides, sides)
def test_fewer_pixels_never_cost_more(terms, width, height, less_wide, less_high):
    row = CostRow("img", "any", "any", terms.first, "pixels", terms)
    costs = Costs(None, (CostTable(MIDNIGHT, {row.key: row}),))
    small, large = (
        upstream_cost(costs, sent=SentRequest("img", size, "any", n=1, at=MIDNIGHT))
        for size in (f"{min(width, less_wide)}x{min(height, less_high)}", f"{width}x{height}")
    )

    assert small.is_known >= large.is_known
    assert not large.is_known or small.micros <= large.micros
