"""Batches of holds and ends beside a plain model of balances: the same refusals and amounts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.services.office.api_keys import issue_api_key
from billing.models import KeyBudget, TenantBalance
from billing.selectors.office.ledger import ledger_findings
from billing.services import Hold, HoldEnd, HoldLimits, Placing, Refusal, budget_named
from pictor.kit.words.errors import InsufficientQuota, RateLimited
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros, to_decimal
from tests.billing.conftest import NOW, LedgerCustomer
from tests.making.factories import end_holds, place_holds

pytestmark = pytest.mark.django_db

BALANCE = 10
KEYS = 2
SAID = {
    "tenant_in_flight": "This workspace may have",
    "key_in_flight": "This API key may have",
    "balance": "The balance is too low",
    "tenant_budget_day": "The workspace's daily budget is too low",
    "tenant_budget_month": "The workspace's monthly budget is too low",
    "key_budget_day": "The API key's daily budget is too low",
    "key_budget_month": "The API key's monthly budget is too low",
}


@dataclass
class Counters:
    """Requests in flight and use by window, of a tenant or a key."""

    in_flight: int = 0
    used: dict[str, int] = field(default_factory=lambda: {"day": 0, "month": 0})
    window: dict[str, date] = field(default_factory=dict)

    def used_at(self, period: str, window: date) -> int:
        known = self.window.get(period)
        return self.used[period] if known is not None and known >= window else 0

    def count(self, amount: int, windows: dict[str, date]) -> None:
        self.in_flight += 1
        for period, window in windows.items():
            used = self.used_at(period, window)
            self.window[period] = max(self.window.get(period, window), window)
            self.used[period] = used + (amount if self.window[period] == window else 0)

    def give_back(self, amount: int, windows: dict[str, date]) -> None:
        self.in_flight -= 1
        for period, window in windows.items():
            if self.window[period] == window:
                self.used[period] -= amount


@dataclass
class Model:
    """A tenant's balance and counters, and the counters of its keys."""

    available: int = BALANCE
    held: int = 0
    tenant: Counters = field(default_factory=Counters)
    keys: list[Counters] = field(default_factory=lambda: [Counters() for _ in range(KEYS)])

    def refusal(
        self, key: Counters, amount: int, limits: HoldLimits, windows: dict[str, date]
    ) -> tuple[str, int]:
        """Return the first limit exceeded with the amount missing; '' if there is none."""
        missing = {"balance": amount - self.available}
        for whose, counters in (("tenant", self.tenant), ("key", key)):
            in_flight = getattr(limits, f"{whose}_in_flight")
            if in_flight is not None:
                missing[f"{whose}_in_flight"] = counters.in_flight + 1 - in_flight
            for period, window in windows.items():
                budget = getattr(limits, f"{whose}_budget_{period}")
                if budget is not None:
                    used = counters.used_at(period, window)
                    missing[f"{whose}_budget_{period}"] = used + amount - budget
        in_order = (name for name in HELD_AGAINST if missing.get(name, 0) > 0)
        name = next(in_order, "")
        return name, missing.get(name, 0)


HELD_AGAINST = (
    *("tenant_in_flight", "balance", "tenant_budget_day", "tenant_budget_month"),
    *("key_in_flight", "key_budget_day", "key_budget_month"),
)
LIMIT = st.none() | st.integers(0, BALANCE)
LIMITS = st.builds(
    HoldLimits,
    tenant_in_flight=st.none() | st.integers(0, 3),
    key_in_flight=st.none() | st.integers(0, 3),
    tenant_budget_day=LIMIT,
    tenant_budget_month=LIMIT,
    key_budget_day=LIMIT,
    key_budget_month=LIMIT,
)
PLACE = st.tuples(
    st.integers(0, KEYS - 1),
    st.integers(0, BALANCE + 1),
    LIMITS,
    st.sampled_from([-1, 0, 0, 0, 1, 31]),
)
END = st.tuples(st.integers(0, 20), st.floats(0, 1))


