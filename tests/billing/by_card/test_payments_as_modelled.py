"""Any row of what customers, staff, banks and failures do: money stays exact after each step."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.ledger import RequestedMove
from accounts.models import Membership, Tenant, User
from accounts.services.office.members import add_member
from billing.models import Payment, PaymentCustomer, TenantBalance, Transfer
from billing.payments import provider
from billing.payments.port import ProviderAway, ProviderError
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.payments import left_of_payment
from billing.services import Hold
from billing.services.office.automatic import agree, top_up_due
from billing.services.office.moves import move_money
from billing.services.office.pay_backs import send_waiting
from billing.services.office.payments import NotCharged, follow
from pictor.kit.words import ids
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.money import Micros
from tests.billing.by_card.conftest import NOW, begin
from tests.billing.conftest import LedgerCustomer
from tests.fakes.cards_in_memory import CardsInMemory

pytestmark = pytest.mark.django_db

STEP = st.tuples(
    st.sampled_from(
        [
            *("pay", "pay", "hold", "end", "pay_back", "pay_back", "fail", "dashboard", "dispute"),
            *("withdraw", "win", "automatic", "look", "look", "killed_look", "lost_answer", "send"),
        ]
    ),
    st.integers(0, 999),
)


@dataclass
class Shop:
    """A workspace, its payments and the provider; a step is named, and has a number."""

    cards: CardsInMemory
    payer: User
    holds: list[Hold] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        self.customer = LedgerCustomer(str(ids.new_uuid()), 0)
        self.tenant = self.customer.tenant
        old = NOW - timedelta(days=30)
        Tenant.objects.filter(id=self.tenant.id).update(created_at=old)
        role = Membership.Role.BILLING
        add_member(tenant=self.tenant, user=self.payer, role=role, actor="test")
        self._agree()

    @property
    def now(self) -> Any:
        return NOW + timedelta(hours=self.steps)

    def take(self, step: tuple[str, int]) -> None:
        name, number = step
        self.steps += 1
        getattr(self, name)(number)

    def pay(self, number: int) -> None:
        try:
            payment = begin(self.tenant, cents=500 + number, now=self.now)
        except NotCharged:
            return
        self.cards.pay(payment.id, tax=number % 7 * 31)

    def hold(self, number: int) -> None:
        try:
            self.holds.append(self.customer.hold(1 + number * 9_999, now=self.now))
        except InsufficientQuota:
            return

    def end(self, number: int) -> None:
        if self.holds:
            hold = self.holds.pop(number % len(self.holds))
            self.customer.end(hold, hold.amount * (number % 3) // 2)

    def pay_back(self, number: int) -> None:
        if (payment := self._one(number)) and payment.top_up_seq:
            left = left_of_payment(payment)
            amount = Micros(left if number % 2 else (1 + number % 50) * 10_000)
            wanted = RequestedMove(
                tenant_id=self.tenant.id, kind="pay_back", amount=amount, reason="asked",
                seq=payment.top_up_seq,
            )  # fmt: skip
            try:
                move_money(once=ids.new_uuid(), requested=wanted, actor="ann", now=self.now)
            except ValidationError:
                return

    def fail(self, number: int) -> None:
        self._settle(number, "failed")

    def dashboard(self, number: int) -> None:
        if (payment := self._one(number)) and (left := self.cards.payments[payment.id].left) > 0:
            state = "pending" if number % 3 == 0 else "done"
            self.cards.refund(payment.id, 1 + number % left, state=state)

    def dispute(self, number: int) -> None:
        if (payment := self._one(number)) and not self.cards.payments[payment.id].disputes:
            charged = self.cards.payments[payment.id].present.amount_cents or 1
            self.cards.dispute(payment.id, charged if number % 2 else 1 + number % charged)

    def withdraw(self, number: int) -> None:
        for payment_id, dispute, cents in self._disputes(number):
            self.cards.withdraw(payment_id, dispute, cents)

    def win(self, number: int) -> None:
        for payment_id, dispute, cents in self._disputes(number):
            taken = self._taken(payment_id)
            if taken > 0:
                self.cards.reinstate(payment_id, dispute, min(cents, taken))

    def automatic(self, number: int) -> None:
        PaymentCustomer.objects.filter(tenant_id=self.tenant.id).update(paused_for="")
        self.cards.declines = ["insufficient_funds"] if number % 5 == 0 else []
        top_up_due(self.now)

    def look(self, number: int) -> None:
        if payment := self._one(number):
            for _ in range(1 + number % 2):  # an event may come twice
                follow(payment.id, now=self.now)

    def killed_look(self, number: int) -> None:
        def die() -> None:
            raise ProviderAway("the process ends after the answer, before the commit")

        if payment := self._one(number):
            self.cards.meanwhile["present"] = die
            with pytest.raises(ProviderError):
                follow(payment.id, now=self.now)

    def lost_answer(self, number: int) -> None:
        self.cards.loses[("begin", "pay_back", "charge_saved_card")[number % 3]] = 1

    def send(self, number: int) -> None:
        self.cards.breaks["pay_back"] = int(number % 7 == 0)
        send_waiting(self.now)

    def check(self) -> None:
        balance = TenantBalance.objects.get(tenant_id=self.tenant.id)
        assert min(balance.available, balance.held, balance.owed) >= 0
        assert ledger_findings() == []
        for payment in self._paid():
            moved = Transfer.objects.filter(
                tenant_id=self.tenant.id, reverses_seq=payment.top_up_seq
            )
            out = sum(m.amount for m in moved if m.kind in {"pay_back", "chargeback"})
            back = sum(m.amount for m in moved if m.kind in {"pay_back_fail", "reinstated"})
            assert left_of_payment(payment) == payment.credited_micros - out + back

    def settle_all(self) -> None:
        """All that was lost is told in the end, in any order."""
        self.cards.loses.clear()
        self.cards.breaks.clear()
        for _ in range(3):
            send_waiting(self.now)
            for payment in Payment.objects.filter(tenant_id=self.tenant.id).order_by("-id"):
                follow(payment.id, now=self.now)
        self.check()
        for payment in self._paid():
            out = self._out(payment)
            charged = payment.amount_cents or 1
            exact = payment.credited_micros * (charged - out) / charged
            assert abs(left_of_payment(payment) - exact) <= self.steps
            assert left_of_payment(payment) == payment.credited_micros or out
        paid = {name for name, kept in self.cards.payments.items() if kept.present.state == "paid"}
        assert {payment.id for payment in self._paid()} == paid

    def _agree(self) -> None:
        agree(
            tenant_id=self.tenant.id, below_micros=Micros(5_000_000), add_cents=1999,
            most_cents=100_000, now=NOW, actor=self.payer,
        )  # fmt: skip

    def _paid(self) -> list[Payment]:
        mine = Payment.objects.filter(tenant_id=self.tenant.id)
        return list(mine.exclude(top_up_seq=None).order_by("id"))

    def _one(self, number: int) -> Payment | None:
        mine = Payment.objects.filter(tenant_id=self.tenant.id).order_by("begun_at", "id")
        there = [one for one in mine if one.id in self.cards.payments]
        return there[number % len(there)] if there else None

    def _disputes(self, number: int) -> list[tuple[Any, str, int]]:
        payment = self._one(number)
        kept = self.cards.payments[payment.id] if payment else None
        disputes = kept.disputes.values() if kept else ()
        return [
            (payment.id, one.provider_id, 1 + number % one.cents)
            for one in disputes
            if payment is not None
        ]

    def _settle(self, number: int, state: str) -> None:
        if payment := self._one(number):
            for name, moved in list(self.cards.payments[payment.id].movements.items()):
                if moved.kind == "refund":
                    self.cards.settle(payment.id, name, state)

    def _taken(self, payment_id: Any) -> int:
        moved = self.cards.payments[payment_id].movements.values()
        withdrawn = sum(m.cents for m in moved if m.kind == "withdrawal")
        return withdrawn - sum(m.cents for m in moved if m.kind == "reinstatement")

    def _out(self, payment: Payment) -> int:
        moved = self.cards.payments[payment.id].movements.values()
        refunds = sum(m.cents for m in moved if m.kind == "refund" and m.state == "done")
        return refunds + self._taken(payment.id)


@settings(max_examples=30)
@given(steps=st.lists(STEP, min_size=3, max_size=16))
def test_any_row_of_steps_keeps_every_cent(steps):
    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        cards = CardsInMemory(NOW)
        patch.setattr("django.conf.settings.STRIPE_SECRET_KEY", "sk_test_1", raising=False)
        patch.setattr(provider, "card_provider", lambda: cards)
        payer = User.objects.create_user(f"{ids.new_uuid()}@x.example", email_verified_at=NOW)
        shop = Shop(cards, payer)

        for step in steps:
            shop.take(step)
            shop.check()
        shop.settle_all()
        transaction.set_rollback(True)  # each example begins with nothing
