"""What an attempt costs us, or may have cost us, and why nobody pays. Pure. Amounts: micro-USD."""

from enum import StrEnum

from pictor.kit.money import Micros


class Loss(StrEnum):
    """Why what may have been paid for is charged to nobody."""

    WRONG_SIZE = "wrong_size"
    """Another size than `strict_size` asked for."""
    REFUSED_BILLED = "refused_billed"
    """The upstream refused the request, by its policy or as invalid, and may bill that."""
    UNKNOWN = "unknown"
    """It did not answer to the end."""
    BAD_RESULT = "bad_result"
    """It answered without a usable image."""
    STORAGE_FAILED = "storage_failed"
    """The image came, and we had no room for it or could not store it."""
    INTERRUPTED = "interrupted"
    """Cut off by the end of a process of ours."""


COUNTED = frozenset({Loss.WRONG_SIZE, Loss.REFUSED_BILLED})
"""What a caller can bring about at will: the tenant's ceiling of the day is on these."""


def upstream_cost(each: int | None, *, images: int, may_have_billed: bool = True) -> Micros:
    """The cost of a call for so many images, at the flat price of one where a route has one.

    Counted as if it had been paid wherever that is possible: `images` are those delivered, or,
    where nothing came back, those asked for.
    """
    return Micros((each or 0) * images if may_have_billed else 0)
