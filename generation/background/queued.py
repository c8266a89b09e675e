"""Finds queued generations in the database: their doorbell was lost, or they were refused a slot.

Hops from tenant to tenant along an index and reads a few rows of each, so one tenant's long queue
makes another's no costlier to find. That is why the queued rows are NOT MATERIALIZED: with 100,000
of them it took more than a second at each look.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings

from generation.background.slots import Room
from generation.lifecycle.claims import NOT_STOPPED, Queued
from pictor.kit.database.cursors import all_rows

BATCH = 500
"""The most that are found at once; one of each tenant is always included."""

_WAITING = f"""
WITH RECURSIVE queued AS NOT MATERIALIZED (
    SELECT id, tenant_id, livemode, deadline_at, dispatch FROM generation_generation AS g
    WHERE state = 'queued' AND quarantine = 0 AND {NOT_STOPPED.format(row="g")}),
tenant AS (
    (SELECT tenant_id, livemode FROM queued ORDER BY tenant_id, livemode LIMIT 1)
    UNION ALL
    SELECT later.tenant_id, later.livemode FROM tenant AS t, LATERAL (
        SELECT q.tenant_id, q.livemode FROM queued AS q
        WHERE (q.tenant_id, q.livemode) > (t.tenant_id, t.livemode)
        ORDER BY q.tenant_id, q.livemode LIMIT 1) AS later),
known AS (
    SELECT * FROM unnest(%(tenants)s::uuid[], %(in_hand)s::int[], %(live)s::int[], %(tests)s::int[])
        AS k (tenant_id, in_hand, live, tests)),
room AS (
    SELECT t.tenant_id, t.livemode, coalesce(k.in_hand, 0) AS in_hand,
           CASE WHEN t.livemode THEN coalesce(k.live, %(new_live)s)
                ELSE coalesce(k.tests, %(new_tests)s) END AS most
    FROM tenant AS t LEFT JOIN known AS k USING (tenant_id))
SELECT oldest.id, r.tenant_id, r.livemode
FROM room AS r LEFT JOIN LATERAL (
    SELECT q.id, row_number() OVER (ORDER BY q.id) AS nth FROM queued AS q
    WHERE q.tenant_id = r.tenant_id AND q.livemode = r.livemode
      AND q.deadline_at > clock_timestamp() AND q.dispatch < %(dispatches)s
    ORDER BY q.id
    LIMIT least(r.most, greatest(1, %(batch)s / (SELECT count(*) FROM tenant)))) AS oldest ON true
ORDER BY r.livemode DESC, r.in_hand + oldest.nth, oldest.id
"""  # noqa: S608 - built from constants


def waiting(newcomer: Room, rooms: Mapping[UUID, Room]) -> tuple[list[Queued], bool]:
    """The oldest of each tenant with room: live before tests, then tenants with fewest in hand.

    The second value is True if any waits, with or without room. Leaves out those in quarantine,
    which their lane finds, and stopped ones.

    Args:
        newcomer: the room of a tenant with nothing in hand.
        rooms: the room of each other tenant.
    """
    rows = all_rows(_WAITING, _values(newcomer, rooms))
    return [Queued(*row) for row in rows if row[0] is not None], bool(rows)


def _values(newcomer: Room, rooms: Mapping[UUID, Room]) -> dict[str, Any]:
    known = list(rooms.values())
    return {
        "tenants": list(rooms),
        "in_hand": [room.in_hand for room in known],
        "live": [room.live for room in known],
        "tests": [room.tests for room in known],
        "new_live": newcomer.live,
        "new_tests": newcomer.tests,
        "dispatches": settings.MAX_DISPATCHES,
        "batch": BATCH,
    }
