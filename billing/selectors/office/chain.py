"""The seals of transfers, computed again with the key that the database does not hold.

This is done in Python so that the proof trusts no computation by the database.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from accounts.selectors import AUDIT_EVENTS
from billing.models import Account
from billing.selectors.office.checks import TRANSFERS_AFTER
from billing.selectors.office.findings import Finding
from billing.transfer_seals import Sealed, first_seal, seal_of
from pictor.kit.database.cursors import first_column, first_row
from pictor.kit.database.spans import EVERYTHING, Span
from pictor.kit.secrets.seals import sql_microseconds
from pictor.kit.words import ids

_COLUMNS = f"""
SELECT kind, debit_id, credit_id, amount, tenant_id::text, seq, available_after, held_after,
       generation_id::text, attempt_id::text, {sql_microseconds("created_at")},
       encode(evidence, 'hex'), reason, reverses_seq, corrects_id::text, line, seal, id
"""
_OLDER_COSTS = f"""
SELECT e.after ->> 'seal' FROM {AUDIT_EVENTS} AS e
 WHERE e.action = 'ledger.seal' AND e.object_type = 'ledger'
"""  # noqa: S608 - built from constants
_OWED = Account.Platform.OWED
_FETCHED_AT_ONCE = 5000
CHANGED = "was written or changed without the key"


@dataclass(frozen=True, slots=True)
class Position:
    """The proved part of a chain: number and seal of its last proved member.

    For a tenant's transfers also both balances after it and what is owed then, in micros.
    """

    seq: int = 0
    seal: bytes = b""
    available: int = 0
    held: int = 0
    owed: int = 0


START = Position()


@dataclass(frozen=True, slots=True)
class TransferRange:
    """A tenant's transfers after a position up to number `until`; None means to the last."""

    tenant_id: UUID
    after: Position = START
    until: int | None = None


def positions_of(stretches: Collection[TransferRange]) -> str:
    """Return SQL for the stretches' ends, as `checks.moves` takes it."""
    return "VALUES " + ", ".join(
        f"('{stretch.tenant_id}'::uuid, {stretch.after.seq}::bigint,"
        f" {'NULL' if stretch.until is None else stretch.until}::bigint,"
        f" {stretch.after.available}::bigint, {stretch.after.held}::bigint,"
        f" {stretch.after.owed}::bigint)"
        for stretch in stretches
    )


@dataclass(frozen=True, slots=True)
class Link:
    """A transfer in its chain: its id, the seal it carries, and the seal it should carry.

    `carried` is None for a row from before the chain; `owed` is what is owed after it (micros).
    """

    transfer_id: int
    transfer: Sealed
    carried: bytes | None
    computed: bytes
    owed: int

    @property
    def seal(self) -> bytes:
        """The seal that the next transfer builds on: the carried one, if any."""
        return self.carried or self.computed


def links(stretches: Collection[TransferRange]) -> Iterator[Link]:
    """Yield the transfers of each stretch in the order of their numbers."""
    begins = {str(stretch.tenant_id): stretch.after for stretch in stretches}
    rows = _rows(
        "WITH positions (tenant_id, seq, until, available, held, owed)"
        f" AS ({positions_of(stretches)})"
        f" {_COLUMNS} FROM ({TRANSFERS_AFTER}) AS transfers ORDER BY tenant_id, seq, id"
    )
    tenant, seal, owed = None, b"", 0
    for transfer, carried, transfer_id in rows:
        if transfer.tenant_id != tenant:
            tenant = transfer.tenant_id
            seal = begins[str(tenant)].seal or first_seal(tenant)
            owed = begins[str(tenant)].owed
        owed -= transfer.amount * ((transfer.credit_id == _OWED) - (transfer.debit_id == _OWED))
        link = Link(transfer_id, transfer, carried, seal_of(transfer, seal), owed)
        seal = link.seal
        yield link


def costs(span: Span = EVERYTHING) -> Iterator[tuple[Sealed, bytes | None, int]]:
    """Yield the platform's transfers by id, each with its carried seal and its id."""
    return _rows(
        f"{_COLUMNS} FROM billing_transfer WHERE (tenant_id IS NULL OR seq IS NULL)"
        f" AND {span.of('id')} ORDER BY id"
    )


def older_costs() -> Position:
    """The platform's transfers from before the chain: their number and one seal over all."""
    older = Position(0, first_seal(None))
    for transfer, carried, _ in costs():
        if carried is None:
            older = with_older(older, transfer)
    return older


def with_older(older: Position, transfer: Sealed) -> Position:
    return Position(older.seq + 1, seal_of(transfer, older.seal))


def sealed_older_costs() -> str | None:
    """The audit log's seal over `older_costs`, hexadecimal; None if it has none."""
    row = first_row(_OLDER_COSTS)
    return row[0] if row else None


def seal_finding(transfer_id: int, tenant: str | None) -> Finding:
    """Return the finding for a transfer that does not carry its seal."""
    public = None if tenant is None else ids.public(ids.TENANT, UUID(tenant))
    return Finding("seal", public, f"transfer {transfer_id}", CHANGED)


def _rows(statement: str) -> Iterator[tuple[Sealed, bytes | None, int]]:
    # A cursor on the server, since a tenant may have millions of transfers.
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            for *columns, seal, transfer_id in rows:
                yield Sealed(*columns), None if seal is None else bytes(seal), transfer_id


def tenants_with_transfers() -> list[UUID]:
    """Return the tenants named by any transfer, one index look-up for each."""
    return first_column(
        """
        WITH RECURSIVE seen (tenant_id) AS (
            (SELECT tenant_id FROM billing_transfer WHERE tenant_id IS NOT NULL
              ORDER BY tenant_id LIMIT 1)
            UNION ALL
            SELECT (SELECT tenant_id FROM billing_transfer t
                     WHERE t.tenant_id > s.tenant_id ORDER BY t.tenant_id LIMIT 1)
              FROM seen s WHERE s.tenant_id IS NOT NULL
        )
        SELECT tenant_id FROM seen WHERE tenant_id IS NOT NULL
        """
    )
