"""A workspace with a balance, keys and generations, and its signed-in members."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from accounts.models import Membership, Tenant, User
from accounts.services.office.members import add_member, invite
from accounts.services.office.people import create_user
from billing.models import CHECKOUT_LASTS, Payment
from billing.selectors.office.balances import balance_of
from console.workspace import home
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.models import Channel, Generation
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock, ids
from storage.exports import EXPORTS_KEPT
from storage.models import TenantExport
from tests.fakes.cards_in_memory import CardsInMemory
from tests.making.factories import (
    PayingCustomer,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)
from tests.making.seeds import sow
from tests.stack.databases import written_once
from webhooks.models import Delivery
from webhooks.services import EndpointValues as Hook
from webhooks.services import create_endpoint, send_test

SignIn = Callable[..., Client]
Make = Callable[..., Generation]


@dataclass(frozen=True)
class Begun:
    """The rows with which the tests of a module begin."""

    channel: Channel
    acme: PayingCustomer


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    """Rows of a module are restored after each test; what a process knows of them is not."""
    home.KNOWN.clear()


@pytest.fixture(scope="module")
def begun(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Begun]:
    """Contracts, prices and acme, written once for a module and restored for each test."""
    yield from written_once(django_db_blocker, begin)


def begin() -> Begun:
    sow()
    models = ("gpt-image-2-origin", "gpt-image-2", "dall-e-3")
    channel = make_channel("hidden-vendor", *models, cost_micros=30_000)
    return Begun(channel, PayingCustomer("acme"))


@pytest.fixture(autouse=True)
def pages(begun: Begun, db: None, plain_static_files: None) -> None:
    """A test's changes are undone; pages need no manifest of static files."""


@pytest.fixture
def channel(begun: Begun) -> Channel:
    return deepcopy(begun.channel)


@pytest.fixture
def acme(begun: Begun) -> PayingCustomer:
    """A tenant with 10 USD and a key with every permission."""
    return deepcopy(begun.acme)


@pytest.fixture
def other() -> PayingCustomer:
    return PayingCustomer("other")


def signed_in(customer: PayingCustomer, role: str = "owner", email: str = "") -> Client:
    """A browser's session of a new member."""
    email = email or f"{role}@{customer.tenant.name}.example"
    user, _ = User.objects.get_or_create(
        email=email, defaults={"terms_version": settings.TERMS_VERSION}
    )
    add_member(tenant=customer.tenant, user=user, role=Membership.Role(role), actor="test")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def sign_in() -> SignIn:
    """A browser's session of a new member: `sign_in(acme, "owner")`."""
    return signed_in


def deliverer(folder: Path) -> Make:
    """Return a function that makes generations and charges them; files would go to that folder."""
    spools = Spools(folder, SpoolBudget(1_000_000))

    def make(
        customer: PayingCustomer,
        *,
        sizes: tuple[tuple[int, int], ...] = ((1024, 1024),),
        seconds: float = 4,
        **fields: object,
    ) -> Generation:
        now = clock.now()
        wanted = {"n": len(sizes), **fields}
        begun = customer.generation(now=now - timedelta(seconds=seconds), **wanted)
        claim = take(generation_id=begun.id, worker=make_worker())
        assert claim is not None
        delivery = make_delivery(claim, spools, sizes=sizes)
        settle_and_tell(
            claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=now
        )
        begun.refresh_from_db()
        return begun

    return make


@pytest.fixture
def delivered(tmp_path: Path) -> Make:
    """Make a generation and charge it: `delivered(acme, prompt="a fox")`."""
    return deliverer(tmp_path / "spool")


@pytest.fixture
def some(acme, delivered):
    """Three delivered generations and one that waits."""
    return [
        delivered(acme, prompt="a red fox", user="order-7"),
        delivered(acme, prompt="a blue heron", model="dall-e-3", quality="hd"),
        delivered(acme, prompt="=HYPERLINK(1)", sizes=((1024, 1024), (1024, 1024))),
        acme.generation(prompt="a fox that waits"),
    ]


