"""A channel's errors by the vendor's words, hiding any one tenant's words from operators.

Vendors quote prompts. So errors are told apart by a digest of the words, and the words are shown
once three tenants met them: without digits and ids, all three received the same. They are stored
only with each attempt, and forgotten there.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import connection

from generation.catalogue.traffic.modes import OF_MODE, Mode
from generation.models import Channel
from pictor.kit.words import ids

MAX_NAMED_TENANTS = 3
"""The number of tenants that must meet the same words before an operator reads them."""
_WITH_DIGIT = re.compile(r"(?<![\w-])(?:[^\W\d]|-)*\d[\w-]*")
_NUMBERS = re.compile(r"#(?:[.,:]#)+")
_ERRORS = """
WITH met AS (
    SELECT a.attempt_class, a.http_status, a.fingerprint, COUNT(*) AS number,
           COUNT(DISTINCT g.tenant_id) AS tenants,
           MIN(a.finished_at) AS first_at, MAX(a.finished_at) AS last_at,
           (array_agg(DISTINCT g.id ORDER BY g.id DESC))[1:3] AS generations,
           COUNT(DISTINCT g.tenant_id) FILTER (WHERE a.detail <> '') AS told,
           MAX(a.id::text) FILTER (WHERE a.detail <> '') AS newest
      FROM generation_attempt AS a JOIN generation_generation AS g ON g.id = a.generation_id
     WHERE a.channel_id = %s AND a.id >= %s AND a.attempt_class NOT IN ('', 'delivered')
       AND {which}
     GROUP BY a.attempt_class, a.http_status, a.fingerprint
)
SELECT attempt_class, http_status, fingerprint, number, tenants, first_at, last_at, generations,
       CASE WHEN fingerprint <> '' AND told >= %s THEN
           (SELECT detail FROM generation_attempt AS a WHERE a.id = newest::uuid) END
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
    """The vendor's words without digits and ids; None below three tenants."""


def without_ids(detail: str) -> str:
    """The words, with '#' for every word that has a digit in it."""
    return _NUMBERS.sub("#", _WITH_DIGIT.sub("#", detail))


def fingerprint_of(detail: str) -> str:
    """Twelve hexadecimal digits, the same for words that differ only in digits and ids."""
    return sha256(without_ids(detail).encode()).hexdigest()[:12]


def errors_of(channel: Channel, *, since: datetime, mode: Mode = "live") -> list[Errors]:
    """The channel's calls of that mode begun since then without an image, most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ERRORS.format(which=OF_MODE[mode]),
            [channel.id, ids.first_at(since), MAX_NAMED_TENANTS],
        )
        return [Errors(*[*facts, _mask_ids(detail)]) for *facts, detail in cursor]


def _mask_ids(detail: str | None) -> str | None:
    return None if detail is None else without_ids(detail)
