"""Refused requests by day: what is known of a day, and what is not."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from generation.models import RefusedRequest
from generation.tenants.refused_days import refused_by_day
from pictor.kit.words import ids
from pictor.kit.words.ids import TenantId

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACME, ORBIT = (TenantId(ids.new_uuid()) for _ in range(2))

pytestmark = pytest.mark.django_db


def refused(
    caller: TenantId, *, days_ago: int, number: int = 1, first_place: int = 1, **facts: Any
) -> None:
    at = NOON - timedelta(days=days_ago)
    given: dict[str, Any] = {"status": 429, "code": "x", "ms": 1, **facts}
    RefusedRequest.objects.bulk_create(
        RefusedRequest(
            id=ids.new_uuid_of(at),
            caller=caller,
            tenant_id=caller,
            day=at.date(),
            place=first_place + place,
            **given,
        )
        for place in range(number)
    )


def by_day(tests: Collection[UUID] = ()) -> list[tuple[int, int | None, bool]]:
    days = refused_by_day(ACME, tests=tests, now=NOON)
    return [(day.day.day, day.number, day.is_least) for day in days]


def test_all_seven_days_are_known_if_somebodys_row_is_older():
    refused(ORBIT, days_ago=7)
    refused(ACME, days_ago=6, number=3)
    refused(ACME, days_ago=0)
    refused(ORBIT, days_ago=2)

    assert by_day() == [
        (14, 3, False), (15, 0, False), (16, 0, False), (17, 0, False), (18, 0, False),
        (19, 0, False), (20, 1, False),
    ]  # fmt: skip


def test_nothing_is_known_before_the_oldest_row_of_anyone_and_a_part_of_its_day():
    refused(ORBIT, days_ago=3)
    refused(ACME, days_ago=1)

    assert by_day() == [
        (14, None, False), (15, None, False), (16, None, False), (17, None, True), (18, 0, False),
        (19, 1, False), (20, 0, False),
    ]  # fmt: skip


def test_on_the_day_of_the_oldest_row_there_may_have_been_more():
    refused(ACME, days_ago=1, number=2)

    assert by_day()[4:] == [(18, None, False), (19, 2, True), (20, 0, False)]


def test_an_empty_table_knows_of_no_day():
    assert {number for _, number, _ in by_day()} == {None}


@pytest.mark.parametrize(("last", "is_least"), [(19_999, False), (20_000, True)])
def test_a_day_with_as_many_rows_as_are_kept_is_a_least_number(last, is_least):
    refused(ORBIT, days_ago=7)
    refused(ACME, days_ago=0, number=2, first_place=last - 1)

    assert by_day()[-1] == (20, 2, is_least)


def test_tests_and_answers_of_an_earlier_request_do_not_count():
    test_key, live_key = ids.new_uuid(), ids.new_uuid()
    refused(ORBIT, days_ago=7)
    refused(ACME, days_ago=0, key_id=test_key)
    refused(ACME, days_ago=0, key_id=live_key, first_place=2)
    refused(ACME, days_ago=0, first_place=3)
    refused(ACME, days_ago=0, status=200, first_place=4)

    assert by_day(tests=[test_key])[-1] == (20, 2, False)


def test_a_request_counts_on_its_own_day_if_it_was_written_down_on_the_next():
    refused(ORBIT, days_ago=7)
    refused(ACME, days_ago=1)
    RefusedRequest.objects.filter(caller=ACME).update(day=NOON.date())

    assert by_day()[-2:] == [(19, 1, False), (20, 0, False)]


def test_it_takes_one_statement(django_assert_num_queries):
    refused(ACME, days_ago=0)

    with django_assert_num_queries(1):
        by_day()
