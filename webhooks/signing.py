"""Standard Webhooks signatures: secrets and headers. Pure except for random numbers.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md,
read on 21 November 2026.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
SECRET_BYTES = 32
HEADERS = {
    "webhook-id": "The event's id, the same on every attempt: use it to skip events you have"
    " handled.",
    "webhook-timestamp": "The attempt's time in Unix seconds: refuse old ones.",
    "webhook-signature": "One or more signatures, separated by spaces: `v1,` and the base64 of an"
    " HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`. One match is"
    " enough.",
}
"""The headers of each attempt, with their descriptions."""


def new_secret() -> str:
    """Return `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers_of(
    *, event_id: str, timestamp: int, body: bytes, signed_with: Iterable[str]
) -> dict[str, str]:
    """The three headers of one attempt, with one signature per secret, separated by spaces.

    The timestamp, in Unix seconds, is the attempt's: receivers refuse an old one as a replay.
    """
    content = f"{event_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, content) for secret in signed_with),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
