"""What an answer without images means: its attempt class. Pure.

By status, then by content. An upstream that says plainly that it turned the call away did not
work on it; everything that leaves that open is `unknown` and is never sent again.

| status | body | class |
|---|---|---|
| 521 522 523 525 | any (Cloudflare: the origin was not connected) | not_reached |
| 400 413 422 | a policy code, type or phrase | moderated |
| 400 413 422 | a code about the channel's own account | refused |
| 400 413 422 | anything else | rejected |
| 503 | a JSON object | refused |
| 503 | anything else: a proxy's page, sent while the work may go on | unknown |
| 301 307 308, other 4xx but 408 499 | any: decided before any work | refused |
| the rest: 408 499 500 502 504 520 524 … | any, but for policy codes | unknown |
| 2xx | `error`: its own status or code as above, otherwise unknown | |
| 2xx | words and no image | moderated |
| 2xx | neither | bad_result |

Sources: OpenAI's and Azure's error references, Cloudflare's 5xx pages, relays' source
(20 Nov 2026).
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from generation.channels.base import MAX_DETAIL_CHARS, AttemptClass, UpstreamError
from generation.channels.openai import wire

NOT_REACHED = frozenset({521, 522, 523, 525})
REJECTED = frozenset({400, 413, 422})
UNKNOWN_4XX = frozenset({408, 499})
REDIRECTS_UNWORKED = frozenset({301, 307, 308})
MAY_HAVE_BILLED = frozenset({AttemptClass.UNKNOWN, AttemptClass.BAD_RESULT})

MAX_RETRY_AFTER_SECONDS = 86_400.0
MAX_ID_CHARS = 120

# Parts of a code or type, letters only.
_POLICY_WORDS = (
    "moderation", "contentpolicy", "contentfilter", "policyviolation", "safety", "nsfw",
)  # fmt: skip
_POLICY_PHRASES = ("safety system", "content policy", "content management policy")

# OpenAI sends billing_hard_limit_reached with a 400; relays answer 400 or 200 for a dead account.
_CHANNEL_WORDS = (
    "billinghardlimit", "insufficient", "quota", "apikey", "authentication", "permission",
    "deactivated", "modelnotfound", "ratelimit", "overloaded", "noavailablechannel",
    "serviceunavailable",
)  # fmt: skip
_CALLER_WORDS = ("invalidrequest", "invalidvalue", "imagegenerationuser", "invalidparameter")

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-oneapi-request-id")

_OUR_FIELDS = frozenset({
    "prompt", "n", "size", "quality", "output_format", "output_compression", "style",
    "background", "watermark", "moderation", "image", "mask", "user", "input_fidelity",
})  # fmt: skip

_SECRET = re.compile(r"\b(?:sk|rk|pk|key)-[\w*.-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)
_QUERY = re.compile(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the body of an answer says is wrong; all empty when it says nothing."""

    is_json: bool = False
    code: str = ""
    type: str = ""
    param: str = ""
    message: str = ""
    status: int | None = None
    """A status inside the body, such as {"error": {"code": 429}}."""

    @property
    def is_policy(self) -> bool:
        """The upstream's policy refuses the prompt or the picture."""
        message = self.message.lower()
        return self._names(_POLICY_WORDS) or any(each in message for each in _POLICY_PHRASES)

    @property
    def is_about_channel(self) -> bool:
        """The channel's own key, credit, model or rate is at fault."""
        return self._names(_CHANNEL_WORDS)

    @property
    def is_about_caller(self) -> bool:
        """The request is at fault."""
        return self._names(_CALLER_WORDS)

    def _names(self, words: tuple[str, ...]) -> bool:
        said = [re.sub(r"[^a-z]", "", each.lower()) for each in (self.code, self.type)]
        return any(word in each for word in words for each in said)


def complaint_of(document: object) -> Complaint:
    """Read OpenAI's shape and its variants: a bare string, `detail`, `message`, numeric codes."""
    if not isinstance(document, dict):
        return Complaint()
    error = document.get("error")
    if not isinstance(error, dict):
        words = _string(error) or _string(document.get("message")) or _string(document.get("msg"))
        error = {**document, "message": words or _string(document.get("detail"))}
    code = error.get("code")
    inner = error.get("innererror")  # Azure
    inner_code = _string(inner.get("code")) if isinstance(inner, dict) else ""
    return Complaint(
        is_json=True,
        code=" ".join(filter(None, (_string(code), inner_code))),
        type=_string(error.get("type")),
        param=_string(error.get("param")),
        message=_string(error.get("message")),
        status=_status(code) or _status(error.get("status")),
    )


