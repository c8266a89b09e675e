"""What migrations do to rows that are there."""

import importlib
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import Tenant
from accounts.services import issue_api_key
from billing.models import Account, TenantBalance
from billing.selectors import balance_of, ledger_findings
from billing.services import seal_ledger, top_up
from pictor.kit.money import Micros

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_accounts():
    """The migration's statements."""
    forwards = importlib.import_module("billing.migrations.0005_open_accounts").FORWARDS

    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(forwards)

    return run


def test_a_tenant_without_an_account_gets_one(open_accounts):
    tenant = Tenant.objects.create(name="made in the admin")

    open_accounts()

    balance = TenantBalance.objects.get()
    assert balance.tenant == tenant
    assert (balance.available, balance.held, balance.seq, balance.in_flight) == (0, 0, 0, 0)
    assert balance.available_account.kind == "available"
    assert balance.held_account.kind == "held"
    top_up(tenant_id=tenant.id, amount=Micros(7), reason="card", actor="test")
    assert balance_of(tenant.id).available == 7
    seal_ledger(actor="test")
    assert ledger_findings() == []


def test_a_tenant_with_half_an_account_gets_the_other_half(open_accounts):
    tenant = Tenant.objects.create(name="made in the admin")
    Account.objects.create(tenant=tenant, kind="available")

    open_accounts()

    assert TenantBalance.objects.get().tenant == tenant
    seal_ledger(actor="test")
    assert ledger_findings() == []


def test_run_again_it_changes_nothing(open_accounts, acme, other):
    acme.hold(4_000_000)
    before = list(TenantBalance.objects.order_by("pk").values())

    open_accounts()
    open_accounts()

    assert list(TenantBalance.objects.order_by("pk").values()) == before
    assert Account.objects.filter(tenant__isnull=False).count() == 4


def test_a_workspaces_budgets_begin_with_what_its_keys_have_used(acme, other, now):
    acme.hold(300_000, now=now)
    acme.key, _ = issue_api_key(tenant=acme.tenant, name="second", actor="test")
    acme.hold(500_000, now=now + timedelta(days=1))
    acme.hold(50_000, now=now + timedelta(days=1))
    other.hold(7, now=now)
    counted = list(TenantBalance.objects.order_by("pk").values())
    TenantBalance.objects.update(day=None, month=None, day_used_micros=0, month_used_micros=0)
    assert len(ledger_findings()) == 2

    with connection.cursor() as cursor:
        cursor.execute(importlib.import_module("billing.migrations.0008_workspace_budgets").COUNTED)

    assert list(TenantBalance.objects.order_by("pk").values()) == counted
    assert [row["day_used_micros"] for row in counted if row["tenant_id"] == acme.id] == [550_000]
    assert ledger_findings() == []
