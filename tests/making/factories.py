"""Rows and values with good defaults, as plain functions: unstated values do not matter.

Customers have true books: their holds are placed by admission, and their balances are the ledger's.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from accounts.callers import Caller, caller_by_digest
from accounts.models import SCOPES, Membership, User
from accounts.quotas import Limits
from accounts.services.office.api_keys import KeyRules, issue_api_key
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant
from billing.models import UsageRollup
from billing.selectors.office.balances import balance_of
from billing.services import (
    Hold,
    HoldEnd,
    HoldLimits,
    Placing,
    Refusal,
    end_holds_part,
    place_holds_statement,
)
from billing.services.holds import UNLIMITED
from billing.upstream_cost import Costs, SentRequest
from generation.admission.service import Admitted, Submission, admit
from generation.catalogue.contracts import ContractTerms, RouteInfo, contract_from
from generation.catalogue.services import shipped
from generation.catalogue.snapshot import catalogue_at
from generation.channels.base import TokenUsage, UpstreamAnswer
from generation.channels.registry import DEFAULT_KIND, abilities_of
from generation.dispatch.storage_gate import Gate
from generation.lifecycle.attempts import FirstCall, begin_attempt_statement, begin_with_claims_part
from generation.lifecycle.claims import Claim, Queued, claims_statement
from generation.lifecycle.lease import WorkerEpoch, enlist
from generation.lifecycle.outcome import Verified, VerifiedImage
from generation.models import Channel, Generation, Route
from pictor.kit.bytes.spool import Spools
from pictor.kit.database.prepared import (
    SetStatement,
    SqlPart,
    fetch,
    fetch_one,
    fetch_set,
    joined_part,
)
from pictor.kit.words import clock
from pictor.kit.words.ids import GenerationId, TenantId, new_uuid
from pictor.kit.words.money import Micros
from storage.models import StoredImage

OPENING_BALANCE = 10_000_000
EVERYTHING = KeyRules(scopes=SCOPES)
ORIGIN = "gpt-image-2-origin"

# --- values -----------------------------------------------------------------------------------


def open_gate() -> Gate:
    """Report that images can be stored."""
    gate = Gate(lambda _most: None)
    gate.proved()
    return gate


_ROUTE = RouteInfo(
    channel_id=1,
    channel_name="one",
    kind="openai",
    base_url="https://upstream.example/v1",
    api_key="sk-upstream",
    priority=10,
    weight=1,
    timeout_seconds=240,
    queue_seconds=60,
    max_concurrency=None,
    reset_count=0,
    model=ORIGIN,
    upstream_model="gpt-image-2",
    quality_map={},
    abilities=abilities_of("openai", "gpt-image-2"),
    allows_exact_crop=False,
    allows_redispatch=True,
    retry_is_free=False,
    class_overrides={},
    costs=Costs(),
)
_UNLIMITED = Limits(*[None] * 10)


def route_info(*sizes: str, **options: Any) -> RouteInfo:
    """A route that takes these sizes natively, or every size when none is named."""
    route = replace(_ROUTE, **options)
    return replace(route, abilities=route.abilities.with_sizes(sizes or None))


def contract_of(model: str, **changes: Any) -> ContractTerms:
    """A seeded contract, with changes."""
    columns = shipped(model).columns
    return replace(contract_from({"model": model, **columns}), **changes)


def make_caller(**limits: Any) -> Caller:
    """A caller that is in no database, with its own tenant and key."""
    return Caller(
        key_id=new_uuid(),
        tenant_id=TenantId(new_uuid()),
        tenant_suspended=False,
        scopes=frozenset({"images:write"}),
        models=None,
        tenant_models=None,
        ip_ranges=(),
        expires_at=None,
        revoked_at=None,
        is_test=False,
        default_response_format="",
        limits=replace(_UNLIMITED, **limits),
        revision=0,
    )


# --- rows -------------------------------------------------------------------------------------


class PayingCustomer:
    """A tenant with a balance and a key."""

    def __init__(
        self,
        name: str = "acme",
        *,
        balance: int = OPENING_BALANCE,
        rules: KeyRules = EVERYTHING,
        is_test: bool = False,
    ) -> None:
        self.tenant = create_tenant(name=name, opening_balance=Micros(balance), actor="test")
        self.key, self.plaintext = issue_api_key(
            tenant=self.tenant, name=name, actor="test", rules=rules, is_test=is_test
        )
        self.id: UUID = self.tenant.id

    def tester(self) -> "PayingCustomer":
        """The same tenant with a new test key."""
        tester = copy(self)
        tester.key, tester.plaintext = issue_api_key(
            tenant=self.tenant, name="tests", actor="test", rules=EVERYTHING, is_test=True
        )
        return tester

    def caller(self) -> Caller:
        """The caller, as the next request reads it."""
        caller = caller_by_digest(bytes(self.key.digest))
        assert caller is not None
        return caller

    def submit(
        self,
        *,
        idempotency_key: str | None = None,
        generation_id: UUID | None = None,
        now: datetime | None = None,
        **fields: Any,
    ) -> Admitted:
        """Admit a request: 1024x1024 in medium on gpt-image-2-origin, unless fields differ."""
        request = {"model": ORIGIN, "prompt": "a fox", "quality": "medium", **fields}
        return admit(
            Submission(caller=self.caller(), request=request, idempotency_key=idempotency_key),
            generation_id=GenerationId(generation_id or new_uuid()),
            now=now or clock.now(),
        )

    def generation(self, **fields: Any) -> Generation:
        """A newly admitted generation."""
        return self.submit(**fields).generation

    @property
    def money(self) -> tuple[int, int]:
        """Available and held."""
        balance = balance_of(self.id)
        return balance.available, balance.held


def make_channel(name: str = "one", *models: str, **options: Any) -> Channel:
    """An enabled channel that serves these models (gpt-image-2-origin when none is named)."""
    cost_micros = options.pop("cost_micros", None)
    channel = Channel.objects.create(
        name=name,
        base_url="https://upstream.example/v1",
        **{"kind": DEFAULT_KIND, "priority": 10, "is_enabled": True, **options},
    )
    for model in models or (ORIGIN,):
        Route.objects.create(
            channel=channel, contract_id=model, upstream_model=model, cost_micros=cost_micros
        )
    return channel


def make_owner(
    customer: PayingCustomer, email: str, *, used: str, at: datetime, images: int = 0
) -> None:
    """An owner of the tenant, new or known by email; the tenant used the model in that hour."""
    person = User.objects.filter(email=email).first() or User.objects.create_user(
        email, "x", email_verified_at=at
    )
    add_member(tenant=customer.tenant, user=person, role=Membership.Role.OWNER, actor="test")
    make_usage(customer, used, at=at, images=images)


def make_usage(customer: PayingCustomer, model: str, *, at: datetime, images: int = 0) -> None:
    """A generation of the model that ended in that hour, with this many images."""
    UsageRollup.objects.create(
        tenant=customer.tenant,
        key_id=customer.key.id,
        model=model,
        tier="",
        channel="",
        status="succeeded" if images else "failed",
        hour=at,
        generations=1,
        images=images,
        captured_micros=0,
    )


def make_worker() -> WorkerEpoch:
    """A worker whose lease was just renewed."""
    return enlist()


def place_holds(placings: Sequence[Placing]) -> list[Refusal | None]:
    """Place holds within the test's transaction; return what refuses each."""
    condition = SqlPart("SELECT generate_series(0, %s) AS n", [len(placings)])
    writes = SqlPart("SELECT", ())
    return fetch_set(place_holds_statement(placings, condition=condition, writes=writes))


