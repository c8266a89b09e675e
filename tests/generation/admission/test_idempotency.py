"""Idempotency keys: their form, the body's digest, and how long they are remembered."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from generation.admission import idempotency
from generation.models import Generation, IdempotencyRecord
from pictor.kit.words.errors import IdempotencyKeyReused, InvalidRequest
from tests.making.factories import at

NOW = at("2026-11-20T12:00:00Z")


@pytest.mark.parametrize("key", ["a", "!", "~", "order-4711", "x" * 255, "a,b;c='d'"])
def test_a_key_is_up_to_255_visible_ascii_characters(key):
    assert idempotency.checked_key(key) == key


def test_no_header_is_no_key():
    assert idempotency.checked_key(None) is None


@pytest.mark.parametrize("key", ["", " ", "a b", "a\t", "x" * 256, "schlüssel", "a\x00", "\x7f"])
def test_any_other_key_is_refused(key):
    with pytest.raises(InvalidRequest) as refused:
        idempotency.checked_key(key)

    assert (refused.value.code, refused.value.param) == ("invalid_value", "Idempotency-Key")


def test_the_order_of_fields_makes_no_difference():
    one = idempotency.digest_of({"model": "m", "style": {"a": 1, "b": [1, 2]}})
    two = idempotency.digest_of({"style": {"b": [1, 2], "a": 1}, "model": "m"})

    assert one == two
    assert len(one) == 32


@pytest.mark.parametrize(
    "other",
    [
        {"model": "m", "n": 2},
        {"model": "m", "n": "1"},
        {"model": "m"},
        {"model": "m", "n": 1, "watermark": False},
        {"model": "M", "n": 1},
    ],
)
def test_another_body_has_another_digest(other):
    assert idempotency.digest_of(other) != idempotency.digest_of({"model": "m", "n": 1})


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"seed": 1}, {"seed": 1.0}, True),
        ({"seed": 1, "style": None}, {"seed": 1}, True),
        ({"seed": None}, {}, True),
        ({"seed": 1}, {"seed": 1.5}, False),
        ({"seed": 1}, {"seed": True}, False),
        ({"seed": 1}, {"seed": "1"}, False),
        ({"seed": 1}, {"guidance": 1}, False),
    ],
    ids=str,
)
def test_parameters_that_mean_the_same_make_no_difference(one, other, is_same):
    bodies = [{"model": "m", "parameters": each} for each in (one, other)]

    assert (idempotency.digest_of(bodies[0]) == idempotency.digest_of(bodies[1])) == is_same


def test_a_body_without_parameters_keeps_its_digest():
    digests = {
        idempotency.digest_of(body).hex()
        for body in ({"model": "m", "n": 1}, {"n": 1, "model": "m", "parameters": {"seed": None}})
    }

    # sha256 of {"model":"m","n":1}
    assert digests == {"af0555f42d7f08bc5ce36d33c968bdf2d6f05ed7daa1ce1f50d9e4c4cc11e976"}


def test_the_order_of_an_array_does_make_a_difference():
    assert idempotency.digest_of({"image": ["a", "b"]}) != idempotency.digest_of(
        {"image": ["b", "a"]}
    )


@pytest.fixture
def remembered(queued):
    idempotency.remember(key="k", body_digest=b"1" * 32, generation=queued, now=NOW)
    return queued


def find(
    tenant_id: UUID,
    *,
    livemode: bool = True,
    body_digest: bytes = b"1" * 32,
    now: datetime = NOW,
) -> Generation | None:
    return idempotency.find(
        tenant_id=tenant_id, livemode=livemode, key="k", body_digest=body_digest, now=now
    )


def test_the_same_key_and_body_find_the_generation(acme, remembered):
    assert find(acme.id) == remembered


def test_the_same_key_with_another_body_is_a_conflict(acme, remembered):
    with pytest.raises(IdempotencyKeyReused, match="different request") as refused:
        find(acme.id, body_digest=b"2" * 32)

    assert (refused.value.status, refused.value.should_retry) == (422, False)


def test_a_key_is_its_tenants_own(other, remembered):
    assert find(other.id) is None


def test_a_key_of_live_requests_is_unknown_to_tests(acme, remembered):
    assert find(acme.id, livemode=False) is None


@pytest.mark.parametrize(
    ("age", "is_found"),
    [(timedelta(hours=24) - timedelta(seconds=1), True), (timedelta(hours=24), False)],
)
def test_a_key_is_remembered_for_24_hours(acme, remembered, age, is_found):
    assert (find(acme.id, now=NOW + age) is not None) is is_found


def test_a_forgotten_key_may_be_used_for_another_body(acme, remembered):
    assert find(acme.id, body_digest=b"2" * 32, now=NOW + timedelta(hours=25)) is None


def test_expired_idempotency_records_are_deleted(acme, remembered):
    assert idempotency.forget_expired(now=NOW + timedelta(hours=23)) == 0
    assert idempotency.forget_expired(now=NOW + timedelta(hours=24)) == 1
    assert not IdempotencyRecord.objects.exists()
