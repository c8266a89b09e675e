"""GET /v1/usage: what was made and charged, by time and by model, key, tier, status or error."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, get_args
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from typing_extensions import override

from accounts import rates
from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from billing.periods import Bucket, buckets_between
from billing.selectors.office.reports import Group, Used, usage_between
from pictor.kit.endpoints.bodies import MAX_UNIX_SECONDS
from pictor.kit.endpoints.objects import ApiObject, Constant, UnixSeconds, Usd
from pictor.kit.endpoints.queries import MAX_PAGE, ApiQuery, PageLimitField
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import InvalidRequest

BUCKETS: tuple[Bucket, ...] = get_args(Bucket)
GROUPS: tuple[Group, ...] = get_args(Group)
_GROUP = f"({'|'.join(GROUPS)})"
USUAL_SPAN: dict[Bucket, timedelta] = {
    "hour": timedelta(days=1),
    "day": timedelta(days=30),
    "month": timedelta(days=365),
}


class QueryTimeField(serializers.IntegerField):
    """A time in Unix seconds; None if it was not given."""

    def __init__(self, help_text: str) -> None:
        super().__init__(default=None, min_value=0, max_value=MAX_UNIX_SECONDS, help_text=help_text)

    @override
    def to_internal_value(self, data: Any) -> datetime:  # type: ignore[override]  # a moment here
        if not re.fullmatch("[0-9]{1,10}", data, re.ASCII) or int(data) > MAX_UNIX_SECONDS:
            raise InvalidRequest(
                f"{self.field_name} must be Unix seconds, 0 to {MAX_UNIX_SECONDS}.",
                param=self.field_name,
            )
        return datetime.fromtimestamp(int(data), UTC)


class BucketField(serializers.ChoiceField):
    """How long a bucket is."""

    def __init__(self) -> None:
        super().__init__(choices=BUCKETS, default="day", help_text="The length of a bucket, UTC.")

    @override
    def to_internal_value(self, data: Any) -> Bucket:
        for bucket in BUCKETS:
            if bucket == data:
                return bucket
        raise InvalidRequest(f"bucket must be one of {', '.join(BUCKETS)}.", param="bucket")


@extend_schema_field({"type": "string", "pattern": f"^ *{_GROUP} *(, *{_GROUP} *)*$"})
class GroupsField(serializers.Field[Any, Any, Any, Any]):
    """Names of groups, separated by commas."""

    def __init__(self) -> None:
        names = ", ".join(GROUPS)
        super().__init__(default=None, help_text=f"Any of {names}, separated by commas.")

    @override
    def to_internal_value(self, data: Any) -> Sequence[Group]:
        words = {word.strip() for word in data.split(",")}
        if not words <= {*GROUPS}:
            raise InvalidRequest(f"group_by must be any of {', '.join(GROUPS)}.", param="group_by")
        return [group for group in GROUPS if group in words]


class UsageQuery(ApiQuery):
    """The usage to return, and its groups."""

    start = QueryTimeField("The first bucket is the one that contains this time. Default a day, 30"
                        " days or a year before `end`, depending on `bucket`.")  # fmt: skip
    end = QueryTimeField(
        "The last bucket is the one that contains this time or ends at it. Default now."
    )
    bucket = BucketField()
    group_by = GroupsField()
    limit = PageLimitField(default=MAX_PAGE)


@extend_schema_field({"type": "string"})
class KeyIdField(serializers.Field[Any, Any, str, Any]):
    """A key by its public id."""

    @override
    def to_representation(self, value: UUID) -> str:
        return ids.public(ids.KEY, value)


class UsageResult(ApiObject):
    """The usage of one group, named by the fields in `group_by`."""

    model = serializers.CharField(source="group.model", required=False)
    key = KeyIdField(source="group.key", required=False, help_text="An id, `key_…`.")
    tier = serializers.CharField(source="group.tier", required=False)
    status = serializers.CharField(source="group.status", required=False)
    error = serializers.CharField(
        source="group.error", required=False, help_text="A failure's code; empty without one."
    )
    generations = serializers.IntegerField(help_text="Requests that ended.")
    images = serializers.IntegerField(help_text="Images delivered.")
    cost = Usd(source="captured", help_text="USD charged.")
    seconds_p50 = serializers.FloatField(
        source="p50", allow_null=True, help_text="Median time to the images."
    )
    seconds_p95 = serializers.FloatField(
        source="p95", allow_null=True, help_text="95th percentile of the time to the images."
    )


class UsageBucket(ApiObject):
    """One bucket of time; without results if no request ended in it."""

    object = Constant("usage.bucket")
    start = UnixSeconds()
    end = UnixSeconds(help_text="The start of the next bucket.")
    results = UsageResult(many=True)


class UsagePage(ApiObject):
    """Buckets in order of time."""

    example = {
        "object": "list",
        "data": [
            {
                "object": "usage.bucket",
                "start": 1_795_219_200,
                "end": 1_795_305_600,
                "results": [
                    {
                        "model": "gpt-image-2",
                        "generations": 3,
                        "images": 3,
                        "cost": "0.158040",
                        "seconds_p50": 8.4,
                        "seconds_p95": 11.9,
                    }
                ],
            }
        ],
        "has_more": False,
        "next_start": None,
    }

    object = Constant("list")
    data = UsageBucket(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it
    has_more = serializers.BooleanField()
    next_start = UnixSeconds(allow_null=True, help_text="The `start` of the next page.")


class UsageView(Endpoint):
    """/v1/usage."""

    @operation(
        "list_usage",
        summary="List usage",
        scope="billing:read",
        query=UsageQuery,
        answer=UsagePage,
        rate=rates.take_query,
    )
    def get(
        self,
        caller: Caller,
        *,
        start: datetime | None,
        end: datetime | None,
        bucket: Bucket,
        group_by: Sequence[Group] | None,
        limit: int,
    ) -> Answer:
        """Requests, images, charges and times, counted in the hour in which a request ended."""
        end = end or clock.now()
        start = start or end - USUAL_SPAN[bucket]
        if start >= end:
            raise InvalidRequest("start must be before end.", param="start")
        page = list(islice(buckets_between(start, end, bucket=bucket), limit + 1))
        shown = page[:limit]
        rows = usage_between(
            caller.tenant_id,
            start=shown[0][0],
            end=shown[-1][1],
            bucket=bucket,
            groups=group_by or (),
        )
        return Answer(
            {
                "data": [_bucket(span, rows) for span in shown],
                "has_more": len(page) > limit,
                "next_start": page[limit][0] if len(page) > limit else None,
            }
        )


def _bucket(span: tuple[datetime, datetime], rows: Sequence[Used]) -> dict[str, Any]:
    start, end = span
    return {"start": start, "end": end, "results": [used for used in rows if used.start == start]}