def end_holds(endings: Sequence[HoldEnd]) -> set[UUID]:
    """End holds together; return the generations whose hold has ended."""
    ids = [ending.hold.generation_id for ending in endings]
    final = SqlPart("SELECT unnest(%s::uuid[]) AS id", [ids])
    ended = end_holds_part(endings, from_part="final")
    found = fetch_set(SetStatement(*joined_part(final=final, answer=ended), list))
    return {generation_id for (generation_id,) in found}


def place_hold(
    *,
    limits: HoldLimits = UNLIMITED,
    evidence: bytes | None = None,
    now: datetime,
    **facts: Any,
) -> None:
    """Place a hold within the test's transaction. Raises what refuses it."""
    (refusal,) = place_holds([Placing(Hold(placed_at=now, **facts), limits, evidence)])
    if refusal is not None:
        raise refusal


def take(
    *, generation_id: UUID, worker: WorkerEpoch, first: FirstCall | None = None
) -> Claim | None:
    """Claim it within the test's transaction, as an image worker does on its loop."""
    begin_part = begin_with_claims_part({generation_id: first} if first else {})
    claiming = claims_statement([(generation_id, worker)], begin_part=begin_part)
    row = fetch_one(claiming.text, claiming.values)
    (claim,) = claiming.read([row] if row else [])
    return claim


