"""Usage by the hour, with its latencies."""

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib import import_module
from statistics import quantiles
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from billing.latency import BOUNDS, between, bucket_of, counts_of, quantile, rounded
from billing.models import UsageRollup
from billing.selectors import usage_of
from billing.selectors.office.reports import captured_since, usage_between
from billing.services import Usage, record_usage
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros


@pytest.mark.django_db
def test_usage_is_summed_by_the_hour(acme, now):
    def record(
        at: datetime, images: int, captured: int, status: str = "succeeded", took: float | None = 9
    ) -> None:
        record_usage(
            Usage(
                tenant_id=acme.id,
                key_id=acme.key.id,
                model="gpt-image-2",
                tier="2K",
                channel="sandbox",
                status=status,
                at=at,
                images=images,
                captured=Micros(captured),
                took=None if took is None else timedelta(seconds=took),
            )
        )

    record(now, 2, 100)
    record(now + timedelta(minutes=59), 1, 50, took=30)
    record(now + timedelta(minutes=59), 1, 50, took=9.1)
    record(now + timedelta(minutes=60), 1, 50)
    record(now, 0, 0, status="failed", took=None)

    rows = UsageRollup.objects.order_by("hour", "status")
    assert [(r.status, r.generations, r.images, r.captured_micros, r.latency) for r in rows] == [
        ("failed", 1, 0, 0, {}),
        ("succeeded", 3, 4, 200, {"21": 2, "28": 1}),
        ("succeeded", 1, 1, 50, {"21": 1}),
    ]


@pytest.mark.django_db
def test_several_sums_of_what_was_charged_are_one_query(
    acme, other, now, django_assert_num_queries
):
    for customer, hours, captured in ((acme, 0, 1), (acme, 5, 10), (acme, 30, 100), (other, 0, 7)):
        record_usage(
            Usage(
                tenant_id=customer.id,
                key_id=customer.key.id,
                model="gpt-image-2",
                tier="2K",
                channel="sandbox",
                status="succeeded",
                at=now - timedelta(hours=hours),
                images=1,
                captured=Micros(captured),
                took=None,
            )
        )

    with django_assert_num_queries(1):
        sums = captured_since(acme.id, [now - timedelta(hours=hours) for hours in (1, 6, 48)])

    assert sums == [1, 11, 111]
    assert captured_since(new_uuid(), [now]) == [0]


@pytest.mark.django_db
def test_the_database_counts_a_time_in_the_same_bucket():
    edges = [bound + step for bound in BOUNDS for step in (-1, 0, 1)]
    ended = f"""(
        SELECT 1 AS tenant_id, 2 AS key_id, '' AS model, '' AS tier, '' AS channel, '' AS status,
               timestamptz '2026-11-20T12:00Z' AS ended_at, 1 AS images, 1 AS captured,
               value * interval '1 microsecond' AS took
          FROM unnest(ARRAY{edges}::bigint[]) AS value)"""  # noqa: S608 - numbers

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT latency::text FROM {usage_of(ended)} AS usage")  # noqa: S608 - ours
        (said,) = cursor.fetchone()

    ours = Counter(bucket_of(timedelta(microseconds=edge)) for edge in edges)
    assert {int(bucket): times for bucket, times in json.loads(said).items()} == ours


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_quantile_of_many_times_is_at_most_a_tenth_off(share):
    chance = random.Random(7)  # noqa: S311 - no secret
    times = [chance.lognormvariate(3, 0.8) for _ in range(5_000)]
    counts = Counter(bucket_of(timedelta(seconds=time)) for time in times)

    assert quantile(counts, share) == pytest.approx(
        quantiles(times, n=100)[int(share * 100) - 1], rel=0.1
    )


def test_no_images_have_no_quantile():
    assert quantile({}, 0.5) is None
    assert quantile({12: 0}, 0.5) is None


BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "bucket", "sums"),
    [
        # One micro in the hour of 24 October 00:00 UTC, two in the next one, four in the next …
        (UTC, "day", {"2026-10-24T00:00Z": 2**24 - 1, "2026-10-25T00:00Z": 2**48 - 2**24,
                      "2026-10-26T00:00Z": 2**50 - 2**48}),
        (BERLIN, "day", {"2026-10-23T22:00Z": 2**22 - 1, "2026-10-24T22:00Z": 2**47 - 2**22,
                         "2026-10-25T23:00Z": 2**50 - 2**47}),
        (KOLKATA, "day", {"2026-10-23T18:00Z": 2**18 - 1, "2026-10-24T18:00Z": 2**42 - 2**18,
                          "2026-10-25T18:00Z": 2**50 - 2**42}),
        (BERLIN, "month", {"2026-09-30T22:00Z": 2**50 - 1}),
        (BERLIN, None, {"1970-01-01T00:00Z": 2**50 - 1}),
    ],
    ids=["utc", "berlin", "kolkata", "month", "all"],
)  # fmt: skip
def test_each_hour_is_in_one_day_of_the_zone(acme, zone, bucket, sums):
    first = datetime(2026, 10, 24, tzinfo=UTC)
    UsageRollup.objects.bulk_create(
        UsageRollup(
            tenant_id=acme.id,
            key_id=acme.key.id,
            model="gpt-image-2",
            status="succeeded",
            hour=first + timedelta(hours=number),
            generations=1,
            captured_micros=2**number,
        )
        for number in range(50)
    )

    found = usage_between(
        acme.id,
        start=datetime(2026, 10, 23, tzinfo=UTC),
        end=datetime(2026, 10, 27, tzinfo=UTC),
        bucket=bucket,
        groups=[],
        zone=zone,
    )

    assert {one.start: one.captured for one in found} == {
        datetime.fromisoformat(start): micros for start, micros in sums.items()
    }


@pytest.mark.django_db
def test_times_of_many_rows_add_up(acme, now):
    counted = [{"0": 1, "21": 3}, {"21": 4, "49": 2}, {}, {"28": 999_999_999_999}]
    with connection.cursor() as cursor:  # written by a version that does not know the number
        for hours, latency in enumerate(counted):
            cursor.execute(
                "INSERT INTO billing_usagerollup (tenant_id, key_id, model, tier, channel, status,"
                " hour, generations, images, captured_micros, latency)"
                " VALUES (%s, %s, '', '', '', 'succeeded', %s, 1, 1, 1, %s)",
                [acme.id, acme.key.id, now - timedelta(hours=hours), json.dumps(latency)],
            )
        cursor.execute("SELECT SUM(times) FROM billing_usagerollup")
        (times,) = cursor.fetchone()

    (used,) = usage_between(
        acme.id, start=now - timedelta(days=1), end=now + timedelta(hours=1), bucket=None, groups=[]
    )

    assert counts_of(int(times)) == {0: 1, 21: 7, 28: 999_999_999_999, 49: 2}
    assert used.p50 == pytest.approx(quantile({28: 1}, 0.5), rel=1e-6)


@pytest.mark.django_db
def test_times_of_older_rows_are_filled_in(acme, now):
    UsageRollup.objects.bulk_create(
        UsageRollup(
            tenant_id=acme.id,
            key_id=acme.key.id,
            hour=now - timedelta(hours=number),
            latency={"21": number},
        )
        for number in range(1, 4)
    )
    UsageRollup.objects.update(times=None)
    migration = import_module("billing.migrations.0006_times_of_before")

    with patch.object(migration, "ROWS_AT_ONCE", 2):
        migration.fill(None, connection.schema_editor())

    filled = UsageRollup.objects.order_by("-hour").values_list("times", flat=True)
    assert [counts_of(int(times or 0)) for times in filled] == [{21: 1}, {21: 2}, {21: 3}]


def test_counts_are_one_number_and_back():
    assert counts_of(2 * 10**24 + 3) == {0: 3, 2: 2}
    assert counts_of(10**588) == {49: 1}
    assert counts_of(0) == {}


@pytest.mark.parametrize(
    ("exact", "shown", "bucket"),
    [
        (12.34, 12.0, "11.3 to 13.5"),
        (11.4, 11.3, "11.3 to 13.5"),
        (0.2, 0.2, "0 to 0.25"),
        (125.3, 128.0, "108 to 128"),
        (1100.0, 1100.0, "above 1020"),
    ],
)
def test_a_quantile_is_rounded_within_its_bucket(exact, shown, bucket):
    assert (rounded(exact), between(exact)) == (shown, bucket)
