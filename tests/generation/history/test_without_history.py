"""A demo workspace without a past has none to remove."""

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Tenant
from accounts.services.office.tenants import create_tenant
from billing.selectors.office.balances import available_to
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.protection import protection_findings
from billing.services import LedgerError
from generation.management import demo_removal, seeding
from generation.management.history import writing
from generation.management.seeding import SeedOptions
from generation.models import Generation
from pictor.kit.words import clock
from pictor.kit.words.money import Micros

pytestmark = pytest.mark.django_db


def test_no_history_is_written_unless_the_options_ask_for_it(options):
    seeding.seed(SeedOptions(sandbox_url=options.sandbox_url, demo_api_key=options.demo_api_key))

    assert Generation.objects.count() == 0
    assert available_to(Tenant.objects.get().id) == 100_000_000


def test_an_installation_with_money_gets_no_demo_history(options):
    create_tenant(name="acme", opening_balance=Micros(1), actor="test")

    seeding.seed(options)

    assert Generation.objects.count() == 0


def test_no_history_is_written_into_a_ledger_that_has_begun(options):
    seeding.seed(SeedOptions(sandbox_url=options.sandbox_url))
    tenant = create_tenant(name="acme", opening_balance=Micros(1), actor="test")

    with pytest.raises(LedgerError, match="has begun"), transaction.atomic():
        writing.write(tenant=tenant, now=clock.now(), actor="test")

    assert Generation.objects.count() == 0
    assert [*ledger_findings(), *protection_findings()] == []


def test_a_workspace_with_other_data_is_not_removed(options):
    seeding.seed(SeedOptions(demo_api_key=options.demo_api_key))

    with pytest.raises(ValidationError, match="no demo data"):
        demo_removal.remove(options, now=clock.now(), actor="test")
