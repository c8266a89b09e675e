"""Expiry: attempts go after 30 days, then the events and deliveries without attempts.

Events of tests go within a day, delivered or not: tests are free. Rows are deleted in small
transactions, so no request waits for them. Safe to run again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.rates.daily_bytes import TESTS_KEPT
from pictor.kit.database.cursors import first_column, run
from pictor.kit.words import ids
from webhooks.models import WebhookEndpoint

DELIVERIES_KEPT = timedelta(days=30)
_BATCH = 2000

_ATTEMPTS = """
DELETE FROM webhooks_deliveryattempt
 WHERE id IN (SELECT id FROM webhooks_deliveryattempt WHERE at < %(before)s LIMIT %(batch)s)
"""
_DELIVERIES = """
WITH old AS MATERIALIZED (
    SELECT d.id FROM webhooks_delivery AS d WHERE {condition} LIMIT %(batch)s
), attempts AS (
    DELETE FROM webhooks_deliveryattempt WHERE delivery_id IN (SELECT id FROM old)
)
DELETE FROM webhooks_delivery WHERE id IN (SELECT id FROM old)
"""
# Jump from one endpoint to the next along the index: there are few, each with many deliveries.
_GONE = """
WITH RECURSIVE told(id) AS (
    (SELECT endpoint_id FROM webhooks_delivery ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT endpoint_id FROM webhooks_delivery
             WHERE endpoint_id > told.id ORDER BY endpoint_id LIMIT 1)
      FROM told WHERE told.id IS NOT NULL)
SELECT id FROM told WHERE id IS NOT NULL
EXCEPT SELECT id FROM webhooks_webhookendpoint
"""
_WORN = """d.event_id < %(first)s AND NOT EXISTS (
    SELECT FROM webhooks_deliveryattempt WHERE delivery_id = d.id)"""
_OF_TESTS = """d.event_id IN (
    SELECT id FROM webhooks_event WHERE NOT livemode AND id < %(first_test)s)"""
_OF_TENANT = "d.event_id IN (SELECT id FROM webhooks_event WHERE tenant_id = %(tenant)s)"
_EVENTS = """
DELETE FROM webhooks_event WHERE id IN (
    SELECT e.id FROM webhooks_event AS e WHERE {condition} LIMIT %(batch)s)
"""
_HAS_NONE_LEFT = "NOT EXISTS (SELECT FROM webhooks_delivery WHERE event_id = e.id)"
_UNTOLD = f"e.id < %(first)s AND {_HAS_NONE_LEFT}"
_UNTOLD_TESTS = f"NOT e.livemode AND e.id < %(first_test)s AND {_HAS_NONE_LEFT}"


def forget_old(*, now: datetime) -> None:
    """Delete rows older than 30 days, tests older than a day, and those of deleted endpoints."""
    before = now - DELIVERIES_KEPT
    values = {
        "before": before,
        "first": ids.first_at(before),
        "first_test": ids.first_at(now - TESTS_KEPT),
        "gone": first_column(_GONE),
    }
    # In this order: deliveries go once they have no attempts, events once no deliveries.
    _run_in_batches(_ATTEMPTS, values)
    _run_in_batches(_DELIVERIES.format(condition="d.endpoint_id = ANY(%(gone)s)"), values)
    _run_in_batches(_DELIVERIES.format(condition=_WORN), values)
    _run_in_batches(_DELIVERIES.format(condition=_OF_TESTS), values)
    _run_in_batches(_EVENTS.format(condition=_UNTOLD), values)
    _run_in_batches(_EVENTS.format(condition=_UNTOLD_TESTS), values)


def forget_tenant(tenant_id: UUID) -> None:
    """Delete all data of a tenant, its endpoints first, so that nothing more is sent."""
    WebhookEndpoint.objects.filter(tenant_id=tenant_id).delete()
    values = {"tenant": tenant_id}
    _run_in_batches(_DELIVERIES.format(condition=_OF_TENANT), values)
    _run_in_batches(_EVENTS.format(condition="e.tenant_id = %(tenant)s"), values)


def _run_in_batches(statement: str, values: Mapping[str, Any]) -> None:
    """Run a statement in batches until nothing is left to delete."""
    deleted = _BATCH
    while deleted == _BATCH:
        with transaction.atomic():
            deleted = run(statement, {**values, "batch": _BATCH})
