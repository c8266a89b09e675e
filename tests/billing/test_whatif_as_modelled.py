"""For random sales, what-if revenue is the sum of each generation's due."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.price_rows import INPUT, REFERENCE, Kind, PriceKey, PriceRow
from billing.pricing import AmountDue, PriceTable, due, image_price, quote
from billing.sharing import parts_of
from billing.token_formula import Delivered
from billing.whatif import ByOwner, LeftOutReason, Prices, SoldImages, brought_by
from pictor.kit.words.money import Micros

SIZES = ((1024, 1024), (1024, 1536), (512, 512))
OTHERS = (*SIZES, (1000, 1000), (2880, 2880), (17, 4000))
QUALITIES = ("low", "medium", "high")
ACME, OTHER = UUID(int=1), UUID(int=2)
DATES = (date(2026, 11, 1), date(2026, 11, 2))


def table_of(draw: Random, book: int, *, spread: int) -> PriceTable:
    """Random prices of two models; one is charged by the formula in size auto."""
    markup = Decimal(draw.choice(["1", "1.2345", "0.8"]))
    rows: dict[PriceKey, PriceRow] = {}
    for model, kind in (("fixed", "fixed"), ("formula", "formula")):
        of_auto: Kind = "formula" if kind == "formula" else "fixed"
        for place, quality in enumerate(QUALITIES):
            base = 10_000 * 4**place
            for width, height in SIZES:
                micros = Micros(draw.randint(base, base * spread))
                rows[model, f"{width}x{height}", quality] = PriceRow(micros, markup, width, height)
            most = PriceRow(Micros(base * spread), markup, 2048, 2048, of_auto)
            rows[model, "auto", quality] = most
    rows["formula", REFERENCE, INPUT] = PriceRow(Micros(50_000), markup, 1, 1, "formula")
    return PriceTable((book,), rows)


@dataclass
class Asked:
    """A request and its delivery."""

    tenant: UUID
    day: date
    model: str
    size: str
    quality: str
    n: int
    references: int
    delivered: list[Delivered]
    reported: str | None
    output_tokens: int | None
    input_tokens: int

    def due(self, table: PriceTable) -> tuple[AmountDue, list[SoldImages]]:
        """Return the amount due at these prices, and the row counted for it."""
        quoted = quote(
            table,
            model=self.model,
            size=self.size,
            quality=self.quality,
            n=self.n,
            references=self.references,
        )
        found = due(
            table,
            priced=quoted.priced,
            delivered=self.delivered,
            reported_quality=self.reported,
            output_tokens=self.output_tokens,
            hold=quoted.total,
            input_image_tokens=self.input_tokens,
        )
        parts = parts_of(
            table,
            priced=quoted.priced,
            quality=found.quality_billed,
            delivered=self.delivered,
            hold=quoted.total,
            captured=found.total,
        )
        counted = [
            SoldImages(
                self.tenant, self.model, part.asked, part.quality, part.delivered, part.images,
                Micros(part.micros), self.day,
            )
            for part in parts
        ]  # fmt: skip
        return found, counted

    def may_be_cut(self, table: PriceTable, quality: str) -> bool:
        """True if an image is worth more than its hold may have been."""
        priced = quote(table, model=self.model, size=self.size, quality="auto", n=1).priced
        held = priced.rows[quality].unit
        return any(image_price(table, priced, quality, one) > held for one in self.delivered)


def asked_at_random(draw: Random) -> Asked:
    model = draw.choice(["fixed", "formula"])
    n = draw.randint(1, 4)
    came = [Delivered(*draw.choice(OTHERS)) for _ in range(draw.randint(1, n))]
    return Asked(
        tenant=draw.choice([ACME, OTHER]),
        day=draw.choice(DATES),
        model=model,
        size=draw.choice(["auto", *(f"{width}x{height}" for width, height in SIZES)]),
        quality=draw.choice(["auto", *QUALITIES]),
        n=n,
        references=draw.choice([0, 0, 2]) if model == "formula" else 0,
        delivered=came,
        reported=draw.choice([None, *QUALITIES, "hd"]),
        output_tokens=draw.choice([None, 200, 2_000, 9_000]),
        input_tokens=draw.choice([0, 300, 90_000]),
    )


def added_up(sold: Iterable[SoldImages]) -> list[SoldImages]:
    sums: dict[SoldImages, tuple[int, int]] = {}
    for one in sold:
        row = replace(one, images=0, captured=Micros(0))
        images, captured = sums.get(row, (0, 0))
        sums[row] = (images + one.images, captured + one.captured)
    return [
        replace(row, images=images, captured=Micros(captured))
        for row, (images, captured) in sums.items()
    ]


@given(seed=st.integers(0, 2**32), spread=st.sampled_from([1, 3, 40]))
@settings(max_examples=30)
def test_the_revenue_is_the_sum_of_what_each_generation_would_owe(seed, spread):
    draw = Random(seed)  # noqa: S311 - no secret
    former, new, of_other = (table_of(draw, book, spread=spread) for book in (1, 2, 3))
    prices: ByOwner = {None: Prices(new, [former]), OTHER: Prices(of_other, [former])}
    generations = [asked_at_random(draw) for _ in range(300)]
    sold, expected, cut = [], defaultdict(list), set()
    charged = 0
    for generation in generations:
        was, counted = generation.due(former)
        table = of_other if generation.tenant == OTHER else new
        then, _ = generation.due(table)
        sold += counted
        charged += was.total
        group = (
            generation.day,
            generation.tenant,
            generation.model,
            generation.size,
            was.quality_billed,
        )
        assert then.quality_billed == was.quality_billed
        expected[group].append((was.total - was.references, then.total - then.references))
        if generation.may_be_cut(table, was.quality_billed):
            cut.add(group)

    found = brought_by(added_up(sold), prices)

    kept = [pair for group, pairs in expected.items() if group not in cut for pair in pairs]
    assert (found.was, found.becomes) == (
        sum(was for was, _ in kept),
        sum(then for _, then in kept),
    )
    assert found.was + found.uncompared == charged
    for tenant in (ACME, OTHER):
        of_tenant = [
            then
            for group, pairs in expected.items()
            if group not in cut and group[1] == tenant
            for _, then in pairs
        ]
        assert sum(of_tenant) == sum(one.becomes for one in found.touched if one.tenant == tenant)
    named = {one.key for one in found.left_out if one.why is LeftOutReason.HOLD}
    assert named == {group[2:] for group in cut}
