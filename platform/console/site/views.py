"""Pages that need no sign-in. Each reads and renders; none changes anything."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from billing.selectors import book_in_force, current_table
from console.site import calls, guides
from console.site.pricing import calculate, priced_models
from console.site.status import components
from generation import lease
from generation.catalogue.snapshot import current_catalogue
from pictor.kit import clock


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """What browsers ask for where a page names no icon."""
    return redirect(static("console/mark.svg"), permanent=True)


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What Pictor is: a call, the image it made, and what that cost."""
    table = current_table(None, clock.now())
    models = priced_models(current_catalogue().contracts.values(), table)
    asked = {"model": calls.MODEL, "size": calls.SIZE, "quality": calls.QUALITY, "images": "1"}
    call = calculate(models, table, asked)
    context = {
        "call": call,
        "answer": calls.answer(call.unit) if call and call.unit is not None else "",
        "image": calls.IMAGE,
        "prompt": calls.PROMPT,
        "snippets": calls.snippets(_origin(request)),
        "models": models,
    }
    return render(request, "site/landing.html", context)


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


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The guides there are."""
    return render(request, "site/docs.html", {"guides": guides.guides()})


@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """One guide."""
    found = guides.guide(slug)
    context = {"guide": found, "html": found.at(_origin(request)), "guides": guides.guides()}
    return render(request, "site/guide.html", context)


@require_safe
@csp_replace({"style-src": [SELF, UNSAFE_INLINE]})
def reference(request: HttpRequest) -> HttpResponse:
    """Every endpoint, drawn by Scalar, which writes styles into its elements."""
    return render(request, "site/reference.html")


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """What works just now."""
    found = components(current_catalogue(), image_workers=lease.alive())
    context = {
        "components": found,
        "troubled": [one for one in found if one.state != "ok"],
        "at": clock.now(),
    }
    return render(request, "site/status.html", context)


def _origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
