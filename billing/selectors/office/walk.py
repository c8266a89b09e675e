"""The transfers' proof by ranges: short snapshots do not hold back the database's vacuum."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from uuid import UUID

from billing.models import TenantBalance
from billing.selectors.office.chain import (
    START,
    Link,
    Position,
    TransferRange,
    costs,
    links,
    positions_of,
    seal_finding,
    sealed_older_costs,
    tenants_with_transfers,
    with_older,
)
from billing.selectors.office.checks import OF_STRETCHES, OF_TRANSFERS, TRANSFERS_AFTER, moves
from billing.selectors.office.findings import Finding, findings_of
from billing.transfer_seals import Sealed, first_seal, seal_of
from pictor.kit.database.cursors import all_rows, first_row
from pictor.kit.database.spans import Span, spans_from
from pictor.kit.words import ids

TRANSFERS_AT_ONCE = 20_000
"""The approximate number of transfers in a range."""
TENANTS_AT_ONCE = 1000
Step = Callable[[], list[Finding]]
"""Proves a range: call it in one snapshot, and before asking for the next step."""
_BALANCES = """
SELECT b.tenant_id, b.seq, b.seal, b.available, b.held, b.owed,
       COALESCE((SELECT max(t.seq) FROM billing_transfer t WHERE t.tenant_id = b.tenant_id), 0)
  FROM billing_tenantbalance b ORDER BY b.tenant_id
"""
_SETTLED = """
SELECT max(id) FROM billing_transfer
 WHERE id > %s AND created_at < clock_timestamp() - interval '1 minute'
