"""The seals of all transfers, computed again under the key that the database does not hold.

In Python, so that nothing the database is told to compute stands between the rows and the proof.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.selectors import AUDIT_EVENTS
from billing.models import TenantBalance
from billing.seals import Sealed, first_seal, seal_of
from billing.selectors.findings import MAX_FINDINGS_PER_CHECK, Finding
from pictor.kit import ids
from pictor.kit.seals import sql_microseconds

_ROWS = f"""
SELECT kind, debit_id, credit_id, amount, tenant_id::text, seq, available_after, held_after,
       generation_id::text, attempt_id::text, {sql_microseconds("created_at")},
       encode(evidence, 'hex'), reason, seal, id
  FROM billing_transfer
"""  # noqa: S608 - built from constants
_OLDER_COSTS = f"""
SELECT e.after ->> 'seal' FROM {AUDIT_EVENTS} AS e
 WHERE e.action = 'ledger.seal' AND e.object_type = 'ledger'
"""  # noqa: S608 - built from constants
_FETCHED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Link:
    """A transfer in its chain: its row's id, the seal it carries, and the one it should carry.

    `carried` is None for a row from before the chain.
    """

    transfer_id: int
    transfer: Sealed
    carried: bytes | None
    computed: bytes

    @property
    def seal(self) -> bytes:
        """What the next transfer follows: the seal that is there, where one is."""
        return self.carried or self.computed


def links(
    *, tenant_id: UUID | None = None, after_seq: int = 0, previous: bytes = b""
) -> Iterator[Link]:
    """Every tenant's transfers in the order of their numbers; or one tenant's after a number.

    `previous` is that number's seal.
    """
    where = "tenant_id IS NOT NULL" if tenant_id is None else "tenant_id = %s AND seq > %s"
    values: list[Any] = [] if tenant_id is None else [tenant_id, after_seq]
    chain = None if tenant_id is None or not after_seq else str(tenant_id)
    seal = previous
    for link in _rows(f"{where} ORDER BY tenant_id, seq, id", values):
        transfer, carried, transfer_id = link
        if transfer.tenant_id != chain:
            chain, seal = transfer.tenant_id, first_seal(transfer.tenant_id)
        found = Link(transfer_id, transfer, carried, seal_of(transfer, seal))
        seal = found.seal
        yield found


def seal_findings() -> list[Finding]:
    """Transfers without the seal they should have, and balances that do not end their chain."""
    return [*_chain_findings(), *_platform_findings()][:MAX_FINDINGS_PER_CHECK]


def _chain_findings() -> Iterator[Finding]:
    balances: dict[str, bytes | None] = {
        str(row.tenant_id): None if row.seal is None else bytes(row.seal)
        for row in TenantBalance.objects.all()
    }
    last: dict[str, bytes] = {}
    begun: set[str] = set()
    for link in links():
        tenant = str(link.transfer.tenant_id)
        last[tenant] = link.seal
        if link.carried is None and tenant not in begun:
            continue
        begun.add(tenant)
        if link.carried != link.computed:
            yield _finding(link.transfer_id, tenant, "was written or changed without the key")
    yield from _balance_findings(balances, last)


def _balance_findings(
    balances: Mapping[str, bytes | None], last: Mapping[str, bytes]
) -> Iterator[Finding]:
    for tenant, seal in balances.items():
        public = ids.public(ids.TENANT, UUID(tenant))
        if seal is None:
            yield Finding(
                "unsealed", public, f"tenant {public}", "is not sealed: run manage.py ledger_seal"
            )
        elif seal != last.get(tenant, first_seal(tenant)):
            yield Finding(
                "seal", public, f"tenant {public}", "its balance does not carry the last seal"
            )


def older_costs() -> tuple[int, bytes]:
    """The platform's transfers from before the chain: how many there are, and a seal over all."""
    count, seal = 0, first_seal(None)
    for transfer, _, _ in _rows("tenant_id IS NULL AND seal IS NULL ORDER BY id", []):
        count, seal = count + 1, seal_of(transfer, seal)
    return count, seal


def sealed_older_costs() -> str | None:
    """The seal over them as the audit log has it, hexadecimal; None where it has none."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDER_COSTS)
        row = cursor.fetchone()
    return row[0] if row else None


def _platform_findings() -> Iterator[Finding]:
    """The platform's own, each sealed alone, and those from before the chain all together."""
    for transfer, carried, transfer_id in _rows("tenant_id IS NULL AND seal IS NOT NULL", []):
        if carried != seal_of(transfer):
            yield _finding(transfer_id, None, "was written or changed without the key")
    count, seal = older_costs()
    if count and seal.hex() != sealed_older_costs():
        message = f"{count} without a seal are not those that were there when the chain began"
        yield Finding("seal", None, "transfers of the platform", message)


def _rows(where: str, values: list[Any]) -> Iterator[tuple[Sealed, bytes | None, int]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{_ROWS} WHERE {where}", values)
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            for *columns, seal, transfer_id in rows:
                yield Sealed(*columns), None if seal is None else bytes(seal), transfer_id


def _finding(transfer_id: int, tenant: str | None, message: str) -> Finding:
    public = None if tenant is None else ids.public(ids.TENANT, UUID(tenant))
    return Finding("seal", public, f"transfer {transfer_id}", message)
