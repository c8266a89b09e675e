"""Structured logs: one JSON line a record, secrets removed.

A record made for a request has its id: on the event loop, in the pools' threads, in pages outside
/v1, and in the image worker that carries its generation. A request ends with one line of its own
(web/edge.py), with what anybody on the way has noted of it; an attempt too. Whatever looks like an
API key, a bearer header, a password in a URL, the address of an invitation or of the demo's
sign-in, or a signature of a presigned URL is replaced before the line leaves the process. So are
the values of a row and the statement that an error of the database quotes: a prompt is among them.
"""

import json
import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from pictor.kit.database.errors import cut_short, without_values

request_id: ContextVar[str] = ContextVar("request_id", default="")
_noted: ContextVar[dict[str, Any] | None] = ContextVar("noted", default=None)

_encoded = json.JSONEncoder(ensure_ascii=False).encode

# Each with a word, folded, without which its pattern finds nothing: a search is quicker. Where case
# does not count no word has an `i`: a pattern takes a dotless one for it, and folding does not.
_SECRETS = (
    ("sk-", re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), "sk-***"),
    ("bearer", re.compile(r"(?i)\bbearer +[^\s\"']+"), "Bearer ***"),
    ("://", re.compile(r"(?<=://)([^:/@\s]*):([^@/\s]+)@"), r"\1:***@"),
    ("x-amz-", re.compile(r"(?i)(X-Amz-(?:Signature|Credential)=)[^&\s\"']+"), r"\1***"),
    ("/invite/", re.compile(r"(/invite/)[^/?\s\"']+"), r"\1***"),
    ("/open/", re.compile(r"(/open/)[^/?\s\"']+"), r"\1***"),
    ("whsec_", re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+"), "whsec_***"),
    ("ap", re.compile(r"(?i)(api[-_]?key[\\\"']*\s*[:=]\s*[\\\"']*)[^\s\\\"'&,]+"), r"\1***"),
    (
        "passw",
        re.compile(r"(?i)(passw(?:or)?d\d?[\\\"']*\s*[:=]\s*)('[^']*'|[\\\"']*[^\s\\\"'&,;]+)"),
        r"\1***",
    ),
    # Cookies may hold quotes of their own, so whatever follows on the line goes.
    ("cook", re.compile(r"(?i)(cookie(?:[\\\"']*:|[\\\"']+,)\s*b?[\\\"']*)[^\r\n]+"), r"\1***"),
)


def begin_request(name: str) -> dict[str, Any]:
    """Give further records this request's id; the result takes what is noted on the way."""
    noted: dict[str, Any] = {}
    request_id.set(name)
    _noted.set(noted)
    return noted


def note(**facts: Any) -> None:
    """Say something of the request that its last line is to have. Never a prompt or a secret.

    But for an `error`, the one it is answered with, which the edge takes out before.
    """
    noted = _noted.get()
    if noted is not None:
        noted.update(facts)


def without_secrets(text: str) -> str:
    """The text with keys, passwords and signatures replaced by ***."""
    folded = text.casefold()
    for word, pattern, replacement in _SECRETS:
        if word in folded:
            text = pattern.sub(replacement, text)
    return text


class LineFormatter(logging.Formatter):
    """{"at", "level", "logger", "message", "request_id"?, "error"?} on one line, and its facts.

    A process that logs like this looks for no record's place in the code, thread or process, which
    is a third of what a record costs: https://docs.python.org/3/howto/logging.html#optimization
    """

    def __init__(self) -> None:
        super().__init__()
        logging._srcfile = None  # noqa: SLF001 - the documented way
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False

    @override
    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        line = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(cut_short(_message(record, error))),
        }
        if current := request_id.get():
            line["request_id"] = current
        line |= getattr(record, "facts", {})
        if record.exc_info:
            trace = without_values(self.formatException(record.exc_info), error)
            line["error"] = without_secrets(trace)
        return _encoded(line)


def _message(record: logging.LogRecord, error: BaseException | None) -> str:
    args = record.args.values() if isinstance(record.args, Mapping) else record.args or ()
    said = [arg for arg in args if isinstance(arg, BaseException)]
    return without_values(record.getMessage(), error, *said)
