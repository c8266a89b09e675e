"""A remembered caller costs no look-up before a hold, and keeps no rights it has lost."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from accounts.authentication import digests_of
from accounts.models import ApiKey, ConfigRevision, Tenant
from accounts.services.office.api_keys import (
    OVERLAPS,
    KeyRules,
    change_api_key,
    revoke_api_key,
    rotate_api_key,
)
from accounts.services.office.tenants import set_tenant_status
from generation.admission import service
from generation.admission.identity import known
from generation.api import requests
from generation.catalogue.services import set_enabled
from generation.catalogue.services.stop_switch import Stoppable, stop
from generation.models import Channel, Generation
from pictor.kit.database import pools
from pictor.kit.database.loop_connections import LoopConnections
from pictor.kit.endpoints.body import Body
from pictor.kit.words import clock
from pictor.kit.words.errors import (
    Forbidden,
    InsufficientQuota,
    InvalidRequest,
    ModelForbidden,
    NoChannelAvailable,
    Paused,
    Unauthenticated,
)
from tests.customers.edits import data_uri
from tests.generation.admission.arriving import Request, asked, money
from tests.making.factories import ORIGIN, PayingCustomer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pooled_connections")]

ONE_HELD = (9_947_320, 52_680)
TWO_HELD = (9_894_640, 105_360)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop of a web process."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def acme(pooled_connections: None, channel: object) -> PayingCustomer:
    """A customer whose key was already used."""
    acme = await pools.database(PayingCustomer, "acme", rules=KeyRules(requests_per_minute=6))
    await Request.of(acme, prompt="a wolf").submitted()
    return acme


@pytest.fixture
def lent(monkeypatch: pytest.MonkeyPatch) -> list[LoopConnections]:
    """Grows by one with each statement that runs on the loop."""
    lend, lent = LoopConnections.lend, []

    async def noted(connections: LoopConnections) -> Any:
        lent.append(connections)
        return await lend(connections)

    monkeypatch.setattr(LoopConnections, "lend", noted)
    return lent


def revoke(customer: PayingCustomer) -> None:
    revoke_api_key(key=customer.key, actor="test", now=clock.now())


def unrevoke(customer: PayingCustomer) -> None:
    ApiKey.objects.filter(id=customer.key.id).update(revoked_at=None)


def raise_revision() -> None:
    ConfigRevision.objects.update(revision=F("revision") + 1)


def fill_storage(customer: PayingCustomer) -> None:
    Tenant.objects.filter(id=customer.id).update(storage_full_at=clock.now())


def suspend(customer: PayingCustomer) -> None:
    set_tenant_status(tenant=customer.tenant, status=Tenant.Status.SUSPENDED, actor="test")


def give(customer: PayingCustomer, **rules: Any) -> None:
    change_api_key(key=customer.key, name="acme", rules=KeyRules(**rules), actor="test")


def take_model(customer: PayingCustomer) -> None:
    give(customer, models=["dall-e-3"])


def take_scope(customer: PayingCustomer) -> None:
    give(customer, scopes=["billing:read"])


def take_address(customer: PayingCustomer) -> None:
    give(customer, ip_ranges=["198.51.100.0/24"])


def reach_ceiling(customer: PayingCustomer) -> None:
    tenants = Tenant.objects.filter(id=customer.id)
    tenants.update(uncharged_until=clock.now() + timedelta(hours=1))


def take_channel(_: PayingCustomer) -> None:
    set_enabled(channel=Channel.objects.get(), is_enabled=False, actor="test", may_stop=True)


def stop_all(_: PayingCustomer) -> None:
    stop(what=Stoppable(), reason="a fire", now=clock.now(), actor="test")


def edit_of(customer: PayingCustomer, image: bytes) -> Request:
    fields = {"model": ORIGIN, "prompt": "a fox", "image": [data_uri(image)]}
    body = Body(json.dumps(fields).encode())
    return Request(replace(Request.of(customer).arrival, parse=requests.edit, body=body))


async def test_a_remembered_caller_is_admitted_by_one_statement(acme, lent):
    admitted = await Request.of(acme).submitted()

    assert admitted.is_new
    assert len(lent) == 1
    assert await money(acme) == TWO_HELD


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (revoke, Unauthenticated),
        (suspend, Forbidden),
        (fill_storage, InsufficientQuota),
        (take_model, ModelForbidden),
        (take_scope, Forbidden),
        (take_address, Forbidden),
        (take_channel, NoChannelAvailable),
        (reach_ceiling, InsufficientQuota),
        (stop_all, Paused),
    ],
)
async def test_a_withdrawn_right_takes_effect_at_once(acme, change, refusal):
    await pools.database(change, acme)

    with pytest.raises(refusal):
        await Request.of(acme).submitted()

    assert await money(acme) == ONE_HELD


async def test_room_that_was_made_is_felt_at_once(acme):
    await pools.database(fill_storage, acme)
    with pytest.raises(InsufficientQuota, match="counted every hour"):
        await Request.of(acme).submitted()
    await pools.database(Tenant.objects.update, storage_full_at=None)

    admitted = await Request.of(acme).submitted()

    assert admitted.is_new


async def test_a_key_that_is_revoked_while_they_are_admitted_holds_nothing(acme, monkeypatch):
    new_generation = service.new_generation

    def meanwhile(*args: Any, **kwargs: Any) -> Generation:
        asked(
            "UPDATE accounts_apikey SET revoked_at = now() WHERE id = %s RETURNING 1", acme.key.id
        )
        return new_generation(*args, **kwargs)

    # this check runs just before the hold
    monkeypatch.setattr(service, "new_generation", meanwhile)
    with pytest.raises(Unauthenticated, match="revoked"):
        await Request.of(acme).submitted()

    assert await money(acme) == ONE_HELD


async def test_a_key_that_was_revoked_hears_of_that_before_anything_else(acme):
    await pools.database(revoke, acme)

    with pytest.raises(Unauthenticated, match="revoked"):
        await Request.of(acme, n="a few").submitted()


async def test_a_revoked_key_spends_none_of_its_tenants_rates(acme):
    await pools.database(revoke, acme)

    requests = [Request.of(acme) for _ in range(3)]
    for request in requests:
        with pytest.raises(Unauthenticated) as refused:
            await request.submitted()
        assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    await pools.database(unrevoke, acme)
    admitted = await Request.of(acme).submitted()

    # Two were admitted; the hold of the first one after the revocation found it out.
    assert admitted.headers["x-ratelimit-remaining-requests"] == "3"


async def test_a_scope_that_was_taken_is_refused_with_the_rates_it_was_counted_by(acme):
    await pools.database(take_scope, acme)

    with pytest.raises(Forbidden, match="lacks the scope") as refused:
        await Request.of(acme).submitted()

    assert refused.value.headers["x-ratelimit-remaining-requests"] == "4"


async def test_a_suspended_caller_is_told_no_rates(acme):
    await pools.database(suspend, acme)

    with pytest.raises(Forbidden, match="suspended") as refused:
        await Request.of(acme).submitted()

    assert refused.value.headers == {}


async def test_a_request_after_a_change_counts_once(acme):
    await pools.database(give, acme, default_response_format="url", requests_per_minute=6)

    admitted = await Request.of(acme).submitted()

    assert admitted.headers["x-ratelimit-remaining-requests"] == "4"


async def test_a_lower_limit_counts_for_the_request_that_finds_it(acme):
    await pools.database(give, acme, requests_per_minute=7)

    admitted = await Request.of(acme).submitted()

    assert admitted.headers["x-ratelimit-limit-requests"] == "7"


async def test_after_another_heard_of_a_change_nobody_is_taken_for_who_they_were(acme, lent):
    await pools.database(raise_revision)
    await Request.of(await pools.database(PayingCustomer, "other")).submitted()
    lent.clear()

    await Request.of(acme).submitted()

    assert len(lent) == 2  # the look-up, and the hold


async def test_a_keys_withdrawn_model_is_refused_before_its_images_are_read(acme):
    await pools.database(take_model, acme)

    with pytest.raises(ModelForbidden):
        await edit_of(acme, b"no image").submitted()


async def test_a_refusal_that_is_out_of_date_is_not_given(acme):
    await pools.database(take_scope, acme)
    with pytest.raises(Forbidden):
        await Request.of(acme).submitted()
    await pools.database(give, acme)

    admitted = await Request.of(acme).submitted()

    assert admitted.is_new
    assert await money(acme) == TWO_HELD


async def test_a_refusal_of_what_they_ask_stays_one(acme, lent):
    with pytest.raises(InvalidRequest):
        await Request.of(acme, n="a few").submitted()

    assert len(lent) == 1  # the check that it is up to date
    assert await money(acme) == ONE_HELD


async def test_an_earlier_image_is_for_who_is_asked_about(acme):
    await Request.of(acme, key="once").submitted()
    await pools.database(revoke, acme)

    with pytest.raises(Unauthenticated):
        await Request.of(acme, key="once").submitted()


async def test_no_image_is_looked_at_for_a_key_that_was_revoked(acme):
    await pools.database(revoke, acme)

    with pytest.raises(Unauthenticated):
        await edit_of(acme, b"no image").submitted()


async def test_a_former_text_is_asked_about_each_time(acme, lent):
    await pools.database(
        rotate_api_key, key=acme.key, overlap=OVERLAPS["1h"], now=clock.now(), actor="test"
    )

    await Request.of(acme, prompt="a hare").submitted()
    lent.clear()
    await Request.of(acme, prompt="a lynx").submitted()
    assert len(lent) == 3  # the key by its present secret, by its former one, and the hold
    await pools.database(
        rotate_api_key, key=acme.key, overlap=OVERLAPS["0"], now=clock.now(), actor="test"
    )
    with pytest.raises(Unauthenticated):
        await Request.of(acme).submitted()

    assert await money(acme) == (9_841_960, 158_040)


async def test_no_key_is_remembered_by_its_text(acme):
    kept = list(known)

    assert digests_of(acme.plaintext)[0] in kept
    assert {type(one) for one in kept} == {bytes}
