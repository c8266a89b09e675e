"""Money moves: those that await approval, are decided or were booked alone; outage credits."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Abs, Coalesce

from accounts.ledger import Window
from accounts.models import User
from billing.models import MoneyMove, Transfer
from billing.selectors.office.refunds_given import reversed_of
from pictor.kit.words.money import Micros

ROWS_AT_ONCE = 500


def waiting_moves(now: datetime) -> list[MoneyMove]:
    """Return the moves that await a decision, oldest first, with their tenants."""
    waiting = MoneyMove.objects.filter(transfer_id=None, declined_at=None, expires_at__gt=now)
    return list(waiting.select_related("tenant").order_by("asked_at", "id"))


def moves_among(ids: Collection[UUID]) -> dict[UUID, MoneyMove]:
    return MoneyMove.objects.in_bulk(list(ids))


Ended = tuple[MoneyMove, datetime]
"""A decided move, and its end: when it was booked, was declined, or expired."""


def decided_moves(now: datetime, *, limit: int, after: Ended | None = None) -> list[Ended]:
    """Return moves that needed approval and are decided, latest first, with their tenants."""
    is_over = ~Q(transfer_id=None) | ~Q(declined_at=None) | Q(expires_at__lte=now)
    booked_at = Subquery(Transfer.objects.filter(id=OuterRef("transfer_id")).values("created_at"))
    ended = (
        # Only a move that waited for approval has an end.
        MoneyMove.objects.exclude(expires_at=None)
        .filter(is_over)
        .annotate(ended_at=Coalesce("declined_at", booked_at, "expires_at"))
        .select_related("tenant")
        .order_by("-ended_at", "-id")
    )
    if after is not None:
        last, ended_at = after
        ended = ended.filter(Q(ended_at__lt=ended_at) | Q(ended_at=ended_at, id__lt=last.id))
    return [(move, move.ended_at) for move in ended[:limit]]


def all_decided_moves(now: datetime) -> Iterator[list[Ended]]:
    """Yield all decided moves like `decided_moves`, some at a time."""
    after: Ended | None = None
    while page := decided_moves(now, limit=ROWS_AT_ONCE, after=after):
        yield page
        after = page[-1]


def booked_alone(
    person: User, *, tenants: Collection[UUID], since: datetime, but: Collection[UUID] = ()
) -> tuple[int, Mapping[UUID, int]]:
    """Return the micros that a person booked alone since then, and that people did, by tenant.

    Amounts count whether they give or take; payments, and moves at the shell, do not count. `but`
    are moves to leave out. Two queries.
    """
    alone = MoneyMove.objects.filter(
        expires_at=None, transfer_id__isnull=False, asked_by__isnull=False, asked_at__gt=since
    )
    alone = alone.exclude(kind=Transfer.Kind.TOP_UP.value).exclude(id__in=list(but))
    by_tenant = alone.filter(tenant_id__in=list(tenants)).values_list("tenant_id")
    own = alone.filter(asked_by=person).aggregate(sum=Sum(Abs("amount"), default=0))["sum"]
    return own, dict(by_tenant.annotate(sum=Sum(Abs("amount"))))


def credited_for(
    outage: Window, *, tenants: Collection[UUID], now: datetime, but: UUID | None = None
) -> Mapping[UUID, Micros]:
    """Return by tenant the micros, credited or awaiting approval, for any part of this outage.

    Reversed credits are not counted. `but` is a move to leave out. At most three queries.
    """
    moves = MoneyMove.objects.filter(
        tenant_id__in=list(tenants),
        covers_since__lt=outage.until,
        covers_until__gt=outage.since,
    )
    if outage.model:
        # A credit for an outage of all models covers this one too.
        moves = moves.filter(covers_model__in=("", outage.model))
    return _standing(moves, now, but)


def credited_by_itself(
    generation_id: UUID, *, tenant_id: UUID, now: datetime, but: UUID | None = None
) -> Micros:
    """Return the micros credited, or awaiting approval, for this one generation."""
    kind = Transfer.Kind.CREDIT.value
    moves = MoneyMove.objects.filter(kind=kind, tenant=tenant_id, generation_id=generation_id)
    return _standing(moves, now, but).get(tenant_id, Micros(0))


def _standing(moves: QuerySet[MoneyMove], now: datetime, but: UUID | None) -> Mapping[UUID, Micros]:
    """Sum by tenant the moves that are booked and not reversed, or still await approval."""
    stands = Q(transfer_id__isnull=False) | Q(declined_at=None, expires_at__gt=now)
    standing = [move for move in moves.filter(stands) if move.id != but]
    booked = Transfer.objects.in_bulk([move.transfer_id for move in standing if move.transfer_id])
    credit_of = {pk: (transfer.tenant_id, transfer.seq) for pk, transfer in booked.items()}
    taken = reversed_of(credit_of.values())
    left = Counter[UUID]()
    for move in standing:
        left[move.tenant_id] += move.amount - taken[credit_of.get(move.transfer_id, (None, None))]
    return {tenant: Micros(amount) for tenant, amount in left.items() if amount}
