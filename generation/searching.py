"""A tenant's generations as people look for them: filtered, a page at a time, with their sums.

Rows are read along the tenant's index, newest first. Where few of very many are wanted, usage tells
in which hours they may be (`narrowed`); what still takes too long is looked for in one stretch of
rows at a time (`found_near`), and words among so many of the newest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Left
from psycopg.errors import QueryCanceled

from billing.selectors import ended_like, hours_like
from generation import selectors
from generation.models import FINAL, Generation, State
from generation.selectors import Finished
from pictor.kit import ids
from pictor.kit.ids import TenantId
from pictor.kit.money import Micros
from storage.selectors import generation_of_image, images_stored

SEARCHED = 20_000
"""How many of the newest rows a sum looks at, and how many `found_near`."""
WORDS_SEARCHED = 5_000
"""How many of the newest rows a search by words looks at."""
ENDED_WITHIN = timedelta(hours=6)
"""From its beginning every generation ends within minutes, unless the platform is away so long."""
AWAY = timedelta(days=2)
"""Longer than any generation waited for its end, also where the platform was away."""
PATIENCE_MS = 2000
"""For a look into many rows."""
_NEVER = datetime.fromtimestamp(0, UTC)
"""Nothing was made before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which generations; what is empty or None does not matter.

    Attributes:
        livemode: live ones, or tests, or with None both; an id finds either.
        since: made at this moment or later.
        until: made before this moment.
        ended_since: ended at this moment or later, as usage counts it; or still under way, and made
            since. None of those that took longer than ENDED_WITHIN.
        ended_until: ended before this moment, or still under way, and made before it.
        text: an id of a generation or an image, a tag as a whole, or part of a prompt.
        cost_over: micros charged, or more.
    """

    livemode: bool | None = True
    status: str = ""
    source: str = ""
    model: str = ""
    tier: str = ""
    key_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    ended_since: datetime | None = None
    ended_until: datetime | None = None
    text: str = ""
    cost_over: Micros | None = None

    @property
    def is_of_usage(self) -> bool:
        """Whether usage, which counts what ended by the hour, tells these from others."""
        unknown = (self.source, self.text, self.since, self.until, self.cost_over)
        return self.livemode is True and not any(word or word == 0 for word in unknown)

    @property
    def is_picky(self) -> bool:
        """Whether rows are looked into, beyond when they were made."""
        if self.livemode is False:
            return True
        words = (self.status, self.model, self.tier, self.text, self.since is None and self.source)
        return any(words) or self.key_id is not None or self.cost_over is not None


class TooBroad(Exception):
    """So much would have to be looked into that it takes too long: narrow it."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What the chosen generations come to: all, or those among the newest `looked_at`."""

    generations: int
    images: int
    captured: Micros
    looked_at: int
    is_all: bool


def found(
    tenant_id: TenantId | UUID,
    wanted: Wanted,
    *,
    after: UUID | None = None,
    limit: int,
    prompt_chars: int | None = None,
) -> list[Finished]:
    """A page, newest first: those older than `after`. Two queries.

    With `prompt_chars` the rows have only so much of their prompts, and nothing else of any size:
    they are to be shown, not saved. Raises TooBroad.
    """
    rows = _chosen(tenant_id, wanted)
    if after is not None:
        rows = rows.filter(id__lt=after)
    with _bounded(wanted):
        chosen = list(rows[:limit]) if prompt_chars is None else _short(rows[:limit], prompt_chars)
    return selectors.with_images(chosen)


def every(
    tenant_id: TenantId | UUID, wanted: Wanted, *, limit: int, prompt_chars: int
) -> Iterator[list[Finished]]:
    """All of them, newest first, at most so many at a time, shown as `found` has them.

    It goes from stretch to stretch of the tenant's rows, so no statement takes long, however few
    are found and however long it takes in all. A stretch without any gives an empty page.
    """
    stretch = WORDS_SEARCHED if wanted.text else SEARCHED
    rows, match = _in_time(tenant_id, wanted), _match(wanted)
    rest = rows
    while True:
        last = rest.values_list("id", flat=True)[stretch - 1 : stretch].first()
        looked_at = rest if last is None else rest.filter(id__gte=last)
        chosen = looked_at.filter(match)
        page = _short(chosen[:limit], prompt_chars)
        yield selectors.with_images(page)
        while len(page) == limit:
            page = _short(chosen.filter(id__lt=page[-1].id)[:limit], prompt_chars)
            yield selectors.with_images(page)
        if last is None:
            return
        rest = rows.filter(id__lt=last)


