"""A retry comes while its first generation ends: neither waits for the other in a circle."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import connection

from generation.admission import retry_shield
from generation.admission.retry_shield import Attendance, Turn, Undecided, WebProcess
from generation.admission.service import Submission, admit
from generation.lifecycle.settlement import cancel
from generation.models import Generation
from pictor.kit.words import clock
from pictor.kit.words.ids import GenerationId, new_uuid
from tests.billing.conftest import alone, pool
from tests.making.factories import ORIGIN, PayingCustomer
from tests.stack.stack_processes import until

__all__ = ["pool"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient_connections"),
]


@pytest.fixture
def elsewhere() -> Iterator["psycopg.Connection[Any]"]:
    """A connection whose locks the others wait for."""
    with psycopg.connect(**connection.get_connection_params()) as opened:
        yield opened


def number_waiting() -> int:
    """The number of connections to this database that wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (count,) = cursor.fetchone()
    return int(count)


def waited_for(acme: PayingCustomer, attendance: Attendance) -> Submission:
    return Submission(
        caller=acme.caller(),
        request={"model": ORIGIN, "prompt": "a fox", "quality": "medium"},
        attendance=attendance,
    )


def test_a_retry_with_the_balance_does_not_wait_for_an_orphan_that_ends(acme, pool, elsewhere):
    first, second = GenerationId(new_uuid()), GenerationId(new_uuid())
    process = WebProcess()
    lost = waited_for(acme, Attendance(process, Turn(first)))
    again = replace(waited_for(acme, Attendance(process, Turn(second))), is_retry=True)
    orphan = admit(lost, generation_id=first, now=clock.now()).generation
    elsewhere.execute("SELECT FROM billing_tenantbalance FOR UPDATE")
    retry = pool.submit(alone, lambda: admit(again, generation_id=second, now=clock.now()))
    until(lambda: number_waiting() == 1)
    retry_shield.record_left([Turn(first)])
    end = pool.submit(alone, lambda: cancel(generation=orphan, now=clock.now()))
    until(lambda: number_waiting() == 2)

    elsewhere.commit()

    with pytest.raises(Undecided):
        retry.result(20)
    assert end.result(20)
    assert acme.money == (10_000_000, 0)
    assert admit(again, generation_id=second, now=clock.now()).is_new


def test_turns_that_are_over_lock_their_rows_by_id(acme, pool, elsewhere):
    low, high = sorted((new_uuid(), new_uuid()))
    acme.submit(generation_id=high)
    acme.submit(generation_id=low)
    Generation.objects.update(web_process=WebProcess().number)
    elsewhere.execute("SELECT FROM generation_generation WHERE id = %s FOR UPDATE", [low])
    ended = pool.submit(alone, lambda: retry_shield.record_left([Turn(high), Turn(low)]))
    until(lambda: number_waiting() == 1)

    elsewhere.execute("SELECT FROM generation_generation WHERE id = %s FOR UPDATE NOWAIT", [high])

    elsewhere.commit()
    ended.result(20)
    assert Generation.objects.filter(orphaned_at__isnull=False).count() == 2
