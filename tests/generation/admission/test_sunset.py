"""An ended model is refused from its last second on; admitted requests still finish."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.services.office.api_keys import KeyRules
from generation.admission.quoting import quoted_order
from generation.catalogue.services.sunsets import announce_sunset, withdraw_sunset
from generation.models import Contract, Generation
from pictor.kit.words.errors import ModelForbidden, ModelSunset, NotFound
from tests.making.factories import ORIGIN, PayingCustomer, make_channel, take

pytestmark = [pytest.mark.django_db, pytest.mark.quick]

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
END = datetime(2027, 3, 1, tzinfo=UTC)
BEFORE = END - timedelta(seconds=1)
WHOLE = (10_000_000, 0)


@pytest.fixture
def announced(channel: object) -> None:
    """gpt-image-2-origin has an announced end."""
    announce_sunset(model=ORIGIN, sunset_at=END, successor="gpt-image-2", now=NOW, actor="Ann")


@pytest.mark.usefixtures("announced")
def test_an_ending_model_is_admitted_to_the_last_second_and_refused_after(acme):
    made = acme.submit(now=BEFORE)

    assert made.is_new
    with pytest.raises(ModelSunset) as refused:
        acme.submit(now=END)
    assert refused.value.message == (
        "The model gpt-image-2-origin ended at 2027-03-01T00:00:00Z. Use gpt-image-2 instead."
    )
    assert Generation.objects.count() == 1


@pytest.mark.usefixtures("announced")
def test_a_test_key_is_refused_like_any_other(acme):
    make_channel("sandbox", serves="test")
    tester = acme.tester()

    assert tester.submit(now=BEFORE).is_new
    with pytest.raises(ModelSunset):
        tester.submit(now=END)


@pytest.mark.usefixtures("announced")
def test_nothing_is_held_and_no_price_told_of_it(acme):
    request = {"model": ORIGIN, "prompt": "a fox", "quality": "medium"}

    told = quoted_order(caller=acme.caller(), request=request, now=BEFORE)

    assert told.quote.total == 52_680
    with pytest.raises(ModelSunset):
        quoted_order(caller=acme.caller(), request=request, now=END)
    with pytest.raises(ModelSunset):
        acme.submit(now=END)
    assert acme.money == WHOLE


@pytest.mark.usefixtures("announced")
def test_the_key_of_an_earlier_request_finds_its_image(acme):
    first = acme.submit(idempotency_key="a", now=BEFORE)

    again = acme.submit(idempotency_key="a", now=END)

    assert (again.is_new, again.generation.id) == (False, first.generation.id)
    with pytest.raises(ModelSunset):
        acme.submit(idempotency_key="b", now=END)


@pytest.mark.usefixtures("announced")
def test_a_queued_generation_of_an_ended_model_is_claimed(acme, worker):
    queued = acme.generation(now=BEFORE)
    Contract.objects.filter(model=ORIGIN).update(sunset_at=NOW)

    assert take(generation_id=queued.id, worker=worker) is not None


@pytest.mark.usefixtures("announced")
def test_an_ended_model_stays_ended_when_it_is_switched_off(acme):
    Contract.objects.filter(model=ORIGIN).update(is_enabled=False)

    with pytest.raises(NotFound):
        acme.submit(now=BEFORE)
    with pytest.raises(ModelSunset):
        acme.submit(now=END)


@pytest.mark.usefixtures("announced")
def test_a_key_that_never_could_is_told_that(channel):
    narrow = PayingCustomer("narrow", rules=KeyRules(scopes=["images:write"], models=["dall-e-2"]))

    with pytest.raises(ModelForbidden):
        narrow.submit(now=END)


@pytest.mark.usefixtures("announced")
def test_a_model_whose_end_was_withdrawn_is_admitted_as_before(acme):
    withdraw_sunset(model=ORIGIN, now=BEFORE, actor="Ann")

    assert acme.submit(now=END).is_new