def queued_as(generation: Generation) -> Queued:
    """The generation as a worker finds it in the queue."""
    return Queued(generation.id, generation.tenant_id, generation.livemode)


def begun(claim: Claim, channel: Channel, number: int = 1) -> UUID | None:
    """An attempt on the channel under this claim; None if the claim is lost."""
    attempt_id = new_uuid()
    attempt = begin_attempt_statement(
        attempt_id=attempt_id,
        claim=claim,
        number=number,
        route=route_info(channel_id=channel.id),
        upstream_size="1024x1024",
    )
    return None if fetch(attempt) is None else attempt_id


def asked(**changes: Any) -> SentRequest:
    """A request for one 1024x1024 image of a vendor's model, without a quality, made now."""
    asked = SentRequest(model="gpt-image-2", size="1024x1024", quality="", n=1, at=clock.now())
    return replace(asked, **changes)


def make_delivery(
    claim: Claim,
    spools: Spools,
    *,
    sizes: Sequence[tuple[int, int]] = ((1024, 1024),),
    quality: str | None = None,
    usage: TokenUsage | None = None,
    number: int = 1,
    attempt_id: UUID | None = None,
) -> Verified:
    """Images of these sizes from the model's first channel, for that attempt or a new one."""
    made = claim.generation
    route = catalogue_at(claim.revision).routes_for(made.model, livemode=made.livemode)[0]
    if attempt_id is None:
        attempt_id = new_uuid()
        fetch(
            begin_attempt_statement(
                attempt_id=attempt_id,
                claim=claim,
                number=number,
                route=route,
                upstream_size=claim.generation.size,
            )
        )
    images = [
        VerifiedImage(spools.new(max_bytes=1000), "png", width, height, None)
        for width, height in sizes
    ]
    return Verified(
        attempt_id=attempt_id,
        route=route,
        plan="native",
        upstream_size=claim.generation.size,
        ignored=(),
        answer=UpstreamAnswer(images=(), quality=quality, usage=usage, request_id="up-1"),
        images=tuple(images),
        sent=asked(model=route.upstream_model, size=made.size, quality=made.quality_sent, n=made.n),
    )


def stored_images(claim: Claim, delivery: Verified) -> list[StoredImage]:
    """Unsaved rows for the stored images of the delivery."""
    generation = claim.generation
    return [
        StoredImage(
            tenant_id=generation.tenant_id,
            generation_id=generation.id,
            index=index,
            object_key=f"2026-11-20/{generation.id}/{claim.dispatch}-{index}.png",
            content_type="image/png",
            format=image.format,
            size_bytes=50_000,
            sha256="0" * 64,
            width=image.width,
            height=image.height,
            expires_at=at("2027-01-01T00:00:00Z"),
        )
        for index, image in enumerate(delivery.images)
    ]


def at(text: str) -> datetime:
    """'2026-11-20T12:00:00Z' as a time."""
    found = parse_datetime(text)
    assert found is not None
    return found
