"""For each list where it stands, who reads it, and what it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from billing.services import count_uncharged
from billing.upstream_cost import Loss
from generation.background.refusals import insert
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.console.ops.ladder.world import ROLES, World, paused
from tests.making.bills import csv_file, matched, row
from tests.making.factories import make_worker
from tests.making.payment_rows import make_payment

NO_TENANT = "No tenant has the name or id “nobody”."


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A list as one reads it.

    Attributes:
        rows: adds some, so that there are two at least.
        columns: the number of those in its CSV.
        wrong: a filter's value that it does not understand, and the sentence about it.
        is_paged: False if its page has all rows.
        queries: the most that its page takes.
    """

    path: str
    columns: int
    empty: str
    roles: tuple[str, ...] = ROLES
    rows: Callable[[World], object] = lambda _world: None
    wrong: Mapping[str, str] = field(default_factory=dict)
    sentence: str = ""
    is_paged: bool = True
    queries: int = 12


def bills(world: World) -> None:
    for name in "def":
        matched(world.channel, csv_file(row(name, 0, "0.03")))


def payments(world: World) -> None:
    for _ in range(3):
        make_payment(world.acme.id)


def refused(world: World) -> None:
    whose = {"tenant": world.acme.tenant.public_id, "key": world.key.public_id}
    for status in (400, 401, 429):
        made = Refused(
            request=ids.public(ids.REQUEST, ids.new_uuid()), address="203.0.113.9", ms=4,
            status=status, **whose,
        )  # fmt: skip
        insert([made], now=clock.now())


def uncharged(world: World) -> None:
    for days in range(3):
        count_uncharged(
            tenant_id=world.acme.id, loss=Loss.UNKNOWN, amount=Micros(days),
            now=clock.now() - timedelta(days=days),
        )  # fmt: skip


def workers(world: World) -> None:
    for _ in range(3):
        make_worker()


SAMPLES = {
    "audit": Listed(
        path="/ops/audit/", columns=11, empty="No events match",
        wrong={"tenant": "nobody"}, sentence=NO_TENANT,
    ),
    "bills": Listed(
        path="/ops/reconciliation/", columns=15, empty="No bills yet", rows=bills,
        roles=("finance", "owner"),
        wrong={"channel": "9999"}, sentence="No channel has the number “9999”.",
    ),
    "channels": Listed(
        path="/ops/channels/", columns=19, empty="No channels yet", is_paged=False, rows=paused,
        wrong={"show": "x"}, sentence="“x” is not known as “Which channels”.",
    ),
    "generations": Listed(
        path="/ops/generations/", columns=22, empty="No requests in the last 24 hours",
        wrong={"tenant": "nobody"}, sentence=NO_TENANT,
    ),
    "ledger": Listed(
        path="/ops/ledger/", columns=18, empty="Nothing has moved yet",
        wrong={"tenant": "nobody"}, sentence=NO_TENANT,
    ),
    "payments": Listed(
        path="/ops/payments/", columns=23, empty="No payments yet", rows=payments,
        wrong={"tenant": "nobody"}, sentence=NO_TENANT,
    ),
    "refused": Listed(
        path="/ops/requests/", columns=13, empty="Nothing was refused", rows=refused,
        wrong={"code": "?"}, sentence="“?” is no code of an error.",
    ),
    "uncharged-costs": Listed(
        path="/ops/margin/uncharged/", columns=6, empty="No uncharged costs", rows=uncharged,
        wrong={"reason": "x"}, sentence="“x” is not known as “Reason”.", queries=6,
    ),
    "workers": Listed(
        path="/ops/system/workers/", columns=8, empty="No image worker yet", rows=workers,
        queries=6,
    ),
}  # fmt: skip
