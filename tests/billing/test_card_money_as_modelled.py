"""Card money in any order: nothing is below 0, none is lost, and the ledger proves it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import TenantBalance
from billing.selectors.office.ledger import ledger_findings
from billing.services import Hold
from billing.services.office import card_money
from billing.services.office.accounts import credit
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer

pytestmark = pytest.mark.django_db

SIGNS = {"top_up": 1, "pay_back": -1, "pay_back_failed": 1, "charge_back": -1, "reinstate": 1}
STEP = st.tuples(
    st.sampled_from([*SIGNS, "paid_back", "credit", "hold", "end", "repay_what_is_owed"]),
    st.integers(1, 10),
    st.sampled_from(["1", "2", "3"]),
    st.integers(0, 10),
)
"""A step, its amount, the line of its movement, and which payment it is of, or what is charged."""


class Books:
    """A tenant, and `net`: what its movements leave, if each counts once, less what is owed."""

    def __init__(self) -> None:
        self.customer = LedgerCustomer(new_uuid().hex[:12], 0)
        self.holds: list[Hold] = []
        self.payments: list[int] = []
        self.booked: set[int] = set()
        self.net = 0

    def take(self, what: str, amount: int, line: str, other: int) -> None:
        """Take a step, if it is possible; those of cards are told of twice."""
        with suppress(ValidationError, IndexError):
            if what == "hold":
                self.hold(amount)
            elif what == "end":
                hold = self.holds.pop(other % max(len(self.holds), 1))
                charged = min(other, hold.amount)
                self.customer.end(hold, charged)
                self.net -= charged
            elif what == "credit":
                given = Micros(amount)
                credit(tenant_id=self.customer.id, amount=given, reason="gift", actor="test")
                self.net += amount
            elif what == "repay_what_is_owed":
                card_money.repay_what_is_owed()
            else:
                self.move(what, self.facts(what, amount, line, other))

    def facts(self, what: str, amount: int, line: str, other: int) -> dict[str, Any]:
        facts: dict[str, Any] = {"tenant_id": self.customer.id, "line": f"{what} {line}"}
        if what in ("paid_back", "pay_back_failed"):
            return {**facts, "line": f"pay_back {line}"}
        facts["amount"] = Micros(amount)
        if what == "reinstate":
            facts["taken_line"] = f"charge_back {other % 3 + 1}"
        else:
            facts["reason"] = "Visa"
        if what == "pay_back":
            facts["actor"] = "ann"
        if what != "top_up":
            facts["top_up_seq"] = self.payments[other % max(len(self.payments), 1)]
        return facts

    def move(self, what: str, facts: dict[str, Any]) -> None:
        service: Callable[..., Any] = getattr(card_money, what)
        told = [service(**facts) for _ in range(2)]
        booked, again = ([one] if not isinstance(one, list) else one for one in told)
        assert [one.id for one in booked] == [one.id for one in again]
        for one in booked:
            if one.id not in self.booked:
                self.booked.add(one.id)
                self.net += SIGNS.get(what, 0) * one.amount
                if what == "top_up":
                    self.payments.append(one.seq)

    def hold(self, amount: int) -> None:
        """Place a hold, which is refused exactly if money is owed or too little is there."""
        row, refused_by = self.row, None
        try:
            self.holds.append(self.customer.hold(amount))
        except InsufficientQuota as refused:
            refused_by = refused.limit
        too_little = "balance" if row.available < amount else None
        assert refused_by == ("owed" if row.owed else too_little)

    @property
    def row(self) -> TenantBalance:
        return TenantBalance.objects.get(tenant_id=self.customer.id)

    def check(self) -> None:
        row = self.row
        assert min(row.available, row.held, row.owed) >= 0
        assert row.available + row.held - row.owed == self.net


@settings(max_examples=60)
@given(steps=st.lists(STEP, max_size=25))
def test_card_money_adds_up_in_any_order(steps):
    books = Books()

    for step in steps:
        books.take(*step)
        books.check()

    assert ledger_findings() == []