"""


class Walk:
    """All transfers after the proved positions, one range at a time.

    A tenant's transfers are numbered without gaps, so none can appear late before its position. The
    platform's are committed in another order than that of their ids, within a minute; its position
    is a minute back and all after it are read. A transfer written later with an id below that
    position, which only a writer outside our processes can do, is found only by a walk from the
    beginning.

    Attributes:
        tenants: by tenant its proved position; moves on with each step.
        platform: as `seq`, the id up to which the platform's transfers are proved after all steps.
        generations: those of the holds read, if their ids are below `older_than`.
        attempts: those of the costs read, with the same limit.
    """

    def __init__(
        self,
        tenants: Mapping[UUID, Position] | None = None,
        platform: Position = START,
        older_than: UUID | None = None,
    ) -> None:
        self.tenants = dict(tenants or {})
        self.generations: set[UUID] = set()
        self.attempts: set[UUID] = set()
        self._older_than = str(older_than or "")
        self._begun = {str(tenant) for tenant, at in self.tenants.items() if at.seq}
        self._costs_after = platform.seq
        self._older_costs = Position(0, first_seal(None))
        self.platform = Position(first_row(_SETTLED, [platform.seq])[0] or platform.seq)

    def steps(self) -> Iterator[Step]:
        """Yield every range of tenants' transfers, then of the platform's."""
        for stretches in self._stretches():
            yield partial(self._prove, stretches)
        first = self._costs_after + 1 if self._costs_after else None
        for span in spans_from(first, table="billing_transfer", rows=TRANSFERS_AT_ONCE):
            yield partial(self._prove_costs, span)
        yield self._prove_older_costs

    def _stretches(self) -> Iterator[list[TransferRange]]:
        """Yield the stretches left to prove: many short ones together, a long one in parts."""
        together: list[TransferRange] = []
        size = 0
        for tenant, last in self._ahead():
            at = self.tenants.get(tenant, START)
            while last - at.seq > TRANSFERS_AT_ONCE:
                yield [TransferRange(tenant, at, at.seq + TRANSFERS_AT_ONCE)]
                before, at = at, self.tenants.get(tenant, START)
                if at == before:  # no such transfers: the last stretch reports that
                    break
            together.append(TransferRange(tenant, at))
            size += last - at.seq
            if size >= TRANSFERS_AT_ONCE or len(together) >= TENANTS_AT_ONCE:
                yield together
                together, size = [], 0
        if together:
            yield together

    def _ahead(self) -> Iterator[tuple[UUID, int]]:
        """Yield each tenant with something left to prove, and its last number.

        Tenants without a balance row are included if they have transfers or a proved position.
        """
        others = {*self.tenants, *tenants_with_transfers()}
        balances = all_rows(_BALANCES)
        for tenant, seq, seal, available, held, owed, newest in balances:
            others.discard(tenant)
            position = Position(seq, bytes(seal or b""), available, held, owed)
            # A transfer behind the balance's last number must be found as well.
            if position != self.tenants.get(tenant) or newest != seq:
                yield tenant, max(seq, newest)
        # No balance tells their last number: each is read to its end.
        for tenant in sorted(others):
            yield tenant, 0

    def _prove(self, stretches: Collection[TransferRange]) -> list[Finding]:
        stretch_moves = moves(transfers=TRANSFERS_AFTER, positions=positions_of(stretches))
        findings = findings_of(*OF_STRETCHES, *OF_TRANSFERS, begin=stretch_moves)
        return [*findings, *self._seals(stretches)]

    def _seals(self, stretches: Collection[TransferRange]) -> Iterator[Finding]:
        ends: dict[str, Link] = {}
        for link in links(stretches):
            tenant = str(link.transfer.tenant_id)
            ends[tenant] = link
            self._meet(link.transfer.generation_id, self.generations)
            # Older transfers carry no seal; after the first that does, all must.
            if link.carried is None and tenant not in self._begun:
                continue
            self._begun.add(tenant)
            if link.carried != link.computed:
                yield seal_finding(link.transfer_id, tenant)
        for stretch in stretches:
            if end := ends.get(str(stretch.tenant_id)):
                self.tenants[stretch.tenant_id] = _position_of(end)
        yield from self._ends([stretch.tenant_id for stretch in stretches if stretch.until is None])

    def _ends(self, tenants: Collection[UUID]) -> Iterator[Finding]:
        """Yield balances that do not carry the last seal of their tenant's transfers."""
        for balance in TenantBalance.objects.filter(tenant_id__in=tenants):
            tenant = balance.tenant_id
            public = ids.public(ids.TENANT, tenant)
            at = self.tenants.setdefault(tenant, Position(0, first_seal(tenant)))
            if balance.seal is None:
                message = "is not sealed: run manage.py ledger_seal"
                yield Finding("unsealed", public, f"tenant {public}", message)
            elif bytes(balance.seal) != at.seal:
                message = "its balance does not carry the last seal"
                yield Finding("seal", public, f"tenant {public}", message)

    def _prove_costs(self, span: Span) -> list[Finding]:
        """Prove the platform's transfers, each of which is sealed by itself."""
        rows = f"SELECT * FROM billing_transfer WHERE tenant_id IS NULL AND {span.of('id')}"  # noqa: S608 - our own words
        findings = findings_of(*OF_TRANSFERS, begin=moves(transfers=rows))
        for transfer, carried, transfer_id in costs(span):
            self._meet(transfer.corrects_id or transfer.attempt_id, self.attempts)
            # Only a walk from the beginning meets transfers from before the chain.
            if carried is None and not self._costs_after:
                self._older_costs = with_older(self._older_costs, transfer)
            elif carried != seal_of(transfer):
                findings.append(seal_finding(transfer_id, transfer.tenant_id))
        return findings

    def _prove_older_costs(self) -> list[Finding]:
        """Prove the platform's transfers from before the chain, all by one seal."""
        count, seal = self._older_costs.seq, self._older_costs.seal
        if not count or seal.hex() == sealed_older_costs():
            return []
        message = f"{count} without a seal differ from those present when the chain began"
        return [Finding("seal", None, "transfers of the platform", message)]

    def _meet(self, tenant_id: str | None, seen: set[UUID]) -> None:
        # Ids of version 7 sort as text by their time.
        if tenant_id is not None and tenant_id < self._older_than:
            seen.add(UUID(tenant_id))


def _position_of(link: Link) -> Position:
    moved: Sealed = link.transfer
    available, held = moved.available_after or 0, moved.held_after or 0
    return Position(moved.seq or 0, link.seal, available, held, link.owed)