def found_near(
    tenant_id: TenantId | UUID,
    wanted: Wanted,
    *,
    after: UUID | None = None,
    limit: int,
    prompt_chars: int,
) -> tuple[list[Finished], UUID | None]:
    """Where `found` takes too long: a page of those among the next SEARCHED older than `after`.

    With it the last row that was looked at, to go on after; None if the page is full or there is
    no older row. Three queries; raises TooBroad, at once of words, which look at fewer.
    """
    if wanted.text:
        raise TooBroad
    rows = _in_time(tenant_id, wanted)
    if after is not None:
        rows = rows.filter(id__lt=after)
    with _bounded(wanted):
        last = list(rows.values_list("id", flat=True)[SEARCHED - 1 : SEARCHED + 1])
        edge = last[0] if len(last) > 1 else None
        near = rows.filter(_match(wanted))
        if edge is not None:
            near = near.filter(id__gte=edge)
        chosen = _short(near[:limit], prompt_chars)
    return selectors.with_images(chosen), edge if len(chosen) < limit else None


def narrowed(tenant_id: TenantId | UUID, wanted: Wanted) -> Wanted:
    """The same rows, looked for only when any were made, as usage tells: two queries or less.

    Usage has what ended, by the hour: while one of them is under way, nothing is narrowed.
    """
    said = (wanted.status, wanted.model, wanted.tier, wanted.key_id, wanted.cost_over)
    others = (wanted.text, wanted.since, wanted.until)
    if wanted.livemode is not True or any(others) or not any(said):
        return wanted
    has_ended = wanted.status in FINAL or wanted.cost_over
    if not has_ended and _under_way(tenant_id, wanted):  # asked first: what ends now is in usage
        return wanted
    hours = hours_like(
        tenant_id,
        model=wanted.model,
        tier=wanted.tier,
        status=wanted.status,
        key_id=wanted.key_id,
        captured=wanted.cost_over,
    )
    if hours is None:
        return replace(wanted, until=_NEVER)
    return replace(wanted, since=hours[0] - AWAY, until=hours[1] + timedelta(hours=1))


def _under_way(tenant_id: TenantId | UUID, wanted: Wanted) -> bool:
    """Whether any has not ended; of very many an index has these few apart."""
    states = (State.QUEUED, State.RUNNING)
    rows = selectors.generations_of(tenant_id, livemode=True)
    return rows.filter(_match(wanted), state__in=states).exists()


def newest_of_key(
    tenant_id: TenantId | UUID, key_id: UUID, *, limit: int, prompt_chars: int
) -> list[Finished]:
    """A key's newest among the tenant's SEARCHED newest, to be shown as `found` has them.

    Two queries: as it looks at no more, it needs no transaction with a limit of its time.
    """
    newest = selectors.generations_of(tenant_id).values("id")[:SEARCHED]
    rows = selectors.generations_of(tenant_id).filter(id__in=newest, api_key_id=key_id)
    return selectors.with_images(_short(rows[:limit], prompt_chars))


def _short(rows: QuerySet[Generation], prompt_chars: int) -> list[Generation]:
    """Rows with the beginnings of their prompts, and nothing else of any size."""
    shown = list(
        rows.defer("prompt", "answer", "inputs").annotate(shown_prompt=Left("prompt", prompt_chars))
    )
    for row in shown:
        row.prompt = row.shown_prompt
    return list[Generation](shown)


