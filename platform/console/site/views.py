"""Pages that need no sign-in. Each reads and renders; none changes anything."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.feedgenerator import Rss201rev2Feed
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from billing.selectors import book_in_force, current_table, withdrawals
from console.site import calls, guides
from console.site.pricing import calculate, priced_models
from console.site.status import as_json, components, incidents, written
from generation import watch
from generation.catalogue.snapshot import current_catalogue
from pictor.kit import clock

SHOWN_INCIDENTS = 20
STATUS_SECONDS = 30


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """What browsers ask for where a page names no icon."""
    return redirect(static("console/mark.svg"), permanent=True)


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What Pictor is: a call, the image it made, and what that cost."""
    table = current_table(None, clock.now())
    models = priced_models(current_catalogue().offered, table)
    asked = {"model": calls.MODEL, "size": calls.SIZE, "quality": calls.QUALITY, "images": "1"}
    call = calculate(models, table, asked=asked)
    context = {
        "call": call,
        "made": calls.made(),
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
    models = priced_models(current_catalogue().offered, table)
    context = {
        "models": models,
        "sum": calculate(models, table, asked=request.GET.dict()),
        "book": book_in_force(None, now),
        "changes_at": table.valid_until,
        "withdrawals": withdrawals(None, now),
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
    """What works just now, and what did on the last 90 days."""
    now = clock.now()
    history = watch.history(now=now)
    found = components(watch.look(now=now), history, today=now.date())
    context = {
        "components": found,
        "troubled": [one for one in found if one.trouble],
        "incidents": incidents(history)[:SHOWN_INCIDENTS],
        "at": now,
    }
    return render(request, "site/status.html", context)


@require_safe
@cache_control(public=True, max_age=STATUS_SECONDS)
def status_json(request: HttpRequest) -> HttpResponse:
    """The same for programs."""
    now = clock.now()
    found = components(watch.look(now=now), watch.history(now=now), today=now.date())
    return JsonResponse(as_json(found, at=now))


@require_safe
@cache_control(public=True, max_age=STATUS_SECONDS)
def status_feed(request: HttpRequest) -> HttpResponse:
    """A day on which something failed is an entry of the RSS feed."""
    page = _origin(request) + reverse("site:status")
    feed = Rss201rev2Feed("Pictor status", page, "Days on which a part of Pictor failed.")
    for row in incidents(watch.history(now=clock.now())):
        feed.add_item(
            f"{row.part}: {row.trouble.lower()}",
            page,
            f"{row.failed} of {row.looks} checks on {written(row.day)} (UTC) found it so.",
            pubdate=row.last_failed_at,
            unique_id=f"{row.day}-{row.part}",
            unique_id_is_permalink=False,
        )
    return HttpResponse(feed.writeString("utf-8"), content_type=feed.content_type)


def _origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
