"""The complaint in an answer's body, in OpenAI's shape and its relays' variants. Pure.

    {"error": {"code": "…", "message": "…", "innererror": {"code": "…"}}}
    {"success": false, "code": 401, "message": "…", "data": {"error": "…"}}
    {"error": {"message": "… after 3 tries: 400 {\\"errorKey\\":\\"insufficient_balance\\"}"}}
    {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "…"}}}

Sources: OpenAI's and Azure's error references, relays' source (20 Nov 2026).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from generation.channels.complaints import ComplaintSubject, about

_LEVELS = (
    "error", "data", "response", "base_resp", "innererror", "inner_error", "incomplete_details",
    "choices", "output", "candidates", "promptFeedback", "message", "content",
)  # fmt: skip
"""Where a complaint may stand within another object; of an array the first entry."""
_MAX_DEPTH = 4
_CODES = (
    "code", "type", "status", "reason", "errorKey", "error_code", "finish_reason", "finishReason",
    "blockReason",
)  # fmt: skip
_STATUSES = ("code", "status", "status_code", "statusCode")
_MESSAGES = (
    "message", "msg", "detail", "error", "errorMessage", "error_message", "error_msg",
    "status_msg", "fail_reason", "failure_reason",
)  # fmt: skip
_QUOTED_CODE = re.compile(
    r"""(?:code|type|key|reason)\\?["']\s?:\s?\\?["']([\w.-]{3,60})""", re.IGNORECASE
)
"""A code in an answer that a relay's message quotes, as JSON or as Python writes it."""
_MAX_QUOTED_CHARS = 16_384
_MAX_CODE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint, as the answer's body has it; empty fields if it has none.

    Attributes:
        codes: all words that vendors give as codes, such as types and states.
        message: all words for people.
        status: a status inside the body, such as {"error": {"code": 429}}.
    """

    is_json: bool = False
    codes: tuple[str, ...] = ()
    param: str = ""
    message: str = ""
    status: int | None = None

    @property
    def about(self) -> ComplaintSubject | None:
        """The complaint's subject; None if its words do not tell."""
        return about(codes=self.codes, message=self.message)


def complaint_of(document: object) -> Complaint:
    """Read what an answer says is wrong, wherever it says so."""
    if not isinstance(document, dict):
        return Complaint()
    levels = list(_levels(document, depth=0))
    messages = list(_strings(levels, _MESSAGES))
    message = " ".join(dict.fromkeys(messages))
    codes = [*_strings(levels, _CODES), *_QUOTED_CODE.findall(message[:_MAX_QUOTED_CHARS])]
    # {"error": "insufficient_quota"}: one word is a code.
    codes += [words for words in messages if " " not in words and len(words) <= _MAX_CODE_CHARS]
    codes += ["refusal" for _ in _strings(levels, ("refusal",))]
    statuses = (_status(level.get(key)) for level in levels for key in _STATUSES)
    return Complaint(
        is_json=True,
        codes=tuple(dict.fromkeys(codes)),
        param=next(_strings(levels, ("param",)), ""),
        message=message,
        status=next(filter(None, statuses), None),
    )


def _levels(value: object, *, depth: int) -> Iterator[dict[str, object]]:
    """The object and those within it, the outer ones first."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return
    yield value
    for key in _LEVELS:
        yield from _levels(value.get(key), depth=depth + 1)


def _strings(levels: list[dict[str, object]], keys: tuple[str, ...]) -> Iterator[str]:
    values = (level.get(key) for level in levels for key in keys)
    return (value for value in values if isinstance(value, str) and value)


def _status(value: object) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    is_status = text.isascii() and text.isdigit() and len(text) == len("500")
    return int(text) if is_status and text[0] in "345" else None
