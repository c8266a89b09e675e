"""One shared price list: prices that differ from everyone's, tenants and books."""

from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.selectors.office.tenants import tenant_by_name_or_id
from billing.models import PriceList, PriceListAssignment
from billing.selectors.office.price_layers import layers_of
from billing.selectors.office.price_lists import tenants_on
from billing.services.office.price_lists import rename_price_list
from console.ops.access import POST, Operator, Permission, by, done, modes_of, rendered, staff
from console.ops.shown_prices import MAX_SHOWN_ROWS, books_of, cells_of, list_or_404
from console.parts.exports import csv_answer
from pictor.kit.words import clock

COLUMNS = ("tenant", "name", "since")


@staff(Permission.SEE)
def detail(request: HttpRequest, operator: Operator, price_list: UUID) -> HttpResponseBase:
    """Show a price list; with `tenant`, redirect to the preview of that tenant's prices by it."""
    found = list_or_404(price_list)
    tenants = tenants_on(found.id)
    if request.GET.get("format") == "csv":
        rows = [[one.tenant.public_id, one.tenant.name, one.since.isoformat()] for one in tenants]
        return csv_answer("price-list-tenants.csv", COLUMNS, [rows])
    if text := request.GET.get("tenant", "").replace("\0", "").strip():
        if (tenant := tenant_by_name_or_id(text)) is not None:
            address = reverse("ops:tenant_list", args=[tenant.public_id])
            return redirect(f"{address}?{urlencode({'list': found.id})}")
        return _page(request, operator, found, tenants, unknown=text)
    return _page(request, operator, found, tenants)


@staff(Permission.MONEY, POST)
def rename(request: HttpRequest, operator: Operator, price_list: UUID) -> HttpResponse:
    """Rename the list; its tenants' prices do not change."""
    found, name = list_or_404(price_list), request.POST.get("name", "")
    try:
        renamed = rename_price_list(price_list=found, name=name, **by(request, operator))
    except ValidationError as error:
        tenants, refusal = tenants_on(found.id), " ".join(error.messages)
        return _page(request, operator, found, tenants, name=name, refusal=refusal)
    words = f"{found.name} is now called {renamed.name}"
    return done(request, words, "price_list", str(found.pk))


def _page(
    request: HttpRequest,
    operator: Operator,
    price_list: PriceList,
    tenants: Sequence[PriceListAssignment],
    *,
    unknown: str = "",
    name: str | None = None,
    refusal: str = "",
) -> HttpResponse:
    now = clock.now()
    layers = {layer.book.tenant_id: layer for layer in layers_of(price_list.id, now)}
    layer = layers.get(price_list.id)
    cells = cells_of(
        layer.changes if layer else [],
        [tenant.tenant_id for tenant in tenants],
        now=now,
        mode=operator.mode,
    )
    context = {
        "price_list": price_list,
        "tenants": tenants[:MAX_SHOWN_ROWS],
        "tenants_number": len(tenants),
        "layer": layer,
        "cells": cells[:MAX_SHOWN_ROWS],
        "cells_number": len(cells),
        "books": books_of(price_list.id, now),
        "modes": modes_of(operator),
        "unknown": unknown,
        "name": price_list.name if name is None else name,
        "refusal": refusal[:1].upper() + refusal[1:],
    }
    return rendered(request, operator, "ops/price_list.html", context, refused=unknown or refusal)
