"""A tenant's prices: everyone's, those of a shared list over them, its own over both."""

from django.http import HttpRequest, HttpResponseBase

from billing.selectors.office.price_layers import Layer, layers_of
from billing.selectors.office.price_lists import list_history, lists_by_name
from console.ops.access import Operator, Permission, modes_of, rendered, staff
from console.ops.shown_prices import MAX_SHOWN_ROWS, books_of, cells_of, cells_of_change
from console.ops.tenants.rows import tenant_of
from console.parts.exports import csv_answer
from pictor.kit.words import clock

SHOWN_FORMER_LISTS = 10
"""Number of former lists shown."""
COLUMNS = (
    *("model", "size", "quality", "below", "own", "change_percent", "images_30_days"),
    "currency",
)


@staff(Permission.SEE)
def prices(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponseBase:
    """Show the tenant's shared list, its own prices where they differ (also CSV), its books."""
    found, now = tenant_of(tenant), clock.now()
    history = list_history(found.id)
    layers = {layer.book.tenant_id: layer for layer in layers_of(found.id, now)}
    own: Layer | None = layers.get(found.id)
    shared = history[0].price_list if history else None
    cells = cells_of(
        own.changes if own else [],
        [found.id],
        now=now,
        mode=operator.mode,
    )
    if request.GET.get("format") == "csv":
        rows = [[*cells_of_change(one.change, one.images), "USD"] for one in cells]
        return csv_answer("own-prices.csv", COLUMNS, [rows])
    context = {
        "tenant": found,
        "shared": shared,
        "shared_layer": layers.get(shared.id) if shared else None,
        "since": history[0].since if history else None,
        "former": history[1 : SHOWN_FORMER_LISTS + 1],
        "lists": lists_by_name(),
        "own": own,
        "cells": cells[:MAX_SHOWN_ROWS],
        "cells_number": len(cells),
        "books": books_of(found.id, now),
        "modes": modes_of(operator),
    }
    return rendered(request, operator, "ops/tenant_prices.html", context)
