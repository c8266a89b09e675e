"""Structured logs: one JSON line for each record, without secrets.

A record made for a request has the request's id: on the event loop, in the pools' threads, in pages
outside /v1, and in the image worker that carries its generation. A request ends with a line of its
own (web/edge.py) that holds all facts noted on the way; an attempt too. Before a line leaves the
process, everything is replaced that looks like an API key, a bearer header, a password in a URL,
the address of an invitation or of the demo's sign-in, or a signature of a presigned URL. So are the
row values and statements that database errors quote, because prompts are among them.
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

# Each pattern comes with a case-folded word that all its matches contain, because searching for a
# word is quicker. Words of case-insensitive patterns avoid `i`: such a pattern also matches a
# dotless one, which folding keeps.
_SECRETS = (
    ("sk-", re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), "sk-***"),
    ("k_", re.compile(r"\b[rs]k_(?:live|test)_\w+"), "sk_***"),
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
    # Cookies may hold quotes of their own, so the rest of the line goes.
    ("cook", re.compile(r"(?i)(cookie(?:[\\\"']*:|[\\\"']+,)\s*+b?[\\\"']*+)[^\r\n]+"), r"\1***"),
)


def begin_request(name: str) -> dict[str, Any]:
    """Give further records this request's id; return the dict that collects noted facts."""
    noted: dict[str, Any] = {}
    request_id.set(name)
    _noted.set(noted)
    return noted


def note(**facts: Any) -> None:
    """Add facts to the request's last line. Never a prompt or a secret.

    The exception is `error`, the request's answer, which the edge removes before it logs.
    """
    noted = _noted.get()
    if noted is not None:
        noted.update(facts)


def without_secrets(text: str) -> str:
    """Return the text with keys, passwords and signatures replaced by ***."""
    folded = text.casefold()
    for word, pattern, replacement in _SECRETS:
        if word in folded:
            text = pattern.sub(replacement, text)
    return text


class LineFormatter(logging.Formatter):
    """{"at", "level", "logger", "message", "request_id"?, "error"?} and the facts, on one line.

    Turns off the look-up of a record's place in the code, thread and process, a third of its cost:
    https://docs.python.org/3/howto/logging.html#optimization
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
    errors = [arg for arg in args if isinstance(arg, BaseException)]
    return without_values(record.getMessage(), error, *errors)
