"""The habits of the demo data's shop: its requests, their duration, and its failures. Pure."""

from dataclasses import dataclass

from generation.channels.errors import AttemptClass

HOURS = (1, 1, 1, 1, 1, 2, 4, 9, 16, 20, 21, 19, 14, 17, 21, 22, 18, 12, 8, 6, 5, 4, 3, 2)
"""The weight of each hour of a day, UTC."""
WEEKDAYS = (10, 11, 11, 10, 9, 3, 2)
"""The weight of each day, from Monday."""
GROWTH = 1.6
"""The weight of the last day, as a multiple of the first."""
AUTO_SIZES = ("1024x1024", "1536x1024", "1024x1536")
"""An upstream's choices if the size is left to it."""


@dataclass(frozen=True, slots=True)
class Habit:
    """The shop's use of one model. An entry listed twice is chosen twice as often.

    Attributes:
        share: the weight among all models.
        sizes: as a caller writes them; None leaves it to the model.
        lately: those of the last days, whose images really exist: small ones.
        qualities: None sends none.
        seconds: the median of a call's time.
        cost: the upstream's cost, in percent of the charge.
        reports: True if the upstream reports the quality and the tokens.
    """

    model: str
    share: int
    sizes: tuple[str | None, ...]
    lately: tuple[str | None, ...]
    qualities: tuple[str | None, ...]
    counts: tuple[int, ...]
    seconds: float
    cost: int
    reports: bool = True


HABITS = (
    Habit(
        "gpt-image-2", 34, ("1024x1024", "1024x1024", "3:2", "2:3", "16:9"), ("1024x1024", "3:2"),
        ("low", "medium", "medium", "high", None), (1, 1, 1, 2, 4), 13.0, 71,
    ),
    Habit(
        "gpt-image-2-origin", 22, ("1024x1024", "1536x1024", "1024x1536", "2048x1152", "3840x2160"),
        ("1024x1024", "1024x768"), ("low", "medium", "medium", "high"), (1, 1, 2, 3), 17.0, 78,
    ),
    Habit(
        "gpt-image-1", 12, ("1024x1024", "1536x1024", "1024x1536", "auto"), ("1024x1024",),
        ("low", "medium", None), (1, 1, 2), 21.0, 66,
    ),
    Habit(
        "dall-e-3", 9, (None, "1792x1024", "1024x1792"), (None,), (None, None, "hd"), (1,), 11.0,
        88, reports=False,
    ),
    Habit(
        "gpt-image-2-pro", 9, ("1:1", "1:1(2K)", "16:9(2K)", "16:9(4K)"), ("1:1",),
        ("medium", "high"), (1,), 26.0, 74,
    ),
    Habit(
        "gpt-image-2-auto", 8, (None,), (None,), ("low", "medium", None), (1, 1, 2), 18.0, 69,
    ),
    Habit(
        "dall-e-2", 6, ("256x256", "512x512", "1024x1024"), ("256x256", "512x512"), (None,),
        (1, 2, 4), 6.0, 104, reports=False,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way for a request to end without an image, and its share in thousandths.

    Attributes:
        calls: the number made; each ends in the same way.
        seconds: of each; None for as long as one that delivers.
    """

    share: int
    attempt_class: AttemptClass
    http_status: int | None
    detail: str
    seconds: float | None = None
    calls: int = 1
    timed_out: bool = False


TROUBLES = (
    Trouble(
        28, AttemptClass.MODERATED, 400, "moderation_blocked: rejected by the safety system", 3
    ),
    Trouble(16, AttemptClass.UNKNOWN, 502, "bad gateway"),
    Trouble(9, AttemptClass.UNKNOWN, None, "no answer in time", 240.0, timed_out=True),
    Trouble(11, AttemptClass.REFUSED, 429, "rate_limit_exceeded: too many requests", 0.4),
    Trouble(7, AttemptClass.BAD_RESULT, 200, "no image that could be verified"),
    Trouble(4, AttemptClass.NOT_REACHED, None, "the connection was refused", 0.2, calls=3),
)
OUTAGE = Trouble(0, AttemptClass.UNKNOWN, 500, "internal server error", 4.0)
"""The end of most requests on one bad evening."""
CANCELED = 12
"""Requests of a thousand that their callers canceled before a worker came."""
SECOND_TRY = 9
"""Requests of a thousand delivered by a second call, as the first did not reach the upstream."""
FEWER = 60
"""Deliveries of a thousand with several images that lack one of them."""
SMALLER = 6
"""Deliveries of 150 for 1536x1024 that are smaller."""
