"""Shared price lists: created, renamed, and assigned to tenants from that moment on."""

from datetime import datetime
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.selectors.office.tenants import tenant_by_id
from accounts.services import By, Subject, record
from accounts.titles import without_marks
from billing import locks
from billing.models import PriceList, PriceListAssignment
from billing.price_changes import digest_of_changes
from billing.price_stops import UNCONFIRMED, Confirmed
from billing.selectors.office.price_lists import list_of, price_list_named
from billing.selectors.office.price_stops import assignment_of
from billing.services.office.prices import confirm

NO_LIST = "none"
"""The commands' word for having no shared list."""


@transaction.atomic
def create_price_list(*, name: str, **by: Unpack[By]) -> PriceList:
    """Create a list without prices or tenants. Raises ValidationError for a name that is taken."""
    locks.decisions_on_prices()  # two at once must not both find the name free
    price_list = PriceList(name=without_marks(name))
    _check_name(price_list)
    price_list.save(force_insert=True)
    what = Subject("price_list", str(price_list.id))
    record(what, "price_list.create", after={"name": price_list.name}, **by)
    return price_list


@transaction.atomic
def rename_price_list(*, price_list: PriceList, name: str, **by: Unpack[By]) -> PriceList:
    """Rename a list. Raises ValidationError like `create_price_list`."""
    locks.decisions_on_prices()
    former = PriceList.objects.get(id=price_list.id)  # under the lock: the caller's may be old
    renamed = PriceList(id=former.id, name=without_marks(name), created_at=former.created_at)
    _check_name(renamed)
    if renamed.name != former.name:
        PriceList.objects.filter(id=former.id).update(name=renamed.name)
        what = Subject("price_list", str(former.id))
        before, after = {"name": former.name}, {"name": renamed.name}
        record(what, "price_list.rename", before=before, after=after, **by)
    return renamed


def _check_name(price_list: PriceList) -> None:
    price_list.clean_fields()
    if price_list.name.lower() == NO_LIST:
        raise ValidationError({"name": f"{NO_LIST!r} means no list"})
    if price_list_named(price_list.name) not in {None, price_list}:
        raise ValidationError({"name": f"a list named {price_list.name!r} exists already"})


@transaction.atomic
def assign_price_list(
    *,
    tenant_id: UUID,
    price_list: PriceList | None,
    now: datetime,
    confirmed: Confirmed = UNCONFIRMED,
    seen: str | None = None,
    **by: Unpack[By],
) -> PriceListAssignment | None:
    """Give a tenant that list's prices from now on, or no list; None if that is so already.

    Existing holds are charged at their own prices. Unless `confirmed`, raises ValidationError if a
    price of a model that the tenant bought lately changes by more than half, or one falls below
    cost. Raises it also if `seen` is not the `digest_of_changes`; and Tenant.DoesNotExist.
    """
    locks.decisions_on_prices()
    tenant = tenant_by_id(tenant_id)
    former = list_of(tenant_id)
    concerned = price_list or former
    if former == price_list or concerned is None:
        return None
    chosen = price_list.id if price_list else None
    of_nobody = Subject("price_list", str(concerned.id))
    changes, stops = assignment_of(
        tenant_id=tenant_id, former=former.id if former else None, price_list=chosen, now=now
    )
    if seen is not None and seen != digest_of_changes(changes):
        raise ValidationError("prices have changed since these were shown")
    confirm(of_nobody, stops, confirmed, **by)
    assignment = PriceListAssignment.objects.create(tenant=tenant, price_list=price_list)
    assignment.refresh_from_db()
    after = {
        "price_list": price_list.name if price_list else None,
        "list": str(chosen) if chosen else None,
        "assignment": assignment.id,
        "since": assignment.since.isoformat(),
    }
    before = {"price_list": former.name if former else None}
    what = Subject("tenant", str(tenant_id), tenant_id)
    record(what, "price_list.assign", before=before, after=after, **by)
    return assignment


def give_price_list(
    *, tenant_id: UUID, name: str, now: datetime, **by: Unpack[By]
) -> PriceListAssignment | None:
    """Give a new tenant, without purchases, the shared list of that name.

    Raises ValidationError for `price_list` if there is no such list, or if it puts a price below
    cost, which is confirmed separately.
    """
    price_list = price_list_named(name)
    if price_list is None:
        raise ValidationError({"price_list": f"there is no shared list {name!r}"})
    try:
        return assign_price_list(tenant_id=tenant_id, price_list=price_list, now=now, **by)
    except ValidationError as error:
        words = f"{' '.join(error.messages)} Make the tenant first, then give it the list."
        raise ValidationError({"price_list": words}) from None
