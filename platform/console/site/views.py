"""Pages without a sign-in. Each only reads and renders."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.feedgenerator import Rss201rev2Feed
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from billing.selectors import book_in_force, current_table, withdrawals
from console.site import calls, guides
from console.site.api_reference import reference_of
from console.site.news import FeedEntry, News, news
from console.site.openapi import document_now
from console.site.pricing import calculate, priced_models
from console.site.status import Component, as_json, components, day_words, incidents
from generation.catalogue.snapshot import current_catalogue
from generation.models import WatchedDay
from generation.oversight import watch
from pictor.kit.endpoints.paths import read_only
from pictor.kit.words import clock

MAX_TEXT = 100
SHOWN_INCIDENTS = 20
MAX_ENTRIES = 100
STATUS_SECONDS = 30


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect to the icon; browsers request this path if a page names no icon."""
    return redirect(static("console/mark.svg"), permanent=True)


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show what Pictor does: a call, the image it made, and its price."""
    now = clock.now()
    table = current_table(None, now)
    models = priced_models(current_catalogue().on_offer(now), table)
    example = {"model": calls.MODEL, "size": calls.SIZE, "quality": calls.QUALITY, "images": "1"}
    call = calculate(models, query=example)
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
    """Show the public prices in force, and calculate the price of a number of images."""
    now = clock.now()
    catalogue, table = current_catalogue(), current_table(None, now)
    models = priced_models(catalogue.on_offer(now), table)
    context = {
        "models": models,
        "ended": catalogue.ended(now),
        "sum": calculate(models, query=request.GET.dict()),
        "book": book_in_force(None, now),
        "changes_at": table.valid_until,
        "withdrawals": withdrawals(None, now),
    }
    return render(request, "site/pricing.html", context)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """List the guides, and the sections that have the words sought."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    context = {"guides": guides.guides(), "text": text, "found": guides.sought(text)}
    return render(request, "site/docs.html", context)


@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    page = guides.guide(slug)
    html = page.at(_origin(request))
    if slug == "models":
        on_offer = current_catalogue().on_offer(clock.now())
        html = html.replace(
            guides.MODELS, render_to_string("site/models.html", {"models": on_offer})
        )
    context = {"guide": page, "html": html, "guides": guides.guides()}
    return render(request, "site/guide.html", context)


@read_only
def reference(request: HttpRequest) -> HttpResponse:
    """Show every endpoint, with the models on offer."""
    page = reference_of(document_now().plain)
    context = {"guide": page, "html": page.at(_origin(request)), "guides": guides.guides()}
    return render(request, "site/guide.html", context)


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show the present status with its news, and that of the last 90 days."""
    standing, news_now, history = _status()
    context = {
        "components": standing,
        "troubled": [component for component in standing if component.trouble],
        "news": news_now,
        "incidents": incidents(history)[:SHOWN_INCIDENTS],
        "at": news_now.at,
    }
    return render(request, "site/status.html", context)


@require_safe
@cache_control(public=True, max_age=STATUS_SECONDS)
def status_json(request: HttpRequest) -> HttpResponse:
    standing, news_now, _ = _status()
    return JsonResponse(as_json(standing, news_now))


@require_safe
@cache_control(public=True, max_age=STATUS_SECONDS)
def status_feed(request: HttpRequest) -> HttpResponse:
    """Return news, and days with failed checks, as RSS, the latest first."""
    page = _origin(request) + reverse("site:status")
    words = "Pauses, incidents, maintenance, and days on which a part of Pictor failed."
    feed = Rss201rev2Feed("Pictor status", page, words)
    now = clock.now()
    failed = (
        FeedEntry(
            f"{row.day}-{row.part}",
            f"{row.part}: {row.trouble.lower()}",
            f"{row.failed} of {row.looks} checks on {day_words(row.day)} (UTC) failed.",
            row.last_failed_at or now,
        )
        for row in incidents(watch.history(now=now))
    )
    entries = sorted((*news(now=now).entries(), *failed), key=lambda entry: entry.at, reverse=True)
    for entry in entries[:MAX_ENTRIES]:
        feed.add_item(
            entry.title,
            page,
            entry.words,
            pubdate=entry.at,
            unique_id=entry.key,
            unique_id_is_permalink=False,
        )
    return HttpResponse(feed.writeString("utf-8"), content_type=feed.content_type)


def _status() -> tuple[list[Component], News, Sequence[WatchedDay]]:
    now = clock.now()
    history, news_now = watch.history(now=now), news(now=now)
    sights = watch.sights(now=now)
    return (
        components(sights, history, today=now.date(), troubles=news_now.state_by_part),
        news_now,
        history,
    )


def _origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
