"""Prompts that their tenants keep for a limited number of days."""

from datetime import timedelta

import pytest

from accounts.services.office.personal_data import set_prompt_retention
from billing.selectors.office.ledger import ledger_findings, usage_findings
from generation.background.retention import delete_tests, forget_prompts
from generation.lifecycle.settlement import cancel, settle_and_tell
from generation.models import Attempt, Generation, IdempotencyRecord, PromptsForgotten, Serves
from generation.oversight.ledger.findings import generation_findings
from generation.tenants.forgetting import forget_words
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.making.factories import PayingCustomer, make_channel, make_delivery, stored_images, take

DAY = timedelta(days=1)


@pytest.fixture
def canceled(acme, other):
    """A generation of each tenant, made now; acme keeps prompts for 30 days, other always."""
    set_prompt_retention(tenant=acme.tenant, days=30, actor="test")
    set_prompt_retention(tenant=other.tenant, days=None, actor="test")
    made = {"acme": acme.generation(user="u-1"), "other": other.generation(user="u-1")}
    for generation in made.values():
        cancel(generation=generation, now=clock.now())
    return made


def prompts() -> dict[str, str]:
    return dict(Generation.objects.values_list("tenant__name", "prompt"))


def test_a_prompt_is_erased_when_its_days_are_over_and_no_other(canceled):
    now = clock.now()

    early = forget_prompts(now=now + 29 * DAY)
    kept = prompts()
    due = forget_prompts(now=now + 31 * DAY)
    again = forget_prompts(now=now + 32 * DAY)

    assert (early, due, again) == (0, 1, 0)
    assert kept == {"acme": "a fox", "other": "a fox"}
    assert prompts() == {"acme": "", "other": "a fox"}
    assert Generation.objects.get(id=canceled["acme"].id).fields == {}
    assert PromptsForgotten.objects.get().until == now + 2 * DAY


def test_a_long_retention_of_one_tenant_keeps_nobody_elses_prompts(canceled, other):
    set_prompt_retention(tenant=other.tenant, days=36_500, actor="test")

    assert forget_prompts(now=clock.now() + 31 * DAY) == 1
    assert prompts() == {"acme": "", "other": "a fox"}


def test_a_prompt_that_was_missed_for_months_is_found(canceled):
    forget_prompts(now=clock.now())

    assert forget_prompts(now=clock.now() + 300 * DAY) == 1


def test_shorter_days_hold_for_what_is_there_already(canceled, acme):
    now = clock.now()
    forget_prompts(now=now + 10 * DAY)
    set_prompt_retention(tenant=acme.tenant, days=1, actor="test")

    assert forget_prompts(now=now + 10 * DAY) == 1


def test_a_generation_under_way_keeps_its_prompt(acme):
    set_prompt_retention(tenant=acme.tenant, days=1, actor="test")
    acme.generation()

    assert forget_prompts(now=clock.now() + 2 * DAY) == 0


def test_a_prompt_that_is_not_to_be_kept_is_gone_within_two_hours(acme):
    set_prompt_retention(tenant=acme.tenant, days=0, actor="test")
    made, hour = acme.generation(), timedelta(hours=1)
    cancel(generation=made, now=clock.now())

    early = forget_prompts(now=clock.now() + 0.9 * hour)
    late = forget_prompts(now=clock.now() + 1.9 * hour)

    assert (early, late) == (0, 1)


@pytest.fixture
def made(acme, worker, spools):
    """Two tests and a live image without prompts; one test and the live image have no files."""
    make_channel("sandbox", serves=Serves.TEST)
    tester = PayingCustomer("tester", balance=0, is_test=True)
    made = {}
    for name, customer in {"gone": tester, "there": tester, "live": acme}.items():
        claim = take(generation_id=customer.generation(idempotency_key=name).id, worker=worker)
        assert claim is not None
        delivery = make_delivery(claim, spools)
        images = stored_images(claim, delivery)
        assert settle_and_tell(claim=claim, delivery=delivery, stored=images, now=clock.now())
        made[name] = claim.generation.id
    forget_words(made.values(), now=clock.now())
    stored = StoredImage.objects.exclude(generation_id=made["there"])
    stored.update(deleted_at=clock.now())
    return made


def test_the_rows_of_a_test_go_30_days_after_its_words(made):
    early = delete_tests(now=clock.now() + 29.9 * DAY)
    due = delete_tests(now=clock.now() + 30.1 * DAY)
    again = delete_tests(now=clock.now() + 300 * DAY)

    assert (early, due, again) == (0, 1, 0)
    left = {made["there"], made["live"]}
    assert set(Generation.objects.values_list("id", flat=True)) == left
    assert set(Attempt.objects.values_list("generation_id", flat=True)) == left
    assert set(StoredImage.objects.values_list("generation_id", flat=True)) == left
    assert set(IdempotencyRecord.objects.values_list("generation_id", flat=True)) == left
    assert [*ledger_findings(), *usage_findings(), *generation_findings()] == []


def test_the_words_of_a_test_end_within_a_day_and_those_of_a_live_request_stay(acme):
    make_channel("sandbox", serves=Serves.TEST)
    tester = PayingCustomer("tester", balance=0, is_test=True)
    live, test = acme.generation(), tester.generation()
    for generation in (live, test):
        cancel(generation=generation, now=clock.now())
    hour = timedelta(hours=1)

    early = forget_prompts(now=clock.now() + 22 * hour)
    late = forget_prompts(now=clock.now() + 23.9 * hour)

    assert (early, late) == (0, 1)
    assert prompts() == {"acme": "a fox", "tester": ""}
