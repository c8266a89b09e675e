"""Parts that all vendors' answers share: shapes, request id, Retry-After, words without secrets.

Pure. Headers are looked up in lower case.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_UP, Decimal
from email.utils import parsedate_to_datetime

from generation.channels.errors import MAX_DETAIL_CHARS
from pictor.kit.words.money import PER_UNIT, Micros

MAX_ENTRIES = 100
MAX_COST_USD = 1_000
"""A vendor's charge for an order; a larger number is not believed."""
MAX_SEED = 2**53 - 1
MAX_RETRY_AFTER_SECONDS = 86_400.0
MAX_REVISED_PROMPT_CHARS = 32_000
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-oneapi-request-id")
# No blanks and no letters of other alphabets: an upstream may put words of the prompt there.
_REQUEST_ID = re.compile("[!-~]{1,120}")
SHORT_KEY_CHARS = 8
_WORD = re.compile(r"(?<!\[)\b[\w-]+")
_SECRET = re.compile(r"\b(?:sk|rk|pk|key)-[\w*.-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)
_SNAPSHOT = re.compile("-(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}-[0-9]{4}|[0-9]{3,8})$")
"""The end of a snapshot's name: a date in any form, or a number such as 001."""
_ADDRESS = re.compile(r"(https?://[^\s?\"'<>]+\??)([^\s\"'<>]*)", re.IGNORECASE)
"""An address up to its query, and the query."""


def request_id_of(headers: Mapping[str, str], own: str = "") -> str:
    """The upstream's id of the call; "" without one that looks like an id.

    `own` is the vendor's own header, looked up first.
    """
    given = (headers.get(name, "") for name in (own, *_REQUEST_ID_HEADERS))
    return next((value for value in given if _REQUEST_ID.fullmatch(value)), "")


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
        except (ValueError, TypeError, OverflowError):  # OverflowError: a date in the year 99999
            return None
    # `float` also reads "nan" and "inf".
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def object_in(body: str) -> Mapping[str, object]:
    """The JSON object in a refusal's body, or the first of an array; empty without one."""
    try:
        document = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return {}
    first = document[0] if isinstance(document, list) and document else document
    return first if isinstance(first, dict) else {}


def at(value: object, *path: str) -> object:
    """What stands at a path of objects; None if there is nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def text_at(value: object, *path: str) -> str:
    """The text there; "" if there is none."""
    text = at(value, *path)
    return text if isinstance(text, str) else ""


def count_at(value: object, *path: str) -> int:
    """The number above 0 there, of tokens or the like; 0 if there is none."""
    number = at(value, *path)
    return number if isinstance(number, int) and number > 0 else 0


def cost_at(value: object, *path: str, unit_usd: Decimal) -> Micros | None:
    """The charge there, in the vendor's unit, rounded up; None if there is none."""
    amount = at(value, *path)
    if isinstance(amount, bool) or not isinstance(amount, int | float):  # a bool is an int
        return None
    if not 0 <= amount <= MAX_COST_USD / unit_usd:
        return None
    exact = Decimal(str(amount)) * unit_usd * PER_UNIT
    return Micros(int(exact.to_integral_value(ROUND_UP)))


def entries_at(value: object, *path: str) -> Sequence[object]:
    """The first entries of the array there; none if there is no array."""
    entries = at(value, *path)
    return entries[:MAX_ENTRIES] if isinstance(entries, list) else ()


def seed_in(entry: object) -> int | None:
    """The seed of an image, or of a whole answer, if it is a number that JSON keeps exactly."""
    seed = at(entry, "seed")
    is_number = isinstance(seed, int) and not isinstance(seed, bool)  # a bool is an int
    return seed if isinstance(seed, int) and is_number and abs(seed) <= MAX_SEED else None


def storable(revised_prompt: str | None) -> str | None:
    """Without NUL and lone surrogates, which neither a database nor UTF-8 can hold."""
    kept = (revised_prompt or "").replace("\x00", "").encode("utf-8", "ignore").decode()
    return kept[:MAX_REVISED_PROMPT_CHARS] or None


def is_same_model(asked: str, answered: str) -> bool:
    """True if two names are of one model, or of its snapshots: gpt-image-2, …-2-2026-04-21."""
    names = {_SNAPSHOT.sub("", name.rpartition("/")[2].lower()) for name in (asked, answered)}
    return len(names) == 1


def redact(text: str, api_key: str) -> str:
    """One short line for our own log, without keys and the queries of signed urls."""
    # Cut before the patterns run over it: an upstream decides on its length.
    line = " ".join(text[: 8 * MAX_DETAIL_CHARS].split())
    if len(api_key) < SHORT_KEY_CHARS:  # it may be a part of any word, or of its mask
        line = _WORD.sub(lambda word: "[key]" if word[0] == api_key else word[0], line)
    else:
        # An operator's key need not look like those that the pattern knows.
        line = line.replace(api_key, "[key]")
    line = _ADDRESS.sub(_without_query, _SECRET.sub("[key]", line))
    return "".join(each if each.isprintable() else "?" for each in line)[:MAX_DETAIL_CHARS]


def _without_query(address: re.Match[str]) -> str:
    return f"{address[1]}[query]" if address[2] else address[1]
