"""Generations: the list, and for each call its result, time and price."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import reverse

from accounts import rates
from accounts.models import ApiKey
from billing.selectors.office.balances import transfers_of
from console.parts import exports
from console.parts.call_bodies import answer_body, as_json, request_body
from console.parts.cells import Fact, fact
from console.parts.exports import Rows
from console.parts.filters import PAGE_ROWS, link_of
from console.parts.generation_facts import books_cells, money_facts, origin_facts, request_facts
from console.parts.generation_words import TimelineStep, steps_of
from console.parts.page_query import word_of
from console.parts.pictures import checked_pictures, released_of
from console.parts.rows import SHOWN_CHARS, row_of
from console.parts.thumbnails import small_picture
from console.site import calls
from console.workspace.access import POST, Permission, Workspace, done, keys_of, member, rendered
from console.workspace.shared.content import findable, one_of, without_content
from console.workspace.shared.deliveries import badge_of
from console.workspace.shared.filters import TESTS, Filters, chips_of, filters_of, selects_of
from console.workspace.shared.generation_card import run_of
from console.workspace.shared.long_lists import file_of
from console.workspace.shared.snippets import curl
from generation import selectors
from generation.admission.fields import MAX_PROMPT_CHARS
from generation.models import Generation
from generation.selectors import Finished
from generation.tenants import services
from generation.tenants.searching import (
    SEARCHED,
    Sums,
    TooBroad,
    every,
    narrow,
    page_of,
    sums,
    sums_of_all,
)
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import PictorError
from pictor.kit.words.money import to_decimal
from webhooks.models import Delivery
from webhooks.selectors import deliveries_about

COUNTED_SECONDS = 15.0
"""The time limit for exact sums over filters that the usage rollups lack; made on request."""
ROWS_AT_ONCE = 200
"""The number of rows that a CSV reads at once."""
TOO_BROAD = "The search takes too long: narrow it by a period, a model or a key."
COLUMNS = (
    "id", "created", "finished", "status", "model", "size_asked", "tier", "quality", "n", "images",
    "charged", "currency", "key", "user", "prompt", "mode", "error",
    "delivered_sizes", "content_credentials",
)  # fmt: skip


@member(Permission.SEE_GENERATIONS)
def listing(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show a filtered page of generations; also as CSV, or as pictures."""
    view, live, count = (
        word_of(request.GET, name, [word])
        for name, word in (("view", "gallery"), ("live", "1"), ("count", "all"))
    )
    if request.GET.get("format") == "csv":
        return _csv(request, workspace)
    keys = {key.public_id: key for key in keys_of(workspace)}
    query = findable(workspace, request.GET)
    filters = filters_of(query, keys, clock.now(), workspace.tenant.zone)
    after = ids.parse(ids.GENERATION, request.GET.get("after", ""))
    page = page_of(
        workspace.id, filters.wanted, after=after, limit=PAGE_ROWS, prompt_chars=SHOWN_CHARS
    )
    live = "" if after else live
    more = ids.public(ids.GENERATION, page.last) if page.last else ""
    summed = _full_sums(workspace, filters, page.sums) if count and not live else page.sums
    by_id = {key.id: key for key in keys.values()}
    context = {
        "workspace": workspace,
        "rows": [row_of(without_content(workspace, finished), by_id) for finished in page.rows],
        "more": more,
        "looked_at": SEARCHED if page.is_cut else 0,
        "is_later": after is not None,
        "filters": filters,
        "is_filtered": bool(filters.query.keys() - {"q"} or query.get("over")),
        "links": _links(filters, view=view, live=live, after=more),
        "sums": summed,
        "is_counted": count and not live,
        "too_broad": TOO_BROAD if summed is None else "",
        "is_gallery": bool(view),
        "is_live": bool(live),
        "chips": chips_of(filters, keys, view=view, live=live),
        "selects": list(selects_of(workspace, filters, keys)),
        "has_tests": any(key.is_test for key in keys.values()),
        "first_call": calls.snippets(f"{request.scheme}://{request.get_host()}")[0],
    }
    return rendered(request, workspace, "workspace/generations.html", context)


