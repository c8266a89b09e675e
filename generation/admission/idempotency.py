"""The same key and body find the same generation; the same key with another body conflicts.

Remembered for 24 hours from admission. Refusals before admission leave no record, and a generation
that ends with 503 loses its own, so these requests may be tried again under the same key.
"""

import hashlib
import json
from datetime import datetime, timedelta
from uuid import UUID

from generation.models import Generation, IdempotencyRecord
from pictor.kit.endpoints.bodies import whole
from pictor.kit.words.errors import IdempotencyKeyReused, InvalidRequest
from pictor.kit.words.untyped import Json

KEYS_REMEMBERED_FOR = timedelta(hours=24)
MAX_LENGTH = 255
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def checked_key(header: str | None) -> str | None:
    """The header's value: 1 to 255 visible ASCII characters. None without the header."""
    if header is None:
        return None
    if not 1 <= len(header) <= MAX_LENGTH or not all("!" <= letter <= "~" for letter in header):
        raise InvalidRequest(
            "Idempotency-Key must be 1 to 255 visible ASCII characters.", param="Idempotency-Key"
        )
    return header


def digest_of(request: Json) -> bytes:
    """sha256 of the request's canonical JSON: field order and blanks make no difference.

    Nor does null or 1.0 for a model's own parameter. Its contract, which may have changed since,
    is not asked.
    """
    if "parameters" in request:
        rest = {**request}
        sent = rest.pop("parameters")
        own = {name: whole(value) for name, value in sent.items() if value is not None}
        request = {**rest, "parameters": own} if own else rest
    # JSON may hold lone surrogates, which UTF-8 does not encode.
    return hashlib.sha256(_canonical(request).encode("utf-8", "surrogatepass")).digest()


def find(
    *, tenant_id: UUID, livemode: bool, key: str, body_digest: bytes, now: datetime
) -> Generation | None:
    """The generation already admitted under this key. Raises IdempotencyKeyReused.

    Live and test requests have separate keys. A deleted generation no longer has a digest, so every
    body finds it.
    """
    record = (
        IdempotencyRecord.objects.select_related("generation")
        # An expired record may still be there: it is deleted later.
        .filter(
            tenant_id=tenant_id,
            livemode=livemode,
            key=key,
            created_at__gt=now - KEYS_REMEMBERED_FOR,
        )
        .first()
    )
    if record is None:
        return None
    if record.body_digest and bytes(record.body_digest) != body_digest:
        raise IdempotencyKeyReused(
            "This Idempotency-Key was used for a different request. Use a new key."
        )
    return record.generation


def remember(*, key: str, body_digest: bytes, generation: Generation, now: datetime) -> None:
    """Write the record in the admission's transaction, replacing an expired one of that key."""
    known = {"tenant_id": generation.tenant_id, "livemode": generation.livemode, "key": key}
    IdempotencyRecord.objects.filter(**known).delete()
    IdempotencyRecord.objects.create(
        **known,
        body_digest=body_digest,
        generation=generation,
        created_at=now,
    )


def forget_expired(*, now: datetime) -> int:
    """Delete expired records; returns their number."""
    deleted, _ = IdempotencyRecord.objects.filter(
        created_at__lte=now - KEYS_REMEMBERED_FOR
    ).delete()
    return deleted
