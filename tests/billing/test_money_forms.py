"""A page's form moves money once, however often it is sent."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from billing.models import MoneyForm, Transfer
from billing.selectors import ledger_findings
from billing.services import adjust, book_payment, credit, reverse, top_up
from pictor.kit.ids import new_uuid
from pictor.kit.money import Micros

pytestmark = pytest.mark.django_db
Move = Callable[..., Any]
MOVES: Mapping[str, tuple[Move, Mapping[str, Any]]] = {
    "top_up": (top_up, {"amount": Micros(1_000)}),
    "book_payment": (book_payment, {"amount": Micros(1_000)}),
    "credit": (credit, {"amount": Micros(1_000)}),
    "adjust": (adjust, {"amount": Micros(-1_000)}),
    "reverse": (reverse, {"amount": Micros(1_000), "seq": 1}),
}
"""The customer's first transfer is a top-up of 10 USD."""


@pytest.mark.parametrize("name", MOVES)
def test_a_form_that_is_sent_again_moves_nothing_more(acme, name):
    move, what = MOVES[name]
    why = {"reason": "INV-7", "actor": "test", "once": new_uuid()}

    first, again = (move(tenant_id=acme.id, **what, **why) for _ in range(2))

    assert first == again
    assert list(Transfer.objects.filter(tenant_id=acme.id).values_list("seq", flat=True)) == [1, 2]
    assert MoneyForm.objects.get().transfer.seq == 2
    assert ledger_findings() == []


def test_a_form_that_has_moved_something_else_is_refused(acme, other):
    why: Mapping[str, Any] = {"reason": "sorry", "actor": "test", "once": new_uuid()}
    credit(tenant_id=acme.id, amount=Micros(1_000), **why)

    for customer, move in ((acme, top_up), (other, credit)):
        with pytest.raises(ValidationError, match="this form has moved other money"):
            move(tenant_id=customer.id, amount=Micros(1_000), **why)

    assert Transfer.objects.filter(amount=1_000).count() == 1
