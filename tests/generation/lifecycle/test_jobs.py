"""Orders in an attempt's row: written while it is open and present, and spared by every end."""

from typing import Any
from uuid import UUID

import pytest

from billing.models import Transfer
from billing.selectors.office.ledger import ledger_findings
from billing.upstream_cost import CostSource
from generation.background.queued import waiting
from generation.background.slots import Room
from generation.catalogue.services.stop_switch import stop, stoppable
from generation.channels.base import Job
from generation.dispatch.left_jobs import end_left_jobs
from generation.lifecycle import attempts, claims
from generation.lifecycle.claims import Claim
from generation.lifecycle.jobs import (
    may_cancel_statement,
    take_over_statement,
    write_job_statement,
)
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.outcome import AttemptEnd, cost_of_jobs
from generation.lifecycle.settlement import fail_unforeseen
from generation.models import Attempt, Channel, Generation
from generation.oversight.interventions import end_as_failed
from pictor.kit.database.prepared import fetch
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import begun, make_worker, queued_as, take

pytestmark = [pytest.mark.django_db, pytest.mark.quick]

LEFT = {"plan": {"origin": "https://left.example:None"}}
"""The channel has another address now, so its key does not follow."""
JOB = Job("job-1", "https://left.example/jobs/1").as_json() | LEFT
ANOTHER = Job("job-2", "https://left.example/jobs/2", cost=Micros(7_000)).as_json() | LEFT


@pytest.fixture
def ordered(claim: Claim, channel: Channel) -> UUID:
    """An open attempt with one job."""
    attempt_id = begun(claim, channel)
    assert attempt_id is not None
    assert wrote(attempt_id, JOB)
    return attempt_id


def wrote(attempt_id: UUID, job: Any, dispatch: int = 1) -> bool:
    return fetch(write_job_statement(attempt_id, dispatch=dispatch, job=job))


def handed_back(claim: Claim) -> None:
    worker = claim.generation.worker_id
    assert worker is not None
    claims.hand_back(worker=WorkerEpoch(worker))


def again(claim: Claim) -> Claim:
    claimed = take(generation_id=claim.generation.id, worker=make_worker())
    assert claimed is not None
    return claimed


def test_jobs_are_added_once_each_and_the_first_names_the_request(ordered):
    written = [wrote(ordered, JOB), wrote(ordered, ANOTHER), wrote(ordered, ANOTHER)]

    attempt = Attempt.objects.get()
    assert written == [True, True, True]
    assert attempt.jobs == [JOB, ANOTHER]
    assert attempt.upstream_request_id == "job-1"


def test_jobs_have_at_most_8_kb_together(ordered):
    large = {"id": "x", "look": "y" * 5_000}

    written = [wrote(ordered, {**large, "id": str(number)}) for number in range(3)]

    assert written == [True, False, False]


def test_neither_a_closed_attempt_nor_another_dispatch_takes_a_job(ordered, claim):
    other_dispatch = wrote(ordered, ANOTHER, dispatch=2)
    attempts.end_attempt(
        AttemptEnd(ordered, "refused"), generation=claim.generation, now=clock.now()
    )

    assert (other_dispatch, wrote(ordered, ANOTHER)) == (False, False)


def test_an_end_empties_the_jobs_and_never_blanks_the_request_id(ordered, claim):
    attempts.end_attempt(
        AttemptEnd(ordered, "unknown"), generation=claim.generation, now=clock.now()
    )

    attempt = Attempt.objects.get()
    assert (attempt.attempt_class, attempt.jobs) == ("unknown", None)
    assert attempt.upstream_request_id == "job-1"


def test_an_end_that_names_the_request_replaces_its_id(ordered, claim):
    end = AttemptEnd(ordered, "unknown", upstream_request_id="req_9")
    attempts.end_attempt(end, generation=claim.generation, now=clock.now())

    assert Attempt.objects.get().upstream_request_id == "req_9"


def test_the_next_claim_takes_over_the_open_attempt_with_jobs(ordered, claim):
    handed_back(claim)
    next_claim = again(claim)

    taken = [fetch(take_over_statement(next_claim)) for _ in range(2)]

    assert [found and found.jobs for found in taken] == [[JOB], [JOB]]
    first = taken[0]
    assert first is not None
    assert 0 <= first.seconds < 60
    assert not first.may_be_paid_besides
    attempt = Attempt.objects.get()
    assert (attempt.id, attempt.dispatch, attempt.number) == (ordered, 2, 1)


def test_nothing_is_taken_over_without_jobs_or_by_a_lost_claim(claim, channel, ordered):
    handed_back(claim)
    second = again(claim)
    Attempt.objects.update(jobs=None)
    without = fetch(take_over_statement(second))
    Attempt.objects.update(jobs=[JOB])

    assert (without, fetch(take_over_statement(claim))) == (None, None)


