"""Pages that need no sign-in. Each reads and renders; none changes anything."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.selectors import book_in_force, current_table
from console.site.pricing import calculate, priced_models
from generation.catalogue.snapshot import current_catalogue
from pictor.kit import clock


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """Everyone's prices in force, and what a month of images would cost."""
    now = clock.now()
    table = current_table(None, now)
    models = priced_models(current_catalogue().contracts.values(), table)
    context = {
        "models": models,
        "sum": calculate(models, table, request.GET.dict()),
        "book": book_in_force(None, now),
        "changes_at": table.valid_until,
    }
    return render(request, "site/pricing.html", context)
