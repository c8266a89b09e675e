"""What an attempt costs us, or may have cost us. Pure. Amounts are micro-USD."""

from pictor.kit.money import Micros


def upstream_cost(each: int | None, *, images: int, may_have_billed: bool = True) -> Micros:
    """The cost of a call for so many images, at the flat price of one where a route has one.

    Counted as if it had been paid wherever that is possible: `images` are those delivered, or,
    where nothing came back, those asked for.
    """
    return Micros((each or 0) * images if may_have_billed else 0)
