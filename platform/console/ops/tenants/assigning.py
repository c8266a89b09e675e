"""Assign a shared price list to a tenant, after a preview of the changes."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict

from accounts.models import Tenant
from billing.models import PriceList
from billing.price_changes import digest_of_changes
from billing.selectors.office.price_lists import list_of
from billing.selectors.office.price_stops import assignment_of
from billing.services.office.price_lists import NO_LIST, assign_price_list
from console.ops.access import FORM, Mode, Operator, Permission, by, done, or_404, rendered, staff
from console.ops.shown_prices import MAX_SHOWN_ROWS, cells_of, confirmed_in, list_or_404, words_of
from console.ops.tenants.rows import tenant_of
from pictor.kit.words import clock, ids


@staff(Permission.PUBLISH, FORM, fresh=True)
def assign(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Show how a list, or none, changes the tenant's prices; a sent form assigns it at once."""
    found = tenant_of(tenant)
    query = request.POST if request.method == "POST" else request.GET
    chosen = _chosen_list(query)
    if request.method != "POST":
        return _page(request, operator, found, chosen)
    try:
        assign_price_list(
            tenant_id=found.id,
            price_list=chosen,
            now=clock.now(),
            confirmed=confirmed_in(query),
            seen=query.get("seen", ""),
            **by(request, operator),
        )
    except (ValidationError, ValueError) as error:
        return _page(request, operator, found, chosen, words_of(error))
    words = f"{found.name} now has {chosen.name if chosen else 'no shared list'}"
    return done(request, words, "tenant_prices", found.public_id)


def _page(
    request: HttpRequest,
    operator: Operator,
    tenant: Tenant,
    chosen: PriceList | None,
    complaint: str = "",
) -> HttpResponse:
    now = clock.now()
    former = list_of(tenant.id)
    changes, stops = assignment_of(
        tenant_id=tenant.id,
        former=former.id if former else None,
        price_list=chosen.id if chosen else None,
        now=now,
    )
    cells = cells_of(changes, [tenant.id], now=now, mode=Mode.LIVE)
    sold = [cell for cell in cells if cell.images]
    context: dict[str, Any] = {
        "tenant": tenant,
        "former": former,
        "chosen": chosen,
        "is_same": former == chosen,
        "no_list": NO_LIST,
        "complaint": complaint,
        "cells": (sold or cells)[:MAX_SHOWN_ROWS],
        "is_sold": bool(sold),
        "number": len(changes),
        "stops": stops,
        "large": {change.key for step in stops.steps for change in step.large},
        "seen": digest_of_changes(changes),
        "typed": request.POST,
    }
    return rendered(request, operator, "ops/tenant_list.html", context, refused=complaint)


def _chosen_list(query: QueryDict) -> PriceList | None:
    """Return the list with that id; None for no list. Raises Http404 for an unknown id."""
    text = query.get("list", NO_LIST)
    if text == NO_LIST:
        return None
    return list_or_404(or_404(ids.parse_uuid(text)))
