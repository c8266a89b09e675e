"""The outcome of a generation: values that dispatch hands to settlement, and messages for callers.

An upstream's message stays in the attempt's row; a caller gets ours, from here or an adapter's
`public_message`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from billing.token_formula import Delivered
from billing.upstream_cost import (
    NO_COST,
    NOTHING_CAME,
    Cost,
    Loss,
    SentRequest,
    UpstreamResult,
    upstream_cost,
)
from generation.catalogue.contracts import RouteInfo
from generation.channels.answers import is_same_model, redact
from generation.channels.base import UpstreamAnswer
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.words.errors import (
    GenerationTimeout,
    InvalidRequest,
    NoChannelAvailable,
    PictorError,
    Unavailable,
    UpstreamFailed,
)
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json
from storage.containers.pieces import Mended
from storage.content_credentials import NONE, Credentials

MAX_MODEL_CHARS = 150


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """The end of an attempt: its class, the upstream's status and request id, and its cost."""

    attempt_id: UUID
    attempt_class: str
    http_status: int | None = None
    upstream_request_id: str = ""
    may_have_billed: bool = False
    cost: Cost = NO_COST
    """If it is not known, the quote counts as lost."""
    came: UpstreamResult = NOTHING_CAME
    detail: str = ""
    loss: Loss | None = None
    """The reason for not charging it although it may have been billed."""


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """A verified image: the facts read from its bytes."""

    spool: SpoolFile
    format: str
    width: int
    height: int
    revised_prompt: str | None
    mended: tuple[Mended, ...] = ()
    """Corrections made before it was stored."""
    seed: int | None = None
    credentials: Credentials = NONE
    """What became of the Content Credentials that it came with."""
    is_marked: bool = False
    """True if our XMP says that a model made it."""

    @property
    def size(self) -> str:
        """'WxH', read from the bytes."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Verified:
    """A channel's verified images; their bytes stay until the dispatch's scope ends."""

    attempt_id: UUID
    route: RouteInfo
    plan: str
    upstream_size: str
    ignored: tuple[str, ...]
    answer: UpstreamAnswer
    images: tuple[VerifiedImage, ...]
    sent: SentRequest
    task: Task = Task.GENERATE
    """The task as it was sent."""
    reference_pixels: tuple[int, ...] = ()
    """The pixels of each reference image that was sent; the mask is none."""

    @property
    def other_model(self) -> str:
        """The vendor's name of the model that answered, if it is not the one that was asked."""
        answered = redact(self.answer.model or "", "")[:MAX_MODEL_CHARS]
        return "" if not answered or is_same_model(self.sent.model, answered) else answered

    @property
    def ended(self) -> AttemptEnd:
        """The end of the attempt that delivered it."""
        came = upstream_result(self.answer, self.images)
        return AttemptEnd(
            attempt_id=self.attempt_id,
            attempt_class=AttemptClass.DELIVERED,
            http_status=self.answer.http_status,
            upstream_request_id=self.answer.request_id,
            may_have_billed=True,
            cost=upstream_cost(self.route.costs, sent=self.sent, came=came),
            came=came,
        )


def upstream_result(answer: UpstreamAnswer, images: Sequence[VerifiedImage]) -> UpstreamResult:
    """The facts that decide an attempt's cost; `images` are those that passed verification."""
    return UpstreamResult(
        images=[Delivered(image.width, image.height) for image in images],
        tokens=None if answer.usage is None else answer.usage.counted,
        quality=answer.quality,
        reported=answer.cost,
        lost=answer.lost,
        units=answer.units,
    )


def cost_of_jobs(costs: Iterable[Micros | None]) -> Micros | None:
    """What an attempt's orders cost, if the vendor has named it for each of at least one."""
    amounts = list(costs)
    known = [amount for amount in amounts if amount is not None]
    return Micros(sum(known)) if known and len(known) == len(amounts) else None


class Failure(Exception):
    """No image for the caller. Holds their error and any attempt still to be closed.

    `error` is our message; the upstream's stays in the attempt's row.
    """

    def __init__(self, error: PictorError, *, ended: AttemptEnd | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.ended = ended


NOT_CHARGED = " You were not charged."
_MESSAGES: Mapping[AttemptClass, PictorError] = {
    AttemptClass.NOT_REACHED: NoChannelAvailable(
        "No channel that serves this model could be reached." + NOT_CHARGED
    ),
    AttemptClass.REFUSED: NoChannelAvailable(
        "No channel can serve this model at the moment." + NOT_CHARGED
    ),
    AttemptClass.REJECTED: InvalidRequest("The model did not accept this request." + NOT_CHARGED),
    AttemptClass.MODERATED: InvalidRequest(
        # LiteLLM recognises a policy refusal by exactly these words.
        "Your request was rejected as a result of the safety system of the model." + NOT_CHARGED,
        code="moderation_blocked",
        param="prompt",
    ),
    AttemptClass.UNKNOWN: UpstreamFailed("The model did not answer properly." + NOT_CHARGED),
    AttemptClass.BAD_RESULT: UpstreamFailed(
        "The model answered without a usable image." + NOT_CHARGED
    ),
    AttemptClass.STORAGE_FAILED: UpstreamFailed(
        "The image was made but could not be stored." + NOT_CHARGED
    ),
}
TIMED_OUT = GenerationTimeout("The image was not ready within the time limit." + NOT_CHARGED)
GAVE_UP = UpstreamFailed("The generation was interrupted too often." + NOT_CHARGED)
ENDED_BY_OPERATOR = UpstreamFailed("The operator of this site ended it." + NOT_CHARGED)
BROKEN = UpstreamFailed("Something went wrong while the image was being made." + NOT_CHARGED)
NO_CHANNEL = NoChannelAvailable("No channel serves this model and size." + NOT_CHARGED)
NO_STRICT_CHANNEL = NoChannelAvailable(
    "The last image of this size was delivered in another one, which `strict_size` does not allow:"
    " no channel was called." + NOT_CHARGED
)
NO_ROOM = Unavailable(
    "There was no room for the image on our side." + NOT_CHARGED, should_retry=False
)
CANNOT_STORE = Unavailable(
    "Images cannot be stored on our side at the moment." + NOT_CHARGED, should_retry=False
)
WRONG_SIZE = UpstreamFailed("The model delivered another size than requested." + NOT_CHARGED)
FAILURES = (
    "moderation_blocked", "invalid_value", "invalid_image", "upstream_error",
    "no_channel_available", "generation_timeout", "service_unavailable",
)  # fmt: skip
"""The codes of the errors with which generations end."""


def error_for(failed: UpstreamError) -> PictorError:
    """The caller's error for an attempt that ended the generation."""
    if failed.is_ours and failed.attempt_class == AttemptClass.STORAGE_FAILED:
        return NO_ROOM
    known = _MESSAGES[failed.attempt_class]
    if failed.attempt_class == AttemptClass.REJECTED and failed.public_message:
        return InvalidRequest(failed.public_message + NOT_CHARGED, param=failed.public_param)
    return known


def not_stored(delivery: Verified, detail: str) -> Failure:
    """The failure of images that could not be stored: nothing is charged, and our cost stays."""
    ended = replace(
        delivery.ended,
        attempt_class=AttemptClass.STORAGE_FAILED,
        detail=detail,
        loss=Loss.STORAGE_FAILED,
    )
    return Failure(_MESSAGES[AttemptClass.STORAGE_FAILED], ended=ended)


def error_row(error: PictorError) -> Json:
    """An error in a generation's row."""
    return {
        "status": error.status,
        "type": error.type,
        "code": error.code,
        "message": error.message,
        "param": error.param,
    }
