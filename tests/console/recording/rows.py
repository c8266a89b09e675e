"""Rows for the lists of both consoles: more than a page of each, in every mode.

What `much` writes for the pages about money is there, too. A page has PAGE_ROWS rows meanwhile.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.ledger import RequestedMove
from accounts.models import Membership, Tenant, User
from accounts.selectors.office.people import user_by_email
from accounts.selectors.office.tenants import tenant_by_public_id
from accounts.services.office.members import add_member
from accounts.services.office.support import open_support
from accounts.services.office.tenants import create_tenant, set_title
from billing.models import MoneyMove, PriceList, Transfer
from billing.services import count_uncharged
from billing.services.office.moves import decline_move, move_money
from billing.services.office.price_lists import create_price_list
from billing.upstream_cost import Loss
from generation.background.refusals import insert
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail
from generation.management.history import writing
from generation.models import (
    AlertRule,
    AlertSending,
    AlertSent,
    Channel,
    ChannelEvent,
    Condition,
    Contract,
    Generation,
    Incident,
    IncidentUpdate,
    Serves,
    VendorBill,
)
from generation.oversight import incidents
from generation.oversight.alerts.rules import RuleValues, save_rule
from generation.oversight.bills import intake
from generation.oversight.incidents import IncidentWords, State
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import ids
from pictor.kit.words.money import Micros
from storage.models import TenantExport
from tests.console.recording.frozen import NOW
from tests.console.workspace.conftest import deliverer, told
from tests.making.bills import csv_file, row
from tests.making.factories import ORIGIN, PayingCustomer, make_channel, make_worker, take
from tests.making.full_data import much

PAGE_ROWS = 5
"""The rows on a page while a recording is made."""
MANY = PAGE_ROWS + 2
DAY = timedelta(days=1)


def rows(folder: Path) -> dict[str, object]:
    """Write them; return what addresses name, by their words."""
    named = much()
    acme, channel = customer_of(named["acme"]), Channel.objects.get(name="one")
    make_channel("sandbox", serves=Serves.TEST)
    people = [person(number, role) for number, role in enumerate(User.StaffRole.values * 2)]
    generations = generated(acme, folder)
    make_channel("demo", *Contract.objects.values_list("model", flat=True))
    demo = create_tenant(name="demo", actor="test")
    writing.write(tenant=demo, now=NOW, actor="test")
    refused(acme)
    for number in range(MANY):
        other = create_tenant(name=f"shop-{number}", actor="test", is_ours=number == 1)
        set_title(tenant=other, title=f"Shop {number}", actor=people[0])
        open_support(tenant=acme.tenant, user=people[0], reason=f"Look {number}", now=NOW)
        create_price_list(name=f"List {number}", actor="test")
        make_channel(f"spare-{number}", is_enabled=number % 2 == 0)
        make_worker()
        for loss in Loss:
            count_uncharged(
                tenant_id=acme.id, loss=loss, amount=Micros(number), now=NOW - number * DAY
            )
        incident(number)
        condition(number)
        alert(number, rule_of(number))
        intake.draft_bill(
            channel=channel,
            name=f"bill-{number}.csv",
            content=csv_file(row(f"b{number}", number, "0.03")),
            actor="test",
        )
        moved(acme, number, people)
        member = person(number, "", of="acme")
        add_member(tenant=acme.tenant, user=member, role=Membership.Role.VIEWER, actor="test")
        export(acme, number)
    events(channel)
    delivery = told(acme)
    return {
        **named,
        "demo": demo.public_id,
        "generation": generations[0],
        "endpoint": delivery.endpoint.public_id,
    }


def customer_of(public_id: object) -> PayingCustomer:
    """The customer that `much` has made, with its key."""
    tenant = tenant_by_public_id(str(public_id))
    assert tenant is not None
    acme = PayingCustomer.__new__(PayingCustomer)
    acme.tenant, acme.id = tenant, tenant.id
    acme.key = tenant.api_keys.filter(is_test=False).earliest("id")
    return acme


def person(number: int, role: str, *, of: str = "pictor") -> User:
    name = f"{role or 'member'}-{number}"
    found = user_by_email(f"{name}@{of}.example")
    return found or User.objects.create_user(f"{name}@{of}.example", name=name, staff_role=role)


def generated(acme: PayingCustomer, folder: Path) -> list[str]:
    """Delivered, failed and waiting ones of live and of test keys."""
    deliver = deliverer(folder)
    made = []
    for customer in (acme, acme.tester()):
        for number in range(MANY):
            made.append(deliver(customer, prompt=f"fox {number}", user=f"order-{number}"))
            failing = customer.generation(prompt=f"failing {number}")
            claim = take(generation_id=failing.id, worker=make_worker())
            assert claim
            fail(claim=claim, failure=Failure(TIMED_OUT), now=NOW)
        made.append(customer.generation(prompt="waiting"))
    return [one.public_id for one in made]


def refused(acme: PayingCustomer) -> None:
    keys = {key.is_test: ids.public(ids.KEY, key.pk) for key in acme.tenant.api_keys.order_by("id")}
    for is_test, key in sorted(keys.items()):
        batch = [
            Refused(
                request=ids.public(ids.REQUEST, ids.new_uuid_of(NOW - number * DAY / 10)),
                address="203.0.113.7",
                status=400 + number % 2 * 29,
                ms=number,
                tenant=acme.tenant.public_id,
                key=key,
                model="gpt-image-2",
                code="invalid_size" if number % 2 else "rate_limit_exceeded",
                param="size",
                message=f"No such size: {is_test} {number}",
            )
            for number in range(MANY)
        ]
        insert(batch, now=NOW)


def incident(number: int) -> None:
    post = IncidentWords(words=f"We look into {number}.", once=UUID(int=number + 1))
    incidents.begin(
        title=f"Slow images {number}",
        touched=["API"] if number % 2 else [incidents.parts()[-1]],
        state=State.RESOLVED if number else State.INVESTIGATING,
        post=post,
        now=NOW - number * DAY,
        actor="Ann",
    )


def condition(number: int) -> None:
    Condition.objects.create(
        object=f"channel {number}",
        kind="calls_fail",
        words=f"{number} of 12",
        since=NOW - number * DAY,
        micros=number * 1_000_000,
    )


def rule_of(number: int) -> AlertRule:
    values = RuleValues(
        name=f"Rule {number}", mails=["op@pictor.example"], page="https://pictor.example/"
    )
    rule = save_rule(values=values, now=NOW, actor="test").rule
    if number % 2:
        AlertRule.objects.filter(pk=rule.pk).update(archived_at=NOW)
    return rule


def alert(number: int, rule: AlertRule) -> None:
    sending = AlertSending.objects.create(
        rule=rule, at=NOW - number * DAY, mails=["op@pictor.example"], mail_ids=[UUID(int=number)]
    )
    AlertSent.objects.create(
        sending=sending,
        rule=rule,
        condition_id=number,
        kind="calls_fail",
        object=f"channel {number}",
        opened_at=NOW - number * DAY,
        occasion="fired",
        number=0,
        words=f"{number} of 12",
    )


def moved(acme: PayingCustomer, number: int, people: list[User]) -> None:
    """A payment, a credit that waits, and one that was declined."""
    finance = next(one for one in people if one.staff_role == User.StaffRole.FINANCE)
    usual: dict[str, Any] = {"tenant_id": acme.id, "reason": f"INV-{number}"}
    moves: list[MoneyMove] = [
        move_money(
            once=UUID(int=number + first),
            requested=RequestedMove(**usual, kind=kind, amount=Micros(amount)),
            actor=finance,
            now=NOW,
        )
        for first, kind, amount in (
            (100, "top_up", 5_000_000),
            (200, "credit", 20_000_000_000),
            (300, "credit", 30_000_000_000),
        )
    ]
    decline_move(move_id=moves[2].pk, actor=finance, now=NOW)


def export(acme: PayingCustomer, number: int) -> None:
    times = {"asked_at": NOW, "due_at": NOW, "ready_at": NOW, "expires_at": NOW + DAY}
    TenantExport.objects.create(tenant=acme.tenant, size_bytes=number, **times)


def events(channel: Channel) -> None:
    """The channel was paused and enabled, again and again."""
    for number in range(MANY):
        kind = ChannelEvent.Kind.PAUSED if number % 2 else ChannelEvent.Kind.ENABLED
        ChannelEvent.objects.create(channel=channel, kind=kind, at=NOW - number * DAY, actor="Ann")


def objects(named: Mapping[str, object]) -> dict[str, list[object]]:
    """What the addresses of pages name, by the name in the address: some of each state."""
    books = [book for name, book in named.items() if name.endswith(("past", "later", "draft"))]
    acme = Tenant.objects.get(name="acme")
    generations = Generation.objects.filter(tenant=acme, livemode=True).order_by("state", "id")
    states = {one.state: one.public_id for one in generations}
    return {
        "tenant": [acme.public_id],
        "key": [acme.api_keys.earliest("id").public_id],
        "channel": list(Channel.objects.order_by("id").values_list("id", flat=True)[:4]),
        "model": [ORIGIN, "dall-e-2"],
        "book": books,
        "price_list": list(PriceList.objects.order_by("id").values_list("id", flat=True)[:1]),
        "bill": list(VendorBill.objects.order_by("id").values_list("id", flat=True)[:2]),
        "generation": [*states.values()],
        "incident": list(Incident.objects.order_by("id").values_list("id", flat=True)[:2]),
        "update": list(IncidentUpdate.objects.order_by("id").values_list("id", flat=True)[:1]),
        "rule": list(AlertRule.objects.order_by("id").values_list("id", flat=True)[:3]),
        "transfer": list(Transfer.objects.order_by("id").values_list("id", flat=True)[:2]),
        "kind": ["top_up", "credit", "refund", "adjustment", "reversal"],
    }