def class_of_status(status: int, complaint: Complaint) -> AttemptClass:
    """The table above, for answers that are not 2xx."""
    if status in NOT_REACHED:
        return AttemptClass.NOT_REACHED
    if complaint.is_policy:
        return AttemptClass.MODERATED
    if status in REJECTED and not complaint.is_about_channel:
        return AttemptClass.REJECTED
    return AttemptClass.REFUSED if _is_refusal(status, complaint) else AttemptClass.UNKNOWN


def _is_refusal(status: int, complaint: Complaint) -> bool:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return complaint.is_json
    is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return status in REDIRECTS_UNWORKED or (is_client_error and status not in UNKNOWN_4XX)


def class_of_document(document: dict[str, object]) -> AttemptClass:
    """The table above, for a 2xx answer in which no usable image was found."""
    if not document.get("error"):
        if wire.found_images(document) or not wire.says_something(document):
            return AttemptClass.BAD_RESULT
        return AttemptClass.MODERATED
    complaint = complaint_of(document)
    if complaint.status is not None:
        return class_of_status(complaint.status, complaint)
    if complaint.is_policy:
        return AttemptClass.MODERATED
    if complaint.is_about_channel:
        return AttemptClass.REFUSED
    return AttemptClass.REJECTED if complaint.is_about_caller else AttemptClass.UNKNOWN


def error_of_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, api_key: str, now: datetime
) -> UpstreamError:
    """The error for an answer that is not 2xx; `body` is its first part, JSON or not."""
    try:
        document = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        document = None
    complaint = complaint_of(document)
    text = complaint.message or body.decode("utf-8", "replace")
    return _error(
        class_of_status(status, complaint),
        complaint,
        detail=redacted(f"HTTP {status} {complaint.code} {complaint.type}: {text}", api_key),
        status=status,
        headers=headers,
        now=now,
    )


def error_of_document(
    status: int,
    headers: Mapping[str, str],
    document: dict[str, object],
    *,
    api_key: str,
    now: datetime,
) -> UpstreamError:
    """The error for a 2xx answer in which no usable image was found."""
    complaint = complaint_of(document)
    words = f"HTTP {status} without a usable image {complaint.code} {complaint.type}"
    return _error(
        class_of_document(document),
        complaint,
        detail=redacted(f"{words}: {complaint.message}", api_key),
        status=status,
        headers=headers,
        now=now,
    )


def after_work(error: UpstreamError) -> UpstreamError:
    """The same, said after images had begun to come: the call may be paid, and is never resent."""
    if error.attempt_class in {AttemptClass.REFUSED, AttemptClass.NOT_REACHED}:
        error.attempt_class = AttemptClass.UNKNOWN
    error.may_have_billed = True
    return error


def request_id_of(headers: Mapping[str, str]) -> str:
    """The upstream's own name for the call, "" without one."""
    for name in _REQUEST_ID_HEADERS:
        value = "".join(each for each in headers.get(name, "") if each.isprintable())
        if value:
            return value[:MAX_ID_CHARS]
    return ""


def retry_after_of(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds from a Retry-After in seconds or as a date; None without a usable one."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def redacted(text: str, api_key: str) -> str:
    """One short line for our own log: keys and the query of signed urls removed."""
    line = " ".join(text[: 8 * MAX_DETAIL_CHARS].split())
    if api_key:
        line = line.replace(api_key, "[key]")
    line = _QUERY.sub(r"\1?[query]", _SECRET.sub("[key]", line))
    return "".join(each if each.isprintable() else "?" for each in line)[:MAX_DETAIL_CHARS]


def _error(
    attempt_class: AttemptClass,
    complaint: Complaint,
    *,
    detail: str,
    status: int,
    headers: Mapping[str, str],
    now: datetime,
) -> UpstreamError:
    is_moderated = attempt_class is AttemptClass.MODERATED
    is_answered = status // 100 == HTTPStatus.OK // 100  # words are tokens too
    param = complaint.param if complaint.param in _OUR_FIELDS else None
    is_rejected = attempt_class is AttemptClass.REJECTED
    return UpstreamError(
        attempt_class,
        detail,
        http_status=status,
        request_id=request_id_of(headers),
        retry_after_seconds=retry_after_of(headers, now=now),
        may_have_billed=attempt_class in MAY_HAVE_BILLED or (is_moderated and is_answered),
        public_message=_public_message(attempt_class, param),
        public_param=param if is_rejected else None,
    )


def _public_message(attempt_class: AttemptClass, param: str | None) -> str:
    if attempt_class is not AttemptClass.REJECTED:
        return ""
    if param is None:
        return "The image model does not accept this request."
    return f"The image model does not accept this value of '{param}'."


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _status(value: object) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    is_status = text.isascii() and text.isdigit() and len(text) == len("500")
    return int(text) if is_status and text[0] in "345" else None