class Expected(NamedTuple):
    """A hold to be placed, the limit that refuses it or '', and the amount missing."""

    placing: Placing
    refused_by: str
    missing: int

    def check(self, refusal: Refusal | None) -> None:
        """Fail if it was not refused as expected."""
        if not self.refused_by:
            assert refusal is None
            return
        assert isinstance(refusal, (InsufficientQuota, RateLimited))
        assert refusal.message.startswith(SAID[self.refused_by])
        if "in_flight" not in self.refused_by:
            assert f"{to_decimal(self.missing)} USD is missing" in refusal.message
        if "budget" in self.refused_by:
            period = self.refused_by.rpartition("_")[2]
            assert budget_named(refusal.message) == (period, self.placing.hold.amount)


@dataclass
class Books:
    """A tenant in the database and its model, taken through the same steps."""

    customer: LedgerCustomer = field(
        default_factory=lambda: LedgerCustomer(new_uuid().hex[:12], BALANCE)
    )
    model: Model = field(default_factory=Model)
    open_holds: list[tuple[Hold, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        second, _ = issue_api_key(tenant=self.customer.tenant, name="second", actor="test")
        self.api_keys = [self.customer.key, second]

    def expect_hold(self, key: int, amount: int, limits: HoldLimits, days: int) -> Expected:
        """Take the model through a hold; return it with what refuses it."""
        now = NOW + timedelta(days=days)
        counters, windows = self.model.keys[key], windows_at(now)
        refusal = self.model.refusal(counters, amount, limits, windows)
        hold = Hold(self.customer.id, self.api_keys[key].id, new_uuid(), Micros(amount), now)
        if not refusal[0]:
            self.open_holds.append((hold, key))
            self.model.available -= amount
            self.model.held += amount
            self.model.tenant.count(amount, windows)
            counters.count(amount, windows)
        return Expected(Placing(hold, limits), *refusal)

    def expect_end(self, which: int, share: float) -> HoldEnd | None:
        """Take the model through the end of an open hold."""
        if not self.open_holds:
            return None
        hold, key = self.open_holds.pop(which % len(self.open_holds))
        captured = round(hold.amount * share)
        released, windows = hold.amount - captured, windows_at(hold.placed_at)
        self.model.held -= hold.amount
        self.model.available += released
        self.model.tenant.give_back(released, windows)
        self.model.keys[key].give_back(released, windows)
        return HoldEnd(hold, Micros(captured))

    def check(self) -> None:
        row = TenantBalance.objects.get(tenant=self.customer.id)
        assert (row.available, row.held) == (self.model.available, self.model.held)
        assert_same(row, self.model.tenant)
        for key, counters in zip(self.api_keys, self.model.keys, strict=True):
            budget = KeyBudget.objects.filter(key=key).first()
            assert (budget is None) == (not counters.window)
            if budget is not None:
                assert_same(budget, counters)


TENANT = st.integers(0, 1)
STEP = st.lists(st.tuples(TENANT, PLACE), min_size=1, max_size=6) | st.lists(
    st.tuples(TENANT, END), min_size=1, max_size=4
)
"""Holds placed or ended in one statement, each of one of two tenants."""


def take(books: Sequence[Books], step: Sequence[tuple[int, Any]]) -> None:
    """Take the books through a step: in the models one by one, in the database together."""
    if len(step[0][1]) == 4:  # it places holds
        expected = [books[tenant].expect_hold(*facts) for tenant, facts in step]
        refusals = place_holds([one.placing for one in expected])
        for one, refusal in zip(expected, refusals, strict=True):
            one.check(refusal)
        return
    endings = [ending for tenant, facts in step if (ending := books[tenant].expect_end(*facts))]
    assert end_holds(endings) == {ending.hold.generation_id for ending in endings}


def windows_at(now: datetime) -> dict[str, date]:
    return {"day": now.date(), "month": now.date().replace(day=1)}


def assert_same(row: TenantBalance | KeyBudget, counters: Counters) -> None:
    assert row.in_flight == counters.in_flight
    assert (row.day_used_micros, row.month_used_micros) == (
        counters.used["day"],
        counters.used["month"],
    )
    assert (row.day, row.month) == (counters.window.get("day"), counters.window.get("month"))


@settings(max_examples=50)
@given(steps=st.lists(STEP, max_size=10))
def test_any_row_of_batches_of_holds_and_ends_leaves_what_one_by_one_would(steps):
    books = [Books(), Books()]

    for step in steps:
        take(books, step)
        for one in books:
            one.check()

    assert ledger_findings() == []
