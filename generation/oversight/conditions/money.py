"""Conditions about money: the ledger's proof, prices that will change, balances running out."""

from collections.abc import Iterator
from datetime import timedelta

from accounts.models import Tenant
from accounts.selectors.office.tenants import tenants_among
from billing.models import LedgerProof
from billing.selectors import decided_books, last_change
from billing.selectors.office.checkpoints import proofs
from billing.selectors.office.moves import waiting_moves
from billing.selectors.office.price_lists import whose
from billing.selectors.office.reports import running_out
from billing.selectors.office.sold import sold_until
from generation.oversight.conditions.detected import Outlook, PresentCondition
from generation.selectors import refused_for_want_of_a_price
from pictor.kit.words import ids
from pictor.kit.words.money import Micros, in_dollars

OLDEST_PROOF = {
    LedgerProof.Kind.SINCE_CHECKPOINT: timedelta(hours=2),
    LedgerProof.Kind.WHOLE: timedelta(hours=26),
}
"""Proofs are hourly and daily."""
SOLD_BEHIND = timedelta(minutes=5)
"""Sales are counted each minute, up to the minute before."""
PRICES_AHEAD = timedelta(days=7)
UNPRICED_PERIOD = timedelta(minutes=10)
LEAST_DAYS = 3
"""The least time that a tenant's balance should last at the pace of the last week."""


def findings(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Each finding of the last proof of each kind: an entry of the ledger that cannot be true."""
    for proof in proofs():
        for finding in proof.findings:
            yield PresentCondition(
                f"{finding['check']}: {finding['object']}", None, str(finding["message"])
            )
        more = proof.found - len(proof.findings)
        if more > 0:
            yield PresentCondition(f"{proof.kind}: more", None, f"{more} more findings")


def unproved(outlook: Outlook) -> Iterator[PresentCondition]:
    """Proofs of the ledger that have not finished lately."""
    ended = {proof.kind: proof.ended_at for proof in proofs() if proof.ended_at <= outlook.now}
    for kind, oldest in OLDEST_PROOF.items():
        last = max(ended.get(kind, outlook.first_at), outlook.first_at)
        age = outlook.now - last
        if age > oldest:
            hours = f"{age.total_seconds() / 3600:.1f}"
            yield PresentCondition(kind.value, None, f"not proved for {hours} hours")


def sold_behind(outlook: Outlook) -> Iterator[PresentCondition]:
    """Sales that are not being counted: then their costs are unknown too."""
    until = max(sold_until() or outlook.first_at, outlook.first_at)
    age = outlook.now - until
    if age > SOLD_BEHIND:
        minutes = f"{age.total_seconds() / 60:.0f}"
        yield PresentCondition("sold", None, f"sales of the last {minutes} minutes are not counted")


def price_changes(outlook: Outlook) -> Iterator[PresentCondition]:
    """Price books that will take over within a week."""
    ahead = decided_books().filter(
        effective_from__gt=outlook.now, effective_from__lte=outlook.now + PRICES_AHEAD
    )
    for book in ahead:
        owner = book.owner
        payer = owner.public_id if isinstance(owner, Tenant) else whose(book)
        begins = book.effective_from.isoformat(timespec="minutes")
        yield PresentCondition(str(book), None, f"takes over for {payer} at {begins}")


def waiting(outlook: Outlook) -> Iterator[PresentCondition]:
    """Requested transfers of money that wait for another operator's approval."""
    for move in waiting_moves(outlook.now):
        amount, kind = in_dollars(abs(move.amount)), move.kind.replace("_", "-")
        words = f"{kind} of {amount} for {move.tenant.name} waits: {move.asked_by_name} asked"
        yield PresentCondition(str(move.id), Micros(abs(move.amount)), words)


def unpriced(outlook: Outlook) -> Iterator[PresentCondition]:
    """Models with recent requests that found no price, if no prices have changed since."""
    since = outlook.now - UNPRICED_PERIOD
    since = max(since, last_change(outlook.now) or since)
    for model, number in refused_for_want_of_a_price(since).items():
        if not outlook.is_of_sandbox(model):
            yield PresentCondition(model, None, f"{number} requests in 10 minutes found no price")


def runway(outlook: Outlook) -> Iterator[PresentCondition]:
    """Tenants whose balance lasts for less than three days."""
    balances = running_out(
        now=outlook.now, within_days=LEAST_DAYS, without_channels=outlook.sandboxes
    )
    tenants = tenants_among([balance.tenant for balance in balances]).values()
    active = {tenant.id for tenant in tenants if tenant.status == Tenant.Status.ACTIVE}
    for balance in balances:
        if balance.tenant in active:
            words = (
                f"{in_dollars(balance.available)} left, {balance.days:.1f} days at this week's pace"
            )
            yield PresentCondition(ids.public(ids.TENANT, balance.tenant), balance.a_day, words)
