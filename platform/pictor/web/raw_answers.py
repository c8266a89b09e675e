"""Answers below ASGI, to requests that cannot be read: complete HTTP answers as bytes.

Each one is logged, as all answers are, but without method and path, which may be missing or
invalid.
"""

from dataclasses import dataclass

from pictor.kit.words import ids
from pictor.web.request_end import log_end


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status line and a message for the caller, in the shape of every other error."""

    status: str
    message: str
    type: str = "invalid_request_error"
    code: str = "invalid_value"
    retry_after: int | None = None

    def given(self) -> bytes:
        """Log the refusal and return the whole answer, which ends the connection."""
        request_id = ids.public(ids.REQUEST, ids.new_uuid())
        facts = {"request_id": request_id, "status": int(self.status[:3]), "code": self.code}
        log_end("unread", "refused unread", facts)
        return self._as_bytes(request_id)

    def _as_bytes(self, request_id: str) -> bytes:
        body = (
            f'{{"error":{{"message":"{self.message}","type":"{self.type}",'
            f'"param":null,"code":"{self.code}"}}}}'
        )
        later = f"retry-after: {self.retry_after}\r\n" if self.retry_after else ""
        return (
            f"HTTP/1.1 {self.status}\r\ncontent-type: application/json\r\n"
            f"x-request-id: {request_id}\r\n"
            f"access-control-allow-origin: *\r\n{later}"
            f"x-should-retry: {'true' if self.retry_after else 'false'}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}"
        ).encode()


INVALID = Refusal("400 Bad Request", "The request is not valid HTTP.")
HEAD_TOO_LATE = Refusal(
    "408 Request Timeout", "The headers of the request took too long.", code="request_timeout"
)
TOO_LARGE = Refusal(
    "431 Request Header Fields Too Large",
    "The request has more than 64 KiB of headers, or more than 100.",
    code="headers_too_large",
)
CROWDED = Refusal(
    "503 Service Unavailable",
    "There are too many connections just now.",
    type="api_error",
    code="service_unavailable",
    retry_after=2,
)
