"""Every form that moves money, sent at once from two tabs, books once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.test import Client

from accounts.ledger import RequestedMove
from billing.models import MoneyMove, Transfer
from billing.selectors.office.ledger import ledger_findings
from billing.services.office import moves
from billing.services.office.second_person import why_it_waits
from generation.models import Generation
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.billing.conftest import alone
from tests.console.ops.acting import act_page, digest_of
from tests.console.ops.generations.conftest import Make
from tests.making.factories import PayingCustomer
from tests.making.seeds import sow

Form = tuple[str, dict[str, Any]]
GENERATIONS = "/ops/generations/"
WHY = {"note": "bad evening", "words": "Sorry", "reason": "INV-7"}


@pytest.fixture
def owners_cookies() -> None:
    """No owner signs in."""


@pytest.fixture
def sown(transactional_db: None) -> None:
    """Contracts and prices, committed."""
    sow()


@pytest.fixture
def forms(
    acme: PayingCustomer, other: PayingCustomer, delivered: Make, failed: Make
) -> dict[str, Callable[[], Form]]:
    """Forms by name: each makes its object and returns an address and the fields to send."""

    def of_tenant(kind: str, amount: str, **more: str) -> Form:
        seen = digest_of(int(amount) * 1_000_000)
        typed = {"amount": amount, "seen": seen, "confirm": amount, **more}
        return f"/ops/do/tenant.{kind}/{ids.public(ids.TENANT, acme.id)}/", typed

    def of_one(action: str, made: Generation) -> Form:
        typed = {"amount": "0.02", "seen": digest_of(20_000)}
        return act_page(f"generation.{action}", made.public_id), typed

    def refunds() -> Form:
        made = [delivered(acme), delivered(other)]
        named = [one.public_id for one in made]
        seen = digest_of(sorted((name, 52_680) for name in named))
        typed = {"generation": named, "seen": seen, "confirm": "2"}
        return act_page("generations.refund"), typed

    def outage() -> Form:
        failed(acme)
        failed(other)
        now, half, hit = clock.now(), timedelta(minutes=30), (acme.tenant, other.tenant)
        since, until = f"{now - half:%Y-%m-%d %H:%M} UTC", f"{now + half:%Y-%m-%d %H:%M} UTC"
        times = {"since": since, "until": until, "each": "0.50"}
        seen = digest_of(sorted((tenant.public_id, 500_000) for tenant in hit))
        return act_page("outage.credit"), {**times, "seen": seen, "confirm": "2"}

    def approval() -> Form:
        much = Micros(50_000_000_000)
        requested = RequestedMove(tenant_id=acme.id, kind="credit", amount=much, reason="sorry")
        waits = moves.move_money(
            once=ids.new_uuid(),
            requested=requested,
            actor="ann",
            now=clock.now(),
        )
        return f"/ops/moves/{waits.id}/approve/", {}

    return {
        "top_up": lambda: of_tenant("top_up", "5"),
        "credit": lambda: of_tenant("credit", "5"),
        "adjustment": lambda: of_tenant("adjustment", "-5"),
        "reversal": lambda: of_tenant("reversal", "5", seq="1"),
        "refund": lambda: of_one("refund", delivered(acme)),
        "gift": lambda: of_one("credit", failed(acme)),
        "refunds": refunds,
        "outage": outage,
        "approval": approval,
    }


BOOKED = {
    "top_up": ("top_up", [5_000_000]),
    "credit": ("credit", [5_000_000]),
    "adjustment": ("adjustment", [5_000_000]),
    "reversal": ("reversal", [5_000_000]),
    "refund": ("refund", [20_000]),
    "gift": ("credit", [20_000]),
    "refunds": ("refund", [52_680, 52_680]),
    "outage": ("credit", [500_000, 500_000]),
    "approval": ("credit", [50_000_000_000]),
}


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.django_db(transaction=True)
def test_each_form_sent_from_two_tabs_is_booked_once(sign_in, forms, monkeypatch):
    first, second, real = sign_in("finance"), Client(), why_it_waits
    second.cookies = first.cookies
    for form, (kind, booked) in BOOKED.items():
        address, typed = forms[form]()
        known = set(Transfer.objects.values_list("id", flat=True))
        sent = {"once": ids.new_uuid(), **WHY, **typed}

        with monkeypatch.context() as patched, ThreadPoolExecutor(2) as tabs:
            patched.setattr(moves, "why_it_waits", _met(Barrier(2, timeout=0.5), real))
            each = [
                tabs.submit(alone, lambda tab=tab: tab.post(address, sent))  # noqa: B023
                for tab in (first, second)
            ]
            answers = [one.result().status_code for one in each]

        assert set(answers) <= {200, 303, 422}, form
        made = Transfer.objects.filter(kind=kind).exclude(id__in=known)
        assert sorted(made.values_list("amount", flat=True)) == booked, form
    assert MoneyMove.objects.count() == sum(len(booked) for _, booked in BOOKED.values())
    assert ledger_findings() == []


def _met(both: Barrier, real: Callable[..., str]) -> Callable[..., str]:
    """Wrap the function so that both tabs meet in it; a tab held by a lock goes on without."""

    def together(*args: Any, **kwargs: Any) -> str:
        with suppress(BrokenBarrierError):
            both.wait()
        return real(*args, **kwargs)

    return together
