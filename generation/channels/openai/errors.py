"""The attempt class of an answer without images. Pure.

An answer that is not 2xx has the class of its status (channels/statuses.py).

| body of a 2xx answer | class |
|---|---|
| an image that could not be read | bad_result |
| a status, such as `code` 401 | that of the status |
| a code or phrase of the table of complaints | by its subject |
| words in place of an image, with a phrase about policy | moderated |
| `error` | unknown |
| anything else | bad_result |

Sources: OpenAI's and Azure's error references, relays' source (20 Nov 2026).
"""

import json
from collections.abc import Mapping
from datetime import datetime

from generation.channels.answers import redact
from generation.channels.complaints import ComplaintSubject, about
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.failed_calls import error_of_class
from generation.channels.openai import wire
from generation.channels.openai.complaints import Complaint, complaint_of
from generation.channels.openai.reference import PASSED_ON
from generation.channels.statuses import CLASS_OF, class_of_status
from generation.channels.wires import Reply

_OUR_FIELDS = PASSED_ON | {
    "prompt", "n", "size", "quality", "output_format", "output_compression",
}  # fmt: skip


def class_of_document(document: dict[str, object], *, asked: str = "") -> AttemptClass:
    """The class of a 2xx answer without a usable image, by the table above.

    `asked` has the request's words.
    """
    # It may have been paid for, whatever else the answer says.
    if wire.images_in(document, most=1):
        return AttemptClass.BAD_RESULT
    complaint = complaint_of(document, asked=asked)
    if complaint.status is not None:
        return class_of_status(complaint.status, complaint.about, is_json=True)
    if complaint.about is not None:
        return CLASS_OF[complaint.about]
    # A model's words may be its user's, so they are believed about policy only.
    if about(codes=(), message=wire.words_in(document)) is ComplaintSubject.POLICY:
        return AttemptClass.MODERATED
    return AttemptClass.UNKNOWN if document.get("error") else AttemptClass.BAD_RESULT


def error_of_answer(
    status: int,
    *,
    headers: Mapping[str, str],
    body: bytes,
    api_key: str,
    now: datetime,
    asked: str = "",
) -> UpstreamError:
    """The error for an answer that is not 2xx; `body` is its first part, JSON or not.

    `asked` has the request's words.
    """
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        document = text
    complaint = complaint_of(document, asked=asked)
    return error_of_class(
        class_of_status(status, complaint.about, is_json=complaint.is_json),
        redact(f"HTTP {status} {' '.join(complaint.codes)}: {complaint.message or text}", api_key),
        status=status,
        headers=headers,
        param=_param_of(complaint),
        now=now,
    )


def error_of_reply(
    reply: Reply, *, api_key: str = "", has_begun: bool = False, asked: str = ""
) -> UpstreamError:
    """The error for a 2xx answer without a usable image; see `error_of_class` for `has_begun`.

    `asked` has the request's words; `api_key` is kept out of the error's.
    """
    document = dict(reply.document)
    complaint = complaint_of(document)
    words = f"HTTP {reply.status} without a usable image {' '.join(complaint.codes)}"
    return error_of_class(
        class_of_document(document, asked=asked),
        redact(f"{words}: {complaint.message}", api_key),
        status=reply.status,
        headers=reply.headers,
        param=_param_of(complaint),
        now=reply.received_at,
        has_begun=has_begun,
    )


def _param_of(complaint: Complaint) -> str | None:
    """The field complained of; a name of the upstream's own would be no field of the caller's."""
    return complaint.param if complaint.param in _OUR_FIELDS else None
