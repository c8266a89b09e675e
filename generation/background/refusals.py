"""Record refused requests: one INSERT a second per web process, off the requests' path.

A client's part in rows and memory is bounded; rows beyond it are dropped and counted. A row has
nothing that its caller wrote, and instead of an address only a keyed digest, where no tenant is
known. Up to a second of refusals is lost with their process.
"""

import asyncio
import hmac
import json
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from prometheus_client import Counter as Count
from psycopg.errors import QueryCanceled

from generation.models.refusals import MAX_COLUMN_CHARS, MAX_PER_DAY
from pictor.kit.database import lock_numbers, pools
from pictor.kit.database.cursors import first_row
from pictor.kit.endpoints.queries import our_names
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import clock, ids
from pictor.kit.words.client_addresses import counted_address

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
LAST_WORDS_SECONDS = 2.0
MAX_ROWS = 500
"""Rows in one INSERT, and rows waiting for it."""
MAX_OF_STRANGERS = 250
"""The part of MAX_ROWS for rows with keys of no tenant; the rest is left to tenants' rows."""
MAX_OF_ONE = 50
"""The part of MAX_ROWS for one tenant, or for one address without a tenant's key."""
MAX_BYTES = 1 << 30
"""The table's size without indexes above which nothing is written, if no worker trims it."""

LEFT_OUT = Count(
    "pictor_refusals_left_out",
    "Refused requests that were not written down: too many of one caller in a second or a day, or"
    " of all in a second, or the table is full, or the database would not take them.",
    ["why"],
)
OUTSIDE_BODIES = frozenset({"Idempotency-Key", "id"})
"""The header and the part of an address that a param can name."""
_QUOTED = re.compile(
    r"""(?<!\w)(?:'(?:[^'\\]|\\.?)*(?:'|\Z)|"(?:[^"\\]|\\.?)*(?:"|\Z))""", re.DOTALL
)
"""Callers' words as `repr` puts them into a message; no apostrophe of our own begins one.

What is not closed ends with the message, so no search begins again within it.
"""
_HINT = re.compile(r" Did you mean .*", re.DOTALL)
"""The hint comes last and is made from the caller's words."""
_COLUMNS = {
    "id": "uuid", "caller": "uuid", "tenant_id": "uuid", "key_id": "uuid", "generation_id": "uuid",
    "model": "text", "status": "integer", "code": "text", "param": "text", "message": "text",
    "stopped_by": "text", "ms": "integer",
}  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
_WRITE = f"""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
            AS r({", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
    ), before AS MATERIALIZED (
        SELECT caller, COALESCE((
                   SELECT MAX(place) FROM generation_refusedrequest AS r
                    WHERE r.caller = callers.caller AND r.day = %(day)s
               ), 0) AS number
          FROM (SELECT DISTINCT caller FROM given) AS callers
    ), numbered AS (
        SELECT given.*, number + row_number() OVER (PARTITION BY caller ORDER BY id) AS place
          FROM given JOIN before USING (caller)
    ), room AS MATERIALIZED (
        SELECT pg_relation_size('generation_refusedrequest') < %(bytes)s AS is_left
    ), written AS (
        INSERT INTO generation_refusedrequest ({_NAMES}, day, place)
        SELECT {_NAMES}, %(day)s, place FROM numbered, room WHERE place <= %(most)s AND is_left
            ON CONFLICT (id) DO NOTHING
    )
    SELECT COUNT(*) FILTER (WHERE place > %(most)s),
           COUNT(*) FILTER (WHERE place <= %(most)s AND NOT is_left)
      FROM numbered, room
"""  # noqa: S608 - built from constants


