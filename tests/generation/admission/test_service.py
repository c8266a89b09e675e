"""Admission: refusals before any money moves, the hold, and replays."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from accounts.services.office.api_keys import KeyRules
from billing.selectors.office.balances import statement
from billing.selectors.office.ledger import ledger_findings
from billing.services.office.accounts import top_up
from generation.admission import retry_shield, service
from generation.admission.retry_shield import Attendance, InDoubt, Turn, WebProcess
from generation.admission.service import Submission, admit
from generation.models import Channel, Contract, Generation, IdempotencyRecord, Route
from pictor.kit.words import clock
from pictor.kit.words.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InsufficientQuota,
    InvalidRequest,
    NoChannelAvailable,
    NotFound,
    RateLimited,
    Unavailable,
)
from pictor.kit.words.ids import GenerationId, new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import ORIGIN, PayingCustomer, at, make_channel

pytestmark = pytest.mark.django_db


@pytest.fixture
def untouched(acme):
    """Assert that nothing was held, written or remembered for acme."""

    def check():
        assert acme.money == (10_000_000, 0)
        assert [line.kind for line in statement(acme.id)] == ["top_up"]
        assert not Generation.objects.exists()
        assert not IdempotencyRecord.objects.exists()
        assert ledger_findings() == []

    return check


def test_an_admitted_request_is_queued_with_its_quote_on_hold(acme):
    now = at("2026-11-20T12:00:00Z")

    admitted = acme.submit(n=2, now=now)

    assert admitted.is_new is True
    generation = Generation.objects.get()
    assert generation == admitted.generation
    assert (generation.state, generation.dispatch) == ("queued", 0)
    assert (generation.held_micros, generation.captured_micros) == (105_360, None)
    assert generation.created_at == now
    assert generation.deadline_at == at("2026-11-20T12:08:00Z")
    assert generation.priced["quality_held"] == "medium"
    assert acme.money == (9_894_640, 105_360)
    assert [line.kind for line in statement(acme.id)] == ["top_up", "hold"]
    assert ledger_findings() == []


def test_auto_quality_is_held_at_high(acme):
    generation = acme.generation(quality="auto")

    assert generation.held_micros == 210_720
    assert (generation.quality_requested, generation.quality_sent) == ("auto", "auto")


def test_a_quality_that_was_not_sent_is_known_as_such(acme):
    generation = acme.generation(quality=None)

    assert (generation.quality_requested, generation.quality_sent) == ("auto", "")


def test_the_order_is_kept_in_the_contracts_words(channel):
    make_channel("pro", "gpt-image-2-pro")
    acme = PayingCustomer(rules=KeyRules(default_response_format="b64_json"))

    generation = acme.generation(
        model="gpt-image-2-pro", size="16:9(4K)", quality="hd", output_format="webp", user="u-1"
    )

    assert (generation.size_requested, generation.size, generation.tier) == (
        "16:9(4K)",
        "3840x2160",
        "4K",
    )
    assert (generation.quality_requested, generation.quality_sent) == ("high", "high")
    assert (generation.response_format, generation.output_format) == ("b64_json", "webp")
    assert generation.fields == {"user": "u-1"}
    assert generation.held_micros == 400_260


# --- refused before any money -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("openai/gpt-image-2", "'gpt-image-2'"),
        ("GPT-Image-2", "'gpt-image-2'"),
        ("gpt-image-2-2026-04-21", "'gpt-image-2'"),
        ("openai:gpt-image-2", "'gpt-image-2'"),
        ("gpt_image 2", "'gpt-image-2'"),
        ("gpt-image-2-latest", "'gpt-image-2'"),
        ("gpt-image-2:latest", "'gpt-image-2'"),
        ("dall-e3", "'dall-e-3'"),
        ("flux-pro", ""),
    ],
)
def test_the_model_that_is_meant_is_named(acme, model, meant):
    with pytest.raises(NotFound) as refused:
        acme.submit(model=model)

    hint = f"Did you mean {meant}?" if meant else "GET /v1/models lists the models."
    assert refused.value.message == f"The model {model!r} does not exist. {hint}"


def test_no_model_is_named_that_the_key_may_not_use(acme):
    type(acme.key).objects.filter(pk=acme.key.pk).update(allowed_models=["dall-e-3"])

    with pytest.raises(NotFound) as refused:
        acme.submit(model="GPT-Image-2")

    assert refused.value.message.endswith("GET /v1/models lists the models.")


@pytest.mark.parametrize("model", ["gpt-image-9", "", "GPT-IMAGE-2", "x" * 5000])
def test_an_unknown_model_is_not_found(acme, untouched, model):
    with pytest.raises(NotFound) as refused:
        acme.submit(model=model)

    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert len(refused.value.message) < 300
    untouched()


def test_a_disabled_model_is_as_unknown(acme, untouched):
    Contract.objects.filter(model=ORIGIN).update(is_enabled=False)

    with pytest.raises(NotFound):
        acme.submit()

    untouched()


def test_a_model_that_the_key_may_not_use_is_forbidden(channel):
    narrow = PayingCustomer(rules=KeyRules(models=["dall-e-2"]))

    with pytest.raises(Forbidden) as refused:
        narrow.submit()

    assert (refused.value.code, refused.value.param) == ("insufficient_permissions", "model")
    assert narrow.money == (10_000_000, 0)


def test_an_unpriced_size_is_our_fault_and_never_free(acme, untouched, caplog):
    contract = Contract.objects.get(model=ORIGIN)
    contract.sizes.append({"size": "640x640", "tier": "1K"})
    contract.save()

    with pytest.raises(Unavailable, match="no price for size 640x640") as refused:
        acme.submit(size="640x640")

    assert (refused.value.status, refused.value.should_retry) == (503, True)
    assert "publish a price book that has one" in caplog.text
    untouched()


def test_a_model_that_no_channel_serves_is_refused_before_any_hold(acme, untouched):
    Route.objects.all().delete()

    with pytest.raises(NoChannelAvailable) as refused:
        acme.submit()

    assert (refused.value.status, refused.value.should_retry) == (503, False)
    untouched()


def test_a_model_whose_channels_are_all_disabled_is_refused(acme, untouched):
    Channel.objects.update(is_enabled=False)

    with pytest.raises(NoChannelAvailable):
        acme.submit()

    untouched()


def test_an_exact_size_that_no_channel_makes_is_refused(acme, untouched):
    Channel.objects.update(sizes=["1024x1024"])

    with pytest.raises(NoChannelAvailable, match=r"at 2048x2048 now\. You were not charged"):
        acme.submit(size="2048x2048")

    untouched()


def test_an_invalid_request_is_not_remembered(acme, untouched):
    with pytest.raises(InvalidRequest):
        acme.submit(size="1x1", idempotency_key="k")

    untouched()


def test_a_balance_that_is_too_low_leaves_nothing_behind(channel):
    poor = PayingCustomer(balance=52_679)

    with pytest.raises(InsufficientQuota, match=r"0\.000001 USD is missing"):
        poor.submit(idempotency_key="k")

    assert poor.money == (52_679, 0)
    assert not Generation.objects.exists()
    assert not IdempotencyRecord.objects.exists()


def test_after_a_refusal_the_same_key_may_be_used_again(channel):
    poor = PayingCustomer(balance=10_000)
    with pytest.raises(InsufficientQuota):
        poor.submit(idempotency_key="k")
    top_up(tenant_id=poor.id, amount=Micros(100_000), reason="card", actor="test")

    assert poor.submit(idempotency_key="k").is_new is True
    assert poor.money == (57_320, 52_680)


def test_a_key_with_a_request_in_flight_too_many_is_refused(channel):
    busy = PayingCustomer(rules=KeyRules(max_in_flight=1))
    busy.submit()

    with pytest.raises(RateLimited) as refused:
        busy.submit()

    assert refused.value.code == "concurrency_limit_exceeded"
    assert busy.money == (9_947_320, 52_680)


def test_a_write_that_fails_takes_its_hold_with_it(acme):
    taken = acme.generation().id

    with pytest.raises(IntegrityError):
        acme.submit(generation_id=taken, idempotency_key="k")

    assert acme.money == (9_947_320, 52_680)
    assert Generation.objects.count() == 1
    assert not IdempotencyRecord.objects.exists()
    assert ledger_findings() == []


def test_a_retry_finds_the_image_when_the_commits_answer_was_lost(acme, monkeypatch):
    hold_once = service._hold_once  # noqa: SLF001 - the transaction whose answer is lost

    def is_lost(*arguments: Any, **named: Any) -> Any:
        hold_once(*arguments, **named)
        raise OperationalError("server closed the connection unexpectedly")

    first, second = GenerationId(new_uuid()), GenerationId(new_uuid())
    lost, again = waited_for(acme, first), replace(waited_for(acme, second), is_retry=True)
    monkeypatch.setattr(service, "_hold_once", is_lost)
    with pytest.raises(InDoubt):
        admit(lost, generation_id=first, now=clock.now())
    monkeypatch.undo()
    retry_shield.record_left([Turn(first)])

    admitted = admit(again, generation_id=second, now=clock.now())

    assert lost.attendance is not None
    assert lost.attendance.is_in_doubt
    assert (admitted.is_new, admitted.generation.id) == (False, first)
    assert acme.money == (9_947_320, 52_680)


def test_a_statement_refused_by_the_database_leaves_no_doubt(acme, monkeypatch):
    def is_locked(*_: Any, **__: Any) -> Any:
        raise OperationalError("canceling statement") from psycopg.errors.LockNotAvailable()

    request = waited_for(acme, GenerationId(new_uuid()))
    monkeypatch.setattr(service, "_hold_once", is_locked)
    with pytest.raises(OperationalError):
        admit(request, generation_id=GenerationId(new_uuid()), now=clock.now())

    assert request.attendance is not None
    assert not request.attendance.is_in_doubt


@pytest.mark.parametrize("is_retry", [False, True])
def test_a_caller_gone_before_the_hold_has_none(acme, is_retry):
    generation_id = GenerationId(new_uuid())
    request = replace(waited_for(acme, generation_id), is_retry=is_retry)
    assert request.attendance is not None
    request.attendance.is_gone = True

    with pytest.raises(Unavailable, match="Nothing was charged"):
        admit(request, generation_id=generation_id, now=clock.now())

    assert acme.money == (10_000_000, 0)
    assert not Generation.objects.exists()


def waited_for(acme: PayingCustomer, generation_id: GenerationId) -> Submission:
    """A request whose caller waits, without an idempotency key."""
    return Submission(
        caller=acme.caller(),
        request={"model": ORIGIN, "prompt": "a fox", "quality": "medium"},
        attendance=Attendance(WebProcess(), Turn(generation_id)),
    )


# --- replays ----------------------------------------------------------------------------------


def test_a_replay_finds_the_generation_and_holds_nothing(acme):
    first = acme.submit(idempotency_key="k")

    again = acme.submit(idempotency_key="k")

    assert (again.is_new, again.generation) == (False, first.generation)
    assert acme.money == (9_947_320, 52_680)


def test_a_replay_is_found_before_the_balance_is_looked_at(channel):
    poor = PayingCustomer(balance=52_680)
    first = poor.submit(idempotency_key="k")
    assert poor.money == (0, 52_680)

    again = poor.submit(idempotency_key="k")

    assert (again.is_new, again.generation) == (False, first.generation)


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"sizes": []}, {"max_n": 0}])
def test_a_replay_is_found_whatever_became_of_the_model(acme, change):
    acme.submit(idempotency_key="k")
    Contract.objects.filter(model=ORIGIN).update(**change)
    Route.objects.all().delete()

    assert acme.submit(idempotency_key="k").is_new is False


def test_the_same_key_with_another_body_is_a_conflict(acme):
    acme.submit(idempotency_key="k")

    with pytest.raises(IdempotencyKeyReused):
        acme.submit(idempotency_key="k", prompt="a wolf")

    assert Generation.objects.count() == 1
    assert acme.money == (9_947_320, 52_680)


def test_two_tenants_may_use_the_same_key(acme, other):
    first = acme.submit(idempotency_key="k")

    second = other.submit(idempotency_key="k", prompt="a wolf")

    assert second.is_new is True
    assert second.generation != first.generation


def test_without_a_key_equal_requests_are_two_orders(acme):
    assert acme.submit().generation != acme.submit().generation


def test_an_expired_record_gives_way(acme):
    yesterday = clock.now() - timedelta(hours=25)
    first = acme.submit(idempotency_key="k", now=yesterday)

    second = acme.submit(idempotency_key="k", prompt="a wolf")

    assert second.is_new is True
    assert second.generation != first.generation
    assert IdempotencyRecord.objects.get().generation == second.generation


# --- many at once -----------------------------------------------------------------------------


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    barrier = Barrier(count)

    def one(index: int) -> Any:
        try:
            barrier.wait(10)
            return work(index)
        except (IdempotencyKeyReused, InsufficientQuota) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_equal_requests_at_once_are_one_generation_and_one_hold(acme):
    admitted = at_once(lambda _: acme.submit(idempotency_key="k"), 12)

    assert Counter(one.is_new for one in admitted) == {True: 1, False: 11}
    assert len({one.generation.id for one in admitted}) == 1
    assert acme.money == (9_947_320, 52_680)
    assert ledger_findings() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_equal_requests_at_once_on_a_balance_for_one_are_all_answered(channel):
    poor = PayingCustomer(balance=52_680)

    admitted = at_once(lambda _: poor.submit(idempotency_key="k"), 12)

    assert Counter(one.is_new for one in admitted) == {True: 1, False: 11}
    assert poor.money == (0, 52_680)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_one_of_different_bodies_under_one_key_at_once_is_admitted(acme):
    outcomes = at_once(
        lambda index: acme.submit(idempotency_key="k", prompt=f"{index} foxes").is_new, 12
    )

    assert Counter(outcomes) == {True: 1, "IdempotencyKeyReused": 11}
    assert Generation.objects.count() == 1
    assert acme.money == (9_947_320, 52_680)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_exactly_ten_of_forty_at_once_are_admitted_on_a_balance_for_ten(channel):
    poor = PayingCustomer(balance=526_800)

    outcomes = at_once(lambda _: poor.submit(generation_id=new_uuid()).is_new, 40)

    assert Counter(outcomes) == {True: 10, "InsufficientQuota": 30}
    assert poor.money == (0, 526_800)
    assert Generation.objects.count() == 10
    assert ledger_findings() == []