def _full_sums(workspace: Workspace, filters: Filters, known: Sums | None) -> Sums | None:
    """The sums over all matches, counted within a time limit if they are not known."""
    if known is None or known.is_all:
        return known
    return sums_of_all(workspace.id, filters.wanted, seconds=COUNTED_SECONDS)


def _links(filters: Filters, *, view: str, live: str, after: str) -> dict[str, str]:
    def to(**query: str) -> str:
        return link_of(filters.query, **query)

    return {
        "list": to(live=live),
        "gallery": to(view="gallery", live=live),
        "live": to(view=view, live="" if live else "1"),
        "newest": to(view=view),
        "count": to(view=view, count="all"),
        "older": to(view=view, after=after),
        "csv": to(format="csv"),
    }


@member(Permission.SEE_GENERATIONS)
def detail(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponse:
    """Show one generation: its images, its request and delivery, each step and transfer."""
    return _detail(request, workspace, one_of(workspace, generation))


@member(Permission.GENERATE, POST)
def cancel(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponse:
    """Cancel a generation that was not sent to a channel, and release its hold.

    A page that updates in parts gets only the run's card.
    """
    finished, refusal = one_of(workspace, generation), None
    try:
        services.cancel(workspace.id, generation, now=clock.now())
    except PictorError as error:
        refusal = error
    if request.headers.get("HX-Request"):
        return _card(request, workspace, generation, refusal=refusal)
    if refusal is not None:
        return _detail(request, workspace, finished, refusal=refusal)
    return done(request, workspace, "Generation canceled", "generation", generation)


@member(Permission.GENERATE, POST)
def delete(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponse:
    """Delete a generation's images, prompt and tags; its bill stays."""
    finished = one_of(workspace, generation)
    try:
        services.delete(workspace.id, generation, now=clock.now())
    except PictorError as error:
        return _detail(request, workspace, finished, refusal=error)
    return done(request, workspace, "Images deleted", "generation", generation)


def _card(
    request: HttpRequest, workspace: Workspace, public_id: str, *, refusal: PictorError | None
) -> HttpResponse:
    """The card of a run as it is now, with the reason if it could not be changed."""
    run = run_of(one_of(workspace, public_id), refusal)
    context = {"workspace": workspace, "run": run}
    status = refusal.status if refusal is not None else 200
    return render(request, "workspace/run_alone.html", context, status=status)


def _detail(
    request: HttpRequest,
    workspace: Workspace,
    finished: Finished,
    *,
    refusal: PictorError | None = None,
) -> HttpResponse:
    generation = finished.generation
    tenant, may = workspace.tenant, workspace.may
    key = next((key for key in keys_of(workspace) if key.id == generation.api_key_id), None)
    ledger = reverse("workspace:ledger", args=[tenant.public_id])
    context = {
        "workspace": workspace,
        "made": generation,
        "row": row_of(finished, {key.id: key} if key else {}),
        "pictures": checked_pictures(finished.images, tenant.image_retention_days),
        "has_files": not workspace.support,
        "released": released_of(generation),
        "facts": _facts(workspace, generation, key),
        "ledger": ledger if Permission.SEE_MONEY in may else "",
        "steps": _steps(generation),
        **(_sent_request(request, finished) if workspace.sees_content else {}),
        "deliveries": _deliveries(workspace, generation),
        "refusal": refusal,
        "polls": not generation.is_final,
    }
    status = refusal.status if refusal is not None else 200
    return render(request, "workspace/generation.html", context, status=status)


def _facts(workspace: Workspace, made: Generation, key: ApiKey | None) -> list[Fact]:
    name, may = workspace.tenant.public_id, workspace.may
    key_page = reverse("workspace:key", args=[name, key.public_id]) if key else ""
    prices = f"{reverse('workspace:prices', args=[name])}?of={made.public_id}#{made.model}"
    books = books_cells(made, lambda _book: prices if Permission.SEE_MONEY in may else "")
    return [
        *(
            [fact("Key", key.name or "Unnamed", key_page if Permission.SEE_KEYS in may else "")]
            if key
            else []
        ),
        *request_facts(made),
        *money_facts(made),
        *([fact("User tag", made.tag)] if made.tag else []),
        *origin_facts(made, books if made.livemode else ()),
    ]


def _sent_request(request: HttpRequest, finished: Finished) -> dict[str, str]:
    """The request and its answer word for word, and the call that sends it again."""
    body = request_body(finished.generation)
    return {
        "asked": as_json(body),
        "answered": as_json(answer_body(finished)),
        "call": curl(f"{request.scheme}://{request.get_host()}", body),
    }


def _steps(generation: Generation) -> list[TimelineStep]:
    attempts = selectors.attempts_of(generation.id)
    attempt_ids = [attempt.id for attempt in attempts]
    moved = transfers_of(generation.id, tenant_id=generation.tenant_id, attempt_ids=attempt_ids)
    return steps_of(generation, attempts, moved)


def _deliveries(
    workspace: Workspace, generation: Generation
) -> list[tuple[Delivery, tuple[str, str]]]:
    """Webhook deliveries about the generation's end, each with its badge."""
    if generation.finished_at is None or Permission.WEBHOOKS not in workspace.may:
        return []
    deliveries = deliveries_about(workspace.tenant.id, generation.id, at=generation.finished_at)
    return [(delivery, badge_of(delivery)) for delivery in deliveries]


def _csv(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Return the filtered list as CSV, or redirect to its export if it is long."""
    tenant, query, now = workspace.tenant, exports.query_of(request), clock.now()
    try:
        keys = {key.public_id: key for key in keys_of(workspace)}
        number = sums(tenant.id, filters_of(query, keys, now, tenant.zone).wanted).generations
    except TooBroad:
        number = 0  # its last line says so
    pages = pages_of(workspace, query, now)
    return file_of(request, tenant.public_id, "generations", COLUMNS, pages, number=number)


def pages_of(workspace: Workspace, query: QueryDict, at: datetime) -> Iterator[Rows]:
    """Yield the list's rows, filtered at that time, newest first, read a page at a time.

    It yields all of them: a search by words looks further back than the page does.
    """
    keys = {key.public_id: key for key in keys_of(workspace)}
    filters = filters_of(query, keys, at, workspace.tenant.zone)
    wanted = narrow(workspace.tenant.id, filters.wanted)
    by_id = {key.id: key for key in keys.values()}
    for page in every(
        workspace.tenant.id, wanted, limit=ROWS_AT_ONCE, prompt_chars=MAX_PROMPT_CHARS
    ):
        yield [_cells(finished, by_id) for finished in page]


def _cells(finished: Finished, keys: Mapping[UUID, ApiKey]) -> Sequence[Any]:
    generation = finished.generation
    key = keys.get(generation.api_key_id)
    return [
        generation.public_id, generation.created_at, generation.finished_at, generation.state,
        generation.model, generation.size_requested, generation.tier,
        generation.quality_billed or generation.quality_requested,
        generation.n, len(finished.sizes), to_decimal(generation.charged_micros), "USD",
        key.public_id if key else "", generation.tag, generation.prompt,
        "live" if generation.livemode else TESTS, (generation.error or {}).get("code", ""),
        " ".join(finished.sizes), " ".join(finished.origins),
    ]  # fmt: skip


@member(Permission.SEE_GENERATIONS, take=rates.take_picture)
def thumbnail(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponse:
    """Return the thumbnail of the first image; with `size=icon` the smallest."""
    finished = one_of(workspace, generation)
    return small_picture(finished, request.GET.get("size", ""), viewer=workspace.user.id)
