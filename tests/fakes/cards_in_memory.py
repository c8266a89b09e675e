"""A provider of payments by card, in memory: stateful, with lost answers and replayed failures."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any
from uuid import UUID

from billing.payments.port import (
    NO_CARD,
    BalanceEntry,
    Checkout,
    CheckoutPage,
    CustomerDetails,
    Dispute,
    Event,
    Ids,
    Movement,
    MovementKind,
    PayBack,
    Present,
    ProviderAway,
    ProviderRefused,
    ProviderUnsure,
)


@dataclass
class Kept:
    """A payment, as the provider has it."""

    cents: int
    present: Present
    movements: dict[str, Movement] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)

    @property
    def left(self) -> int:
        refunds = (m for m in self.movements.values() if m.kind == "refund")
        return (self.present.amount_cents or 0) - sum(
            m.cents for m in refunds if m.state != "failed"
        )


class CardsInMemory:
    """Each method of `CardProvider`, and what customers, banks and staff do there.

    `loses[method]` says how many of its next answers are lost after the work was done, `breaks`
    how many fail before it, and again for the same key; `refuses[method]` has errors to raise.
    """

    live = False

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.payments: dict[UUID, Kept] = {}
        self.customers: dict[str, CustomerDetails] = {}
        self.without_cards = False
        self.declines: list[str] = []  # of the next automatic charges, in order; "" is paid
        self.happened: list[Event] = []
        self.calls: Counter[str] = Counter()
        self.loses: Counter[str] = Counter()
        self.breaks: Counter[str] = Counter()
        self.refuses: dict[str, list[Exception]] = defaultdict(list)
        self.meanwhile: dict[str, Callable[[], None]] = {}
        self.answers: dict[str, Any] = {}
        self.parameters: dict[str, object] = {}
        self._numbers = count(1)
        self._lock = Lock()

    # --- the port -----------------------------------------------------------------------------

    def within(self, seconds: float) -> AbstractContextManager[None]:
        self.calls["within"] += 1
        return nullcontext()

    def keep_customer(self, details: CustomerDetails, *, customer: str | None) -> str:
        self._called("keep_customer")
        with self._lock:
            known = {kept.tenant_id: name for name, kept in self.customers.items()}
            name = customer or known.get(details.tenant_id) or self._id("cus")
            self.customers[name] = details
        return name

    def forget_customer(self, customer: str) -> None:
        self._called("forget_customer")
        self.customers.pop(customer, None)

    def has_card(self, customer: str) -> bool:
        self._called("has_card")
        return not self.without_cards

    def begin(self, checkout: Checkout) -> CheckoutPage:
        self._called("begin")
        page: CheckoutPage = self._once(
            str(checkout.payment_id), checkout, lambda: self._new_page(checkout)
        )
        self._lose("begin")
        return page

    def end(self, session_id: str) -> None:
        self._called("end")
        for kept in self.payments.values():
            if kept.present.session_id == session_id and kept.present.state == "open":
                kept.present = replace(kept.present, state="expired")

    def portal(self, customer: str, *, back_to: str) -> str:
        self._called("portal")
        return f"https://cards.example/portal/{customer}?back={back_to}"

    def present(self, ids: Ids) -> Present | None:
        self._called("present")
        kept = self.payments.get(ids.payment_id)
        if kept is None:
            return None
        seen = replace(
            kept.present,
            movements=tuple(kept.movements.values()),
            disputes=tuple(kept.disputes.values()),
        )
        if "present" in self.meanwhile:
            self.meanwhile.pop("present")()
        return seen

    def pay_back(self, asked: PayBack) -> Movement:
        self._called("pay_back")
        refund: Movement = self._once(asked.key, asked, lambda: self._refund(asked))
        self._lose("pay_back")
        return refund

    def paid_back(self, asked: PayBack) -> Movement | None:
        self._called("paid_back")
        mine = self.payments[asked.ids.payment_id].movements.values()
        return next((m for m in mine if m.ours == asked.movement_id), None)

    def charge_saved_card(self, payment_id: UUID, *, customer: str, cents: int) -> Present:
        self._called("charge_saved_card")
        if self.without_cards:
            raise ProviderRefused("There is no saved card.", NO_CARD)
        present: Present = self._once(
            str(payment_id), (customer, cents), lambda: self._charge(payment_id, cents)
        )
        self._lose("charge_saved_card")
        return present

    def void(self, invoice_id: str) -> None:
        self._called("void")
        for kept in self.payments.values():
            if kept.present.invoice_id == invoice_id and kept.present.state != "paid":
                kept.present = replace(kept.present, state="expired")

    def events(self, since: datetime) -> Iterator[Event]:
        self._called("events")
        return iter([event for event in self.happened if event.created_at >= since])

    def event_of(self, body: bytes, headers: Mapping[str, str]) -> Event | None:
        self._called("event_of")
        if headers.get("signature") != "right":
            raise ValueError("bad signature")
        return next((event for event in self.happened if event.id == body.decode()), None)

    def entries(self, since: datetime, until: datetime) -> Iterator[BalanceEntry]:
        self._called("entries")
        for payment in self.payments.values():
            intent = payment.present.payment_intent_id
            if payment.present.state == "paid":
                yield BalanceEntry(
                    f"txn_{payment.present.charge_id}", "charge", payment.present.charge_id,
                    payment.present.amount_cents or 0, intent, self.now,
                )  # fmt: skip
            for m in payment.movements.values():
                sign = 1 if m.kind == "reinstatement" else -1
                kind: Any = "refund" if m.kind == "refund" else "dispute"
                source = m.dispute or m.provider_id
                if m.state == "done":
                    yield BalanceEntry(
                        m.provider_id,
                        kind,
                        source,
                        sign * m.cents,
                        intent,
                        self.now,
                    )

    # --- what customers, banks and staff do there ---------------------------------------------

    def pay(self, payment_id: UUID, *, tax: int = 0, **facts: Any) -> None:
        """The customer pays on the page, or on the hosted invoice."""
        kept = self.payments[payment_id]
        kept.present = self._paid(kept, tax, facts)
        self._tell("checkout.session.completed", payment_id)

    def refund(self, payment_id: UUID, cents: int, *, state: Any = "done") -> str:
        """Staff pay back in the provider's dashboard."""
        return self._move(payment_id, "refund", cents, state=state)

    def settle(self, payment_id: UUID, provider_id: str, state: Any) -> None:
        """A movement becomes done, or fails, also long after it was done."""
        kept = self.payments[payment_id]
        kept.movements[provider_id] = replace(kept.movements[provider_id], state=state)
        self._tell("refund.updated", payment_id)

    def dispute(self, payment_id: UUID, cents: int, *, kind: Any = "dispute") -> str:
        """The bank opens a dispute, an inquiry or an early fraud warning."""
        name = self._id("dp")
        self.payments[payment_id].disputes[name] = Dispute(
            kind, name, "open", "fraudulent", cents, self.now, 1500, self.now + timedelta(days=7)
        )
        if kind == "dispute":
            self.withdraw(payment_id, name, cents)
        self._tell("charge.dispute.created", payment_id)
        return name

    def withdraw(self, payment_id: UUID, dispute: str, cents: int) -> str:
        return self._move(payment_id, "withdrawal", cents, dispute=dispute)

    def reinstate(self, payment_id: UUID, dispute: str, cents: int) -> str:
        kept = self.payments[payment_id]
        kept.disputes[dispute] = replace(kept.disputes[dispute], state="won")
        return self._move(payment_id, "reinstatement", cents, dispute=dispute)

    # --- inside -------------------------------------------------------------------------------

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        if self.refuses[name]:
            raise self.refuses[name].pop(0)

    def _lose(self, name: str) -> None:
        if self.loses[name]:
            self.loses[name] -= 1
            raise ProviderAway("the answer was lost")

    def _once(self, key: str, parameters: object, work: Callable[[], Any]) -> Any:
        with self._lock:
            if self.parameters.setdefault(key, parameters) != parameters:
                raise ProviderRefused("keys are for equal parameters", "idempotency_error")
            if key not in self.answers:
                try:
                    self.answers[key] = work()
                except ProviderUnsure as error:
                    self.answers[key] = error
            answer = self.answers[key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _new_page(self, checkout: Checkout) -> CheckoutPage:
        session = self._id("cs")
        present = Present(
            state="open", live=False, subtotal_cents=checkout.cents, currency="usd",
            session_id=session,
        )  # fmt: skip
        self.payments[checkout.payment_id] = Kept(checkout.cents, present)
        return CheckoutPage(session, f"https://cards.example/pay/{session}")

    def _charge(self, payment_id: UUID, cents: int) -> Present:
        kept = Kept(
            cents,
            Present(
                state="open", live=False, subtotal_cents=cents, currency="usd",
                invoice_id=self._id("in"), invoice_url="https://cards.example/invoice",
            ),
        )  # fmt: skip
        self.payments[payment_id] = kept
        declined = self.declines.pop(0) if self.declines else ""
        if not declined:
            kept.present = self._paid(kept, 0, {})
        else:
            kept.present = replace(
                kept.present,
                state="failed",
                declined=declined,
                stops=declined == "do_not_try_again",
                needs_customer=declined == "authentication_required",
            )
        return kept.present

    def _paid(self, kept: Kept, tax: int, facts: Mapping[str, Any]) -> Present:
        known = {
            "state": "paid",
            "amount_cents": kept.cents + tax,
            "tax_cents": tax,
            "payment_intent_id": self._id("pi"),
            "charge_id": self._id("ch"),
            "card_brand": "visa",
            "card_last4": "4242",
            "declined": "",
            "paid_at": self.now,
        }
        return replace(kept.present, **{**known, **facts})

    def _refund(self, asked: PayBack) -> Movement:
        if self.breaks["pay_back"]:
            self.breaks["pay_back"] -= 1
            raise ProviderUnsure("500")
        kept = self.payments[asked.ids.payment_id]
        if asked.cents > kept.left:
            raise ProviderRefused("more than is left", "amount_too_large")
        made = Movement("refund", self._id("re"), asked.cents, "done", self.now, asked.movement_id)
        kept.movements[made.provider_id] = made
        self._tell("refund.created", asked.ids.payment_id)
        return made

    def _move(
        self, payment_id: UUID, kind: MovementKind, cents: int, *, state: Any = "done",
        dispute: str = "",
    ) -> str:  # fmt: skip
        name = self._id("txn")
        self.now += timedelta(seconds=1)
        moved = Movement(kind, name, cents, state, self.now, None, dispute)
        self.payments[payment_id].movements[name] = moved
        self._tell(f"charge.{kind}", payment_id)
        return name

    def _tell(self, what: str, payment_id: UUID) -> None:
        event = Event(self._id("evt"), what, self.now, live=False, payment_id=payment_id)
        self.happened.append(event)

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"