@pytest.mark.parametrize("ends", [("bad_result", True), ("refused", False)])
def test_a_takeover_knows_of_another_attempt_that_may_be_paid(claim, channel, ordered, ends):
    ended_as, may_have_billed = ends
    other = begun(claim, channel, number=2)
    assert other is not None
    end = AttemptEnd(other, ended_as, may_have_billed=may_have_billed)
    attempts.end_attempt(end, generation=claim.generation, now=clock.now())
    handed_back(claim)

    taken = fetch(take_over_statement(again(claim)))

    assert taken is not None
    assert taken.may_be_paid_besides is may_have_billed


def test_only_who_holds_claim_and_attempt_may_cancel_until_the_generation_has_ended(ordered, claim):
    def may_cancel() -> list[bool]:
        return [fetch(may_cancel_statement(ordered, dispatch=number)) for number in (1, 2)]

    seen = [may_cancel()]
    handed_back(claim)
    seen.append(may_cancel())
    next_claim = again(claim)
    seen.append(may_cancel())
    fetch(take_over_statement(next_claim))
    seen.append(may_cancel())
    attempts.end_attempt(
        AttemptEnd(ordered, "unknown"), generation=next_claim.generation, now=clock.now()
    )

    seen.append(may_cancel())
    fail_unforeseen(claim=next_claim, now=clock.now())

    held_by = [[True, False], [False, False], [False, False], [False, True], [False, False]]
    assert [*seen, may_cancel()] == [*held_by, [True, True]]


def test_an_end_of_an_earlier_dispatch_is_left_to_the_next_claim(ordered, claim):
    end = AttemptEnd(ordered, "unknown")
    handed_back(claim)
    while_queued = attempts.end_attempt(end, generation=claim.generation, now=clock.now())
    next_claim = again(claim)
    fetch(take_over_statement(next_claim))
    after = attempts.end_attempt(end, generation=claim.generation, now=clock.now())

    by_the_next = attempts.end_attempt(end, generation=next_claim.generation, now=clock.now())

    assert (while_queued, after, by_the_next) == (False, False, True)


def test_what_is_cut_off_is_spared_while_its_jobs_can_be_followed(ordered, claim):
    handed_back(claim)
    attempts.cut_off(generation_ids=[claim.generation.id], now=clock.now())
    while_queued = Attempt.objects.get().finished_at
    again(claim)
    attempts.cut_off(generation_ids=[claim.generation.id], now=clock.now())

    end_left_jobs(now=clock.now())

    assert (while_queued, Attempt.objects.get().finished_at) == (None, None)
    assert not Transfer.objects.filter(kind="loss").exists()


def unforeseen(claim: Claim) -> None:
    fail_unforeseen(claim=claim, now=clock.now())


def by_an_operator(claim: Claim) -> None:
    generation = Generation.objects.get()
    end_as_failed(generation=generation, reason="stuck", actor="Ann", now=clock.now())


@pytest.mark.parametrize("fail", [unforeseen, by_an_operator])
@pytest.mark.parametrize(
    ("jobs", "cost"),
    [
        ([JOB], (30_000, CostSource.FLAT)),
        ([ANOTHER], (7_000, CostSource.REPORTED)),
        ([JOB, ANOTHER], (30_000, CostSource.FLAT)),
    ],
    ids=["unknown to the vendor", "named", "named in part"],
)
def test_a_final_generations_attempt_is_closed_at_the_cost_known(ordered, claim, fail, jobs, cost):
    Attempt.objects.update(jobs=jobs)

    fail(claim)
    assert Attempt.objects.get().finished_at is None
    end_left_jobs(now=clock.now())

    attempt = Attempt.objects.get()
    assert (attempt.attempt_class, attempt.jobs) == ("unknown", None)
    assert (attempt.cost_micros, attempt.cost_source) == cost
    assert attempt.upstream_request_id == "job-1"
    assert Transfer.objects.get(kind="loss").amount == cost[0]
    assert ledger_findings() == []


def test_an_attempt_that_its_next_worker_never_took_over_is_closed_at_the_end(ordered, claim):
    handed_back(claim)

    unforeseen(again(claim))
    end_left_jobs(now=clock.now())

    attempt = Attempt.objects.get()
    assert (attempt.dispatch, attempt.attempt_class, attempt.jobs) == (1, "unknown", None)


def test_stopped_work_is_found_if_a_vendor_works_on_it(ordered, claim, acme):
    handed_back(claim)
    acme.generation()
    stop(what=stoppable("all"), reason="a bill", actor="Ann", now=clock.now())

    found, _ = waiting(Room(0, live=100, tests=10), {})

    assert found == [queued_as(claim.generation)]


@pytest.mark.parametrize(
    ("costs", "sum_of_all"),
    [([], None), ([None], None), ([5, None], None), ([0], 0), ([5, 7], 12)],
)
def test_jobs_cost_what_the_vendor_named_for_all_of_them(costs, sum_of_all):
    assert cost_of_jobs(costs) == sum_of_all
