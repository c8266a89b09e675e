"""A tenant's data is handed out without our internals, and erased completely."""

import pytest
from django.core.exceptions import ValidationError

from billing import holdings as money
from billing.models import FIGURES, SoldDay
from generation.lifecycle.settlement import cancel
from generation.models import Generation
from generation.tenants import holdings
from generation.tenants.forgetting import forget
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer, make_channel
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(db):
    sow()
    make_channel("hidden-vendor")
    return PayingCustomer("acme")


def test_an_order_that_was_let_in_meanwhile_is_not_said_to_be_gone(acme, monkeypatch):
    cancel(generation=acme.generation(), now=clock.now())

    def forget_late(generation, **options):
        acme.generation(prompt="late")
        return forget(generation, **options)

    monkeypatch.setattr(holdings, "forget", forget_late)

    with pytest.raises(ValidationError, match="1 generations are still under way"):
        holdings.erase(tenant_id=acme.id, now=clock.now())

    late = Generation.objects.get(state="queued")
    assert (late.prompt, late.deleted_at) == ("late", None)
    monkeypatch.undo()
    cancel(generation=late, now=clock.now())
    holdings.erase(tenant_id=acme.id, now=clock.now())
    late.refresh_from_db()
    assert late.prompt == ""


def test_usage_is_handed_out_without_who_made_it_for_us(acme):
    cancel(generation=acme.generation(), now=clock.now())

    (row,) = dict(money.tables(acme.id))["usage"]

    assert "model" in row
    assert "channel" not in row


def test_sales_are_exported_without_our_costs(acme):
    SoldDay.objects.create(
        day="2026-11-20", tenant_id=acme.id, is_demo=False, model="gpt-image-2", channel="one",
        **dict.fromkeys(FIGURES, 1),
    )  # fmt: skip

    (row,) = dict(money.tables(acme.id))["sold"]

    assert (row["model"], row["images"], row["captured_micros"]) == ("gpt-image-2", 1, 1)
    assert not {"channel", "cost_micros", "losses_micros", "unknown_images"} & row.keys()
