"""What this app keeps of tenants: `accounts.holdings.Holdings`, plugged in by `apps.py`."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.models import SoldDay, Transfer, UsageRollup
from pictor.kit.pages import in_pages

_NOT_THEIRS = frozenset({"channel", "times"})
"""Columns that say how the work was done, or again what `latency` says."""


def tables(tenant_id: UUID) -> Iterator[tuple[str, Iterator[Mapping[str, Any]]]]:
    """Every transfer on the tenant's accounts, usage by the hour, and what was sold by the day.

    What that cost is the operator's.
    """
    transfers = Transfer.objects.filter(tenant_id=tenant_id).values(
        "id", "seq", "kind", "amount", "available_after", "held_after", "generation_id", "reason",
        "reverses_seq", "created_at",
    )  # fmt: skip
    yield "transfers", in_pages(transfers, by="seq")
    columns = [
        field.attname
        for field in UsageRollup._meta.concrete_fields  # noqa: SLF001 - Django's way to columns
        if field.attname not in _NOT_THEIRS
    ]
    yield "usage", in_pages(UsageRollup.objects.filter(tenant_id=tenant_id).values(*columns))
    sold = SoldDay.objects.filter(tenant_id=tenant_id).values(
        "id", "day", "model", "asked", "delivered", "quality", "images", "captured_micros",
        "refunded_micros", "credited_micros",
    )  # fmt: skip
    yield "sold", in_pages(sold)


def files(tenant_id: UUID) -> tuple[()]:
    """There are none."""
    del tenant_id
    return ()


def erase(*, tenant_id: UUID, now: datetime) -> None:
    """Nothing: the ledger is append-only and true, and names a tenant by its id alone."""
    del tenant_id, now
