"""One attempt: post the signed event to its endpoint and read the beginning of the answer.

The addresses are tenants': each goes through the SSRF guard, redirects are not followed, and no
credential of ours is sent. Errors become the outcome. Only LookUpsBusy is raised: other names kept
this one from being looked up, which is not the endpoint's fault.
"""

import time
from datetime import datetime, timedelta

from pictor.kit.outbound.http import (
    DeadlineExceeded,
    EgressRefused,
    HttpAnswer,
    HttpError,
    HttpPool,
    LookUpsBusy,
    NotReached,
    ReadTimedOut,
    deadline,
)
from webhooks import signing
from webhooks.outbox import DeliveryOutcome, HeldDelivery

CONNECT_SECONDS = 8.0
"""For look-up and connection; shorter than the whole attempt, to tell a late connection from a late
answer."""
ATTEMPT_SECONDS = 10.0
"""For the whole attempt, from the look-up to the last byte of the answer."""
MAX_ANSWER_BYTES = 64 * 1024
_WORDS: tuple[tuple[type[HttpError], str], ...] = (
    (EgressRefused, "the url leads to an address that is not called"),
    (NotReached, "could not be reached"),
    (ReadTimedOut, "no answer in time"),
    (DeadlineExceeded, "no answer in time"),
    (HttpError, "the connection broke"),
)


async def send(delivery: HeldDelivery, *, http: HttpPool, at: datetime) -> DeliveryOutcome:
    """Post an event once and return the outcome."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Pictor-Webhooks/1",
        **signing.headers_of(
            event_id=delivery.event_id,
            timestamp=int(at.timestamp()),
            body=delivery.body,
            signed_with=delivery.secrets,
        ),
    }
    began = time.monotonic()
    error, answer = "", bytearray()
    exchange = http.exchange(
        "POST",
        delivery.url,
        headers=headers,
        body=delivery.body,
        read_timeout_seconds=ATTEMPT_SECONDS,
    )
    try:
        async with deadline(ATTEMPT_SECONDS), exchange as found:
            await _read(found, answer)
    except LookUpsBusy:
        raise
    except HttpError as problem:
        error = next(words for kind, words in _WORDS if isinstance(problem, kind))
    return DeliveryOutcome(
        began_at=at,
        took=timedelta(seconds=time.monotonic() - began),
        status=exchange.status,
        # An answer's status is the result, even if its body broke off.
        error=error if exchange.status is None else "",
        # A NUL is replaced, since PostgreSQL stores none.
        answer=answer.decode("utf-8", "replace").replace("\x00", "\ufffd"),
    )


async def _read(found: HttpAnswer, answer: bytearray) -> None:
    """Read the beginning of the answer's body, without waiting for the rest."""
    # Twice as much: the chunk that reaches the limit may go beyond it.
    async for chunk in found.chunks(2 * MAX_ANSWER_BYTES):
        answer += chunk[: MAX_ANSWER_BYTES - len(answer)]
        if len(answer) == MAX_ANSWER_BYTES:
            return