@pytest.fixture
def ended(tmp_path: Path) -> Make:
    """End a generation of $0.05268 at that time: `ended(acme, "2026-10-24T22:00:03Z")`."""
    spools = Spools(tmp_path / "then", SpoolBudget(1_000_000))

    def make(
        customer: PayingCustomer, when: str, *, seconds: float = 10, fails: bool = False
    ) -> Generation:
        end = datetime.fromisoformat(when)
        made = end - timedelta(seconds=seconds)
        begun = customer.generation(generation_id=ids.new_uuid_of(made), now=made)
        Generation.objects.filter(id=begun.id).update(deadline_at=clock.now() + timedelta(hours=1))
        claim = take(generation_id=begun.id, worker=make_worker())
        assert claim is not None
        if fails:
            fail(claim=claim, failure=Failure(TIMED_OUT), now=end)
        else:
            delivery = make_delivery(claim, spools)
            settle_and_tell(
                claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=end
            )
        Generation.objects.filter(id=begun.id).update(created_at=made)
        return begun

    return make


@pytest.fixture
def used(acme, other, delivered):
    """Two models, three images, 0.18536 USD; another workspace has usage as well."""
    delivered(acme, sizes=((1024, 1024), (1024, 1024)), seconds=4)
    delivered(acme, model="dall-e-3", quality="hd", seconds=9)
    delivered(other)


def person(customer: PayingCustomer, role: Membership.Role, email: str) -> User:
    """A member, with that role."""
    user = create_user(email=email, password=None, actor="test")
    add_member(tenant=customer.tenant, user=user, role=role, actor="test")
    return user


def role_of(customer: PayingCustomer, user: User) -> str | None:
    """The user's role in the workspace, if any."""
    found = Membership.objects.filter(tenant=customer.tenant, user=user).first()
    return found.role if found else None


def give_factor(client: Client, *, is_shown: bool = True) -> User:
    """Give the signed-in user an authenticator app, of which the session has shown a code."""
    user = User.objects.get(id=client.session["_auth_user_id"])
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    if is_shown:
        request = HttpRequest()
        request.session = client.session
        record_authentication(request, user, "mfa")
        request.session.save()
    return user


def require_factor(customer: PayingCustomer) -> None:
    """Require a second factor of all members, as an owner would."""
    Tenant.objects.filter(id=customer.id).update(requires_second_factor=True)


def told(customer: PayingCustomer) -> Delivery:
    """A delivery under way to an endpoint of the tenant's."""
    endpoint, _ = create_endpoint(
        tenant=customer.tenant, livemode=True, values=Hook("https://1.1.1.1/hook"), actor="test"
    )
    return send_test(endpoint=endpoint, now=clock.now())


def url(name: str, customer: PayingCustomer, *ids: object) -> str:
    """The address of a page in that customer's workspace."""
    return reverse(f"workspace:{name}", args=[customer.tenant.public_id, *ids])


def available(customer: PayingCustomer) -> int:
    """Micros available to the customer."""
    return balance_of(customer.id).available


def peopled(customer: PayingCustomer, sign_in: SignIn) -> None:
    """Give the workspace an owner, an invited person, a finished export and a payment by card."""
    sign_in(customer)
    owner = Membership.objects.get(tenant=customer.tenant)
    now = clock.now()
    role = Membership.Role.VIEWER
    invite(by=owner, email="new@example.com", role=role, now=now, tell=lambda _: None)
    times = {"asked_at": now, "due_at": now, "ready_at": now, "expires_at": now + EXPORTS_KEPT}
    TenantExport.objects.create(tenant=customer.tenant, size_bytes=1, **times)
    paid_by_card(customer)


def paid_by_card(customer: PayingCustomer, *, cents: int = 2000, **facts: Any) -> Payment:
    """A payment of these cents, by default a paid one; its money is in no ledger."""
    now = clock.now()
    known = {"state": "paid", "amount_cents": cents, "paid_at": now, "begun_at": now, **facts}
    return Payment.objects.create(
        id=ids.new_uuid(), tenant=customer.tenant, asked_cents=cents,
        credited_micros=cents * 10_000, expires_at=known["begun_at"] + CHECKOUT_LASTS, **known,
    )  # fmt: skip


@pytest.fixture
def takes_cards(settings: Any, monkeypatch: pytest.MonkeyPatch) -> CardsInMemory:
    """Pages offer payment by card, at a provider in memory."""
    settings.STRIPE_SECRET_KEY = "sk_test_1"
    there = CardsInMemory(clock.now())
    monkeypatch.setattr("billing.payments.provider.card_provider", lambda: there)
    monkeypatch.setattr("accounts.rates.buckets.PAYMENTS_AN_HOUR", 10_000)
    return there
