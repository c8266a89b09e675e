"""What was sold, by the day: each transfer once, shared out by prices, equal to the ledger."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from billing.models import SoldDay
from billing.selectors import sold as waiting
from generation.lease import WorkerEpoch
from generation.models import Attempt, Generation
from generation.selling import add_sold
from generation.settlement import settle_and_tell
from pictor.kit import clock, ids
from pictor.kit.spool import Spools
from tests.factories import make_delivery, stored_images, take

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """What was moved is counted without the minute that it is waited for."""
    monkeypatch.setattr(waiting, "TRAIL_SECONDS", 0.0)


def delivered(made: Generation, worker: WorkerEpoch, spools: Spools, **options: Any) -> Attempt:
    claim = take(generation_id=made.id, worker=worker)
    assert claim is not None
    delivery = make_delivery(claim, spools, **options)
    stored = stored_images(claim, delivery)
    assert settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    return Attempt.objects.get(id=delivery.attempt_id)


def rows(*columns: str) -> list[tuple[Any, ...]]:
    named = SoldDay.objects.exclude(model="").order_by("day", "asked", "delivered", "id")
    return list(named.values_list(*columns))


def margin(*arguments: str) -> str:
    call_command("margin", *arguments, stdout=(said := StringIO()))
    return said.getvalue()


def test_what_was_sold_is_counted_by_row_size_and_channel(queued, worker, spools):
    delivered(queued, worker, spools)

    add_sold()
    add_sold()

    assert rows("model", "asked", "delivered", "quality", "channel") == [
        ("gpt-image-2-origin", "1024x1024", "1024x1024", "medium", "one")
    ]
    assert rows("images", "captured_micros", "cost_micros", "losses_micros", "unknown_images") == [
        (1, 52_680, 30_000, 0, 0)
    ]


def test_margin_says_what_is_earned_until_when(acme, queued, worker, spools):
    delivered(queued, worker, spools)
    assert margin("--by", "model") == "nothing is counted yet\n"

    add_sold()

    said = json.loads(margin("--by", "tenant", "--json"))
    facts = {
        "images": 1,
        "revenue": "0.052680",
        "cost": "0.030000",
        "losses": "0.000000",
        "credits": "0.000000",
        "margin": "0.022680",
        "percent": 43.1,
        "unknown_cost": 0,
    }
    tenant = {"tenant": ids.public(ids.TENANT, acme.id), "name": "acme"}
    assert (said["rows"], said["total"]) == ([{**tenant, **facts}], facts)
    names, row, total, until = margin("--by", "cell", "--per", "day").splitlines()
    assert names.split()[:5] == ["from", "model", "asked", "quality", "images"]
    assert row.split()[1:5] == ["gpt-image-2-origin", "1024x1024", "medium", "1"]
    assert (total.split()[0], total.split()[-3:]) == ("total", ["0.022680", "43.1", "0"])
    assert until.startswith(f"until {clock.now():%Y-%m-%d %H}")
