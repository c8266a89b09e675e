"""A long history of several tenants, written past the product by COPY: rows as one image has.

Its transfers are numbered and add up, but have no seals of their own, so a proof of the ledger
would fail. No page and no look-up reads a seal.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from pictor.kit.words import clock, ids

HISTORY_DAYS = 90
SMALL_SHARE = 5
"""Tenants other than the first share one in this many generations."""
MODELS = ("gpt-image-2", "gpt-image-2-origin", "gpt-image-1", "dall-e-3", "dall-e-2")
PROMPT = "A fox in the snow beside a quiet river, number"
FAILED, TRIED_AGAIN = 20, 10
"""One in FAILED generations fails; in one of TRIED_AGAIN a second attempt ends it."""
HELD, CAPTURED, COST = 10_000, 5_268, 3_000
"""Micros."""
OPENING = 10**12
"""Micros that a tenant has before its first generation."""
KEPT = timedelta(days=30)
"""Lifetime of images."""
SHORTEST_SECONDS, LONGER, SPREAD = 3, 1.0007, 4_000
"""Times to image: from three seconds to about fifty."""
NULL = "\\N"
ERROR = (
    '{"status": 502, "type": "api_error", "code": "upstream_error", "message": "No answer came.",'
    ' "param": null}'
)
# Triggers and keys that check each row would take minutes for this many rows.
_UNCHECKED = """
SET session_replication_role = replica;
SET synchronous_commit = off;
ALTER TABLE generation_generation DISABLE TRIGGER mode_of_key;
ALTER TABLE generation_attempt DISABLE TRIGGER test_stays_in_sandbox;
"""
_CHECKED = """
ALTER TABLE generation_generation ENABLE ALWAYS TRIGGER mode_of_key;
ALTER TABLE generation_attempt ENABLE ALWAYS TRIGGER test_stays_in_sandbox;
RESET session_replication_role;
RESET synchronous_commit;
"""

Connection = psycopg.Connection[Any]
Row = Mapping[str, object]
"""Values that differ from the pattern row, by column."""


@dataclass(slots=True)
class Owner:
    """A tenant, and its balance after the last row written."""

    tenant: UUID
    keys: list[UUID]
    available_account: int
    held_account: int
    seq: int
    available: int = OPENING


@dataclass(frozen=True, slots=True)
class Sample:
    """The facts that distinguish a generation from others."""

    number: int
    owner: Owner
    id: str
    at: datetime
    ended_at: datetime
    is_made: bool


def write_history(owner: Connection, generations: int, *, like: UUID) -> None:
    """Write generations of the last 90 days, with their attempts, images and transfers.

    Args:
        owner: the superuser's connection, in autocommit.
        generations: number for all tenants with a key; most belong to the tenant of `like`.
        like: a generation of one image, whose rows all others copy.
    """
    tenants = _owners(owner, like)
    owner.execute(_UNCHECKED)
    for table, rows in _ROWS.items():
        names, line = _pattern(owner, table, like)
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with owner.cursor().copy(copy) as lines:
            for one in _history(tenants, generations):
                lines.write("".join([line % row for row in rows(one)]))
    for tenant in tenants:
        owner.execute(
            "UPDATE billing_tenantbalance SET seq = %s, available = %s WHERE tenant_id = %s",
            [tenant.seq, tenant.available, tenant.tenant],
        )
    owner.execute(_CHECKED)
    for table in _ROWS:
        owner.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))


def _owners(owner: Connection, like: UUID) -> list[Owner]:
    """Every tenant with a key, the tenant of that generation first."""
    rows = owner.execute(
        """
        SELECT b.tenant_id, array_agg(k.id ORDER BY k.id), b.available_account_id,
               b.held_account_id, b.seq
          FROM billing_tenantbalance b JOIN accounts_apikey k USING (tenant_id)
         GROUP BY b.tenant_id
         ORDER BY b.tenant_id <> (SELECT tenant_id FROM generation_generation WHERE id = %s), 1
        """,
        [like],
    )
    return [Owner(*row) for row in rows]


def _pattern(owner: Connection, table: str, like: UUID) -> tuple[list[str], str]:
    """The table's columns, and a COPY line of that generation's row, open where rows differ."""
    of_it = "id" if table == "generation_generation" else "generation_id"
    statement = sql.SQL("COPY (SELECT * FROM {} WHERE {} = {} LIMIT 1) TO STDOUT (HEADER)")
    filled = statement.format(sql.Identifier(table), sql.Identifier(of_it), sql.Literal(str(like)))
    with owner.cursor().copy(filled) as lines:
        head, line = b"".join(lines).decode().splitlines()
    own = _OWN[table]
    cells = {
        name: f"%({name})s" if name in own else cell.replace("%", "%%")
        for name, cell in zip(head.split("\t"), line.split("\t"), strict=True)
        if (table, name) != ("billing_transfer", "id")  # the database numbers them
    }
    return list(cells), "\t".join(cells.values()) + "\n"


def _history(tenants: list[Owner], generations: int) -> Iterator[Sample]:
    """Generations, oldest first, at even distances."""
    span = timedelta(days=HISTORY_DAYS)
    first, step = clock.now() - span, span / (generations + 1)
    large, *small = tenants
    for number in range(1, generations + 1):
        at = first + number * step
        turn, place = divmod(number, SMALL_SHARE)
        took = SHORTEST_SECONDS * LONGER ** (number * 7919 % SPREAD)
        yield Sample(
            number=number,
            owner=large if place else small[turn % len(small)],
            id=_id(at, number),
            at=at,
            ended_at=min(at + timedelta(seconds=took), clock.now()),
            is_made=number % FAILED != 1,
        )


def _id(at: datetime, number: int) -> str:
    """A UUIDv7 of that time, as hexadecimal digits."""
    return f"{int(at.timestamp() * 1000):012x}7{number & 0xFFF:03x}8{number:015x}"


def _generation(one: Sample) -> Iterator[Row]:
    keys = one.owner.keys
    yield {
        "id": one.id,
        "tenant_id": one.owner.tenant,
        "api_key_id": keys[one.number // 7 % len(keys)],
        "request_id": ids.public(
            ids.REQUEST, UUID(_id(one.at - timedelta(milliseconds=30), one.number))
        ),
        "model": MODELS[one.number // 3 % len(MODELS)],
        "prompt": f"{PROMPT} {one.number}",
        "state": "succeeded" if one.is_made else "failed",
        "held_micros": HELD,
        "captured_micros": CAPTURED if one.is_made else 0,
        "created_at": one.at,
        "started_at": one.at,
        "finished_at": one.ended_at,
        "cleaned_at": NULL if one.is_made else one.ended_at,
        "error": NULL if one.is_made else ERROR,
    }


def _attempts(one: Sample) -> Iterator[Row]:
    count = 2 if one.number % TRIED_AGAIN == 1 else 1
    for number in range(1, count + 1):
        is_good = number == count and one.is_made
        yield {
            "id": _attempt_id(one, number),
            "generation_id": one.id,
            "number": number,
            "started_at": one.at,
            "finished_at": one.ended_at,
            "attempt_class": "delivered" if is_good else "refused",
            "http_status": 200 if is_good else 503,
            "cost_micros": COST if is_good else 0,
        }


def _attempt_id(one: Sample, number: int) -> str:
    return _id(one.at + timedelta(milliseconds=number), one.number)


def _images(one: Sample) -> Iterator[Row]:
    if one.is_made:
        gone_at = one.ended_at + KEPT
        yield {
            "id": _id(one.ended_at, one.number),
            "generation_id": one.id,
            "tenant_id": one.owner.tenant,
            "object_key": f"{one.at:%Y-%m-%d}/{one.number % 1000:03}/{one.number:029}/1-0.png",
            "created_at": one.ended_at,
            "expires_at": gone_at,
            "deleted_at": gone_at if gone_at < clock.now() else NULL,
        }


def _transfers(one: Sample) -> Iterator[Row]:
    owner, captured = one.owner, CAPTURED if one.is_made else 0
    available, held = owner.available_account, owner.held_account
    moves = [("hold", available, held, HELD), ("release", held, available, HELD - captured)]
    if captured:
        moves.insert(1, ("capture", held, 1, captured))
        yield _transfer(one, "upstream_cost", 2, 3, COST, attempt_id=_attempt_id(one, 1))
    in_hand = 0
    for kind, debit, credit, amount in moves:
        owner.seq += 1
        owner.available += {"hold": -amount, "release": amount}.get(kind, 0)
        in_hand += amount if kind == "hold" else -amount
        yield _transfer(
            one,
            kind,
            debit,
            credit,
            amount,
            tenant_id=owner.tenant,
            seq=owner.seq,
            available_after=owner.available,
            held_after=in_hand,
        )


def _transfer(one: Sample, kind: str, debit: int, credit: int, amount: int, **more: object) -> Row:
    none = dict.fromkeys(("tenant_id", "seq", "available_after", "held_after", "attempt_id"), NULL)
    return {
        **none,
        "kind": kind,
        "debit_id": debit,
        "credit_id": credit,
        "amount": amount,
        "generation_id": one.id,
        "created_at": one.at,
        **more,
    }


_ROWS: Mapping[str, Callable[[Sample], Iterator[Row]]] = {
    "generation_generation": _generation,
    "generation_attempt": _attempts,
    "storage_storedimage": _images,
    "billing_transfer": _transfers,
}
"""Each table's rows of a generation."""
_ANYBODY = Owner(UUID(int=0), [UUID(int=0)], 0, 0, 0)
_ANY = Sample(0, _ANYBODY, "", clock.now(), clock.now(), is_made=True)
_OWN = {table: next(iter(rows(_ANY))).keys() for table, rows in _ROWS.items()}
"""Columns by table in which its rows differ."""
