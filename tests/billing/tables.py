"""Price tables of a few sizes, with and without reference images."""

from dataclasses import replace
from decimal import Decimal

from billing.price_rows import INPUT, REFERENCE, PriceRow
from billing.pricing import PriceTable
from generation.catalogue.services import shipped
from pictor.kit.words.money import Micros


def price_table(markup: str = "1", books: tuple[int, ...] = (1,)) -> PriceTable:
    """The seeded prices of a few sizes of every model."""
    sizes = {
        "dall-e-2": ["256x256", "512x512", "1024x1024"],
        "dall-e-3": ["1024x1024", "1792x1024"],
        "gpt-image-1": ["1024x1024", "1024x1536", "1536x1024", "auto"],
        "gpt-image-2": ["1024x1024", "1024x1536", "1920x1080", "auto", "reference"],
        "gpt-image-2-auto": ["auto", "reference"],
        "gpt-image-2-origin": ["1024x1024", "1024x1536", "3840x2160", "reference"],
    }
    rows = [
        row
        for model, wanted in sizes.items()
        for row in shipped(model).prices
        if row.size in wanted
    ]
    return PriceTable(
        books=books,
        rows={
            (row.model, row.size, row.quality): PriceRow(
                row.micros, Decimal(markup), row.width, row.height, row.kind
            )
            for row in rows
        },
    )


TABLE = price_table()
READ = PriceRow(Micros(50_000), Decimal("1.5"), 1, 1, "formula")
"""At most 75,000 for each reference image."""
WITH_REFERENCES = replace(TABLE, rows={**TABLE.rows, ("gpt-image-2", REFERENCE, INPUT): READ})
