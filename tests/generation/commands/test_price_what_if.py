"""`manage.py price diff`: revenue of the last 30 days at the new prices, as a line and JSON."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from billing.models import SoldDay, SoldUntil
from pictor.kit.words import clock
from tests.generation.commands.conftest import CommandCustomer

pytestmark = pytest.mark.django_db


def sell(acme: CommandCustomer, *, is_demo: bool = False) -> None:
    row = {"model": "dall-e-2", "asked": "256x256", "quality": "standard", "channel": "one"}
    SoldDay.objects.create(
        day=clock.now().date(), tenant=acme.tenant, is_demo=is_demo, delivered="256x256",
        images=10, captured_micros=160_000, refunded_micros=0, cost_micros=0, corrections_micros=0,
        losses_micros=0, loss_corrections_micros=0, credited_micros=0, unknown_images=0, **row,
    )  # fmt: skip


def dearer(price: Callable[..., str], exported: Path) -> None:
    exported.write_text(exported.read_text().replace("d,0.016000,", "d,0.017000,"))
    price("import", str(exported), "--name", "list")


def test_a_draft_says_what_the_last_30_days_would_have_brought(price, exported, acme):
    sell(acme)
    dearer(price, exported)

    assert price("diff", "list:2").splitlines()[1] == (
        "The last 30 days would have brought $0.17 instead of $0.16 (+6.2 %);"
        " most touched: acme +$0.01."
    )


def test_a_diff_as_json_has_the_last_30_days(price, exported, acme):
    sell(acme)
    dearer(price, exported)
    now = clock.now()
    SoldUntil.objects.create(pk=SoldUntil.ROW, until=now)

    found = json.loads(price("diff", "list:2", "--json"))["last_30_days"]

    first = found.pop("from")
    assert (now.date() - date.fromisoformat(first)).days == 29
    assert found == {
        "until": now.isoformat(), "was": "0.160000", "would_be": "0.170000", "percent": 6.2,
        "most_touched": [{
            "tenant": acme.tenant.public_id, "name": "acme",
            "was": "0.160000", "would_be": "0.170000",
        }],
        "left_out": [],
    }  # fmt: skip


def test_demo_data_is_apart(price, exported, acme):
    sell(acme, is_demo=True)
    dearer(price, exported)

    assert "Nothing was sold in the last 30 days." in price("diff", "list:2")
    assert "would have brought $0.17" in price("diff", "list:2", "--demo")