def sums(tenant_id: TenantId | UUID, wanted: Wanted) -> Sums:
    """What they come to. One query, or two; raises TooBroad.

    Usage knows how many images those have that ended, and all else of them too where there are
    more than are looked at; but not by words, source or cost, of which only those among the newest
    are counted.
    """
    looked_at = WORDS_SEARCHED if wanted.text else SEARCHED
    newest = _in_time(tenant_id, wanted).order_by("-id")[:looked_at]
    if not wanted.is_of_usage:
        newest = newest.annotate(stored=images_stored("id"))
    match = _match(wanted)
    with _bounded(wanted):
        row = newest.aggregate(
            looked_at=Count("id"),
            generations=Count("id", filter=match),
            captured=Sum("captured_micros", filter=match & Q(livemode=True)),
            under_way=Count("id", filter=match & ~Q(state__in=FINAL)),
            **({} if wanted.is_of_usage else {"images": Sum("stored", filter=match)}),
        )
    is_all = row["looked_at"] < looked_at
    if wanted.is_of_usage:
        ended, row["images"], captured = ended_like(
            tenant_id,
            model=wanted.model,
            tier=wanted.tier,
            status=wanted.status,
            key_id=wanted.key_id,
            start=wanted.ended_since,
            end=wanted.ended_until,
        )
        if not is_all:
            return Sums(ended + row["under_way"], row["images"], captured, looked_at, is_all=True)
    return Sums(
        generations=row["generations"],
        images=row["images"] or 0,
        captured=Micros(row["captured"] or 0),
        looked_at=looked_at,
        is_all=is_all,
    )


@contextmanager
def _bounded(wanted: Wanted) -> Iterator[None]:
    """Not for ever, where rows are looked into: raises TooBroad."""
    if not wanted.is_picky:
        yield
        return
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)]
                )
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooBroad from None
        raise


def _chosen(tenant_id: TenantId | UUID, wanted: Wanted) -> QuerySet[Generation]:
    rows = _in_time(tenant_id, wanted).filter(_match(wanted))
    if wanted.text and not _is_id(wanted.text):
        newest = _in_time(tenant_id, wanted).values("id")[:WORDS_SEARCHED]
        return rows.filter(id__in=newest)
    return rows


def _in_time(tenant_id: TenantId | UUID, wanted: Wanted) -> QuerySet[Generation]:
    """Those of the period: ids are made in the order of time, which bounds the walk."""
    livemode = None if _is_id(wanted.text) else wanted.livemode
    rows = selectors.generations_of(tenant_id, livemode=livemode)
    if wanted.since is not None:
        rows = rows.filter(id__gte=ids.first_at(wanted.since))
    if wanted.until is not None:
        rows = rows.filter(id__lt=ids.first_at(wanted.until))
    if wanted.ended_since is not None:
        rows = rows.filter(id__gte=ids.first_at(wanted.ended_since - ENDED_WITHIN))
    if wanted.ended_until is not None:
        rows = rows.filter(id__lt=ids.first_at(wanted.ended_until))
    return rows


def _match(wanted: Wanted) -> Q:
    """All that is asked of each row."""
    by_column = {
        "state": wanted.status,
        "source": wanted.source,
        "model": wanted.model,
        "tier": wanted.tier,
        "api_key_id": wanted.key_id,
        "captured_micros__gte": wanted.cost_over,
    }
    said = Q(id__isnull=False)
    for name, value in by_column.items():
        if value not in {"", None}:
            said &= Q((name, value))
    said &= _ended(wanted)
    return said & _about(wanted.text) if wanted.text else said


def _ended(wanted: Wanted) -> Q:
    """Ended in the time that is asked for, or not yet."""
    said = Q(id__isnull=False)
    if wanted.ended_since is not None:
        made_since = Q(finished_at=None, id__gte=ids.first_at(wanted.ended_since))
        said &= Q(finished_at__gte=wanted.ended_since) | made_since
    if wanted.ended_until is not None:
        said &= Q(finished_at__lt=wanted.ended_until) | Q(finished_at=None)
    return said


def _about(text: str) -> Q:
    """An id of a generation or an image, a tag as a whole, or part of a prompt."""
    generation_id = selectors.generation_id_of(text)
    if generation_id is not None:
        return Q(id=generation_id)
    image_id = ids.parse(ids.IMAGE, text)
    if image_id is not None:
        return Q(id=generation_of_image(image_id))
    return Q(prompt__icontains=text) | Q(fields__user=text)


def _is_id(text: str) -> bool:
    return selectors.generation_id_of(text) is not None or ids.parse(ids.IMAGE, text) is not None
