"""Meanings of attempts without images: overridden by an operator, after an order, in the books."""

import pytest

from billing.upstream_cost import Costs, CostSource, Loss
from generation.channels.base import Job
from generation.channels.errors import AttemptClass, UpstreamError
from generation.dispatch.endings import Begun, counted_as, end_of, overridden
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import asked, route_info

BUSY = UpstreamError(AttemptClass.REFUSED, "HTTP 429 busy", http_status=429, request_id="req_1")


def test_a_status_means_what_its_channel_says_and_the_error_stays_as_it_was():
    seen = overridden(BUSY, route_info(class_overrides={429: "unknown"}))

    assert (seen.attempt_class, seen.detail, seen.http_status, seen.request_id) == (
        AttemptClass.UNKNOWN, "HTTP 429 busy", 429, "req_1",
    )  # fmt: skip
    assert BUSY.attempt_class == AttemptClass.REFUSED


@pytest.mark.parametrize(("is_taken", "counts_as"), [(False, "refused"), (True, "not_reached")])
def test_an_order_that_was_taken_and_then_refused_counts_against_its_model(is_taken, counts_as):
    assert counted_as(BUSY.but(is_taken=is_taken)) == counts_as


def test_any_other_status_keeps_its_class():
    assert overridden(BUSY, route_info(class_overrides={503: "unknown"})) is BUSY


@pytest.mark.parametrize(
    ("ended_as", "named", "of_job", "cost", "loss"),
    [
        ("moderated", None, None, (0, CostSource.NOTHING), None),
        ("moderated", 4_000, None, (4_000, CostSource.REPORTED), Loss.REFUSED_BILLED),
        ("moderated", 0, 9_000, (0, CostSource.NOTHING), None),
        ("unknown", None, 9_000, (9_000, CostSource.REPORTED), Loss.UNKNOWN),
        ("unknown", 4_000, 9_000, (4_000, CostSource.REPORTED), Loss.UNKNOWN),
        ("unknown", None, None, (30_000, CostSource.FLAT), Loss.UNKNOWN),
        ("unknown", 0, None, (0, CostSource.NOTHING), None),
    ],
)
def test_a_failed_call_costs_what_the_vendor_names(ended_as, named, of_job, cost, loss):
    job = Job("job-1", "https://upstream.example/jobs/1", cost=of_job)
    begun = Begun(new_uuid(), asked(), jobs=[job])
    cause = UpstreamError(AttemptClass(ended_as), "so", cost=named)

    end = end_of(begun, cause, route_info(costs=Costs(Micros(30_000))))

    assert (end.cost.micros, end.cost.source, end.loss) == (*cost, loss)
