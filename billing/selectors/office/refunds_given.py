"""Refunds and credits for generations, and the staff who gave them."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum

from accounts.models import User
from accounts.selectors.office.audit import events_of
from billing.models import Transfer
from pictor.kit.words.money import Micros

CreditKey = tuple[UUID | None, int | None]
"""A credit: its tenant, and its number there."""
_GIVEN = (Transfer.Kind.REFUND.value, Transfer.Kind.CREDIT.value)


@dataclass(slots=True)
class ChargeSums:
    """A generation's charge, and the refunds and credits for it, in micros.

    Reversed parts of credits are subtracted.
    """

    captured: int = 0
    refunded: int = 0
    credited: int = 0

    @property
    def left(self) -> Micros:
        """The micros that can still be refunded."""
        return Micros(self.captured - self.refunded)


def charge_sums_of(
    generation_ids: Collection[UUID], *, tenants: Collection[UUID]
) -> Mapping[UUID, ChargeSums]:
    """Return the sums for each of these generations. One query; two with credits."""
    by_generation: dict[UUID | None, ChargeSums] = {
        generation_id: ChargeSums() for generation_id in generation_ids
    }
    # One condition for each kind, because each has an index of its own.
    wanted = Q(kind=Transfer.Kind.CAPTURE.value)
    for kind in _GIVEN:
        wanted |= Q(kind=kind, tenant_id__in=list(tenants))
    moved = Transfer.objects.filter(wanted, generation_id__in=list(generation_ids))
    columns = ("kind", "tenant_id", "generation_id", "amount", "seq")
    credited: dict[CreditKey, ChargeSums] = {}
    for kind, tenant_id, generation_id, amount, seq in moved.values_list(*columns):
        if tenant_id not in tenants:  # captures are looked up by generation only
            continue
        sums = by_generation[generation_id]
        match kind:
            case Transfer.Kind.CAPTURE:
                sums.captured += amount
            case Transfer.Kind.REFUND:
                sums.refunded += amount
            case _:
                sums.credited += amount
                credited[tenant_id, seq] = sums
    taken = reversed_of(credited)
    for credit, sums in credited.items():
        sums.credited -= taken[credit]
    return {generation_id: by_generation[generation_id] for generation_id in generation_ids}


def reversed_of(credits_given: Collection[CreditKey]) -> "Counter[CreditKey]":
    """Return by credit the micros that were reversed."""
    taken = Counter[CreditKey]()
    if credits_given:
        # A reversal names the tenant's number, which is sealed, and not the id (ADR 0048).
        reversals = Transfer.objects.filter(
            kind=Transfer.Kind.REVERSAL.value,
            tenant_id__in={tenant for tenant, _ in credits_given},
            reverses_seq__in={seq for _, seq in credits_given},
        )
        for tenant_id, seq, amount in reversals.values_list("tenant_id", "reverses_seq", "amount"):
            taken[tenant_id, seq] += amount
    return taken


def credited_generations() -> "QuerySet[Transfer, UUID | None]":
    """Return the generations with a credit that is not wholly reversed.

    They are few, and are found, like reversals, by the index on moves by people.
    """
    given = Transfer.objects.filter(kind=Transfer.Kind.CREDIT.value, generation_id__isnull=False)
    reversals = Transfer.objects.filter(
        kind=Transfer.Kind.REVERSAL.value,
        tenant_id=OuterRef("tenant_id"),
        reverses_seq=OuterRef("seq"),
    )
    returned = reversals.values("reverses_seq").annotate(sum=Sum("amount")).values("sum")
    # Most credits have no reversal, so no sum is asked for them.
    standing = given.filter(~Exists(reversals) | Q(amount__gt=Subquery(returned)))
    return standing.values_list("generation_id", flat=True)


def compensated_by(person: User, *, since: datetime) -> Micros:
    """Return the micros a person gave back for generations since then. Two queries."""
    events = events_of(*(f"balance.{kind}" for kind in _GIVEN)).filter(actor=person, at__gte=since)
    transfers = [int(number) for number in events.values_list("object_id", flat=True)]
    for_generations = Transfer.objects.filter(id__in=transfers, generation_id__isnull=False)
    return Micros(for_generations.aggregate(sum=Sum("amount", default=0))["sum"])
