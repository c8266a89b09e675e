"""A channel's errors by the vendor's words, without what they quote of a request.

Vendors quote prompts. So the words are compared with the request when the attempt closes, for the
digest that tells errors apart, and whenever they are shown. They are stored only with each
attempt, and forgotten there.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from uuid import UUID

from generation.catalogue.traffic import OF_MODE, Mode
from generation.channels.errors import MAX_DETAIL_CHARS
from generation.models import Attempt, Channel, Generation
from pictor.kit.database.cursors import all_rows
from pictor.kit.words import ids

QUOTED_CHARACTERS = 8
"""A stretch of so many characters that words and request share counts as a quotation."""
_TAGS = ("user", "safety_identifier")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_WITH_DIGIT = re.compile(r"(?<![\w-])(?:[^\W\d]|-)*\d[\w-]*")
_NUMBERS = re.compile(r"#(?:[.,:]#)+")
_ERRORS = """
WITH met AS (
    SELECT a.attempt_class, a.http_status, a.fingerprint, COUNT(*) AS number,
           COUNT(DISTINCT g.tenant_id) AS tenants,
           MIN(a.finished_at) AS first_at, MAX(a.finished_at) AS last_at,
           (array_agg(DISTINCT g.id ORDER BY g.id DESC))[1:3] AS generations,
           MAX(a.id::text) FILTER (WHERE a.detail <> '' AND a.fingerprint <> '')::uuid AS newest
      FROM generation_attempt AS a JOIN generation_generation AS g ON g.id = a.generation_id
     WHERE a.channel_id = %s AND a.id >= %s AND a.attempt_class NOT IN ('', 'delivered')
       AND {which}
     GROUP BY a.attempt_class, a.http_status, a.fingerprint
)
SELECT attempt_class, http_status, fingerprint, number, tenants, first_at, last_at, generations,
       newest
  FROM met ORDER BY number DESC, last_at DESC
"""


@dataclass(frozen=True, slots=True)
class Errors:
    """A channel's calls that ended the same way."""

    attempt_class: str
    http_status: int | None
    fingerprint: str
    """Empty if the vendor said nothing, if it is forgotten, and for attempts of 0.2.0 or before."""
    number: int
    tenants: int
    first_at: datetime
    last_at: datetime
    generations: list[UUID]
    """Three at most, the newest first."""
    words: str | None
    """The vendor's words without quotations, digits and ids; None if there are none."""


def without_ids(detail: str) -> str:
    """The words, with '#' for every word that has a digit in it."""
    return _NUMBERS.sub("#", _WITH_DIGIT.sub("#", detail))


def fingerprint_of(detail: str) -> str:
    """Twelve hexadecimal digits, the same for words that differ only in digits and ids."""
    return sha256(without_ids(detail).encode()).hexdigest()[:12]


def readable_words(detail: str, request: Generation) -> str:
    """The words with "…" for what they quote of the prompt, a tag or another field.

    A prompt or a tag shorter than `QUOTED_CHARACTERS` is hidden where it stands whole.
    """
    words = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), detail)
    words = words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    shared = set[int]()
    if len(detail) >= MAX_DETAIL_CHARS:  # a quotation may have been cut off
        shared.update(range(len(words))[1 - QUOTED_CHARACTERS :])
    seen = _folded(words)
    tags = [request.fields[tag] for tag in _TAGS if isinstance(request.fields.get(tag), str)]
    for text in (request.prompt, *tags, json.dumps(request.fields, ensure_ascii=False)):
        asked = _folded(text.strip())
        length = min(len(asked), QUOTED_CHARACTERS)
        for start in range(len(seen) - length + 1):
            if seen[start : start + length] in asked:
                shared.update(range(start, start + length))
    runs = groupby(range(len(words)), key=shared.__contains__)
    return "".join("…" if hidden else "".join(words[at] for at in run) for hidden, run in runs)


def _folded(text: str) -> str:
    """As many characters, in lower case and with blanks for all kinds of space."""
    return "".join(" " if char.isspace() else char.lower()[0] for char in text)


def errors_of(channel: Channel, *, since: datetime, mode: Mode = "live") -> list[Errors]:
    """The channel's calls of that mode begun since then without an image, most frequent first."""
    rows = all_rows(_ERRORS.format(which=OF_MODE[mode]), [channel.id, ids.first_at(since)])
    newest = Attempt.objects.select_related("generation").in_bulk([row[-1] for row in rows])
    return [Errors(*[*facts, _words_of(newest.get(last))]) for *facts, last in rows]


def _words_of(attempt: Attempt | None) -> str | None:
    if attempt is None or not attempt.detail:  # the words may be forgotten meanwhile
        return None
    return without_ids(readable_words(attempt.detail, attempt.generation))
