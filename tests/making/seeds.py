# ruff: noqa: S608 - the names of tables are constants
"""Contracts and prices for tests: written by the seed once a process, and copied from then on.

The seed takes 70 ms of processor time, a copy much less, and hundreds of tests begin with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from unittest import mock

from django.db import connection, transaction

from accounts.audit_chain import sealed_part
from accounts.audit_seals import event_seal
from accounts.models import AuditEvent
from accounts.services import link_events
from billing.models import PriceBook
from generation.management import seeding
from generation.management.seeding import SeedOptions
from pictor.kit.words import clock


@dataclass(frozen=True)
class Seeds:
    """Rows that the seed has written into an empty database."""

    tables: dict[str, str]
    """Rows as JSON, with the price book still a draft."""
    published_at: datetime
    events: list[dict[str, Any]]


def sow() -> None:
    """Do what `seeding.seed(Wishes())` does in an empty database, as of yesterday."""
    seeds = _seeds()
    with transaction.atomic():
        with connection.cursor() as cursor:
            for table, rows in seeds.tables.items():
                cursor.execute(
                    f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s)",
                    [rows],
                )
        PriceBook.objects.update(published_at=seeds.published_at)
        events = [AuditEvent(**facts, at=clock.now()) for facts in seeds.events]
        for event in events:
            event.seal = event_seal(sealed_part(event))
        AuditEvent.objects.bulk_create(events)
        transaction.on_commit(link_events, robust=True)


@cache
def _seeds() -> Seeds:
    yesterday = clock.now() - timedelta(days=1)  # whatever time a test takes for the present
    known = set(AuditEvent.objects.values_list("id", flat=True))
    with transaction.atomic():
        with mock.patch.object(clock, "now", return_value=yesterday):
            seeding.seed(SeedOptions())
        said = ("actor_name", "object_type", "object_id", "action", "before", "after")
        events = AuditEvent.objects.exclude(id__in=known).order_by("id").values(*said)
        seeds = Seeds(
            tables={
                "generation_contract": _rows("generation_contract", "{}"),
                "billing_pricebook": _rows("billing_pricebook", '{"published_at": null}'),
                "billing_price": _rows("billing_price", "{}"),
            },
            published_at=yesterday,
            events=list(events),
        )
        transaction.set_rollback(True)
    return seeds


def _rows(table: str, changed: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT json_agg(to_jsonb(rows) || %s::jsonb)::text FROM {table} AS rows", [changed]
        )
        (rows,) = cursor.fetchone()
    return str(rows)