class Recorder:
    """One web process's refusals; use it on that process's event loop only."""

    def __init__(self) -> None:
        self._kept: list[Refused] = []
        self._strangers = 0
        self._of_each = Counter[str]()

    def take(self, refused: Refused) -> None:
        """Keep a refusal for the next INSERT, or count it as left out; never waits."""
        is_strange = not refused.tenant
        whose = _whose(refused)
        if self._of_each[whose] >= MAX_OF_ONE:
            LEFT_OUT.labels("caller").inc()
        elif len(self._kept) >= MAX_ROWS or (is_strange and self._strangers >= MAX_OF_STRANGERS):
            LEFT_OUT.labels("process").inc()
        else:
            self._of_each[whose] += 1
            self._strangers += is_strange
            self._kept.append(refused)

    async def start(self) -> None:
        """Begin writing once a second."""
        self._writing = asyncio.create_task(self._write_again_and_again(), name="refusals")

    async def stop(self) -> None:
        """Stop, after a last write that may take `LAST_WORDS_SECONDS`."""
        self._writing.cancel()
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self.write()
        except TimeoutError:
            logger.warning("stopped before the last refusals were written down")

    async def write(self) -> None:
        """Write all kept refusals; while the database is away, keep them for later."""
        batch = self._kept[:]
        try:
            if batch:
                left_out = await pools.database(insert, batch, now=clock.now())
                for why, number in left_out.items():
                    LEFT_OUT.labels(why).inc(number)
        except Exception as error:  # noqa: BLE001 - a bug here must not end a web process
            if _is_away(error):
                logger.warning("refusals could not be written and are tried again: %s", error)
                batch = []
            else:
                logger.error("refusals could not be written down: %s", type(error).__name__)  # noqa: TRY400 - the database quotes rows
                LEFT_OUT.labels("database").inc(len(batch))
        # Those that came during the write stay for the next one.
        del self._kept[: len(batch)]
        self._strangers = sum(not refusal.tenant for refusal in self._kept)
        self._of_each = Counter(_whose(refusal) for refusal in self._kept)

    async def _write_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.write()


def insert(batch: Sequence[Refused], *, now: datetime) -> Mapping[str, int]:
    """Insert rows, each once; return the numbers left out beyond a caller's `day` or as `full`."""
    rows = json.dumps([_row(refusal) for refusal in batch])
    bounds = {"most": MAX_PER_DAY, "bytes": MAX_BYTES}
    with transaction.atomic():
        lock_numbers.lock(lock_numbers.REFUSALS)  # so that each process sees the others' rows
        beyond, without_room = first_row(_WRITE, {"rows": rows, "day": now.date(), **bounds})
    return {"day": beyond, "full": without_room}


def caller_at(address: str) -> UUID:
    """A keyed digest that stands for an address and cannot be reversed without the key."""
    secret = f"{settings.SECRET_KEY} refusals".encode()
    digest = hmac.digest(secret, counted_address(address).encode(), "sha256")
    return UUID(bytes=digest[:16])


def without_words(message: str, param: str) -> tuple[str, str]:
    """Remove the caller's words from a message and a param: quoted text becomes an ellipsis.

    A param that is no name of ours is the caller's word too.
    """
    kept = _HINT.sub("", _QUOTED.sub("'…'", message))
    if param in our_names() or param in OUTSIDE_BODIES:
        return kept, param
    if not param or param not in kept:  # a pattern of 60,000 characters takes long to make
        return kept, ""
    return re.sub(rf"(?<!\w){re.escape(param)}(?!\w)", "…", kept), ""


def _whose(refused: Refused) -> str:
    return refused.tenant or counted_address(refused.address)


def _is_away(error: Exception) -> bool:
    """True if the database may accept the same rows later; a statement timeout would recur."""
    is_its_own = isinstance(error, OperationalError | InterfaceError)
    return is_its_own and not isinstance(error.__cause__, QueryCanceled)


def _row(refused: Refused) -> dict[str, object]:
    tenant = ids.parse(ids.TENANT, refused.tenant)
    message, param = without_words(refused.message, refused.param)
    texts = {
        "model": refused.model,
        "code": refused.code,
        "param": param,
        "message": message,
        "stopped_by": refused.limit,
    }
    return {
        "id": _text(ids.parse(ids.REQUEST, refused.request)),
        "caller": _text(tenant or caller_at(refused.address)),
        "tenant_id": _text(tenant),
        "key_id": _text(ids.parse(ids.KEY, refused.key)),
        "generation_id": _text(ids.parse(ids.GENERATION, refused.generation)),
        "status": refused.status,
        "ms": refused.ms,
        **{name: text[: MAX_COLUMN_CHARS[name]] for name, text in texts.items()},
    }


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


recorder = Recorder()
"""The recorder of this web process."""
