"""The port from accounts to the ledger."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from accounts.ledger import ledger
from accounts.models import Tenant
from accounts.services.office.tenants import create_tenant
from billing.models import TenantBalance
from billing.selectors.office.balances import statement
from billing.selectors.office.ledger import ledger_findings
from pictor.kit.words.money import Micros

pytestmark = pytest.mark.django_db


def test_a_tenant_is_made_with_an_account():
    tenant = create_tenant(name="poor", actor="test")

    balance = TenantBalance.objects.get(tenant=tenant)
    assert (balance.available, balance.held, balance.seq) == (0, 0, 0)
    assert ledger_findings() == []


def test_an_opening_balance_is_a_top_up():
    tenant = create_tenant(name="rich", actor="test", opening_balance=Micros(5_000_000))

    (transfer,) = statement(tenant.id)
    assert (transfer.kind, transfer.amount) == ("top_up", 5_000_000)
    assert transfer.reason == "opening balance"
    assert ledger_findings() == []


def test_without_a_ledger_no_tenant_is_made(monkeypatch):
    monkeypatch.setattr(ledger, "_load", None)

    with (
        pytest.raises(ImproperlyConfigured, match=r"accounts\.ledger is not plugged in"),
        transaction.atomic(),
    ):
        create_tenant(name="lost", actor="test")

    assert not Tenant.objects.exists()
