"""Upstream costs and losses."""

import pytest
from django.db import IntegrityError, transaction

from billing.models import Transfer
from billing.selectors.office.ledger import ledger_findings
from billing.services import book_upstream_cost
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("as_loss", "kind", "accounts"),
    [(False, "upstream_cost", (3, 2)), (True, "loss", (3, 4))],
)
def test_an_attempts_cost_goes_from_payable_to_cost_or_losses(as_loss, kind, accounts):
    attempt = new_uuid()

    book_upstream_cost(
        generation_id=new_uuid(), attempt_id=attempt, amount=Micros(30_000), as_loss=as_loss
    )

    transfer = Transfer.objects.get(attempt_id=attempt)
    assert (transfer.kind, transfer.amount, transfer.tenant_id) == (kind, 30_000, None)
    assert (transfer.debit_id, transfer.credit_id) == accounts
    assert ledger_findings() == []


def test_an_attempt_that_cost_nothing_is_not_booked():
    book_upstream_cost(
        generation_id=new_uuid(), attempt_id=new_uuid(), amount=Micros(0), as_loss=False
    )

    assert not Transfer.objects.exists()


def test_an_attempt_is_booked_once():
    attempt = new_uuid()
    book_upstream_cost(
        generation_id=new_uuid(), attempt_id=attempt, amount=Micros(1), as_loss=False
    )

    with pytest.raises(IntegrityError, match="one_cost_per_attempt"), transaction.atomic():
        book_upstream_cost(
            generation_id=new_uuid(), attempt_id=attempt, amount=Micros(1), as_loss=True
        )
