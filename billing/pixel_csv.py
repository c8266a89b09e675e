"""The columns of CSV for amounts by an image's pixels: rows of the kind `pixels`. Pure.

    model,size,quality,usd,kind,width,height,further,round,megapixel,steps
    flux-1,any,default,0.030000,pixels,1024,1024,0.015000,up,1048576,
    seed-1,any,default,0.040000,pixels,1024,1024,,,,2359296=0.040000 16777216=0.080000

`usd` is the first megapixel's amount or the first step's, `further` that of each further one.
"""

from collections.abc import Mapping

from billing.pixel_prices import MEGAPIXEL, NUMBER, PixelTerms, by_megapixels, by_steps
from pictor.kit.words.money import Micros, from_decimal, to_decimal

COLUMNS = ("further", "round", "megapixel", "steps")
PIXELS = "pixels"


def cells_of(terms: PixelTerms | None) -> list[str]:
    """The columns COLUMNS of a row; empty without terms."""
    if terms is None:
        return [""] * len(COLUMNS)
    if terms.steps:
        steps = (f"{most}={to_decimal(amount)}" for most, amount in terms.steps)
        return ["", "", "", " ".join(steps)]
    return [to_decimal(terms.further), terms.rounds, str(terms.megapixel), ""]


def terms_in(line: Mapping[str, str], usd: Micros) -> PixelTerms | None:
    """The terms of a line of CSV; None for other kinds. Raises ValueError."""
    given = {name: line.get(name) or "" for name in COLUMNS}
    if line.get("kind") != PIXELS:
        if odd := [name for name, word in given.items() if word]:
            raise ValueError(f"{odd[0]} is only of rows of the kind {PIXELS}")
        return None
    if given["steps"]:
        pairs = [pair.partition("=") for pair in given["steps"].split()]
        if len({most for most, _, _ in pairs}) < len(pairs):
            raise ValueError("each step has one amount")
        terms = by_steps({most: _amount(amount) for most, _, amount in pairs})
        if any(given[name] for name in COLUMNS[:-1]) or terms.first != usd:
            raise ValueError(
                "a row with steps has the first step's usd, and no amount by megapixel"
            )
        return terms
    further = _amount(given["further"]) if given["further"] else usd
    megapixel = given["megapixel"] or str(MEGAPIXEL)
    number = int(megapixel) if NUMBER.fullmatch(megapixel) else 0
    return by_megapixels([usd, further], rounds=given["round"] or "up", megapixel=number)


def _amount(usd: str) -> Micros:
    micros = from_decimal(usd)
    if micros < 0:
        raise ValueError(f"{usd} is below 0")
    return micros
