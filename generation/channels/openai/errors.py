"""The attempt class of an answer without images. Pure.

An answer that is not 2xx has the class of its status (channels/statuses.py).

| body of a 2xx answer | class |
|---|---|
| `error` | that of its own status or code, otherwise unknown |
| words and no image | moderated |
| neither | bad_result |

Sources: OpenAI's and Azure's error references, relays' source (20 Nov 2026).
"""

import json
from collections.abc import Mapping
from datetime import datetime

from generation.channels.answers import redact
from generation.channels.complaints import ComplaintSubject
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.failed_calls import error_of_class
from generation.channels.openai import wire
from generation.channels.openai.complaints import Complaint, complaint_of
from generation.channels.openai.passed_on import PASSED_ON
from generation.channels.statuses import class_of_status

_CLASS_OF: dict[ComplaintSubject | None, AttemptClass] = {
    ComplaintSubject.POLICY: AttemptClass.MODERATED,
    ComplaintSubject.CHANNEL: AttemptClass.REFUSED,
    ComplaintSubject.CALLER: AttemptClass.REJECTED,
}
_OUR_FIELDS = PASSED_ON | {
    "prompt", "n", "size", "quality", "output_format", "output_compression",
}  # fmt: skip


def class_of_document(document: dict[str, object]) -> AttemptClass:
    """The class of a 2xx answer without a usable image, by the table above."""
    if not document.get("error"):
        # An entry that could not be read is a bad result and no refusal.
        if wire.images_in(document, most=1) or not wire.says_something(document):
            return AttemptClass.BAD_RESULT
        return AttemptClass.MODERATED
    complaint = complaint_of(document)
    if complaint.status is not None:
        return class_of_status(complaint.status, complaint.about, is_json=True)
    return _CLASS_OF.get(complaint.about, AttemptClass.UNKNOWN)


def error_of_answer(
    status: int, *, headers: Mapping[str, str], body: bytes, api_key: str, now: datetime
) -> UpstreamError:
    """The error for an answer that is not 2xx; `body` is its first part, JSON or not."""
    try:
        document = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        document = None
    complaint = complaint_of(document)
    text = complaint.message or body.decode("utf-8", "replace")
    return error_of_class(
        class_of_status(status, complaint.about, is_json=complaint.is_json),
        redact(f"HTTP {status} {complaint.code} {complaint.type}: {text}", api_key),
        status=status,
        headers=headers,
        param=_param_of(complaint),
        now=now,
    )


def error_of_document(
    status: int,
    *,
    headers: Mapping[str, str],
    document: dict[str, object],
    api_key: str,
    now: datetime,
    has_begun: bool = False,
) -> UpstreamError:
    """The error for a 2xx answer without a usable image; see `error_of_class` for `has_begun`."""
    complaint = complaint_of(document)
    words = f"HTTP {status} without a usable image {complaint.code} {complaint.type}"
    return error_of_class(
        class_of_document(document),
        redact(f"{words}: {complaint.message}", api_key),
        status=status,
        headers=headers,
        param=_param_of(complaint),
        now=now,
        has_begun=has_begun,
    )


def _param_of(complaint: Complaint) -> str | None:
    """The field complained of; a name of the upstream's own would be no field of the caller's."""
    return complaint.param if complaint.param in _OUR_FIELDS else None
