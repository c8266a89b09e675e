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
    "error", "errors", "data", "response", "result", "results", "baseresp", "innererror",
    "incompletedetails", "details", "metadata", "choices", "output", "candidates", "artifacts",
    "promptfeedback", "message", "content",
)  # fmt: skip
"""Where a complaint may stand within another object, in lower case without `_`.

Of an array, the first entry counts."""
_MAX_DEPTH = 4
_CODES = (
    "code", "type", "status", "reason", "errorkey", "errorcode", "finishreason", "blockreason",
)  # fmt: skip
_STATUSES = ("code", "status", "statuscode", "errorcode", "httpstatus")
_MESSAGES = (
    "message", "msg", "detail", "error", "errormessage", "errormsg", "errmsg", "statusmsg",
    "failreason", "failurereason", "raw", "data",
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
        asked: the request's words, which it may quote.
    """

    is_json: bool = False
    codes: tuple[str, ...] = ()
    param: str = ""
    message: str = ""
    status: int | None = None
    asked: str = ""

    @property
    def about(self) -> ComplaintSubject | None:
        """The complaint's subject; None if its words do not tell."""
        return about(codes=self.codes, message=self.message, asked=self.asked)


def complaint_of(document: object, *, asked: str = "") -> Complaint:
    """Read what an answer says is wrong, wherever it says so: a JSON value, or a plain text.

    `asked` has the request's words.
    """
    is_text = isinstance(document, str)
    if isinstance(document, str) and not document.lstrip().startswith("<"):  # no page
        document = {"message": document}
    levels = list(_levels(document, depth=0))
    messages = list(_strings(levels, _MESSAGES))
    message = " ".join(dict.fromkeys(messages))
    asked = asked.lower()
    quoted = _QUOTED_CODE.findall(message[:_MAX_QUOTED_CHARS])
    # {"error": "insufficient_quota"}: one word is a code.
    quoted += [words for words in messages if " " not in words and len(words) <= _MAX_CODE_CHARS]
    codes = [*_strings(levels, _CODES), *(code for code in quoted if code.lower() not in asked)]
    codes += ["refusal" for _ in _strings(levels, ("refusal",))]
    statuses = (_status(level.get(key)) for level in levels for key in _STATUSES)
    return Complaint(
        is_json=bool(levels) and not is_text,
        codes=tuple(dict.fromkeys(codes)),
        param=next(_strings(levels, ("param",)), ""),
        message=message,
        status=next(filter(None, statuses), None),
        asked=asked,
    )


def _levels(value: object, *, depth: int) -> Iterator[dict[str, object]]:
    """The object and those within it, the outer ones first."""
    value = _first(value)
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return
    named = {key.replace("_", "").lower(): each for key, each in value.items()}
    yield named
    for key in _LEVELS:
        yield from _levels(named.get(key), depth=depth + 1)


def _strings(levels: list[dict[str, object]], keys: tuple[str, ...]) -> Iterator[str]:
    values = (_first(level.get(key)) for level in levels for key in keys)
    return (value for value in values if isinstance(value, str) and value)


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _status(value: object) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    is_status = text.isascii() and text.isdigit() and len(text) == len("500")
    return int(text) if is_status and text[0] in "345" else None
