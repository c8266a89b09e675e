"""A workspace's money at a glance: its pace, its latest transfers, and its balance alert."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import BILLING_CONTACT_ROLES
from accounts.selectors.office.members import emails_of_members
from billing.models import BalanceAlert, Transfer
from billing.selectors.office.balances import balance_alert_of, latest_transfers
from billing.selectors.office.proof import Proof, proof_of
from billing.selectors.office.reports import PACE, PACE_DAYS, captured_since, days_lasting
from pictor.kit.words.money import Micros, scale_half_up

SHOWN_TRANSFERS = 8


@dataclass(frozen=True, slots=True)
class MoneyOverview:
    """A tenant's money.

    Attributes:
        charged: the charges since the week's first moment.
        a_day: the mean of a day of the last `PACE`.
        days_left: days that the balance lasts at this pace; None without charges.
        alert: the thresholds; None if none were ever set.
        recipients: the addresses that get the alert's mail.
        latest: the latest transfers, newest first.
        proof: the ledger added up, if that was wanted.
    """

    charged: Micros
    a_day: Micros
    days_left: float | None
    alert: BalanceAlert | None
    recipients: Sequence[str]
    latest: Sequence[Transfer]
    proof: Proof | None


def money_overview(
    tenant_id: UUID, available: Micros, now: datetime, *, week: datetime, is_proved: bool
) -> MoneyOverview:
    """Read the money of a tenant with this balance, and its charges since the moment `week`.

    `is_proved` adds up the whole ledger.
    """
    spent, charged = captured_since(tenant_id, [now - PACE, week])
    return MoneyOverview(
        charged=charged,
        a_day=scale_half_up(spent, 1, PACE_DAYS),
        days_left=days_lasting(available, spent),
        alert=balance_alert_of(tenant_id),
        recipients=emails_of_members(tenant_id, BILLING_CONTACT_ROLES),
        latest=latest_transfers(tenant_id, limit=SHOWN_TRANSFERS),
        proof=proof_of(tenant_id) if is_proved else None,
    )
