"""Claims, leases and conditional writes decide which worker may work on a generation."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.db.models import F

from billing.models import Transfer
from billing.selectors.office.ledger import ledger_findings
from billing.upstream_cost import Cost, CostSource
from generation.lifecycle import attempts, claims, lease
from generation.lifecycle.claims import Claim
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.outcome import AttemptEnd
from generation.models import Attempt, Generation, Worker
from pictor.kit.database.prepared import fetch
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import begun, make_worker, queued_as, route_info, take

pytestmark = [pytest.mark.django_db, pytest.mark.quick]


def lose_lease(worker: WorkerEpoch) -> None:
    """The worker was last seen 16 seconds ago."""
    Worker.objects.filter(epoch=worker).update(seen_at=F("seen_at") - timedelta(seconds=16))


def test_a_claim_makes_the_generation_run_under_the_worker(queued, worker):
    claim = take(generation_id=queued.id, worker=worker)

    assert claim is not None
    assert (claim.dispatch, claim.generation.state, claim.generation.worker_id) == (
        1,
        "running",
        worker,
    )
    assert 470 < claim.seconds_left <= 480
    assert claim.generation.started_at is not None


def test_a_claim_brings_the_configurations_revision(acme, worker, queued):
    claim = take(generation_id=queued.id, worker=worker)

    assert claim is not None
    assert claim.revision == acme.caller().revision


def test_a_running_generation_cannot_be_claimed(claim):
    assert take(generation_id=claim.generation.id, worker=make_worker()) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_one_of_eight_workers_at_once_gets_the_claim(queued):
    workers = [make_worker() for _ in range(8)]
    barrier = Barrier(8)

    def takes(worker):
        try:
            barrier.wait(10)
            return take(generation_id=queued.id, worker=worker) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(takes, workers))

    assert outcomes == {True: 1, False: 7}
    queued.refresh_from_db()
    assert queued.dispatch == 1


def test_an_unknown_generation_or_worker_has_no_claim(queued, worker):
    assert take(generation_id=new_uuid(), worker=worker) is None
    assert take(generation_id=queued.id, worker=WorkerEpoch(new_uuid())) is None


def test_a_worker_whose_lease_ran_out_claims_nothing(queued, worker):
    lose_lease(worker)

    assert take(generation_id=queued.id, worker=worker) is None
    queued.refresh_from_db()
    assert (queued.state, queued.dispatch) == ("queued", 0)


def test_a_retired_worker_claims_nothing(queued, worker):
    lease.retire(worker=worker)

    assert take(generation_id=queued.id, worker=worker) is None


def test_an_overdue_generation_is_not_claimed(queued, worker):
    Generation.objects.filter(id=queued.id).update(deadline_at=clock.now() - timedelta(seconds=1))

    assert take(generation_id=queued.id, worker=worker) is None


def test_each_dispatch_is_counted_and_the_tenth_is_refused(queued, worker):
    dispatches = []
    for _ in range(10):
        claim = take(generation_id=queued.id, worker=worker)
        dispatches.append(claim.dispatch if claim else None)
        claims.hand_back(worker=worker)

    assert dispatches == [*range(1, 10), None]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_each_is_claimed_by_its_own_row_and_worker(acme, worker):
    made = [acme.generation() for _ in range(7)]
    lost = make_worker()
    lose_lease(lost)
    good, running, overdue, quarantined, locked, other, again = (one.id for one in made)
    take(generation_id=running, worker=worker)
    Generation.objects.filter(id=overdue).update(deadline_at=clock.now())
    Generation.objects.filter(id=quarantined).update(quarantine=1)
    wanted = [
        *((one, worker) for one in (again, good, running, overdue, quarantined, locked)),
        *((other, lost), (again, worker)),
    ]
    with psycopg.connect(**connection.get_connection_params()) as elsewhere:
        elsewhere.execute(
            "SELECT FROM generation_generation WHERE id = %s FOR NO KEY UPDATE", [locked]
        )
        found = claimed(*wanted)

    assert [claim and claim.generation.id for claim in found] == [again, good, *[None] * 6]
    assert Counter(Generation.objects.values_list("dispatch", flat=True)) == {0: 4, 1: 3}


def claimed(*wanted: tuple[UUID, WorkerEpoch]) -> list[Claim | None]:
    """Claim all in one statement."""
    claiming = claims.claims_statement(wanted, begin_part=attempts.begin_with_claims_part({}))
    with connection.cursor() as cursor:
        cursor.execute(claiming.text, claiming.values)
        return claiming.read(cursor.fetchall())


def test_the_first_start_stays_the_start(queued, worker):
    first = take(generation_id=queued.id, worker=worker)
    claims.hand_back(worker=worker)

    second = take(generation_id=queued.id, worker=worker)

    assert first is not None
    assert second is not None
    assert second.generation.started_at == first.generation.started_at


def test_handing_back_queues_only_this_workers_running_generations(acme, worker):
    mine, others, waiting = (acme.generation() for _ in range(3))
    take(generation_id=mine.id, worker=worker)
    take(generation_id=others.id, worker=make_worker())

    assert claims.hand_back(worker=worker) == [queued_as(mine)]

    rows = dict(Generation.objects.values_list("id", "state"))
    assert rows == {mine.id: "queued", others.id: "running", waiting.id: "queued"}
    mine.refresh_from_db()
    assert mine.worker_id is None
    assert claims.hand_back(worker=worker) == []


def test_some_can_be_handed_back_and_the_others_kept(acme, worker):
    let_go, kept = (acme.generation() for _ in range(2))
    for generation in (let_go, kept):
        take(generation_id=generation.id, worker=worker)

    assert claims.hand_back(worker=worker, only=[let_go.id]) == [queued_as(let_go)]
    assert claims.running_under(worker) == [kept.id]


def test_beginning_an_attempt_again_writes_no_second_row(claim, channel):
    facts = {
        "attempt_id": new_uuid(),
        "claim": claim,
        "number": 1,
        "route": route_info(channel_id=channel.id),
        "upstream_size": "1024x1024",
    }

    assert fetch(attempts.begin_attempt_statement(**facts))
    assert fetch(attempts.begin_attempt_statement(**facts))
    assert Attempt.objects.count() == 1


def test_no_attempt_begins_after_the_deadline(claim, channel):
    Generation.objects.filter(id=claim.generation.id).update(deadline_at=clock.now())

    assert begun(claim, channel) is None


def test_an_attempt_is_written_down_before_the_call(claim, channel):
    attempt_id = begun(claim, channel)

    assert attempt_id is not None
    attempt = Attempt.objects.get(id=attempt_id)
    assert (attempt.dispatch, attempt.number, attempt.channel_id) == (1, 1, channel.id)
    assert (attempt.upstream_size, attempt.attempt_class, attempt.finished_at) == (
        "1024x1024",
        "",
        None,
    )


def test_a_lost_claim_begins_no_attempt(claim, channel, worker):
    claims.hand_back(worker=worker)
    assert begun(claim, channel) is None

    take(generation_id=claim.generation.id, worker=make_worker())

    assert begun(claim, channel) is None
    assert not Attempt.objects.exists()


def test_an_attempts_end_is_written_and_its_cost_booked_once(claim, channel):
    attempt_id = begun(claim, channel)
    assert attempt_id is not None
    end = AttemptEnd(
        attempt_id,
        "unknown",
        http_status=504,
        upstream_request_id="r" * 300,
        may_have_billed=True,
        cost=Cost(Micros(30_000), CostSource.FLAT),
        detail="d" * 600,
    )

    for _ in range(2):
        attempts.end_attempt(end, generation=claim.generation, now=clock.now())

    attempt = Attempt.objects.get(id=attempt_id)
    assert (attempt.attempt_class, attempt.http_status, attempt.cost_micros) == (
        "unknown",
        504,
        30_000,
    )
    assert (len(attempt.upstream_request_id), len(attempt.detail)) == (200, 500)
    booked = Transfer.objects.filter(attempt_id=attempt_id)
    assert [(transfer.kind, transfer.amount) for transfer in booked] == [("loss", 30_000)]
    assert ledger_findings() == []


def test_the_first_end_of_an_attempt_stands(claim, channel):
    attempt_id = begun(claim, channel)
    assert attempt_id is not None
    for name in ("delivered", "unknown"):
        attempts.end_attempt(
            AttemptEnd(attempt_id, name, cost=Cost(Micros(30_000), CostSource.FLAT)),
            generation=claim.generation,
            now=clock.now(),
        )

    assert Attempt.objects.get().attempt_class == "delivered"
    assert Transfer.objects.get(attempt_id=attempt_id).kind == "upstream_cost"


@pytest.mark.parametrize("seconds", [10, 16])
def test_a_renewed_lease_lasts_on_even_after_it_had_run_out(worker, queued, seconds):
    Worker.objects.filter(epoch=worker).update(seen_at=F("seen_at") - timedelta(seconds=seconds))

    assert lease.renew(worker=worker) == []

    assert take(generation_id=queued.id, worker=worker) is not None


def test_a_retired_worker_cannot_renew(worker, queued):
    lease.retire(worker=worker)

    assert lease.renew(worker=worker) is None

    assert take(generation_id=queued.id, worker=worker) is None


def test_each_life_of_a_process_has_its_own_epoch(db):
    assert make_worker() != make_worker()
    assert Worker.objects.filter(stopped_at=None).count() == 2


def test_attempts_that_a_crash_cut_off_may_have_been_paid_for(claim, channel, worker):
    cut_off, closed = begun(claim, channel), begun(claim, channel, number=2)
    assert cut_off is not None
    assert closed is not None
    attempts.end_attempt(
        AttemptEnd(closed, "refused"), generation=claim.generation, now=clock.now()
    )

    claims.hand_back(worker=worker)

    attempts.cut_off(generation_ids=[claim.generation.id], now=clock.now())

    attempt = Attempt.objects.get(id=cut_off)
    assert (attempt.attempt_class, attempt.may_have_billed) == ("unknown", True)
    assert attempt.finished_at is not None
    assert Attempt.objects.get(id=closed).attempt_class == "refused"


def test_an_attempt_of_a_later_claim_is_not_interrupted(claim, channel, worker):
    before = begun(claim, channel)
    claims.hand_back(worker=worker)
    again = take(generation_id=claim.generation.id, worker=make_worker())
    assert again is not None
    after = begun(again, channel)

    attempts.cut_off(generation_ids=[claim.generation.id], now=clock.now())

    still_open = Attempt.objects.filter(finished_at=None)
    assert [attempt.id for attempt in still_open] == [after]
    assert before != after
