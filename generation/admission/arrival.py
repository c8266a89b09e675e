"""A request for images as it arrived."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.core.handlers.asgi import ASGIRequest

from accounts.authentication import digests_of
from generation.admission import idempotency
from generation.admission.prefer import Prefer
from generation.admission.retry_shield import Attendance
from generation.admission.waiting_callers import callers
from pictor.kit.bytes.spool import Spools
from pictor.kit.endpoints.body import Body
from pictor.kit.words.ids import GenerationId
from pictor.kit.words.untyped import Json

_BLANKS = " \t"
"""May surround a header's value and are no part of it (RFC 9110, 5.5)."""
Parse = Callable[[Body], Json]
"""Reads a request's fields and checks their types; nulls are dropped. Raises InvalidRequest."""
RETRIED = re.compile("[1-9][0-9]{0,3}", re.ASCII)
"""A retry count above 0 from OpenAI's SDKs."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it arrived: its key, its body, and the caller's headers."""

    key_digests: tuple[bytes, ...]
    ip: str | None
    request_id: str
    body: Body
    spools: Spools
    """The scope of its body and reference images; it ends with the admission."""
    parse: Parse
    """Reads the body's fields."""
    idempotency_key: str | None
    is_retry: bool
    """The SDK repeats it because the first call had no answer."""
    prefer: Prefer
    attendance: Attendance | None = None
    """The waiting caller, kept for a later retry; never with an idempotency key."""

    @property
    def is_plain(self) -> bool:
        """True if it must be new: it has no idempotency key and is no retry."""
        return self.idempotency_key is None and not self.is_retry

    @classmethod
    def of(cls, request: ASGIRequest, *, parse: Parse) -> "Arrival":
        """Read the request's scope, as the body gate left it, and its headers."""
        scope = request.scope
        client = scope.get("client")
        return cls(
            key_digests=tuple(digests_of(scope["pictor.key"])),
            ip=client[0] if client else None,
            request_id=scope["pictor.request_id"],
            body=scope["pictor.body"],
            spools=scope["pictor.spools"],
            parse=parse,
            idempotency_key=idempotency.checked_key(_header(request, "IDEMPOTENCY_KEY")),
            is_retry=bool(RETRIED.fullmatch(_header(request, "X_STAINLESS_RETRY_COUNT") or "")),
            prefer=Prefer.parse(request.META.get("HTTP_PREFER")),
        )

    @classmethod
    def attended(
        cls, request: ASGIRequest, *, parse: Parse, generation_id: GenerationId
    ) -> "Arrival":
        """Like `of`; a caller without an idempotency key is kept for a later retry."""
        arrival = cls.of(request, parse=parse)
        if arrival.idempotency_key is not None:  # its key finds it again
            return arrival
        attendance = callers.attend(generation_id, request.scope["pictor.on_end"])
        return replace(arrival, attendance=attendance)


def _header(request: ASGIRequest, name: str) -> str | None:
    value: str | None = request.META.get(f"HTTP_{name}")
    return value and value.strip(_BLANKS)
