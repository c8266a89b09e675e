"""The ends of a vendor's call without an image, and the retries each allows.

`UpstreamError.attempt_class` decides if and where the call may be repeated (the table in
docs/ARCHITECTURE.md, "Attempt classes").
"""

from enum import StrEnum
from typing import Any

from pictor.kit.words.money import Micros

MAX_DETAIL_CHARS = 500


class AttemptClass(StrEnum):
    """The end of one attempt, which decides if another may be made."""

    DELIVERED = "delivered"
    """At least one usable image came back."""
    NOT_REACHED = "not_reached"
    """Surely not seen by the upstream: same or next channel."""
    REFUSED = "refused"
    """Turned away because of the channel (key, credit, rate, load): next channel."""
    REJECTED = "rejected"
    """The request itself was not accepted: the caller's error."""
    MODERATED = "moderated"
    """Refused by the upstream's policy: the caller's error."""
    UNKNOWN = "unknown"
    """May have been made and paid for: never again."""
    BAD_RESULT = "bad_result"
    """Answered without a usable image: once more if the channel's retries are free."""
    STORAGE_FAILED = "storage_failed"
    """The images arrived but could not be kept or stored, which is not the channel's fault:
    never."""


MAY_HAVE_BILLED = frozenset(
    {AttemptClass.UNKNOWN, AttemptClass.BAD_RESULT, AttemptClass.STORAGE_FAILED}
)
"""Ends for which a vendor may charge us unless an adapter knows better."""


class UpstreamError(Exception):
    """An attempt without an image.

    Attributes:
        attempt_class: decides if another attempt may be made.
        http_status: None if no answer's head arrived.
        request_id: the upstream's; "" if it named none.
        retry_after_seconds: as the upstream gave it.
        may_have_billed: True if the upstream may charge us for the call; by default for every end
            that may follow a delivery.
        detail: for our own log and attempt row: at most 500 characters, secrets removed.
        public_message: for the caller, in our words; "" leaves the words to the class.
        public_param: the request field the upstream complained of, if it is one of ours.
        is_ours: the fault is our own, not the channel's.
        cost: the vendor's own charge for the failed call, if it states one. If that is 0, the call
            was not billed.
        is_taken: the vendor had taken the order, so it is about that and not about the channel.
    """

    def __init__(
        self,
        attempt_class: AttemptClass,
        detail: str,
        *,
        http_status: int | None = None,
        request_id: str = "",
        retry_after_seconds: float | None = None,
        may_have_billed: bool | None = None,
        public_message: str = "",
        public_param: str | None = None,
        is_ours: bool = False,
        cost: Micros | None = None,
        is_taken: bool = False,
    ) -> None:
        super().__init__(f"{attempt_class}: {detail[:MAX_DETAIL_CHARS]}")
        self.attempt_class = attempt_class
        self.detail = detail[:MAX_DETAIL_CHARS]
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        if may_have_billed is None:
            may_have_billed = attempt_class in MAY_HAVE_BILLED
        self.cost = cost
        self.may_have_billed = may_have_billed if cost is None else cost > 0
        self.public_message = public_message
        self.public_param = public_param
        self.is_ours = is_ours
        self.is_taken = is_taken

    def as_class(self, attempt_class: AttemptClass) -> "UpstreamError":
        """The same error with another class."""
        return self.but(attempt_class=attempt_class)

    def but(self, **changes: Any) -> "UpstreamError":
        """The same error with these changes."""
        return UpstreamError(**(vars(self) | changes))


def no_room(
    error: Exception, *, http_status: int | None = None, request_id: str = ""
) -> UpstreamError:
    """Images arrived, but our own disk or the tenant's share of it had no room for them."""
    return UpstreamError(
        AttemptClass.STORAGE_FAILED,
        str(error),
        http_status=http_status,
        request_id=request_id,
        is_ours=True,
    )
