"""The error of a call that brought no image: the rules that hold for every vendor.

An adapter decides the class of an answer by the vendor's words; whether the call may be repeated,
may have been paid for, and what its caller reads follows here.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus

from generation.channels.answers import redact, request_id_of, retry_after_of
from generation.channels.errors import MAY_HAVE_BILLED, AttemptClass, UpstreamError, no_room
from pictor.kit.bytes.spool import SpoolFull, SpoolTooLarge
from pictor.kit.outbound.http import (
    EgressRefused,
    Exchange,
    HttpAnswer,
    HttpError,
    NotReached,
    deadline,
)

MAX_ERROR_BYTES = 64 * 1024
ERROR_BODY_SECONDS = 10.0
_CALLED_IN_VAIN = frozenset({AttemptClass.REFUSED, AttemptClass.NOT_REACHED})


def error_without_answer(error: Exception, exchange: Exchange, *, api_key: str) -> UpstreamError:
    """The error of a call whose answer was not read: only one surely not sent may be repeated."""
    request_id = request_id_of(exchange.answer_headers)
    # First, as the room is ours: no breaker may count it against the channel.
    if isinstance(error, SpoolFull):
        return no_room(error, http_status=exchange.status, request_id=request_id)
    if isinstance(error, EgressRefused | NotReached) or not exchange.is_sent:
        attempt_class = AttemptClass.NOT_REACHED
    elif isinstance(error, SpoolTooLarge):
        attempt_class = AttemptClass.BAD_RESULT
    else:
        attempt_class = AttemptClass.UNKNOWN
    return UpstreamError(
        attempt_class,
        redact(f"{type(error).__name__}: {error}", api_key),
        http_status=exchange.status,
        request_id=request_id,
        may_have_billed=attempt_class is not AttemptClass.NOT_REACHED,
    )


async def body_of_refusal(answer: HttpAnswer) -> bytes:
    """The first part of a refusal's body; what has come, if the rest does not come in time."""
    body = bytearray()
    with suppress(HttpError):
        async with deadline(ERROR_BODY_SECONDS):
            async for chunk in answer.chunks(MAX_ERROR_BYTES):
                body += chunk
    return bytes(body)


def error_of_class(
    attempt_class: AttemptClass,
    detail: str,
    *,
    status: int,
    headers: Mapping[str, str],
    param: str | None,
    now: datetime,
    has_begun: bool = False,
) -> UpstreamError:
    """The error of an answer without a usable image.

    Args:
        attempt_class: by the vendor's status and words.
        detail: for our log, without secrets.
        status: the answer's HTTP status.
        headers: the answer's.
        param: the field that the vendor complained of, by our name; None if it is none of ours.
        now: the time to which a `Retry-After` date is relative.
        has_begun: True if images had begun to arrive. Then the call may have been paid for, and is
            never resent.
    """
    if has_begun and attempt_class in _CALLED_IN_VAIN:
        attempt_class = AttemptClass.UNKNOWN
    is_moderated = attempt_class is AttemptClass.MODERATED
    is_answered = status // 100 == HTTPStatus.OK // 100  # words are tokens too
    is_paid = has_begun or attempt_class in MAY_HAVE_BILLED or (is_moderated and is_answered)
    is_rejected = attempt_class is AttemptClass.REJECTED
    return UpstreamError(
        attempt_class,
        detail,
        http_status=status,
        request_id=request_id_of(headers),
        retry_after_seconds=retry_after_of(headers, now=now),
        may_have_billed=is_paid,
        public_message=_public_message(param) if is_rejected else "",
        public_param=param if is_rejected else None,
    )


def _public_message(param: str | None) -> str:
    if param is None:
        return "The image model does not accept this request."
    return f"The image model does not accept this value of '{param}'."
